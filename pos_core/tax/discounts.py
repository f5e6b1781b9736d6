"""Line and cart discounts in integer minor units, before any tax is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from pos_core.tax.rounding import allocate, round_div
from pos_core.tax.types import QUANTITY_ONE, RATE_ONE, Discount, Line


def gross_of(line: Line, mode: str) -> int:
    """Return quantity x unit price in minor units, rounded by ``mode``."""
    return round_div(line.unit_price_minor * line.quantity, line.price_per * QUANTITY_ONE, mode)


def take_off(amount: int, discount: Discount, mode: str, what: str) -> int:
    """Return what is left of ``amount`` (minor units, either sign) after one discount.

    It is the price that remains which is rounded; the discount is the difference. ``what`` names the amount
    in the ValueError raised when the discount is larger than it.
    """
    if discount.kind == "percent":
        return round_div(amount * (RATE_ONE - discount.value), RATE_ONE, mode)
    if discount.value > abs(amount):
        raise ValueError(f"discount {discount.code!r} of {discount.value} is above the {abs(amount)} of {what}")
    return amount + discount.value if amount < 0 else amount - discount.value


def share_cart_discounts(amounts: Sequence[int], discounts: Sequence[Discount], mode: str) -> list[int]:
    """Return each line's share of all cart discounts, in minor units.

    The discounts work one after the other on what is sold: the positive lines, or all lines of a document
    that only returns. In an exchange the returned lines keep the price they were sold at. Each discount is
    rounded once and shared out by largest remainder. Raises ValueError when one exceeds what is left.
    """
    sold = [i for i, amount in enumerate(amounts) if amount > 0]
    sold = sold or [i for i, amount in enumerate(amounts) if amount]
    left = list(amounts)
    for discount in discounts:
        weights = [left[i] for i in sold]
        before = sum(weights)
        off = before - take_off(before, discount, mode, "the cart")
        if off:
            for i, share in zip(sold, allocate(off, weights), strict=True):
                left[i] -= share
    return [amount - rest for amount, rest in zip(amounts, left, strict=True)]
