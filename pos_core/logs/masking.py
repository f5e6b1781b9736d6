"""Keeping secrets out of logs and messages: by the name of the field, and by their look in texts."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

_NAME = re.compile(
    r"passw|secret|token|authorization|cookie|api_?key|private|credential|(^|_)(key|pin|cvv|pan)$", re.IGNORECASE
)
#: (look, what stands instead). A URL's password, a bearer token, `password=...` as drivers and people write it.
_LOOKS = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@]+@", re.IGNORECASE), rf"\1:{MASK}@"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"(\b[\"']?(?:\w*(?:password|passwd|secret|token)|api_?key)[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&}\)]+)",
                re.IGNORECASE), rf"\1{MASK}"),
)  # fmt: skip


def masked(text: str) -> str:
    """The text with everything that looks like a secret masked."""
    for look, instead in _LOOKS:
        text = look.sub(instead, text)
    return text


def masked_value(name: str, value: Any) -> Any:
    """A field's value as it may be logged: masked by its name, or, in texts at any depth, by its look."""
    if _NAME.search(name) and value not in (None, "", True, False):
        return MASK
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {str(key): masked_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked_value("", inner) for inner in value]
    return value


class MaskedFormatter(logging.Formatter):
    """A plain formatter whose whole line, traceback included, is masked."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))
