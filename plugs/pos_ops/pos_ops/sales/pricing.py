"""From what a till sends to a frozen draft: every line priced, taxed and totalled, and all that is wrong with it.

Reads only. The draft holds what is wrong as findings; the rules turn them into refusals, the service of an offline
sale into flags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pos_core import Context, Violation
from pos_core.errors import NOT_FOUND, PosError
from pos_core.money import cash_increment, parse_basis_points, parse_quantity
from pos_core.tax import Discount, Line, PricedDocument, Rounding, Tax, cash_round, price
from pos_ops.sales import errors
from pos_ops.sales.concessions import Concessions, concessions
from pos_ops.sales.schemas import CompleteSale, DiscountIn, LineIn

LARGEST = 10**15


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line that is known: what is sold, the price and where it comes from, its taxes."""

    asked: LineIn
    product_id: str | None
    sku: str | None
    name: str
    department_id: str | None
    quantity: int
    unit_price_minor: int
    price_per: int
    price_source: str
    tax_group_id: str | None
    taxes: tuple[Tax, ...]
    discounts: tuple[Discount, ...]
    cost_price_minor: int | None
    #: The list's price and what it is for, where the till was told to take another.
    listed: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class DraftPayment:
    """A tender's part: `amount` = tendered - change."""

    tender_id: str | None
    code: str
    tendered_minor: int
    change_minor: int
    reference: str | None


@dataclass(frozen=True, slots=True)
class SaleDraft:
    """A sale as it would be, before anything is written. Amounts are minor units."""

    session_id: str | None
    sold_at: datetime
    business_date: date
    lines: tuple[DraftLine, ...]
    priced: PricedDocument
    cart_discounts: tuple[Discount, ...]
    customer_id: str | None
    representative_id: str | None
    total_minor: int
    rounding_minor: int
    payable_minor: int
    paid_minor: int
    change_minor: int
    payments: tuple[DraftPayment, ...]
    findings: tuple[Violation, ...]
    concessions: Concessions | None


def prepare_sale(ctx: Context, command: CompleteSale) -> SaleDraft:
    """Price, tax and total a sale. Raises PosError only for what can be neither sold nor recorded."""
    findings: list[Violation] = []
    lines = _lines(ctx, command, findings)
    cart = tuple(_discount(d) for d in command.discounts)
    priced = _priced(ctx, lines, cart, findings)
    _refuse_overflow(priced)
    total = priced.total_minor
    if command.offline is not None:
        sold_at, total = command.offline.sold_at, command.offline.total_minor
        if sold_at > ctx.at:
            findings.append(errors.SOLD_IN_FUTURE.at("offline.sold_at", sold_at=sold_at.isoformat()))
    else:
        sold_at = ctx.at
    customer_id, representative_id = _people(ctx, command, findings)
    rounding, paid, change, payments = _settle(ctx, command, total, findings)
    return SaleDraft(
        session_id=ctx.writing.fence, sold_at=sold_at, business_date=ctx.business_date(sold_at), lines=lines,
        priced=priced, cart_discounts=cart, customer_id=customer_id, representative_id=representative_id,
        total_minor=total, rounding_minor=rounding, payable_minor=total + rounding, paid_minor=paid,
        change_minor=change, payments=payments, findings=tuple(findings),
        concessions=concessions(lines, cart, priced, ctx.settings["tax.rounding_mode"]),
    )  # fmt: skip


# -- lines --------------------------------------------------------------------------------------------------------


