"""Opening hours: what a day's text means, and whether a moment lies within them, by the store's own clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from pos_core import clock

#: In the order of `datetime.weekday()`.
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CLOSED = "closed"
_SPAN = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))$")

Span = tuple[int, int]


@lru_cache(maxsize=512)
def parse(text: str) -> tuple[Span, ...] | None:
    """Minutes after midnight from which and until which a store is open; none for `closed`, None where nothing is said.

    A span whose end is not after its beginning ends on the next day. ValueError for anything that is no such text.
    """
    if not text.strip():
        return None
    if text.strip() == CLOSED:
        return ()
    found = []
    for part in text.split(","):
        match = _SPAN.match(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is no span such as 09:00-18:30")
        hours, minutes, end_hours, end_minutes = match[1], match[2], match[3] or match[5], match[4] or match[6]
        found.append((int(hours) * 60 + int(minutes), int(end_hours) * 60 + int(end_minutes)))
    return tuple(found)


def is_open(week: Sequence[str], at: datetime, time_zone: str) -> bool:
    """Whether a store is open at a moment. `week`: the texts from Monday to Sunday. A day of which nothing is said is
    open all day; what an evening adds after midnight belongs to the day on which it began.
    """
    local = clock.require_utc(at).astimezone(clock.zone(time_zone))
    minute = local.hour * 60 + local.minute
    today, yesterday = parse(week[local.weekday()]), parse(week[local.weekday() - 1])
    if today is None:
        return True
    if any(begin <= minute < end if end > begin else minute >= begin for begin, end in today):
        return True
    return any(end <= begin and minute < end for begin, end in yesterday or ())
