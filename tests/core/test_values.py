"""Money, time and ids: integers, aware UTC and UUIDv7, checked over whole ranges."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core import clock, ids, money

_DECIMALS = st.integers(0, 9)
_VALUE = st.integers(-(10**15) + 1, 10**15 - 1)


@pytest.mark.req("VAL-04")
@given(_VALUE, _DECIMALS, st.booleans())
def test_scaled_numbers_survive_the_way_there_and_back(value: int, decimals: int, trim: bool) -> None:
    text = money.format_scaled(value, decimals, trim=trim)
    assert money.parse_scaled(text, decimals) == value
    assert Decimal(text).scaleb(decimals) == value


@given(st.text(max_size=20))
def test_text_is_a_plain_decimal_or_an_error(text: str) -> None:
    try:
        value = money.parse_scaled(text, 3)
    except ValueError:
        return
    assert Decimal(text) * 1000 == value


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "+1", "1e3", "1,5", ".5", "1.", "--1", "NaN", "Infinity", "١", "1_000", "0x1", "1" * 16, "1.2345"],
)
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="quantity"):
        money.parse_quantity(text)


def test_trailing_zeros_are_no_decimals() -> None:
    assert money.parse_quantity("1.5000") == 1500
    assert money.parse_basis_points("887.50") == 88750
    assert money.format_basis_points(88750) == "887.5"
    assert money.format_quantity(-70) == "-0.07"


@pytest.mark.req("VAL-04")
@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("EUR", 2), ("BHD", 3), ("CLF", 4)])
def test_currencies_have_their_own_decimals(currency: str, decimals: int) -> None:
    assert money.currency_decimals(currency) == decimals
    assert money.to_minor(money.from_minor(-1234567, currency), currency) == -1234567


@given(_VALUE, st.sampled_from(["JPY", "EUR", "BHD"]))
def test_amounts_survive_the_way_there_and_back(minor: int, currency: str) -> None:
    assert money.to_minor(money.from_minor(minor, currency), currency) == minor


def test_more_decimals_than_the_currency_has_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 0 decimals"):
        money.to_minor("1.5", "JPY")
    with pytest.raises(ValueError, match="unknown currency"):
        money.currency_decimals("XXZ")


def test_amounts_as_people_write_them() -> None:
    assert money.format_money(123456, "EUR", "es") == "1.234,56\xa0€"
    assert money.format_money(-5, "USD") == "-$0.05"
    assert money.format_money(1234, "JPY") == "¥1,234"
    assert (money.cash_increment("CHF"), money.cash_increment("EUR")) == (5, 1)


_AWARE = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-840, 840).map(lambda m: timezone(timedelta(minutes=m))),
)


@given(_AWARE)
def test_times_survive_the_way_there_and_back(at: datetime) -> None:
    text = clock.to_text(at)
    assert len(text) == 27
    assert clock.from_text(text) == at
    assert clock.from_text(text).tzinfo == UTC


@given(_AWARE, _AWARE)
def test_time_texts_sort_as_times(one: datetime, other: datetime) -> None:
    assert (clock.to_text(one) < clock.to_text(other)) == (one < other)


def test_naive_times_are_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        clock.to_text(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="naive"):
        clock.from_text("2026-01-01T10:00:00")
    with pytest.raises(ValueError, match="unknown time zone"):
        clock.zone("Mars/Olympus")


@pytest.mark.req("OPX-13")
@given(_AWARE, st.integers(0, 1439), st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Pacific/Apia"]))
def test_a_business_day_is_the_local_day_or_the_one_before(at: datetime, start: int, zone: str) -> None:
    local = at.astimezone(clock.zone(zone))
    day = clock.business_date(at, zone, start)
    assert day in (local.date(), local.date() - timedelta(days=1))
    assert (day == local.date()) == (local.hour * 60 + local.minute >= start)


def test_a_bar_that_opens_until_five() -> None:
    night = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)  # 02:30 in Madrid
    assert clock.business_date(night, "Europe/Madrid", 300) == date(2026, 3, 2)
    assert clock.business_date(night, "Europe/Madrid", 0) == date(2026, 3, 3)


@pytest.mark.req("OPX-13")
@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(1, 12))
def test_fiscal_ends_lie_ahead_and_in_the_same_year(day: date, start: int) -> None:
    month, quarter, year = clock.month_end(day), clock.quarter_end(day, start), clock.fiscal_year_end(day, start)
    assert day <= month <= quarter <= year
    assert (year + timedelta(days=1)).day == 1
    assert (year + timedelta(days=1)).month == start
    assert (quarter - day).days < 93
    assert (year - day).days < 366


def test_working_days() -> None:
    assert clock.working_days(date(2026, 3, 2), date(2026, 3, 8)) == 5
    assert clock.working_days(date(2026, 3, 2), date(2026, 3, 8), frozenset({date(2026, 3, 3), date(2026, 3, 7)})) == 4
    assert clock.working_days(date(2026, 3, 8), date(2026, 3, 2)) == 0


@pytest.mark.req("DBM-11")
def test_ids_are_uuid7_and_rise() -> None:
    made = [ids.uuid7() for _ in range(2000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(ids.is_uuid7(one) and uuid.UUID(one).version == 7 for one in made[:50])


@given(st.uuids(version=4).map(str) | st.text(max_size=40) | st.integers() | st.none())
def test_what_is_no_uuid7(value: object) -> None:
    assert not ids.is_uuid7(value)


def test_a_trailing_newline_is_no_part_of_an_id() -> None:
    assert not ids.is_uuid7(ids.uuid7() + "\n")
    assert ids.is_uuid7(ids.uuid7().upper())


@given(_AWARE.filter(lambda at: at.year >= 1970), st.lists(st.text(max_size=10), min_size=1, max_size=3))
def test_derived_ids_are_the_same_for_the_same_names(at: datetime, names: list[str]) -> None:
    made = ids.derived_uuid7(at, *names)
    assert ids.is_uuid7(made)
    assert made == ids.derived_uuid7(at, *names)
    assert made != ids.derived_uuid7(at, *names, "more")
    assert int(made.replace("-", "")[:12], 16) == int(at.timestamp() * 1000)