def _lines(ctx: Context, command: CompleteSale, findings: list[Violation]) -> tuple[DraftLine, ...]:
    asked = command.lines
    ids = [line.product_id for line in asked if line.product_id is not None]
    skus = [line.sku for line in asked if line.sku is not None]
    barcodes = [line.barcode for line in asked if line.barcode is not None]
    found: tuple[dict[str, Any], dict[str, Any], dict[str, Any]] = ({}, {}, {})
    if ids or skus or barcodes:
        found = ctx.query("catalog:lines", ids=ids, skus=skus, barcodes=barcodes)
    by_id, by_sku, by_barcode = found
    made = []
    for position, line in enumerate(asked):
        if line.product_id is not None:
            item, named = by_id.get(line.product_id), line.product_id
        elif line.sku is not None:
            item, named = by_sku.get(line.sku), line.sku
        elif line.barcode is not None:
            item, named = by_barcode.get(line.barcode), line.barcode
        else:
            made.append(_open_line(ctx, line, position, findings))
            continue
        if item is None:
            findings.append(errors.PRODUCT_UNKNOWN.at(f"lines.{position}", product=named))
            made.append(_open_line(ctx, line, position, findings, sku=named))
        else:
            made.append(_product_line(ctx, line, item, position, findings, offline=command.offline is not None))
    return tuple(made)


def _product_line(
    ctx: Context, line: LineIn, item: Any, position: int, findings: list[Violation], *, offline: bool
) -> DraftLine:
    if not item.is_active:
        findings.append(errors.PRODUCT_INACTIVE.at(f"lines.{position}", product=item.sku))
    given, listed = line.unit_price_minor, item.unit_price_minor
    per = line.price_per or (1 if item.is_open_price and given is not None else item.price_per)
    source, instead_of = "catalog", None
    if item.is_open_price or listed is None:
        source = "till"
        if given is None:
            findings.append(errors.PRICE_NEEDED.at(f"lines.{position}.unit_price_minor", product=item.sku))
    elif given is not None and given * item.price_per != listed * per:
        if line.price_override:
            source, instead_of = "override", (listed, item.price_per)
        else:
            findings.append(errors.PRICE_DIFFERS.at(
                f"lines.{position}.unit_price_minor", product=item.sku, expected=listed, given=given, per=item.price_per
            ))
    unit_price = listed if given is None else given
    if given is not None and offline and instead_of is None:
        source = "till"
    discounts = tuple(_discount(d) for d in line.discounts)
    if item.discount_rate and not offline:
        discounts = (Discount("percent", item.discount_rate, "product"), *discounts)
    return DraftLine(
        line, item.id, item.sku, line.name or item.name, item.department_id, parse_quantity(line.quantity),
        unit_price or 0, per if given is not None else item.price_per, source, item.tax_group_id,
        ctx.kernel.taxes.group(item.tax_group_id, ctx.revision), discounts, item.cost_price_minor, instead_of,
    )  # fmt: skip


def _open_line(
    ctx: Context, line: LineIn, position: int, findings: list[Violation], sku: str | None = None
) -> DraftLine:
    taxes: tuple[Tax, ...] = ()
    group = line.tax_group_id
    if group is not None:
        try:
            taxes = ctx.kernel.taxes.group(group, ctx.revision)
        except PosError as error:
            if error.code is not NOT_FOUND:
                raise
            findings.append(errors.TAX_GROUP_UNKNOWN.at(f"lines.{position}.tax_group_id", group=group))
            group = None
    return DraftLine(
        line, None, sku, line.name or sku or "", line.department_id, parse_quantity(line.quantity),
        line.unit_price_minor or 0, line.price_per or 1, "till", group, taxes,
        tuple(_discount(d) for d in line.discounts), None,
    )  # fmt: skip


def _discount(given: DiscountIn) -> Discount:
    if given.kind == "percent":
        return Discount("percent", parse_basis_points(given.value or "0"), given.reason or "")
    return Discount("amount", given.amount_minor or 0, given.reason or "")


def _priced(
    ctx: Context, lines: Sequence[DraftLine], cart: tuple[Discount, ...], findings: list[Violation]
) -> PricedDocument:
    settings = ctx.settings
    rounding = Rounding(settings["tax.rounding"], settings["tax.rounding_mode"])
    try:
        return price(
            [Line(d.unit_price_minor, d.price_per, d.quantity, d.taxes, d.discounts) for d in lines],
            cart_discounts=cart, rounding=rounding,
        )
    except ValueError as error:
        findings.append(errors.DISCOUNT_TOO_LARGE.at("discounts" if cart else "lines", reason=str(error)))
    return price([Line(d.unit_price_minor, d.price_per, d.quantity, d.taxes) for d in lines], rounding=rounding)


