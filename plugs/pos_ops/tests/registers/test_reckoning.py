"""What a drawer should hold and by how much it differs, from figures alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_ops.registers import reckoning

TENDERS = st.sampled_from(["cash", "card", "other", "usd"])
AMOUNTS = st.integers(-(10**9), 10**9)
TAKINGS = st.lists(st.tuples(TENDERS, AMOUNTS), max_size=12)
COUNTS = st.dictionaries(TENDERS, st.integers(0, 10**9), max_size=4)


@pytest.mark.req("REG-01")
def test_expected_cash_is_the_float_and_what_was_taken_less_what_was_given_back():
    should = reckoning.expected(10_000, "cash", [("cash", 2_550), ("card", 900), ("cash", -300)])
    assert should == {"cash": 12_250, "card": 900}


@pytest.mark.req("V2X-29")
def test_over_short_per_tender_and_the_mark():
    cash, card = sorted(
        reckoning.reckon({"cash": 12_250, "card": 900}, {"cash": 11_700}, 500),
        key=lambda line: line.tender_id,
        reverse=True,
    )
    assert (cash.over_short_minor, cash.declared, cash.marked) == (-550, True, True)
    assert (card.counted_minor, card.over_short_minor, card.declared, card.marked) == (900, 0, False, False)


@pytest.mark.req("V2X-29")
@pytest.mark.parametrize(
    ("counted", "alert", "marked"),
    [
        (10_500, 500, False),
        (10_501, 500, True),
        (9_499, 500, True),
        (9_500, 500, False),
        (10_000, 0, False),
        (10_001, 0, True),
    ],
)
def test_only_more_than_the_setting_is_marked(counted, alert, marked):
    (line,) = reckoning.reckon({"cash": 10_000}, {"cash": counted}, alert)
    assert line.marked is marked


@given(st.integers(0, 10**9), TENDERS, TAKINGS, COUNTS, st.integers(0, 1000))
def test_sums_add_up_whatever_was_taken_and_counted(float_minor, float_tender, takings, counts, alert):
    should = reckoning.expected(float_minor, float_tender, takings)
    lines = reckoning.reckon(should, counts, alert)
    assert sum(line.expected_minor for line in lines) == float_minor + sum(amount for _, amount in takings)
    assert {line.tender_id for line in lines} == {float_tender, *counts, *(tender for tender, _ in takings)}
    for line in lines:
        assert line.counted_minor == line.expected_minor + line.over_short_minor
        assert line.counted_minor == counts.get(line.tender_id, line.expected_minor)
        assert line.declared == (line.tender_id in counts)
        assert line.marked == (abs(line.over_short_minor) > alert)


@given(st.lists(st.tuples(st.integers(1, 50_000), st.integers(0, 1000)), max_size=12))
def test_pieces_add_up(pieces):
    assert reckoning.denominations_sum(pieces) == sum(value for value, count in pieces for _ in range(count))


@pytest.mark.req("V2X-26")
@given(st.lists(st.integers(0, 10**12), max_size=8))
def test_quick_floats_are_read_as_they_are_written(amounts):
    text = ", ".join(map(str, amounts))
    assert reckoning.are_quick_floats(text)
    assert reckoning.quick_floats(text) == amounts


@pytest.mark.parametrize("text", ["50.00", "5000;10000", "a", "5000,", ",5000", "-1", "1,2,3,4,5,6,7,8,9"])
def test_what_is_no_list_of_amounts_is_no_quick_float(text):
    assert not reckoning.are_quick_floats(text)
