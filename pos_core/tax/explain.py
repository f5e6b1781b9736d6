"""Why each cent is where it is: worked out again, exactly, when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pos_core.tax.engine import exact_document
from pos_core.tax.types import FIXED_PER_UNIT, LineTax

if TYPE_CHECKING:
    from pos_core.tax.types import PricedDocument, Rounding


@dataclass(frozen=True, slots=True)
class TaxExplanation:
    """One tax on one line. ``exact_base`` and ``exact_amount`` are fractions of minor units written as text.

    ``residue_minor`` is what sharing out the document's rounded tax moved this line's figure by, against
    rounding it alone; always 0 when lines are rounded.
    """

    tax_id: str
    kind: str
    rate: int
    included: bool
    base_minor: int
    amount_minor: int
    exact_base: str
    exact_amount: str
    residue_minor: int
    text: str


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """One line, minor units: what it came to, what was taken off, and each tax."""

    number: int
    gross_minor: int
    discount_minor: int
    cart_discount_minor: int
    net_minor: int
    total_minor: int
    taxes: tuple[TaxExplanation, ...]

    def __str__(self) -> str:
        head = (
            f"line {self.number}: {self.gross_minor} - {self.discount_minor} - {self.cart_discount_minor}"
            f" -> net {self.net_minor}, total {self.total_minor}"
        )
        return "\n".join([head, *(f"  {tax.text}" for tax in self.taxes)])


def rate_text(kind: str, rate: int) -> str:
    """Write a rate for people: ``8.25 %``, or ``1.5 minor units each`` for a fixed tax."""
    decimals = 4
    whole, rest = divmod(abs(rate), 10**decimals)
    digits = f"{rest:0{decimals}d}".rstrip("0")
    number = f"{'-' if rate < 0 else ''}{whole}{'.' + digits if digits else ''}"
    return f"{number} minor units each" if kind == FIXED_PER_UNIT else f"{number} %"


def explain(document: PricedDocument) -> tuple[LineExplanation, ...]:
    """Return the explanation of every line of a priced document."""
    lines, rounding = document.source
    payable = [p.gross_minor - p.discount_minor - p.cart_discount_minor for p in document.lines]
    exact = exact_document(payable, lines, rounding)
    told = []
    for number, (priced, worked) in enumerate(zip(document.lines, exact.lines, strict=True), 1):
        charged = [entry for entry in priced.taxes if not entry.deducted]
        taxes = tuple(
            _tax(
                stored,
                entry.base_before,
                entry.amount_before,
                exact.rounding.apply(entry.amount_before),
                rounding,
            )
            for stored, entry in zip(charged, worked.entries, strict=True)
        )
        told.append(LineExplanation(number, *priced[:4], priced.total_minor, taxes))
    return tuple(told)


def _tax(stored: LineTax, base: Fraction, amount: Fraction, alone: Fraction, rounding: Rounding) -> TaxExplanation:
    tax = stored.tax
    residue = stored.amount_minor - int(alone)
    where = "in the price" if tax.included else "on top"
    text = (
        f"{tax.id}: {rate_text(tax.kind, tax.rate)} {where} on {base} = {amount}"
        f" -> {stored.amount_minor} ({rounding.mode} per {rounding.when}"
        f"{f', {residue:+d} so that the document holds' if residue else ''})"
    )
    return TaxExplanation(
        tax.id,
        tax.kind,
        tax.rate,
        tax.included,
        stored.base_minor,
        stored.amount_minor,
        str(base),
        str(amount),
        residue,
        text,
    )