def _refuse_overflow(priced: PricedDocument) -> None:
    if priced.gross_minor > LARGEST or priced.total_minor > LARGEST:
        raise errors.AMOUNT_TOO_LARGE("lines")


# -- people and tenders -------------------------------------------------------------------------------------------


def _people(ctx: Context, command: CompleteSale, findings: list[Violation]) -> tuple[str | None, str | None]:
    customer, representative = command.customer_id, command.representative_id
    if customer is not None and (
        not ctx.has("customer:for_sale") or ctx.query("customer:for_sale", id=customer) is None
    ):
        findings.append(errors.CUSTOMER_UNKNOWN.at("customer_id", customer=customer))
        customer = None
    if representative is not None:
        known = ctx.query("representative:directory") if ctx.has("representative:directory") else {}
        entry = known.get(representative)
        if entry is None or not entry.is_active:
            findings.append(
                errors.REPRESENTATIVE_UNKNOWN.at("representative_id", representative=representative)
            )
            representative = None
    return customer, representative


def _settle(
    ctx: Context, command: CompleteSale, total: int, findings: list[Violation]
) -> tuple[int, int, int, tuple[DraftPayment, ...]]:
    """(rounding, paid, change, payments): what is payable after cash rounding, and who gives how much change."""
    known = ctx.query("tender:directory")
    resolved: list[tuple[Any, Any]] = []
    for position, given in enumerate(command.tenders):
        entry = known.get(given.tender)
        if entry is None or not entry.is_active:
            findings.append(errors.TENDER_UNKNOWN.at(f"tenders.{position}.tender", tender=given.tender))
        elif entry.needs_reference and not given.reference:
            findings.append(errors.TENDER_REFERENCE.at(f"tenders.{position}.reference", tender=given.tender))
        resolved.append((given, entry))
    paid = sum(given.amount_minor for given, _ in resolved)
    in_cash = sum(g.amount_minor for g, entry in resolved if entry is not None and entry.kind == "cash")
    rounding = _rounding(ctx, resolved, total)
    payable = total + rounding
    change = max(0, paid - payable)
    if paid < payable:
        findings.append(errors.TENDER_SHORT.at("tenders", paid=paid, payable=payable))
    if change > in_cash:
        findings.append(errors.TENDER_ABOVE.at("tenders", excess=change - in_cash))
    return rounding, paid, change, _payments(resolved, change)


def _rounding(ctx: Context, resolved: Sequence[tuple[Any, Any]], total: int) -> int:
    """What cash rounding adds to the total: to the part that is paid in cash, or to all of it by setting."""
    settings = ctx.settings
    increment = settings["cash.increment_minor"] or cash_increment(ctx.kernel.currency)
    if increment == 1:
        return 0
    mode = settings["cash.rounding_mode"]
    if settings["cash.round_all_tenders"]:
        return cash_round(total, increment, mode)[1]
    exact = sum(g.amount_minor for g, entry in resolved if entry is None or not entry.cash_rounding)
    if total <= exact or not any(entry is not None and entry.cash_rounding for _, entry in resolved):
        return 0
    return cash_round(total - exact, increment, mode)[1]


def _payments(resolved: Sequence[tuple[Any, Any]], change: int) -> tuple[DraftPayment, ...]:
    """The payments in their order; change comes out of the last cash first."""
    made: list[DraftPayment] = []
    for given, entry in reversed(resolved):
        back = 0
        if change and entry is not None and entry.kind == "cash":
            back = min(change, given.amount_minor)
            change -= back
        tender_id = entry.id if entry is not None else None
        made.append(DraftPayment(tender_id, given.tender, given.amount_minor, back, given.reference))
    return tuple(reversed(made))
