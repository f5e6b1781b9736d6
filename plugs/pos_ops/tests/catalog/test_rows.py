"""Figures of import rows: never a float, never a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core import money
from pos_ops.catalog.import_schemas import ImportRow
from pos_ops.catalog.importing.rows import RowError, clean, parse, plain_decimal


def row(**values: object) -> ImportRow:
    return ImportRow(**{"sku": "S", "name": "N", **values})


@pytest.mark.req("PRC-01")
@given(st.integers(1, 10**12), st.sampled_from([0, 2, 3]), st.booleans())
def test_prices_become_the_same_minor_units_however_they_are_written(minor: int, decimals: int, comma: bool) -> None:
    plain = money.format_scaled(minor, decimals, trim=False)
    whole, _, fraction = plain.partition(".")
    grouped = f"{int(whole):,}" + (f".{fraction}" if fraction else "")
    if comma:
        grouped = grouped.translate(str.maketrans(",.", ".,"))
    assert parse(row(selling_price=grouped), decimals, comma).unit_price_minor == minor


@pytest.mark.req("PRC-01")
@given(st.integers(1, 10**8), st.integers(3, 5))
def test_a_price_finer_than_the_currency_is_the_exact_price_of_more_units(value: int, places: int) -> None:
    text = money.format_scaled(value, places)
    read = parse(row(selling_price=text, price_per="1"), 2, False)
    assert read.unit_price_minor is not None
    assert read.price_per is not None
    assert read.unit_price_minor * 10 ** (places - 2) == value * read.price_per


@pytest.mark.parametrize(
    ("text", "comma", "wanted"),
    [("1,234.50", False, "1234.50"), ("1.234,50", True, "1234.50"), ("12,90", True, "12.90"), ("12,90", False, None),
     (".5", False, "0.5"), ("1 234,5", True, "1234.5"), ("-1", False, None), ("1e3", False, None), ("", False, None),
     ("12.", False, "12"), ("1,2345", False, None), ("NaN", False, None)],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, comma: bool, wanted: str | None) -> None:
    assert plain_decimal(text, comma) == wanted


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [("selling_price", "0", "positive"), ("selling_price", "1.005", "decimals"), ("selling_price", "abc", "number"),
     ("cost_price", "0.00", "positive"), ("sku", "x" * 51, "long"),
     ("name", "x" * 101, "long"), ("sku", " ", "missing"),
     ("barcode", "12 34é", "barcode"), ("barcode", "9" * 51, "barcode"), ("discount", "100.01", "percent"),
     ("discount", "1.234", "percent"), ("price_per", "0", "whole"), ("price_per", "1.5", "whole"),
     ("department_code", "a b", "code"), ("open_price", "maybe", "flag"), ("selling_price", "9" * 15, "large")],
)  # fmt: skip
@pytest.mark.req("CAT-01")
@pytest.mark.req("V2X-12")
def test_what_is_wrong_is_said_with_field_and_reason(field: str, value: str, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        parse(row(**{field: value}), 2, False)
    assert (caught.value.field, caught.value.reason) == (field, reason)
    for language in ("en", "es"):
        sentence = caught.value.sentence(language)
        assert sentence.startswith(field)
        assert "{" not in sentence


@given(st.text(max_size=200))
def test_clean_text_is_one_visible_line(text: str) -> None:
    made = clean(text)
    assert made.isprintable()
    assert made == made.strip()
    assert clean(made) == made


def test_a_discount_is_a_percentage_with_two_decimals() -> None:
    assert parse(row(discount="12.5"), 2, False).discount_rate == 125_000
    assert parse(row(discount="12,5 %"), 2, True).discount_rate == 125_000
