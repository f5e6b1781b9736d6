"""The hash chain: what an entry's hash is made of, and the canonical bytes of a fact.

    hash = SHA-256(domain | chain | seq | previous hash | SHA-256(payload)), each part preceded by its length
    (4 bytes, big-endian). The payload is canonical JSON: keys sorted, no blanks, UTF-8, integers and text only.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

import orjson

from pos_core import clock

DOMAIN = b"3plugpos.audit.v1"
ENCODING = 1
GENESIS = bytes(32)


class Deferred:
    """A value that is known once the register's row is locked: a receipt number, and what is made of it."""

    __slots__ = ("_make", "_value")

    def __init__(self, make: Any) -> None:
        self._make = make
        self._value: Any = None

    @property
    def value(self) -> Any:
        if self._make is not None:
            self._value, self._make = self._make(), None
        return self._value


def plain(value: Any) -> Any:
    """What JSON has no word for: deferred values, times, sets. Anything else (a float, an object) is a TypeError."""
    if isinstance(value, Deferred):
        return value.value
    if isinstance(value, datetime):
        return clock.to_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in a fact: {value!r}")


_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def canonical(fact: Any) -> bytes:
    """The canonical JSON bytes of a fact. Floats must not occur; a fact is made of integers and text."""
    return orjson.dumps(fact, default=plain, option=_CANONICAL)


def link(chain_id: str, seq: int, previous: bytes, payload: bytes) -> bytes:
    """The hash of entry `seq` of a chain, given its predecessor's hash (32 bytes; zeros for the first)."""
    digest = hashlib.sha256()
    parts = (DOMAIN, chain_id.encode(), str(seq).encode(), previous, hashlib.sha256(payload).digest())
    digest.update(b"".join(len(part).to_bytes(4, "big") + part for part in parts))
    return digest.digest()
