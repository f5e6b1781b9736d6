"""Adding up a report's columns exactly, whatever their kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from pos_core import money
from pos_core.reporting.registry import Column


def exact_text(value: Fraction) -> str:
    """A fraction as plain decimal text where that ends, else as numerator/denominator.

    >>> exact_text(Fraction(-5, 4)), exact_text(Fraction(100, 3))
    ('-1.25', '100/3')
    """
    places, rest = 0, value.denominator
    for prime in (2, 5):
        power = 0
        while rest % prime == 0:
            rest, power = rest // prime, power + 1
        places = max(places, power)
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    return money.format_scaled(value.numerator * 10**places // value.denominator, places)


def total(column: Column, values: Iterable[Any]) -> Any:
    """The sum of a column's values in the column's own form; nulls count as nothing."""
    given = [value for value in values if value is not None]
    if column.kind == "quantity":
        return money.format_quantity(sum(money.parse_scaled(value, 3) for value in given))
    if column.kind == "exact":
        return exact_text(sum((Fraction(value) for value in given), Fraction(0)))
    return sum(given)


def totals(
    columns: Iterable[Column], rows: Sequence[Mapping[str, Any]], overlapping: Collection[str] = ()
) -> dict[str, Any]:
    """The totals of the columns that are summed, over all rows; null for those whose rows overlap."""
    return {
        column.name: None if column.name in overlapping else total(column, (row[column.name] for row in rows))
        for column in columns if column.summed
    }  # fmt: skip
