from __future__ import annotations

from fractions import Fraction

import pytest

from pos_core.tax import (
    Discount,
    Line,
    Rounding,
    Tax,
    TaxGroup,
    flatten,
    gross_from_net,
    net_from_gross,
    price,
    price_when_taxes_are_swapped,
)

BY_LINE = Rounding("line", "half_up")
BY_DOCUMENT = Rounding("document", "half_up")
VAT21 = Tax("vat21", "percent", 210_000, included=True)
SALES = Tax("sales", "percent", 82_500)


def line(amount: int, *taxes: Tax, quantity: int = 1000, discounts: tuple[Discount, ...] = ()) -> Line:
    return Line(amount, 1, quantity, taxes, discounts)


@pytest.mark.req("PRC-02")
@pytest.mark.req("PRC-01")
def test_a_rate_in_hundredths_of_a_basis_point_on_top() -> None:
    document = price([line(999, SALES)], rounding=Rounding("line", "half_even"))
    assert (document.net_minor, document.tax_minor, document.total_minor) == (999, 82, 1081)
    finer = Tax("nyc", "percent", 88_750)
    assert price([line(10_000, finer)], rounding=BY_LINE).tax_minor == 888


@pytest.mark.req("PRC-03")
def test_an_included_tax_leaves_the_shelf_price_alone() -> None:
    document = price([line(280, VAT21)], rounding=BY_LINE)
    assert (document.gross_minor, document.total_minor) == (280, 280)
    assert (document.net_minor, document.tax_minor) == (231, 49)
    [total] = document.taxes
    assert (total.tax, total.base_minor, total.amount_minor) == (VAT21, 231, 49)


@pytest.mark.req("PRC-03")
def test_two_included_taxes_come_out_together_and_the_residue_stays_in_the_net() -> None:
    a, b = (Tax(key, "percent", 100_000, included=True) for key in "ab")
    document = price([line(10_000, a, b)], rounding=BY_LINE)
    assert [entry.amount_minor for entry in document.lines[0].taxes] == [833, 833]
    assert (document.net_minor, document.total_minor) == (8334, 10_000)


@pytest.mark.req("PRC-03")
def test_a_compound_tax_stands_on_the_earlier_one() -> None:
    first = Tax("first", "percent", 100_000, adds_to_base=True)
    second = Tax("second", "percent", 200_000)
    aside = Tax("aside", "percent", 200_000, base_takes_earlier=False)
    [priced] = price([line(1000, first, second, aside)], rounding=BY_LINE).lines
    assert [(e.base_minor, e.amount_minor) for e in priced.taxes] == [(1000, 100), (1100, 220), (1000, 200)]


@pytest.mark.req("PRC-03")
def test_a_fixed_tax_counts_units_and_a_fraction_of_a_minor_unit() -> None:
    deposit = Tax("deposit", "fixed_per_unit", 250_000)  # 25 minor units a piece
    eco = Tax("eco", "fixed_per_unit", 1_250)  # an eighth of a minor unit a piece
    [priced] = price([line(100, deposit, eco, quantity=12_000)], rounding=BY_LINE).lines
    assert [entry.amount_minor for entry in priced.taxes] == [300, 2]
    [returned] = price([line(100, deposit, eco, quantity=-12_000)], rounding=BY_LINE).lines
    assert [entry.amount_minor for entry in returned.taxes] == [-300, -2]
    [negative] = price([line(-100, deposit, quantity=-12_000)], rounding=BY_LINE).lines
    assert (negative.net_minor, negative.tax_minor) == (1200, 300)


@pytest.mark.req("PRC-03")
def test_taxes_on_the_gross_are_computed_together_and_come_out_again() -> None:
    rates = (50_000, 30_000, 6_500, 90_000, 150_000)
    on_top = tuple(Tax(f"t{i}", "percent_of_gross", rate) for i, rate in enumerate(rates))
    document = price([line(3233, *on_top)], rounding=BY_LINE)
    assert [t.amount_minor for t in document.taxes] == [240, 144, 31, 432, 720]
    inside = tuple(Tax(t.id, t.kind, t.rate, included=True) for t in on_top)
    assert price([line(4800, *inside)], rounding=BY_LINE).net_minor == 3233


