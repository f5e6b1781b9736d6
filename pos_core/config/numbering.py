"""Document numbers: a format text such as `{store}-{register}-{number:06}`, checked so that numbers stay unique.

Registers count on their own, so a number is unique in its store only together with its register; and a text such
as `{register}{number}` would give register 1's number 11 and register 11's number 1 the same look. Both are
refused when the setting is changed, because a printed number cannot be taken back.
"""

from __future__ import annotations

import re
from functools import lru_cache

FIELDS = ("store", "register", "number")
MAX_WIDTH = 12
MAX_LITERAL = 30
_PIECE = re.compile(r"\{(?P<field>[a-z]+)(?::0?(?P<width>[0-9]{1,2}))?\}|(?P<literal>[^{}]+)")
_LITERAL = re.compile(r"[A-Za-z0-9 ._/#-]*")


@lru_cache(maxsize=64)
def parse(text: str) -> tuple[tuple[str, int], ...]:
    """The format text's pieces as (field or "", width) pairs, a literal as (its text, -1).

    Raises ValueError with the reason when a number made by it could be unreadable or given twice in a store.
    """
    pieces: list[tuple[str, int]] = []
    position = 0
    while match := _PIECE.match(text, position):
        position = match.end()
        if match["literal"]:
            pieces.append((match["literal"], -1))
            continue
        if match["field"] not in FIELDS:
            raise ValueError(f"{{{match['field']}}} is not known: use {{store}}, {{register}} and {{number}}")
        pieces.append((match["field"], _width(match["field"], match["width"])))
    if position != len(text):
        raise ValueError("braces must enclose store, register or number, such as {number:06}")
    _check(pieces)
    return tuple(pieces)


def _width(field: str, given: str | None) -> int:
    if given is None:
        return 0
    if field != "number":
        raise ValueError(f"only {{number}} has a width, not {{{field}}}")
    if not 1 <= int(given) <= MAX_WIDTH:
        raise ValueError(f"the width of {{number}} must be from 1 to {MAX_WIDTH}")
    return int(given)


def _check(pieces: list[tuple[str, int]]) -> None:
    fields = [piece for piece, width in pieces if width >= 0]
    literal = "".join(piece for piece, width in pieces if width < 0)
    for needed in ("register", "number"):
        if fields.count(needed) != 1:
            raise ValueError(f"{{{needed}}} must stand in it exactly once")
    if fields.count("store") > 1:
        raise ValueError("{store} may stand in it once only")
    if len(literal) > MAX_LITERAL or not _LITERAL.fullmatch(literal):
        raise ValueError(f"beside the fields at most {MAX_LITERAL} letters, digits, blanks and . _ / # - may stand")
    at = next(i for i, (piece, width) in enumerate(pieces) if width >= 0 and piece == "number")
    beside = [(piece, -1) for piece in pieces[:at][-1:]] + [(piece, 0) for piece in pieces[at + 1 :][:1]]
    for (piece, width), edge in beside:
        if width >= 0 or piece[edge].isdigit():
            raise ValueError("{number} must be set off by a character that is no digit, such as -")


def format_number(text: str, *, store: str, register: str, number: int) -> str:
    """The document number: `text` with the store's code, the register's code and the series' number (from 1).

    A number longer than its width is written whole. Raises ValueError for a format text that `parse` refuses.

    >>> format_number("{store}-{register}-{number:06}", store="MAD", register="1", number=42)
    'MAD-1-000042'
    """
    values = {"store": store, "register": register, "number": number}
    return "".join(
        piece if width < 0 else f"{values[piece]:0{width}d}" if piece == "number" else str(values[piece])
        for piece, width in parse(text)
    )
