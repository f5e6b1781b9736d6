"""Rounding and exact sharing-out of integer and rational amounts.

Every mode is symmetric about zero, so a return mirrors the sale it undoes: ``half_up`` takes a tie away from
zero, ``half_even`` to the even neighbour, ``up`` goes away from zero and ``down`` towards it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

MODES = ("half_up", "half_even", "up", "down")


def round_div(numerator: int, denominator: int, mode: str) -> int:
    """Return ``numerator / denominator`` rounded to an integer.

    ``denominator`` must be positive; ``mode`` is one of :data:`MODES`. Raises ValueError for any other mode.
    """
    quotient, rest = divmod(abs(numerator), denominator)
    if rest:
        if mode == "half_up":
            quotient += 2 * rest >= denominator
        elif mode == "half_even":
            quotient += 2 * rest > denominator or (2 * rest == denominator and quotient % 2)
        elif mode == "up":
            quotient += 1
        elif mode != "down":
            raise ValueError(f"unknown rounding mode {mode!r}: use one of {', '.join(MODES)}")
    return -quotient if numerator < 0 else quotient


def round_to(amount: Fraction, unit: Fraction, mode: str) -> Fraction:
    """Return ``amount`` rounded to a multiple of ``unit`` (both in the same currency unit)."""
    steps = amount / unit
    return round_div(steps.numerator, steps.denominator, mode) * unit


def apportion(exact: Sequence[Fraction], total: int) -> list[int]:
    """Round every exact share to an integer so that together they make ``total``, by largest remainder.

    ``total`` must lie less than one unit from the sum of the exact shares. Each share is cut towards zero
    and the missing units go to the shares that were cut most; ties go to the earlier share. Signs may be
    mixed, and the mirrored shares are shared out to the mirrored result. A share that is a whole number is
    never changed.
    """
    cut = [int(share) for share in exact]
    missing = total - sum(cut)
    if missing:
        sign = 1 if missing > 0 else -1
        order = sorted(range(len(cut)), key=lambda i: (-sign * (exact[i] - cut[i]), i))
        for i in order[: abs(missing)]:
            cut[i] += sign
    return cut


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Share an integer ``amount`` out in proportion to integer ``weights``; the shares add up to it exactly.

    Largest remainder, ties to the earlier weight. A zero weight gets nothing unless all weights are zero, in
    which case the amount is shared evenly. Raises ValueError when weights of both signs are mixed, or when a
    non-zero amount has nowhere to go.
    """
    if not weights:
        if amount:
            raise ValueError(f"cannot allocate {amount} over no weights")
        return []
    whole = sum(weights)
    if not whole and not any(weights):
        weights, whole = [1] * len(weights), len(weights)
    if min(weights) < 0 < max(weights):
        raise ValueError("weights of both signs cannot share an amount")
    whole, size = abs(whole), abs(amount)
    cut, rests = [], []
    for weight in weights:
        share, rest = divmod(size * abs(weight), whole)
        cut.append(share)
        rests.append(rest)
    missing = size - sum(cut)
    if missing:
        for i in sorted(range(len(cut)), key=lambda i: (-rests[i], i))[:missing]:
            cut[i] += 1
    return cut if amount >= 0 else [-share for share in cut]


def cash_round(total_minor: int, increment_minor: int, mode: str = "half_up") -> tuple[int, int]:
    """Round a total to what coins allow.

    Both arguments are minor units; ``increment_minor`` is the smallest coin (5 for 0.05). Returns the
    rounded total and the adjustment, with ``rounded == total_minor + adjustment``. Raises ValueError for an
    increment below 1.
    """
    if increment_minor < 1:
        raise ValueError(f"cash rounding increment must be at least 1 minor unit, not {increment_minor}")
    rounded = round_div(total_minor, increment_minor, mode) * increment_minor
    return rounded, rounded - total_minor
