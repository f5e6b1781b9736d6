"""Document numbers: what a format text gives, and that it gives no number twice in a store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from pos_core.config import numbering

# Codes and numbers that look alike when they are run together.
REGISTERS = ("1", "11", "111", "1-1", "1-11", "A", "A1", "1A", "A-1", "1/1")
COUNTS = (1, 11, 111, 1111, 1_111_111)
LITERALS = ("", "-", "/", "1", "A", "-1")


def formats() -> Iterator[str]:
    """Every order of the fields with every literal before, between and after them."""
    for number in ("{number}", "{number:3}"):
        for fields in (("{register}", number), ("{register}", number, "{store}")):
            for order in itertools.permutations(fields):
                for literals in itertools.product(LITERALS, repeat=len(order) + 1):
                    yield literals[0] + "".join(f + literal for f, literal in zip(order, literals[1:], strict=True))


@pytest.mark.req("CFG-06")
def test_the_default_pads_the_number_to_six_digits() -> None:
    text = "{store}-{register}-{number:06}"
    assert numbering.format_number(text, store="MAD", register="2", number=17) == "MAD-2-000017"
    assert numbering.format_number(text, store="MAD", register="2", number=1_234_567) == "MAD-2-1234567"


@pytest.mark.req("CFG-06")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{register}-", "{number} must stand"),
        ("{number}", "{register} must stand"),
        ("{register}-{number}-{number}", "exactly once"),
        ("{register}{number}", "set off"),
        ("{number}{store}-{register}", "set off"),
        ("{register}-0{number}", "set off"),
        ("{register}-{number}5", "set off"),
        ("{register:2}-{number}", "only {number} has a width"),
        ("{register}-{number:99}", "width"),
        ("{register}-{number:0}", "width"),
        ("{register}-{number!r}", "braces"),
        ("{register}-{number.__class__}", "braces"),
        ("{register}-{number", "braces"),
        ("{till}-{register}-{number}", "not known"),
        ("{register}-{number}-é", "letters, digits"),
        ("x" * 31 + "{register}-{number}", "letters, digits"),
        ("{store}{store}{register}-{number}", "{store} may stand"),
        ("", "{register} must stand"),
    ],
)
def test_a_format_that_could_repeat_a_number_or_is_unreadable_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("{", r"\{").replace("}", r"\}")):
        numbering.parse(text)


@pytest.mark.req("CFG-06")
def test_no_accepted_format_gives_two_registers_of_a_store_the_same_number() -> None:
    accepted, numbers = 0, list(itertools.product(REGISTERS, COUNTS))
    for text in formats():
        try:
            numbering.parse(text)
        except ValueError:
            continue
        accepted += 1
        made = [numbering.format_number(text, store="1A", register=r, number=n) for r, n in numbers]
        assert len(set(made)) == len(made), text
    assert accepted > 1000


@pytest.mark.req("CFG-06")
def test_a_number_without_a_separator_would_repeat_which_is_why_it_is_refused() -> None:
    text = "{register}{number}"
    assert text.format(register="1", number=11) == text.format(register="11", number=1)
    with pytest.raises(ValueError, match="set off"):
        numbering.parse(text)
