from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core.tax import allocate, cash_round, round_div
from pos_core.tax.rounding import MODES, apportion, round_to

modes = st.sampled_from(MODES)


@pytest.mark.req("PRC-03")
@pytest.mark.parametrize(
    ("numerator", "half_up", "half_even", "up", "down"),
    [
        (25, 3, 2, 3, 2),
        (35, 4, 4, 4, 3),
        (21, 2, 2, 3, 2),
        (29, 3, 3, 3, 2),
        (20, 2, 2, 2, 2),
        (0, 0, 0, 0, 0),
    ],
)
def test_modes_round_tenths_and_mirror(numerator: int, half_up: int, half_even: int, up: int, down: int) -> None:
    wanted = {"half_up": half_up, "half_even": half_even, "up": up, "down": down}
    for mode, result in wanted.items():
        assert round_div(numerator, 10, mode) == result
        assert round_div(-numerator, 10, mode) == -result


@pytest.mark.req("PRC-03")
def test_half_even_gives_the_example_of_the_source() -> None:
    assert round_div(999 * 825, 10_000, "half_even") == 82


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="half_down"):
        round_div(1, 2, "half_down")


@given(st.fractions(), st.fractions(min_value="1/1000000", max_value=100), modes)
def test_round_to_lands_on_the_unit_and_near(amount: Fraction, unit: Fraction, mode: str) -> None:
    rounded = round_to(amount, unit, mode)
    assert (rounded / unit).denominator == 1
    assert abs(rounded - amount) < unit
    if mode in ("half_up", "half_even"):
        assert abs(rounded - amount) <= unit / 2
    if mode == "up":
        assert abs(rounded) >= abs(amount)
    if mode == "down":
        assert abs(rounded) <= abs(amount)


@pytest.mark.req("VAL-04")
@given(
    st.integers(-(10**15), 10**15),
    st.lists(st.integers(0, 10**12), min_size=1, max_size=12),
)
def test_allocate_adds_up_stays_near_and_spares_zero_weights(amount: int, weights: list[int]) -> None:
    shares = allocate(amount, weights)
    assert sum(shares) == amount
    whole = sum(weights)
    for share, weight in zip(shares, weights, strict=True):
        exact = Fraction(amount * weight, whole) if whole else Fraction(amount, len(weights))
        assert abs(share - exact) < 1
        if whole and not weight:
            assert share == 0
    assert allocate(-amount, weights) == [-share for share in shares]
    assert allocate(amount, [-weight for weight in weights]) == shares


def test_allocate_gives_the_odd_cent_to_the_largest_remainder_and_ties_to_the_earlier() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(10, [1, 2, 4]) == [1, 3, 6]
    assert allocate(5, [0, 0]) == [3, 2]
    assert allocate(0, []) == []


def test_allocate_refuses_what_it_cannot_share() -> None:
    with pytest.raises(ValueError, match="no weights"):
        allocate(1, [])
    with pytest.raises(ValueError, match="both signs"):
        allocate(1, [5, -5])


@given(st.lists(st.fractions(-1000, 1000, max_denominator=97), min_size=1, max_size=9), modes)
def test_apportion_adds_up_and_mirrors(exact: list[Fraction], mode: str) -> None:
    total = round_to(sum(exact, Fraction(0)), Fraction(1), mode)
    shares = apportion(exact, int(total))
    assert sum(shares) == total
    for share, wanted in zip(shares, exact, strict=True):
        assert abs(share - wanted) < 1
        if wanted.denominator == 1:
            assert share == wanted
    assert apportion([-part for part in exact], int(-total)) == [-share for share in shares]


@pytest.mark.req("PRC-03")
@pytest.mark.parametrize(
    ("total", "increment", "mode", "wanted"),
    [
        (1002, 5, "half_up", (1000, -2)),
        (1003, 5, "half_up", (1005, 2)),
        (1025, 50, "half_up", (1050, 25)),
        (1025, 50, "half_even", (1000, -25)),
        (-1003, 5, "half_up", (-1005, -2)),
        (1001, 5, "up", (1005, 4)),
        (1004, 5, "down", (1000, -4)),
        (1004, 1, "half_up", (1004, 0)),
    ],
)
def test_cash_rounding(total: int, increment: int, mode: str, wanted: tuple[int, int]) -> None:
    assert cash_round(total, increment, mode) == wanted


def test_cash_rounding_needs_a_coin() -> None:
    with pytest.raises(ValueError, match="increment"):
        cash_round(100, 0)
