"""What goes into the engine and what comes out of it.

Money is integer minor units, quantities are integer thousandths, rates are integer hundredths of a basis
point (8.25 % = 82500), that is millionths. Floats are refused where objects are made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pos_core.tax.rounding import MODES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pos_core.tax.explain import LineExplanation

RATE_ONE = 1_000_000  # a rate of 100 %
FIXED_ONE = 10_000  # one minor unit in a fixed_per_unit rate
QUANTITY_ONE = 1_000  # one piece

PERCENT = "percent"
FIXED_PER_UNIT = "fixed_per_unit"
PERCENT_OF_GROSS = "percent_of_gross"
REVERSE_CHARGE = "reverse_charge"
REVERSE_CHARGE_OF_GROSS = "reverse_charge_of_gross"
KINDS = (PERCENT, FIXED_PER_UNIT, PERCENT_OF_GROSS, REVERSE_CHARGE, REVERSE_CHARGE_OF_GROSS)


def _whole(value: object, what: str) -> None:
    # bool is an int to isinstance(); True is no amount.
    if type(value) is not int:
        raise TypeError(f"{what} must be an int, not {type(value).__name__} {value!r}")


@dataclass(frozen=True, slots=True)
class Tax:
    """One tax as a line carries it; its place in ``Line.taxes`` is its place in the order of computation.

    ``rate``: percent kinds in hundredths of a basis point; ``fixed_per_unit`` in ten-thousandths of a minor
    unit per unit sold. ``included``: the price already contains it. ``adds_to_base``: joins the base of
    later taxes that have ``base_takes_earlier``. Raises ValueError for an unknown kind, TypeError for a rate
    that is no int.
    """

    id: str
    kind: str
    rate: int
    included: bool = False
    adds_to_base: bool = False
    base_takes_earlier: bool = True
    code: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"tax {self.id!r}: unknown kind {self.kind!r}, use one of {', '.join(KINDS)}")
        _whole(self.rate, f"rate of tax {self.id!r}")


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """Taxes that are sold together under one name (state + county + city); ``taxes`` are in order."""

    id: str
    taxes: tuple[Tax, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Discount:
    """A line or cart discount.

    ``percent``: ``value`` in hundredths of a basis point of the amount left by the discounts before it, at
    most 100 %. ``amount``: ``value`` in minor units, taken off the size of the amount. Raises ValueError or
    TypeError.
    """

    kind: str
    value: int
    code: str = ""

    def __post_init__(self) -> None:
        _whole(self.value, "discount value")
        if self.kind not in ("percent", "amount"):
            raise ValueError(f"unknown discount kind {self.kind!r}: use percent or amount")
        if self.value < 0:
            raise ValueError(f"a discount cannot be negative, got {self.value}")
        if self.kind == "percent" and self.value > RATE_ONE:
            raise ValueError(f"a discount of {self.value} hundredths of a basis point is above 100 %")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``unit_price_minor`` buys ``price_per`` units; ``quantity`` in thousandths of a unit.

    A return has a negative quantity. Raises TypeError for a figure that is no int, ValueError for
    ``price_per`` below 1.
    """

    unit_price_minor: int
    price_per: int
    quantity: int
    taxes: tuple[Tax, ...]
    discounts: tuple[Discount, ...] = ()

    def __post_init__(self) -> None:
        if not (type(self.unit_price_minor) is type(self.price_per) is type(self.quantity) is int):
            _whole(self.unit_price_minor, "unit price")
            _whole(self.price_per, "price_per")
            _whole(self.quantity, "quantity")
        if self.price_per < 1:
            raise ValueError(f"price_per must be at least 1 unit, not {self.price_per}")


@dataclass(frozen=True, slots=True)
class Rounding:
    """``when``: every tax of every ``line``, or every tax once per ``document``; ``mode``: one of MODES."""

    when: str = "line"
    mode: str = "half_up"

    def __post_init__(self) -> None:
        if self.when not in ("line", "document"):
            raise ValueError(f"rounding happens per line or per document, not {self.when!r}")
        if self.mode not in MODES:
            raise ValueError(f"unknown rounding mode {self.mode!r}: use one of {', '.join(MODES)}")


class LineTax(NamedTuple):
    """One tax on one line, minor units. A reverse charge has two: charged, and ``deducted``, sign turned."""

    tax: Tax
    base_minor: int
    amount_minor: int
    deducted: bool = False


class TaxTotal(NamedTuple):
    """One tax over the document: the sum of its :class:`LineTax` figures, minor units."""

    tax: Tax
    base_minor: int
    amount_minor: int
    deducted: bool = False


class PricedLine(NamedTuple):
    """One priced line, minor units.

    ``gross_minor`` is quantity x price, rounded, before discounts; ``net_minor`` is without any tax;
    ``total_minor`` = ``net_minor + tax_minor`` is what the customer pays for the line.
    """

    gross_minor: int
    discount_minor: int
    cart_discount_minor: int
    net_minor: int
    tax_minor: int
    total_minor: int
    taxes: tuple[LineTax, ...]


@dataclass(frozen=True, slots=True)
class PricedDocument:
    """The priced document, minor units: each figure is exactly the sum of its lines' figures.

    ``discount_minor`` holds line and cart discounts. ``source`` is what was priced (lines and rounding),
    kept so that :meth:`explain` can show the exact arithmetic later.
    """

    lines: tuple[PricedLine, ...]
    gross_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int
    total_minor: int
    taxes: tuple[TaxTotal, ...]
    source: tuple[tuple[Line, ...], Rounding] = field(repr=False, compare=False)

    def explain(self) -> tuple[LineExplanation, ...]:
        """Return base, rate, exact amount and rounding per line and tax; worked out when asked."""
        from pos_core.tax.explain import explain

        return explain(self)

    def group_total(self, tax_ids: Iterable[str]) -> tuple[int, int]:
        """Return (base, amount) in minor units of the taxes with these ids, taken as one group.

        A line enters the base once, with the base of the first of its taxes that belongs to the group.
        """
        wanted = frozenset(tax_ids)
        base = amount = 0
        for line in self.lines:
            mine = [entry for entry in line.taxes if entry.tax.id in wanted]
            if mine:
                base += mine[0].base_minor
                amount += sum(entry.amount_minor for entry in mine)
        return base, amount
