"""What a till sends and what it gets back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from pos_core.schemas import (
    Answer,
    BasisPoints,
    Command,
    Day,
    Edit,
    Id,
    Instant,
    LongText,
    Minor,
    Name,
    PageParams,
    Params,
    Quantity,
    Reasoned,
    ShortText,
)  # fmt: skip

HARD_LIMIT_LINES = 2000
Sku = Annotated[str, StringConstraints(min_length=1, max_length=50)]
TenderCode = Annotated[str, StringConstraints(min_length=1, max_length=50)]
PricePer = Annotated[int, Field(ge=1, le=1_000_000, description="How many units the price is for.")]


class DiscountIn(Command):
    """A percentage (basis points) of the amount, or an amount in minor units."""

    kind: Literal["percent", "amount"]
    value: BasisPoints | None = None
    amount_minor: Minor | None = None
    reason: ShortText | None = None

    @model_validator(mode="after")
    def _one_figure(self) -> DiscountIn:
        if self.kind == "percent" and (self.value is None or self.amount_minor is not None):
            raise ValueError("a percent discount has `value` in basis points and no amount_minor")
        if self.kind == "amount" and (self.amount_minor is None or self.value is not None):
            raise ValueError("an amount discount has `amount_minor` and no value")
        return self


class LineIn(Command):
    """A product by id, SKU or barcode, or an open line with a name and a price of its own."""

    product_id: Id | None = None
    sku: Sku | None = None
    barcode: Sku | None = None
    name: Name | None = None
    quantity: Quantity
    unit_price_minor: Minor | None = None
    price_override: bool = Field(
        False, description="The price is meant to differ from the list's. Without it a price that differs is a mistake."
    )
    price_per: PricePer | None = None
    tax_group_id: Id | None = None
    department_id: Id | None = None
    discounts: tuple[DiscountIn, ...] = Field((), max_length=10)
    total_minor: Minor | None = Field(None, description="Offline only: the line's total as it was printed.")
    note: ShortText | None = None

    @model_validator(mode="after")
    def _named_once(self) -> LineIn:
        named = (self.product_id is not None) + (self.sku is not None) + (self.barcode is not None)
        if named > 1:
            raise ValueError("name the product by one of product_id, sku and barcode")
        if named == 0 and (self.name is None or self.unit_price_minor is None):
            raise ValueError("a line without product_id, sku or barcode needs name and unit_price_minor")
        if self.price_override and (named == 0 or self.unit_price_minor is None):
            raise ValueError("price_override goes with a product and unit_price_minor")
        return self


class TenderIn(Command):
    """What is handed over with one tender."""

    tender: TenderCode
    amount_minor: Minor
    reference: ShortText | None = None


class Offline(Command):
    """The sale happened while the till was cut off: when, and what it printed. Such a sale is never refused."""

    sold_at: Instant
    total_minor: Minor
    receipt_number: ShortText | None = None


class CompleteSale(Reasoned):
    """A whole sale, with the id that the till made for it."""

    id: Id
    register_id: Id | None = None
    customer_id: Id | None = None
    representative_id: Id | None = None
    lines: tuple[LineIn, ...] = Field(min_length=1, max_length=HARD_LIMIT_LINES)
    discounts: tuple[DiscountIn, ...] = Field((), max_length=10)
    tenders: tuple[TenderIn, ...] = Field((), max_length=20)
    note: LongText | None = None
    offline: Offline | None = None

    @model_validator(mode="after")
    def _printed_is_offline(self) -> CompleteSale:
        if self.offline is None and any(line.total_minor is not None for line in self.lines):
            raise ValueError("total_minor of lines is for offline sales: the server makes the total")
        return self


class ReviewFlag(Edit):
    id: Id
    note: LongText | None = None


class LineTaxAnswer(Answer):
    code: str
    rate: str
    base_minor: int
    amount_minor: int
    deducted: bool = False


class TaxAnswer(Answer):
    __entity__ = "tax"

    tax_id: str
    code: str
    rate: str
    base_minor: int
    amount_minor: int
    deducted: bool = False


class DiscountAnswer(Answer):
    kind: str
    value: str | None = None
    amount_minor: int | None = None
    reason: str | None = None


class LineAnswer(Answer):
    position: int
    product_id: str | None
    sku: str | None
    name: str
    department_id: str | None
    quantity: str
    unit_price_minor: int
    price_per: int
    price_source: str
    gross_minor: int
    discount_minor: int
    cart_discount_minor: int
    net_minor: int
    tax_minor: int
    total_minor: int
    tax_group_id: str | None
    taxes: list[LineTaxAnswer]
    discounts: list[DiscountAnswer]
    note: str | None


class PaymentAnswer(Answer):
    position: int
    tender: str
    tender_id: str | None
    amount_minor: int
    tendered_minor: int
    change_minor: int
    reference: str | None


class FlagAnswer(Answer):
    id: str
    code: str
    path: str
    message: str
    rule: str


class SaleAnswer(Answer):
    id: str
    number: int
    receipt_number: str
    status: str
    store_id: str
    register_id: str
    session_id: str | None
    cashier_id: str
    device_id: str | None
    customer_id: str | None
    representative_id: str | None
    channel: str
    business_date: str
    sold_at: str
    recorded_at: str
    currency: str
    lines: list[LineAnswer]
    taxes: list[TaxAnswer]
    payments: list[PaymentAnswer]
    discounts: list[DiscountAnswer]
    gross_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int
    total_minor: int
    rounding_minor: int
    payable_minor: int
    paid_minor: int
    change_minor: int
    offline: bool
    printed_number: str | None
    printed_total_minor: int | None
    note: str | None
    flags: list[FlagAnswer]
    version: int


class SaleSummary(Answer):
    id: str
    number: int
    receipt_number: str
    status: str
    store_id: str
    register_id: str
    session_id: str | None
    cashier_id: str
    customer_id: str | None
    business_date: str
    sold_at: str
    currency: str
    line_count: int
    total_minor: int
    payable_minor: int
    offline: bool
    flag_count: int


class SaleParams(PageParams):
    """Filters of the list of sales; days are business dates, inclusive."""

    from_day: Day | None = Field(None, description="First business date.")
    to_day: Day | None = Field(None, description="Last business date.")
    register_id: Id | None = None
    cashier_id: Id | None = None
    customer_id: Id | None = None
    session_id: Id | None = None


class FlagParams(PageParams):
    reviewed: bool = False


class ReviewedFlag(Answer):
    id: str
    sale_id: str
    code: str
    path: str
    message: str
    rule: str
    reviewed_at: str | None
    reviewed_by: str | None
    review_note: str | None
    version: int


class ReceiptParams(Params):
    lang: Literal["en", "es"] | None = None


class ReceiptAnswer(Answer):
    sale: SaleAnswer
    store: dict[str, str]
    register_: dict[str, str] = Field(alias="register")
    cashier: str
    language: str
    header: list[str]
    footer: list[str]
