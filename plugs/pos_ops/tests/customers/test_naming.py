"""Codes and search keys of customers, decided from their arguments alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_ops.customers import naming

WORDS = st.text(st.characters(categories=("L", "Nd")), min_size=1, max_size=12)


@pytest.mark.req("V2X-17")
def test_codes_have_five_digits_and_grow_beyond():
    assert naming.code_of("CUST-", 42) == "CUST-00042"
    assert naming.code_of("B/", 123456) == "B/123456"


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("Ana", "Gil", "Bakery"), "Ana Gil"),
        (("Ana", "", ""), "Ana"),
        (("", "Gil", "X"), "Gil"),
        (("", "", "Bakery"), "Bakery"),
    ],
)
def test_a_person_goes_before_a_company(parts, name):
    assert naming.shown_name(*parts) == name


@pytest.mark.parametrize(
    ("text", "folded"), [("MÜLLER", "muller"), ("Núñez", "nunez"), ("Straße", "strasse"), ("İnci", "inci")]
)
def test_case_and_accents_do_not_count(text, folded):
    assert naming.fold(text) == folded


@given(WORDS, WORDS, WORDS)
def test_every_word_that_was_written_is_found_in_any_case(first, last, company):
    key = naming.search_key("CUST-00001", first, last, company, "", "")
    for word in (first, last, company, first.upper(), last.lower(), f"{company} {first}"):
        assert all(term in key for term in naming.terms(f"{word} cust"))


@given(
    st.text("0123456789", min_size=3, max_size=14),
    st.lists(st.integers(0, 14), max_size=5),
    st.sampled_from(" -./()"),
)
def test_a_phone_number_is_found_however_it_is_written(digits, places, mark):
    written = digits
    for place in places:
        written = written[:place] + mark + written[place:]
    key = naming.search_key("CUST-00001", "Ana", "", "", "", written)
    assert naming.terms(f"+{digits}") == [digits]
    assert naming.terms(written) == [digits]
    assert digits in key


def test_nothing_to_search_for_asks_for_nothing():
    assert naming.terms("") == naming.terms("  ") == naming.terms("()") == []
