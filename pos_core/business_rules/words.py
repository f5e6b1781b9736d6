"""Words in both languages that stand inside another error's sentence."""

from __future__ import annotations

from pos_core.errors import ErrorCode, Kind, Violation


def both(english: str, spanish: str) -> Violation:
    """Text that is told as it is, in the language of who reads it; its braces mean themselves."""
    return Violation(ErrorCode("", Kind.RULE, _plain(english), _plain(spanish), ""))


def _plain(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
