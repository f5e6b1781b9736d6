"""What a drawer should hold and by how much it differs: pure, in minor units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"[0-9]{1,13}")
_QUICK = re.compile(r"( *[0-9]{1,13} *(, *[0-9]{1,13} *){0,7})?")


@dataclass(frozen=True, slots=True)
class Reckoned:
    """One tender at the close. `declared`: somebody counted; else the expected sum was taken over."""

    tender_id: str
    expected_minor: int
    counted_minor: int
    declared: bool
    marked: bool

    @property
    def over_short_minor(self) -> int:
        """Above zero: more than expected; below: less."""
        return self.counted_minor - self.expected_minor


def expected(float_minor: int, float_tender: str | None, takings: Iterable[tuple[str, int]]) -> dict[str, int]:
    """What the drawer should hold by tender id: the float in its tender, and the takings (net of change and refunds).

    A tender with neither is absent; the float's tender is there even when it held nothing.
    """
    sums = {} if float_tender is None else {float_tender: float_minor}
    for tender, amount in takings:
        sums[tender] = sums.get(tender, 0) + amount
    return sums


def reckon(should: Mapping[str, int], counts: Mapping[str, int], alert_minor: int) -> tuple[Reckoned, ...]:
    """Every tender that was expected or counted, against each other.

    An uncounted tender is taken to hold what it should. One is marked when it is over or short by more than
    `alert_minor`: 0 marks every difference. Which tenders must be counted is a rule's business.
    """
    found = []
    for tender in sorted(should.keys() | counts.keys()):
        wanted = should.get(tender, 0)
        held = counts.get(tender, wanted)
        found.append(Reckoned(tender, wanted, held, tender in counts, abs(held - wanted) > alert_minor))
    return tuple(found)


def denominations_sum(pieces: Sequence[tuple[int, int]]) -> int:
    """The sum of (value, count) pairs in minor units."""
    return sum(value * count for value, count in pieces)


def are_quick_floats(text: str) -> bool:
    """Whether a setting's text is a list of up to eight amounts; empty offers none."""
    return _QUICK.fullmatch(text) is not None


def quick_floats(text: str) -> list[int]:
    """The amounts in a setting's text: "5000, 10000" gives [5000, 10000]."""
    return [int(number) for number in _NUMBER.findall(text)]
