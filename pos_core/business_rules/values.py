"""Figures as conditions compare them: exact numbers, days, moments, minutes of a day; never a float."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from pos_core import clock
from pos_core.business_rules.evaluating import WEEKDAYS, CannotTell
from pos_core.business_rules.shapes import NUMBERS, Shape

_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LONGEST = 4000

#: What a value has to be, by kind, in English and Spanish.
WANTED = {
    "integer": ("a whole number or decimal text", "un número entero o texto decimal"),
    "decimal": ("a whole number or decimal text", "un número entero o texto decimal"),
    "text": ("text", "texto"), "id": ("an id as text", "un id como texto"),
    "boolean": ("true or false", "true o false"), "date": ("a day such as '2026-12-24'", "un día como '2026-12-24'"),
    "instant": ("a moment such as '2026-12-24T18:00:00+01:00'", "un momento como '2026-12-24T18:00:00+01:00'"),
    "time": ("a time such as '22:00'", "una hora como '22:00'"),
}  # fmt: skip


def number(value: Any, scale: int = 1) -> int | Fraction:
    """An exact number, whole where it can be; CannotTell for what is none."""
    if type(value) is int:
        return value // scale if value % scale == 0 else Fraction(value, scale)
    if isinstance(value, Fraction):
        return value
    if isinstance(value, str) and (found := _read(value)) is not None:
        return found
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < 30:
        return Fraction(value)
    raise CannotTell("something that should be a number is none", "algo que debería ser un número no lo es")


@lru_cache(maxsize=8192)
def _read(text: str) -> int | Fraction | None:
    """Plain decimal text as a number; None for any other."""
    if not _DECIMAL.fullmatch(text):
        return None
    found = Fraction(text)
    return found.numerator if found.denominator == 1 else found


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return clock.require_utc(value)
    if isinstance(value, str):
        return clock.from_text(value)
    raise CannotTell("something that should be a moment is none", "algo que debería ser un momento no lo es")


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return date.fromisoformat(value)
    raise CannotTell("something that should be a day is none", "algo que debería ser un día no lo es")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value[:_LONGEST]
    raise CannotTell("something that should be text is none", "algo que debería ser texto no lo es")


def _as_it_is(value: Any) -> Any:
    return value


def normal(shape: Shape) -> Callable[[Any], Any]:
    """What makes a figure of that shape comparable."""
    if shape.kind in NUMBERS:
        return lambda value: number(value, shape.scale)
    if shape.kind == "list":
        one = normal(shape.item) if shape.item is not None else _as_it_is
        return lambda value: tuple(one(part) for part in value)
    known: dict[str, Callable[[Any], Any]] = {
        "text": _text, "id": lambda value: _text(value).lower(), "date": _day, "instant": _moment,
    }  # fmt: skip
    return known.get(shape.kind, _as_it_is)


def literal(kind: str, value: Any) -> Any:
    """A value as the rule says it, comparable with figures of that kind; ValueError when it is of another."""
    if kind in NUMBERS and type(value) in (int, str):
        return _written_number(value)
    if kind == "boolean" and type(value) is bool:
        return value
    if not isinstance(value, str):
        raise ValueError(kind)
    if kind == "text":
        return value
    if kind == "id":
        return value.lower()
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "instant":
        return clock.from_text(value)
    if kind == "time":
        return minutes(value)
    raise ValueError(kind)


def _written_number(value: int | str) -> int | Fraction:
    if isinstance(value, int):
        return value
    found = _read(value)
    if found is None:
        raise ValueError(value)
    return found


def minutes(text: str) -> int:
    """Minutes after midnight of "22:30"; ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return int(match[1]) * 60 + int(match[2])


def weekday(text: Any) -> str:
    """A weekday's short name; ValueError."""
    if text not in WEEKDAYS:
        raise ValueError(text)
    return str(text)


def folded(text: str) -> str:
    """Text as people compare it by eye: without case, composed and decomposed letters alike."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
