"""Identifiers: UUIDv7 in canonical lower-case text, everywhere.

An id is a `str` of 36 characters in Python, JSON, SQLite and in every audit payload; PostgreSQL stores it in its
`uuid` type. One form means that nothing is converted on the way of a sale and that ids compare by `==` anywhere.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

import uuid_utils

UUID7_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
_UUID7 = re.compile(UUID7_PATTERN)


def uuid7() -> str:
    """A new UUIDv7 (RFC 9562), monotonic within the process."""
    return str(uuid_utils.uuid7())


def is_uuid7(value: object) -> bool:
    """Whether `value` is the text of a UUIDv7, in either letter case."""
    return isinstance(value, str) and _UUID7.fullmatch(value) is not None


def derived_uuid7(at: datetime, *names: str) -> str:
    """The same UUIDv7 for the same moment and names: for imports that may be started again.

    `at` is an aware datetime and gives the time part (milliseconds); the rest is SHA-256 of the names.
    """
    milliseconds = int(at.timestamp() * 1000) & 0xFFFFFFFFFFFF
    digest = hashlib.sha256("\x1f".join(names).encode()).hexdigest()
    variant = "89ab"[int(digest[3], 16) & 3]
    head = f"{milliseconds:012x}"
    return f"{head[:8]}-{head[8:]}-7{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}"
