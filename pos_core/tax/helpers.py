"""Prices carried from net to gross, from gross to net, and from one set of taxes to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from pos_core.tax.engine import exact_tax
from pos_core.tax.exact import (
    ZERO,
    ExactLine,
    ExactPriced,
    ExactRounding,
    ExactTax,
    amounts_at,
    compute,
    exact_net,
)
from pos_core.tax.rounding import round_div
from pos_core.tax.types import QUANTITY_ONE, Tax, TaxGroup


def flatten(taxes: Iterable[Tax | TaxGroup]) -> tuple[Tax, ...]:
    """Return taxes and groups as the flat, ordered tuple a :class:`Line` takes.

    Raises ValueError when a tax comes twice, for it would be charged twice.
    """
    flat: list[Tax] = []
    for item in taxes:
        flat.extend(item.taxes if isinstance(item, TaxGroup) else (item,))
    seen: set[str] = set()
    for tax in flat:
        if tax.id in seen:
            raise ValueError(f"tax {tax.id!r} is on the line twice")
        seen.add(tax.id)
    return tuple(flat)


def _one(amount_minor: int, taxes: Sequence[Tax], quantity: int, included: bool, mode: str) -> ExactPriced:
    # what fixed taxes come to follows the sign of the amount, so a return mirrors a sale
    pieces = Fraction(-abs(quantity) if amount_minor < 0 else abs(quantity), QUANTITY_ONE)
    exact = tuple(replace(exact_tax(tax), included=included) for tax in taxes)
    line = ExactLine(Fraction(amount_minor), pieces, exact)
    return compute([line], ExactRounding("line", mode, Fraction(1))).lines[0]


def gross_from_net(net_minor: int, taxes: Sequence[Tax], *, quantity: int = QUANTITY_ONE, mode: str = "half_up") -> int:
    """Return what a customer pays for a net amount: all taxes are added on top, flagged as included or not.

    ``net_minor`` is the amount for the whole ``quantity`` (thousandths; it matters to fixed taxes only).
    """
    return int(_one(net_minor, taxes, quantity, False, mode).total)


def net_from_gross(
    gross_minor: int, taxes: Sequence[Tax], *, quantity: int = QUANTITY_ONE, mode: str = "half_up"
) -> int:
    """Return the net amount inside a gross one: all taxes are taken out together, flagged as included or not.

    Units as in :func:`gross_from_net`. The taxes are rounded, the net is the rest.
    """
    return int(_one(gross_minor, taxes, quantity, True, mode).net)


def exact_price_when_taxes_are_swapped(
    unit_price: Fraction, taxes: Sequence[ExactTax], swap_to: Sequence[ExactTax]
) -> Fraction:
    """Return, unrounded, what ``unit_price`` becomes when ``taxes`` are replaced by ``swap_to``.

    A price that contains all its taxes is carried over net of them and takes in the included ones of the new
    set; the price stays when the old set has a tax on top of it, or when the sets are the same.
    """
    if list(taxes) == list(swap_to) or any(not tax.included for tax in taxes):
        return unit_price
    pieces = Fraction(-1 if unit_price < 0 else 1)
    net = exact_net(ExactLine(unit_price, pieces, tuple(taxes)))
    new = ExactLine(net, pieces, tuple(swap_to))
    inside = zip(swap_to, amounts_at(new, net)[1], strict=True)
    return net + sum((amount for tax, amount in inside if tax.is_inside), ZERO)


def price_when_taxes_are_swapped(
    unit_price_minor: int, taxes: Sequence[Tax], swap_to: Sequence[Tax], *, mode: str = "half_up"
) -> int:
    """Return the new unit price in minor units; see :func:`exact_price_when_taxes_are_swapped`."""
    swapped = exact_price_when_taxes_are_swapped(
        Fraction(unit_price_minor), [exact_tax(t) for t in taxes], [exact_tax(t) for t in swap_to]
    )
    return round_div(swapped.numerator, swapped.denominator, mode)