def test_taxes_on_the_gross_cannot_reach_the_whole_price() -> None:
    with pytest.raises(ValueError, match="100 %"):
        price([line(100, Tax("all", "percent_of_gross", 1_000_000))], rounding=BY_LINE)
    with pytest.raises(ValueError, match="-100 %"):
        price([line(100, Tax("none", "percent", -1_000_000, included=True))], rounding=BY_LINE)


@pytest.mark.req("PRC-03")
@pytest.mark.parametrize(
    ("kind", "amount", "charged"),
    [("reverse_charge", 10_000, 2100), ("reverse_charge_of_gross", 7_900, 2100)],
)
@pytest.mark.parametrize("included", [False, True])
@pytest.mark.parametrize("rounding", [BY_LINE, BY_DOCUMENT])
def test_a_reverse_charge_is_charged_and_deducted(
    kind: str, amount: int, charged: int, included: bool, rounding: Rounding
) -> None:
    document = price([line(amount, Tax("rc", kind, 210_000, included=included))], rounding=rounding)
    assert (document.net_minor, document.tax_minor, document.total_minor) == (amount, 0, amount)
    assert [(t.amount_minor, t.deducted) for t in document.taxes] == [(charged, False), (-charged, True)]


@pytest.mark.req("PRC-03")
def test_document_rounding_rounds_once_and_shares_the_figure_out() -> None:
    lines = [line(9998, Tax("v19", "percent", 190_000, included=True)) for _ in range(5)]
    by_line, by_document = (price(lines, rounding=rounding) for rounding in (BY_LINE, BY_DOCUMENT))
    assert (by_line.net_minor, by_line.tax_minor) == (42_010, 7980)
    assert (by_document.net_minor, by_document.tax_minor, by_document.total_minor) == (42_008, 7982, 49_990)
    assert sorted(p.tax_minor for p in by_document.lines) == [1596, 1596, 1596, 1597, 1597]
    assert {p.total_minor for p in by_document.lines} == {9998}


@pytest.mark.req("PRC-06")
def test_line_discounts_apply_in_order_and_the_remaining_price_is_rounded() -> None:
    discounts = (Discount("percent", 180_000), Discount("amount", 57))
    [priced] = price([line(575, SALES, quantity=5000, discounts=discounts)], rounding=BY_LINE).lines
    assert (priced.gross_minor, priced.discount_minor, priced.net_minor) == (2875, 574, 2301)


@pytest.mark.req("PRC-06")
def test_cart_discounts_add_up_over_the_lines_and_skip_returned_ones() -> None:
    lines = [line(1000, VAT21), line(1000, VAT21), line(1000, VAT21), line(500, VAT21, quantity=-1000)]
    off = (Discount("percent", 100_000), Discount("amount", 100))
    document = price(lines, cart_discounts=off, rounding=BY_LINE)
    assert [p.cart_discount_minor for p in document.lines] == [134, 133, 133, 0]
    assert (document.discount_minor, document.total_minor) == (400, 2100)
    assert document.net_minor + document.tax_minor == 2100


@pytest.mark.req("PRC-06")
def test_a_discount_above_the_amount_is_refused_and_a_whole_one_is_not() -> None:
    with pytest.raises(ValueError, match="'PROMO' of 1001 is above the 1000 of line 2"):
        price([line(1), line(1000, discounts=(Discount("amount", 1001, "PROMO"),))], rounding=BY_LINE)
    with pytest.raises(ValueError, match="the 1000 of the cart"):
        price([line(1000)], cart_discounts=[Discount("amount", 1001)], rounding=BY_LINE)
    free = price([line(399, VAT21)], cart_discounts=[Discount("percent", 1_000_000)], rounding=BY_LINE)
    assert (free.total_minor, free.tax_minor, free.net_minor, free.discount_minor) == (0, 0, 0, 399)


@pytest.mark.req("VAL-04")
def test_what_is_not_an_exact_integer_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        Line(9.99, 1, 1000, ())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="quantity"):
        Line(999, 1, True, ())
    with pytest.raises(TypeError, match="rate of tax"):
        Tax("t", "percent", 8.25)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="discount"):
        Discount("percent", 0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="price_per"):
        Line(999, 0, 1000, ())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Tax("t", "vat", 1),
        lambda: Discount("free", 1),
        lambda: Discount("amount", -1),
        lambda: Discount("percent", 1_000_001),
        lambda: Rounding("month", "half_up"),
        lambda: Rounding("line", "half_down"),
    ],
)
def test_unknown_kinds_and_impossible_values_are_refused(make: object) -> None:
    with pytest.raises(ValueError):
        make()  # type: ignore[operator]


