from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pos_core.tax import Discount, Line, PricedDocument, Rounding, Tax, price
from pos_core.tax import engine as engine_module
from pos_core.tax.engine import exact_document, general
from pos_core.tax.rounding import MODES, round_to

PLAIN = [
    Tax("i21", "percent", 210_000, included=True),
    Tax("i6", "percent", 60_000, included=True),
    Tax("e825", "percent", 82_500),
    Tax("e8875", "percent", 88_750),
    Tax("zero", "percent", 0),
    Tax("deposit", "fixed_per_unit", 12_345),
    Tax("depositi", "fixed_per_unit", 54_321, included=True),
]
OTHERS = [
    Tax("fix", "fixed_per_unit", 12_500),
    Tax("fixi", "fixed_per_unit", 50_000, included=True, adds_to_base=True),
    Tax("comp", "percent", 60_000, adds_to_base=True),
    Tax("compi", "percent", 110_000, included=True, adds_to_base=True),
    Tax("aside", "percent", 30_000, base_takes_earlier=False),
    Tax("gross5", "percent_of_gross", 50_000),
    Tax("gross9", "percent_of_gross", 90_000, included=True),
    Tax("rc", "reverse_charge", 210_000),
    Tax("rcg", "reverse_charge_of_gross", 210_000, included=True),
    Tax("minus", "percent", -20_000),
]
roundings = st.builds(Rounding, st.sampled_from(["line", "document"]), st.sampled_from(MODES))
discounts = st.one_of(
    st.builds(Discount, st.just("percent"), st.integers(0, 1_000_000)),
    st.builds(Discount, st.just("amount"), st.integers(0, 300)),
)


def tax_sets(taxes: list[Tax], largest: int = 3) -> st.SearchStrategy[tuple[Tax, ...]]:
    return st.lists(st.sampled_from(taxes), max_size=largest, unique=True).map(tuple)


def documents(taxes: list[Tax], *, signed: bool = True) -> st.SearchStrategy[list[Line]]:
    lowest = -20_000 if signed else 0
    line = st.builds(
        Line,
        st.integers(lowest, 10**6) | st.integers(0, 300),
        st.sampled_from([1, 1, 1, 10, 1000]),
        st.integers(-5000 if signed else 0, 20_000) | st.just(1000),
        tax_sets(taxes),
        st.lists(discounts, max_size=2).map(tuple),
    )
    return st.lists(line, min_size=1, max_size=7)


def priced(lines: list[Line], cart: list[Discount], rounding: Rounding) -> PricedDocument:
    try:
        return price(lines, cart_discounts=cart, rounding=rounding)
    except ValueError as error:
        assume("is above the" not in str(error))
        raise


carts = st.lists(discounts, max_size=2)


def mirrored(lines: list[Line]) -> list[Line]:
    return [replace(line, quantity=-line.quantity) for line in lines]


@pytest.mark.req("PRC-03")
@pytest.mark.req("PRC-06")
@given(documents(PLAIN + OTHERS), carts, roundings)
def test_lines_add_up_to_the_document(lines: list[Line], cart: list[Discount], rounding: Rounding) -> None:
    document = priced(lines, cart, rounding)
    for name in ("gross_minor", "net_minor", "tax_minor", "total_minor"):
        assert getattr(document, name) == sum(getattr(line, name) for line in document.lines)
    off = sum(line.discount_minor + line.cart_discount_minor for line in document.lines)
    assert document.discount_minor == off
    for total in document.taxes:
        mine = [e for p in document.lines for e in p.taxes if (e.tax, e.deducted) == (total.tax, total.deducted)]
        assert total.amount_minor == sum(entry.amount_minor for entry in mine)
        assert total.base_minor == sum(entry.base_minor for entry in mine)
    for line in document.lines:
        assert line.tax_minor == sum(entry.amount_minor for entry in line.taxes)
        assert line.total_minor == line.net_minor + line.tax_minor


@pytest.mark.req("PRC-03")
@given(documents(PLAIN + OTHERS), carts, roundings)
def test_the_shelf_total_always_holds(lines: list[Line], cart: list[Discount], rounding: Rounding) -> None:
    document = priced(lines, cart, rounding)
    for line in document.lines:
        payable = line.gross_minor - line.discount_minor - line.cart_discount_minor
        on_top = sum(entry.amount_minor for entry in line.taxes if not entry.tax.included)
        assert line.total_minor == payable + on_top
    if all(tax.included for line in lines for tax in line.taxes):
        assert document.total_minor == document.gross_minor - document.discount_minor


