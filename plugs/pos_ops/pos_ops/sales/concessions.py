"""What a till gave away by hand: discounts and changed prices, how large they are, and who has to agree to them.

Shares are worked out exactly, without the rounding of the prices: a tenth off five cents is a tenth, not a fifth.
A discount that the product itself carries is no concession.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pos_core import Context, Need
from pos_core.money import format_quantity
from pos_core.tax import Discount, PricedDocument
from pos_core.tax.discounts import gross_of, take_off
from pos_core.tax.types import QUANTITY_ONE, RATE_ONE
from pos_core.tax.types import Line as TaxLine
from pos_ops.sales import errors
from pos_ops.sales.schemas import CompleteSale

if TYPE_CHECKING:
    from pos_ops.sales.pricing import DraftLine, SaleDraft

DISCOUNT = "discount"
PRICE_OVERRIDE = "price_override"


@dataclass(frozen=True, slots=True)
class Concessions:
    """What was given by hand. discount_minor: line and cart discounts. discount, override: the largest share of any
    line (1 is all of it); 0 where there is none. overridden: positions from 0 of the lines with a changed price."""

    discount_minor: int
    discount: Fraction
    override: Fraction
    overridden: tuple[int, ...]


def concessions(
    lines: Sequence[DraftLine], cart: Sequence[Discount], priced: PricedDocument, mode: str
) -> Concessions | None:
    """What a sale's till gave away; None where it gave nothing, as most do."""
    given = bool(cart)
    overridden: tuple[int, ...] = ()
    for line in lines:  # a plain loop: every sale comes by here
        if line.asked.discounts:
            given = True
        if line.listed is not None:
            overridden = tuple(n for n, one in enumerate(lines) if one.listed is not None)
    if not given and not overridden:
        return None
    own = sum(_own_discount(line, mode) for line in lines)
    deviations = [_deviation(lines[n]) for n in overridden]
    return Concessions(
        priced.discount_minor - own if given else 0, _largest_discount(lines, cart) if given else Fraction(0),
        max(deviations, default=Fraction(0)), overridden,
    )  # fmt: skip


def _automatic(line: DraftLine) -> tuple[Discount, ...]:
    """The discounts that the product carries; they come before those of the till."""
    return line.discounts[: len(line.discounts) - len(line.asked.discounts)]


def _own_discount(line: DraftLine, mode: str) -> int:
    """What the product's own discount takes off the line, in minor units."""
    own = _automatic(line)
    if not own:
        return 0
    gross = left = gross_of(TaxLine(line.unit_price_minor, line.price_per, line.quantity, ()), mode)
    for discount in own:
        left = take_off(left, discount, mode, "the line")
    return gross - left


def _deviation(line: DraftLine) -> Fraction:
    """By which share of the list price the given one differs, up or down."""
    assert line.listed is not None
    listed = Fraction(*line.listed)
    if not listed:
        return Fraction(1)
    return abs(Fraction(line.unit_price_minor, line.price_per) - listed) / listed


def _after(amount: Fraction, discounts: Sequence[Discount]) -> Fraction:
    for discount in discounts:
        if discount.kind == "percent":
            amount = amount * (RATE_ONE - discount.value) / RATE_ONE
        else:
            amount = max(Fraction(0), amount - discount.value)
    return amount


def _largest_discount(lines: Sequence[DraftLine], cart: Sequence[Discount]) -> Fraction:
    """The largest share that was taken off a line, cart discounts included, from the lower of list and given price."""
    worths: list[tuple[Fraction, Fraction]] = []
    for line in lines:
        price = Fraction(line.unit_price_minor, line.price_per)
        listed = price if line.listed is None else max(price, Fraction(*line.listed))
        units = Fraction(line.quantity, QUANTITY_ONE)
        worth = _after(listed * units, _automatic(line))
        left = _after(_after(price * units, _automatic(line)), line.discounts[len(_automatic(line)) :])
        if worth > 0:
            worths.append((worth, left))
    total = sum((left for _, left in worths), Fraction(0))
    kept = _after(total, cart) / total if total else Fraction(1)
    return max((1 - left * kept / worth for worth, left in worths), default=Fraction(0))


def percent(share: Fraction) -> str:
    """A share as percent with two decimals, cut: a third is 33.33."""
    hundredths = int(share * 10_000)
    return f"{hundredths // 100}.{hundredths % 100:02}"


# -- what others have to agree to ----------------------------------------------------------------------------------


def approvals_of(ctx: Context, command: CompleteSale, draft: SaleDraft) -> Iterator[Need] | None:
    """A discount and a changed price above what the store lets a till decide alone (OPX-07)."""
    return None if draft.concessions is None else _needs(ctx, command, draft, draft.concessions)


def _needs(ctx: Context, command: CompleteSale, draft: SaleDraft, made: Concessions) -> Iterator[Need]:
    settings, priced = ctx.settings, draft.priced
    limit = settings["sales.discount_approval_percent"]
    if made.discount * 100 > limit:
        path = "discounts" if command.discounts else "lines"
        told = errors.DISCOUNT_ABOVE_LIMIT.at(path, percent=percent(made.discount), limit=limit)
        yield Need(DISCOUNT, told, {
            "percent": percent(made.discount), "discount_minor": made.discount_minor,
            "gross_minor": priced.gross_minor, "total_minor": priced.total_minor, "line_count": len(draft.lines),
            "lines": [_figures(draft, n) for n, line in enumerate(draft.lines) if line.asked.discounts],
        })  # fmt: skip
    limit = settings["sales.price_override_approval_percent"]
    if made.override * 100 > limit:
        path = f"lines.{made.overridden[0]}.unit_price_minor"
        told = errors.PRICE_ABOVE_LIMIT.at(path, percent=percent(made.override), limit=limit)
        yield Need(PRICE_OVERRIDE, told, {
            "percent": percent(made.override), "lines": [_figures(draft, n) for n in made.overridden],
        })  # fmt: skip


def _figures(draft: SaleDraft, position: int) -> dict[str, Any]:
    line = draft.lines[position]
    made = {
        "sku": line.sku, "name": line.name, "quantity": format_quantity(line.quantity),
        "unit_price_minor": line.unit_price_minor, "price_per": line.price_per,
        "discount_minor": draft.priced.lines[position].discount_minor,
    }  # fmt: skip
    return made | listed_of(line)


def listed_of(line: DraftLine) -> dict[str, Any]:
    """The list price of a line whose price was changed."""
    return {} if line.listed is None else {"listed_minor": line.listed[0], "listed_per": line.listed[1]}


def needs_reason(ctx: Context, command: CompleteSale, draft: SaleDraft) -> bool:
    """A changed price always has a reason, a discount where somebody else has to agree to it."""
    made = draft.concessions
    return made is not None and bool(made.overridden or made.discount * 100 > ctx.settings[
        "sales.discount_approval_percent"])


def noted(draft: SaleDraft) -> dict[str, Any] | None:
    """What was given by hand, for the audit entry and the event; None where nothing was (AUD-13)."""
    made = draft.concessions
    if made is None:
        return None
    return {
        "price_overrides": len(made.overridden), "discount_minor": made.discount_minor,
        "gross_minor": draft.priced.gross_minor, "percent": percent(max(made.discount, made.override)),
        "lines": [
            {"position": n + 1, "sku": draft.lines[n].sku, "unit_price_minor": draft.lines[n].unit_price_minor,
             "price_per": draft.lines[n].price_per, **listed_of(draft.lines[n])}
            for n in made.overridden
        ],
    }  # fmt: skip
