"""Opening hours: by the store's own clock, through midnight, and when clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core.errors import PosError
from pos_core.security import hours
from pos_core.testing.harness import Business

MADRID = "Europe/Madrid"


def week(**days: str) -> list[str]:
    return [days.get(day, "") for day in hours.DAYS]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.req("SEC-04")
@pytest.mark.parametrize(("moment", "is_open"), [
    ("2026-03-02T08:59:59+01:00", False), ("2026-03-02T09:00:00+01:00", True), ("2026-03-02T13:59:00+01:00", True),
    ("2026-03-02T14:00:00+01:00", False), ("2026-03-02T17:00:00+01:00", True), ("2026-03-02T20:30:00+01:00", False),
    ("2026-03-02T08:30:00+00:00", True),
])  # fmt: skip
def test_spans_of_a_day_by_the_local_clock(moment: str, is_open: bool) -> None:
    assert hours.is_open(week(monday="09:00-14:00, 17:00-20:30"), at(moment), MADRID) is is_open


@pytest.mark.req("SEC-04")
def test_a_night_belongs_to_the_evening_on_which_it_began() -> None:
    open_late = week(friday="20:00-02:00", saturday="closed", sunday="closed")
    assert hours.is_open(open_late, at("2026-03-06T23:00:00+01:00"), MADRID)
    assert hours.is_open(open_late, at("2026-03-07T01:59:00+01:00"), MADRID)
    assert not hours.is_open(open_late, at("2026-03-07T02:00:00+01:00"), MADRID)
    assert not hours.is_open(open_late, at("2026-03-08T01:00:00+01:00"), MADRID)


@pytest.mark.req("SEC-04")
def test_the_clock_change_moves_the_hours_along() -> None:
    """09:00 is 08:00 UTC on the last day of winter time and 07:00 UTC on the next."""
    daily = ["09:00-18:00"] * 7
    assert not hours.is_open(daily, at("2026-03-28T07:30:00+00:00"), MADRID)
    assert hours.is_open(daily, at("2026-03-29T07:30:00+00:00"), MADRID)
    assert hours.is_open(daily, at("2026-10-24T07:30:00+00:00"), MADRID)
    assert not hours.is_open(daily, at("2026-10-25T07:30:00+00:00"), MADRID)


def test_a_day_of_which_nothing_is_said_is_open() -> None:
    assert hours.is_open(week(tuesday="closed"), at("2026-03-02T03:00:00+01:00"), MADRID)
    assert not hours.is_open(week(tuesday="closed"), at("2026-03-03T12:00:00+01:00"), MADRID)
    assert hours.is_open(week(monday="00:00-24:00"), at("2026-03-02T23:59:00+01:00"), MADRID)


@given(st.integers(0, 7 * 1440 - 1), st.integers(0, 1439), st.integers(0, 1439))
def test_open_as_long_as_the_span_says(minute: int, begin: int, end: int) -> None:
    """Counted over a week in UTC, a daily span is open for its length, whichever minute one asks about."""
    text = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    moment = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=minute)
    length = (end - begin) % 1440 or 1440
    assert hours.is_open([text] * 7, moment, "UTC") is ((minute - begin) % 1440 < length)


@pytest.mark.parametrize("text", ["9:00-18:00", "09:00", "09:00-25:00", "09:00-18:60", "always", "09:00-18:00;", ","])
def test_what_is_no_span_is_refused(business: Business, text: str) -> None:
    with pytest.raises(PosError) as refused:
        business.perform("setting:change", {"key": "security.hours_monday", "value": text})
    assert refused.value.code.code == "opening_hours_invalid"
    assert refused.value.path == "value"
