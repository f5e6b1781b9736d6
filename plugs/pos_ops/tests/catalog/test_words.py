"""Forms of words, barcodes and codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from pos_ops.catalog.demo import barcode
from pos_ops.catalog.search import expression
from pos_ops.catalog.words import barcode_key, code_of, is_barcode, search_text, words_of

digits = st.text("0123456789", min_size=8, max_size=14)


@pytest.mark.req("CAT-02")
@given(digits)
def test_a_gtin_is_the_same_with_and_without_leading_zeros(code: str) -> None:
    assert barcode_key(code) == barcode_key("0" * (14 - len(code)) + code) == barcode_key(f" {code} ")
    assert len(barcode_key(code)) == 14


@pytest.mark.parametrize("code", ["4011", "A-100", "1234567", "123456789012345"])
def test_other_codes_stay_as_they_are(code: str) -> None:
    assert barcode_key(code) == code


@given(st.integers(0, 99_999))
def test_demo_barcodes_are_valid_and_in_a_company_range(number: int) -> None:
    made = barcode(number)
    assert ean.is_valid(made)
    assert 40 <= int(made[:3]) <= 49


@given(st.text(max_size=60), st.text(max_size=60))
def test_words_are_bare_and_each_once(left: str, right: str) -> None:
    words = words_of(left, right)
    assert len(words) == len(set(words))
    for word in words:
        assert word.isalnum()
        assert words_of(word) == [word]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Crème FRAÎCHE", ["creme", "fraiche"]), ("Kućanstvo Đurđica", ["kucanstvo", "durdica"]), ("Straße", ["strasse"]),
     ("חמאה 250 גרם", ["חמאה", "250", "גרם"]), ("a a A", ["a"]), ("--", [])],
)  # fmt: skip
def test_words_lose_case_and_accents(text: str, wanted: list[str]) -> None:
    assert words_of(text) == wanted


def test_search_text_holds_sku_name_and_brand() -> None:
    assert search_text("AB-1", "Green tea", "Perrido") == "ab 1 green tea perrido"


@given(st.text(min_size=1, max_size=80))
def test_a_name_gives_one_short_ascii_code(name: str) -> None:
    code = code_of(name)
    assert code == code_of(name)
    assert code.isascii()
    assert 1 <= len(code) <= 40
    assert is_barcode(code)


def test_names_that_share_no_ascii_letter_get_different_codes() -> None:
    assert code_of("חלב") != code_of("לחם")
    assert code_of("x" * 60) != code_of("x" * 61)


@given(st.text(max_size=60))
def test_a_search_expression_holds_nothing_but_words(text: str) -> None:
    for dialect, quote in (("sqlite", '"'), ("postgresql", "'")):
        made = expression(text, dialect)
        inside = made.split(quote)[1::2]
        assert inside == words_of(text)[:8]