@pytest.mark.req("PRC-03")
@given(documents(PLAIN), carts, roundings)
def test_the_integer_path_equals_the_general_one(lines: list[Line], cart: list[Discount], rounding: Rounding) -> None:
    document = priced(lines, cart, rounding)
    payable = [p.gross_minor - p.discount_minor - p.cart_discount_minor for p in document.lines]
    assert [tuple(line[3:]) for line in document.lines] == general(payable, lines, rounding)


@given(documents(PLAIN[:3]), roundings)
def test_plain_documents_do_take_the_integer_path(lines: list[Line], rounding: Rounding) -> None:
    one_tax_each = [replace(line, taxes=line.taxes[:1]) for line in lines]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "general", None)  # would raise if it were called
        assert priced(one_tax_each, [], rounding).lines


@pytest.mark.req("PRC-03")
@given(documents(PLAIN + OTHERS), roundings)
def test_a_return_mirrors_the_sale(lines: list[Line], rounding: Rounding) -> None:
    sale, back = priced(lines, [], rounding), priced(mirrored(lines), [], rounding)
    _assert_mirrored(sale, back)


@pytest.mark.req("PRC-06")
@given(documents(PLAIN + OTHERS, signed=False), carts, roundings)
def test_a_whole_return_mirrors_the_cart_discounts_too(
    lines: list[Line], cart: list[Discount], rounding: Rounding
) -> None:
    _assert_mirrored(priced(lines, cart, rounding), priced(mirrored(lines), cart, rounding))


def _assert_mirrored(sale: PricedDocument, back: PricedDocument) -> None:
    for one, other in zip(sale.lines, back.lines, strict=True):
        assert tuple(other[:6]) == tuple(-figure for figure in one[:6])
        for entry, turned in zip(one.taxes, other.taxes, strict=True):
            assert (turned.base_minor, turned.amount_minor) == (-entry.base_minor, -entry.amount_minor)


@pytest.mark.req("PRC-03")
@given(documents(PLAIN + OTHERS), st.sampled_from(MODES))
def test_document_rounding_rounds_each_tax_once(lines: list[Line], mode: str) -> None:
    rounding = Rounding("document", mode)
    document = priced(lines, [], rounding)
    payable = [p.gross_minor - p.discount_minor for p in document.lines]
    exact = exact_document(payable, lines, rounding)
    for total in document.taxes:
        before = sum((e.amount_before for p in exact.lines for e in p.entries if e.tax.id == total.tax.id), Fraction(0))
        once = round_to(before, Fraction(1), mode)
        assert total.amount_minor == (-once if total.deducted else once)


@pytest.mark.req("PRC-06")
@settings(max_examples=200)
@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=8),
    st.integers(0, 1_000_000),
    st.sampled_from(MODES),
)
def test_a_cart_percentage_takes_what_it_says(amounts: list[int], percent: int, mode: str) -> None:
    lines = [Line(amount, 1, 1000, PLAIN[:1]) for amount in amounts]  # type: ignore[arg-type]
    document = price(lines, cart_discounts=[Discount("percent", percent)], rounding=Rounding("line", mode))
    left = Fraction(sum(amounts) * (1_000_000 - percent), 1_000_000)
    assert document.total_minor == round_to(left, Fraction(1), mode)
    for amount, line in zip(amounts, document.lines, strict=True):
        assert 0 <= line.cart_discount_minor <= amount


@pytest.mark.req("PRC-03")
@given(documents(PLAIN + OTHERS), carts, roundings)
def test_the_explanation_agrees_with_what_is_stored(
    lines: list[Line], cart: list[Discount], rounding: Rounding
) -> None:
    document = priced(lines, cart, rounding)
    for line, told in zip(document.lines, document.explain(), strict=True):
        for entry, tax in zip([e for e in line.taxes if not e.deducted], told.taxes, strict=True):
            assert (tax.tax_id, tax.base_minor, tax.amount_minor) == (
                entry.tax.id,
                entry.base_minor,
                entry.amount_minor,
            )
            alone = round_to(Fraction(tax.exact_amount), Fraction(1), rounding.mode)
            assert alone + tax.residue_minor == entry.amount_minor
            if rounding.when == "line":
                assert tax.residue_minor == 0


def test_the_engine_imports_nothing_of_the_rest() -> None:
    import ast
    from pathlib import Path

    for path in Path(engine_module.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith("pos_core") or name.startswith("pos_core.tax"), f"{path.name}: {name}"
