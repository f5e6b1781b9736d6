"""The general engine against the definitions themselves, in any rounding unit."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pos_core.tax.exact import ExactDocument, ExactLine, ExactRounding, ExactTax, compute
from pos_core.tax.exact_discount import discounted
from pos_core.tax.rounding import MODES
from pos_core.tax.types import KINDS

EXACTLY = ExactRounding("none", "half_up", Fraction(1))
UNITS = [Fraction(1, 100), Fraction(1, 20), Fraction(1), Fraction(1, 1000), Fraction(1, 10**6)]

amounts = st.integers(-(10**7), 10**7).map(lambda cents: Fraction(cents, 1000))
roundings = st.builds(
    ExactRounding, st.sampled_from(["line", "document"]), st.sampled_from(MODES), st.sampled_from(UNITS)
)


def _tax(number: int, kind: str, rate: int, included: bool, adds: bool, takes: bool) -> ExactTax:
    # five taxes of at most 19 % never reach the whole gross
    share = Fraction(rate, 100) if kind == "fixed_per_unit" else Fraction(rate, 1000)
    return ExactTax(f"{number}{kind}{rate}{included}{adds}{takes}", kind, share, included, adds, takes)


taxes = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 190), st.booleans(), st.booleans(), st.booleans()), max_size=5
).map(lambda rows: tuple(_tax(number, *row) for number, row in enumerate(rows)))
lines = st.builds(ExactLine, amounts, st.integers(-9, 9).map(Fraction), taxes)
documents = st.lists(lines, min_size=1, max_size=5)


@pytest.mark.req("PRC-03")
@given(lines)
def test_the_exact_solution_fulfils_every_definition(line: ExactLine) -> None:
    [priced] = compute([line], EXACTLY).lines
    entries = priced.entries
    inside = sum((e.amount for e in entries if e.tax.included and "reverse" not in e.tax.kind), Fraction(0))
    assert priced.net + inside == line.amount
    for number, entry in enumerate(entries):
        joins = [
            e for e in entries[:number]
            if entry.tax.base_takes_earlier and e.tax.adds_to_base and "reverse" not in e.tax.kind
        ]  # fmt: skip
        assert entry.base == priced.net + sum((e.amount for e in joins), Fraction(0))
        if entry.tax.kind == "fixed_per_unit":
            assert entry.amount == entry.tax.rate * line.quantity
        elif entry.tax.kind in ("percent", "reverse_charge"):
            assert entry.amount == entry.tax.rate * entry.base
        else:
            together = [e for e in entries if e.tax.kind == entry.tax.kind and e.base == entry.base]
            gross = entry.base + sum((e.amount for e in together), Fraction(0))
            if len({e.tax.base_takes_earlier for e in together}) == 1 and not any(e.tax.adds_to_base for e in entries):
                assert entry.amount == entry.tax.rate * gross
    charged = sum((e.amount for e in entries if "reverse" not in e.tax.kind), Fraction(0))
    assert (priced.tax, priced.total) == (charged, priced.net + charged)


def _on_grid(document: ExactDocument, unit: Fraction) -> bool:
    figures = [f for p in document.lines for f in (p.net, p.tax, p.total, *(e.amount for e in p.entries))]
    return all((figure / unit).denominator == 1 for figure in figures)


@pytest.mark.req("PRC-03")
@given(documents, roundings)
def test_every_figure_is_in_whole_units_and_near_the_exact_one(
    document: list[ExactLine], rounding: ExactRounding
) -> None:
    rounded = compute(document, rounding)
    assert _on_grid(rounded, rounding.unit)
    for line, priced in zip(document, rounded.lines, strict=True):
        shelf = rounding.apply(line.amount) if line.is_shelf_priced else priced.amount
        inside = sum((e.amount for e in priced.entries if e.tax.is_inside), Fraction(0))
        assert priced.net + inside == shelf
        for entry in priced.entries:
            assert abs(entry.amount - entry.amount_before) < (1 if rounding.when == "line" else 2) * rounding.unit


@pytest.mark.req("PRC-03")
@given(documents, st.sampled_from(MODES), st.sampled_from(UNITS))
def test_prices_without_tax_are_summed_before_they_are_rounded(
    document: list[ExactLine], mode: str, unit: Fraction
) -> None:
    plain = [ExactLine(line.amount, line.quantity, ()) for line in document]
    rounding = ExactRounding("document", mode, unit)
    assert compute(plain, rounding).total == rounding.apply(sum((line.amount for line in plain), Fraction(0)))


@pytest.mark.req("PRC-06")
@given(documents, roundings, st.integers(0, 10**6))
def test_a_discount_on_the_grand_total_lowers_it_by_exactly_that(
    document: list[ExactLine], rounding: ExactRounding, steps: int
) -> None:
    off = steps * rounding.unit
    before = compute(document, rounding)
    try:
        lower = discounted(document, rounding, taken_from="grand_total", amount=off)
    except ValueError as error:
        assume("nothing to take" not in str(error))
        raise
    after = compute(lower, rounding)
    assert after.total == before.total - off
    assert _on_grid(after, rounding.unit)


@pytest.mark.req("PRC-06")
@given(documents, roundings, st.integers(0, 100))
def test_a_discount_on_the_net_total_lowers_the_net_by_exactly_that(
    document: list[ExactLine], rounding: ExactRounding, percent: int
) -> None:
    before = compute(document, rounding)
    try:
        lower = discounted(document, rounding, taken_from="net_total", percent=Fraction(percent))
    except ValueError as error:
        assume("nothing to take" not in str(error))
        raise
    assert compute(lower, rounding).net == before.net - rounding.apply(before.net * percent / 100)


def test_a_discount_needs_one_figure_and_a_known_total() -> None:
    line = ExactLine(Fraction(10), Fraction(1), ())
    with pytest.raises(ValueError, match="either an amount or a percent"):
        discounted([line], EXACTLY, taken_from="net_total")
    with pytest.raises(ValueError, match="either an amount or a percent"):
        discounted([line], EXACTLY, taken_from="net_total", amount=Fraction(1), percent=Fraction(1))
    with pytest.raises(ValueError, match="not 'tips'"):
        discounted([line], EXACTLY, taken_from="tips", amount=Fraction(1))


@pytest.mark.parametrize(("when", "mode", "unit"), [("week", "half_up", 1), ("line", "odd", 1), ("line", "half_up", 0)])
def test_an_odd_rounding_is_refused(when: str, mode: str, unit: int) -> None:
    with pytest.raises(ValueError):
        ExactRounding(when, mode, Fraction(unit))
