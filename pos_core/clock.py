"""Time: aware UTC inside, the store's zone at the edge, and a clock that a test can inject."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Where the time comes from. Implementations return aware UTC datetimes."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FrozenClock:
    """A clock that stands still until it is told otherwise: for tests and replays."""

    def __init__(self, at: datetime) -> None:
        self._now = require_utc(at)

    def now(self) -> datetime:
        return self._now

    def set(self, at: datetime) -> None:
        self._now = require_utc(at)

    def advance(self, by: timedelta) -> None:
        self._now += by


def require_utc(value: datetime) -> datetime:
    """`value` in UTC; a naive datetime is a ValueError, because nobody knows which zone it meant."""
    if value.tzinfo is None:
        raise ValueError(f"a naive datetime was given: {value!r}; times are aware UTC")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def to_text(value: datetime) -> str:
    """Fixed-width ISO 8601 in UTC with microseconds and `Z`: sorts as text, and is what SQLite and JSON hold."""
    return require_utc(value).isoformat(timespec="microseconds")[:26] + "Z"


def from_text(value: str) -> datetime:
    """The aware UTC datetime of ISO 8601 text that carries an offset (or `Z`)."""
    return require_utc(datetime.fromisoformat(value))


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The zone by its IANA name; ValueError when the machine does not know it."""
    try:
        return ZoneInfo(name)
    except Exception as error:
        raise ValueError(f"unknown time zone {name!r}: use an IANA name such as Europe/Madrid") from error


def from_timestamp(seconds: float) -> datetime:
    """The aware UTC datetime of a machine's timestamp; for log lines, never for a decision."""
    return datetime.fromtimestamp(seconds, UTC)


def business_date(at: datetime, time_zone: str, day_start_minutes: int = 0) -> date:
    """The store's business day of a moment: local time less the day's start (0-1439 minutes after midnight).

    A bar whose day starts at 05:00 books what it sells at 02:30 on the day before.
    """
    local = require_utc(at).astimezone(zone(time_zone))
    minutes = local.hour * 60 + local.minute
    return local.date() - timedelta(days=1) if minutes < day_start_minutes else local.date()


def month_end(day: date) -> date:
    """The last day of `day`'s calendar month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def quarter_end(day: date, fiscal_start_month: int = 1) -> date:
    """The last day of the fiscal quarter that `day` is in; the fiscal year starts on day 1 of `fiscal_start_month`."""
    in_quarter = (day.month - fiscal_start_month) % 3
    months = day.year * 12 + (day.month - 1) + (2 - in_quarter)
    return month_end(date(months // 12, months % 12 + 1, 1))


def fiscal_year_end(day: date, fiscal_start_month: int = 1) -> date:
    """The last day of the fiscal year that `day` is in."""
    last_month = (fiscal_start_month - 2) % 12 + 1
    year = day.year if day.month <= last_month else day.year + 1
    return month_end(date(year, last_month, 1))


def working_days(first: date, last: date, holidays: frozenset[date] = frozenset()) -> int:
    """How many days of first..last (inclusive) are Monday to Friday and no holiday."""
    days = ((first + timedelta(days=n)) for n in range((last - first).days + 1))
    return sum(1 for day in days if day.weekday() < 5 and day not in holidays)