@pytest.mark.req("VAL-04")
@pytest.mark.parametrize("rounding", [BY_LINE, BY_DOCUMENT])
def test_large_amounts_and_quantities_stay_exact(rounding: Rounding) -> None:
    amount = 10**15 - 1
    document = price([line(amount, VAT21), Line(amount, 1000, 10**10, (VAT21,))], rounding=rounding)
    second = (amount * 10**7 + 500) // 1000
    assert document.total_minor == amount + second
    assert abs(Fraction(document.tax_minor) - Fraction((amount + second) * 21, 121)) <= 1


@pytest.mark.req("PRC-01")
def test_a_price_below_the_minor_unit_is_given_per_many() -> None:
    [priced] = price([Line(499, 1000, 37_000, ())], rounding=BY_LINE).lines
    assert priced.gross_minor == 18  # 37 screws at 4.99 a thousand: 0.18463
    assert price([Line(380, 1, 575, ())], rounding=BY_LINE).total_minor == 219


def test_two_definitions_of_one_tax_are_refused() -> None:
    other = Tax("vat21", "percent", 200_000, included=True)
    fixed = Tax("vat21", "fixed_per_unit", 1)
    for wrong in (other, fixed):
        for rounding in (BY_LINE, BY_DOCUMENT):
            with pytest.raises(ValueError, match="share the id 'vat21'"):
                price([line(100, VAT21), line(100, wrong)], rounding=rounding)


@pytest.mark.req("PRC-03")
def test_a_group_is_flattened_and_totalled_once_per_line() -> None:
    state, county = Tax("state", "percent", 40_000), Tax("county", "percent", 12_500)
    taxes = flatten([TaxGroup("local", (state, county)), VAT21])
    assert taxes == (state, county, VAT21)
    with pytest.raises(ValueError, match="twice"):
        flatten([state, TaxGroup("local", (state,))])
    document = price([line(1000, state, county), line(500, county)], rounding=BY_LINE)
    assert document.group_total(["state", "county"]) == (1500, 40 + 13 + 6)


@pytest.mark.req("PRC-03")
def test_net_and_gross_are_carried_over() -> None:
    vat, fixed = Tax("v", "percent", 200_000), Tax("f", "fixed_per_unit", 10_000 * 1000)
    assert net_from_gross(13_000, [vat, fixed]) == 10_000
    assert gross_from_net(10_000, [vat, fixed]) == 13_000
    assert gross_from_net(-20_000, [vat, fixed], quantity=2000) == -26_000
    assert net_from_gross(-26_000, [vat, fixed], quantity=2000) == -20_000
    assert net_from_gross(10_000, [VAT21]) == 8264


@pytest.mark.req("PRC-03")
def test_swapping_taxes_carries_an_included_price_over_its_net() -> None:
    vat6 = Tax("vat6", "percent", 60_000, included=True)
    assert price_when_taxes_are_swapped(12_100, [VAT21], [vat6]) == 10_600
    assert price_when_taxes_are_swapped(12_100, [VAT21], [SALES]) == 10_000
    assert price_when_taxes_are_swapped(10_000, [SALES], [vat6]) == 10_000
    assert price_when_taxes_are_swapped(-12_100, [VAT21], [vat6]) == -10_600


@pytest.mark.req("PRC-03")
def test_the_explanation_names_base_rate_exact_amount_and_residue() -> None:
    lines = [line(9998, Tax("v19", "percent", 190_000, included=True)) for _ in range(2)]
    first, second = price(lines, rounding=BY_DOCUMENT).explain()
    [one], [two] = first.taxes, second.taxes
    assert (one.exact_amount, one.rate, one.included) == ("189962/119", 190_000, True)
    assert (one.amount_minor, one.residue_minor) == (1597, 1)
    assert (two.amount_minor, two.residue_minor) == (1596, 0)
    assert "19 % in the price" in one.text
    assert "+1 so that the document holds" in one.text
    assert "line 2: 9998 - 0 - 0 -> net 8402, total 9998" in str(second)


def test_an_empty_document_is_zero() -> None:
    for rounding in (BY_LINE, BY_DOCUMENT):
        document = price([], rounding=rounding)
        assert (document.total_minor, document.lines, document.taxes) == (0, (), ())
