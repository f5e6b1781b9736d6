"""Requests and answers about the catalogue."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from pos_core import money
from pos_core.ids import uuid7
from pos_core.schemas import (
    Answer,
    Code,
    Command,
    Edit,
    Id,
    Json,
    LongText,
    Name,
    PageParams,
    PositiveMinor,
    ShortText,
)  # fmt: skip

MAX_ATTRIBUTE_BYTES = 16_384


def _percent(value: str) -> str:
    if money.parse_scaled(value, 2, "percentage") > 100_00:
        raise ValueError("must be at most 100")
    return value


def _not_blank_edged(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be one line without control characters or blanks at its ends")
    return value


def _attributes(value: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(orjson.dumps(value))
    except TypeError as error:
        raise ValueError(f"must be plain JSON ({error})") from error
    if size > MAX_ATTRIBUTE_BYTES:
        raise ValueError(f"must take at most {MAX_ATTRIBUTE_BYTES} bytes; keep pictures elsewhere")
    return value


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


Sku = Annotated[str, StringConstraints(min_length=1, max_length=50), AfterValidator(_not_blank_edged)]
Barcode = Annotated[str, BeforeValidator(_stripped), StringConstraints(pattern=r"^[!-~]{1,50}$")]
Percent = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]{1,2})?$"),
    AfterValidator(_percent),
    Field(description='Percentage with up to 2 decimals as text: "12.5".'),
]
Target = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,3})?$"),
    Field(description="Decimal text, zero or more, up to 3 decimals."),
]
PricePer = Annotated[int, Field(ge=1, le=1_000_000, description="How many units the price is for.")]
Attributes = Annotated[Json, AfterValidator(_attributes)]
Email = Annotated[str, StringConstraints(pattern=r"^([^@\s]{1,64}@[^@\s]{1,180})?$")]


class CreateDepartment(Command):
    id: Id = Field(default_factory=uuid7)
    code: Code
    name: Name
    parent_id: Id | None = None


class EditDepartment(Edit):
    id: Id
    name: Name | None = None
    parent_id: Id | None = None
    is_active: bool | None = None


class CreateCategory(Command):
    id: Id = Field(default_factory=uuid7)
    code: Code
    name: Name
    department_id: Id | None = None
    parent_id: Id | None = None


class EditCategory(Edit):
    id: Id
    name: Name | None = None
    department_id: Id | None = None
    parent_id: Id | None = None
    is_active: bool | None = None


class CreateBrand(Command):
    id: Id = Field(default_factory=uuid7)
    name: Name


class EditBrand(Edit):
    id: Id
    name: Name | None = None
    is_active: bool | None = None


class CreateVendor(Command):
    id: Id = Field(default_factory=uuid7)
    code: Code
    name: Name
    contact_name: ShortText = ""
    phone: ShortText = ""
    email: Email = ""
    address: ShortText = ""
    tax_number: ShortText = ""


class EditVendor(Edit):
    id: Id
    name: Name | None = None
    contact_name: ShortText | None = None
    phone: ShortText | None = None
    email: Email | None = None
    address: ShortText | None = None
    tax_number: ShortText | None = None
    is_active: bool | None = None


class CreateProduct(Command):
    id: Id = Field(default_factory=uuid7)
    sku: Sku
    name: Name
    description: LongText = ""
    unit_price_minor: PositiveMinor | None = Field(
        None, description="Price of `price_per` units; none for an open price."
    )
    price_per: PricePer = 1
    cost_price_minor: PositiveMinor | None = None
    tax_group_id: Id | None = Field(None, description="None: no tax is charged.")
    vendor_id: Id | None = None
    department_id: Id | None = None
    category_id: Id | None = None
    brand_id: Id | None = None
    discount: Percent = "0"
    attributes: Attributes | None = None
    is_open_price: bool = Field(False, description="The price is asked at the till.")
    sold_by_weight: bool = False
    barcodes: list[Barcode] = Field(default_factory=list, max_length=50)


class EditProduct(Edit):
    """What is given is changed; a null empties what may be empty. The SKU stays for ever."""

    id: Id
    name: Name | None = None
    description: LongText | None = None
    unit_price_minor: PositiveMinor | None = None
    price_per: PricePer | None = None
    cost_price_minor: PositiveMinor | None = None
    tax_group_id: Id | None = None
    vendor_id: Id | None = None
    department_id: Id | None = None
    category_id: Id | None = None
    brand_id: Id | None = None
    discount: Percent | None = None
    attributes: Attributes | None = None
    is_open_price: bool | None = None
    sold_by_weight: bool | None = None


class SwitchProduct(Edit):
    id: Id


class SetBarcodes(Edit):
    id: Id
    barcodes: list[Barcode] = Field(
        max_length=50, description="All barcodes of the product; the first is the main one."
    )


class VendorLine(Command):
    vendor_id: Id
    vendor_sku: ShortText = ""
    cost_price_minor: PositiveMinor | None = None


class SetVendors(Edit):
    id: Id
    vendors: list[VendorLine] = Field(
        max_length=50, description="All vendors of the product; the first is the main one."
    )


class SetTarget(Command):
    id: Id
    store_id: Id | None = Field(None, description="Which store; at a store it is that store by itself.")
    limited_qty: Target | None = Field(None, description="Quantity the store wants to hold; null: not said.")


class DepartmentAnswer(Answer):
    id: str
    code: str
    name: str
    parent_id: str | None
    is_active: bool
    version: int


class CategoryAnswer(DepartmentAnswer):
    department_id: str | None


class BrandAnswer(Answer):
    id: str
    name: str
    is_active: bool
    version: int


class VendorAnswer(Answer):
    id: str
    code: str
    name: str
    contact_name: str
    phone: str
    email: str
    address: str
    tax_number: str
    is_active: bool
    version: int


class ProductAnswer(Answer):
    id: str
    sku: str
    name: str
    description: str
    unit_price_minor: int | None
    price_per: int
    cost_price_minor: int | None = Field(description="Null where it is masked.")
    tax_group_id: str | None
    tax_rate: str = Field(description="Basis points of the group's percentages together, read only.")
    vendor_id: str | None
    supplier_id: str | None = Field(description="The same as `vendor_id`.")
    stock_level: str | None = Field(description="Read only: what the store holds, at the headquarters all stores.")
    attributes: Json | None
    barcode: str | None = Field(description="The first of `barcodes`.")
    barcodes: list[str]
    discount: str
    department_id: str | None
    category_id: str | None
    branch: str | None = Field(description="Code of the store that was asked; none at the headquarters.")
    limited_qty: str | None = Field(description="Quantity the store wants to hold.")
    brand_id: str | None
    brand: str | None
    brand_action: str | None = Field(description="The same as `brand`.")
    is_open_price: bool
    sold_by_weight: bool
    is_active: bool
    version: int
    created_at: str
    updated_at: str


class ProductVendorAnswer(Answer):
    vendor_id: str
    supplier_id: str
    code: str
    name: str
    vendor_sku: str
    cost_price_minor: int | None


class ProductVendorsAnswer(Answer):
    id: str
    version: int
    vendors: list[ProductVendorAnswer]


class TargetAnswer(Answer):
    id: str
    store_id: str
    limited_qty: str | None


class ActiveParams(PageParams):
    is_active: bool | None = None


class CategoryParams(ActiveParams):
    department_id: Id | None = None


class ProductParams(PageParams):
    search: str | None = Field(None, max_length=200, description="Beginnings of words of name, SKU and brand.")
    sku: str | None = Field(None, max_length=50)
    barcode: str | None = Field(None, max_length=60, description="EAN-13, UPC-A and GTIN-14 find each other.")
    department_id: Id | None = Field(None, description="With everything below it.")
    category_id: Id | None = Field(None, description="With everything below it.")
    vendor_id: Id | None = None
    brand_id: Id | None = None
    is_active: bool | None = Field(None, description="At a till only active products are shown unless asked otherwise.")
