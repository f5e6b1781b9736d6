"""Statement texts for the hot path: written once, prepared once per connection, the same text ever after."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One SQL text in both dialects: `sqlite` with `?`, `postgres` with `$1` and its parameters' `types`."""

    sqlite: str
    postgres: str
    types: tuple[str, ...]
    name: str = field(default_factory=lambda: f"pos_{next(_NUMBERS)}")

    @property
    def prepare(self) -> str:
        declared = f"({', '.join(self.types)})" if self.types else ""
        return f"PREPARE {self.name}{declared} AS {self.postgres}"

    def execute(self, parameters: Sequence[Any]) -> str:
        """The EXECUTE of the prepared statement with its parameters as literals."""
        if not self.types:
            return f"EXECUTE {self.name}"
        if _PLAIN.issuperset(map(type, parameters)):
            # every value between quotes, as PostgreSQL takes numbers and flags too; safe when no value brings a quote
            # or the mark of its own
            quoted = "','".join([_NULL if value is None else str(value) for value in parameters])
            if quoted.count("'") == 2 * (len(parameters) - 1) and quoted.count("\x00") == 2 * parameters.count(None):
                return f"EXECUTE {self.name}('{quoted}')".replace(_QUOTED_NULL, "NULL")
        return f"EXECUTE {self.name}({','.join([_LITERALS[type(value)](value) for value in parameters])})"

    def plain(self, parameters: Sequence[Any]) -> str:
        """The whole text with literals, for connections that keep no prepared statements (PgBouncer)."""

        def place(match: re.Match[str]) -> str:
            position = int(match[1]) - 1
            value = parameters[position]
            return f"{_LITERALS[type(value)](value)}::{self.types[position]}"

        return re.sub(r"\$(\d+)", place, self.postgres)


_PLAIN = frozenset((str, int, bool, type(None)))
#: Stands for NULL between quotes while a text is put together; a value with a NUL character stays one and is refused.
_NULL = "\x00null\x00"
_QUOTED_NULL = f"'{_NULL}'"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


#: How a parameter stands in PostgreSQL's text. Quotes are doubled and nothing else needs to be, because connections
#: insist on standard_conforming_strings and UTF-8 (`PostgresDatabase`), and `send` refuses a NUL. A type that is not
#: here is a KeyError, never a guess.
_LITERALS: dict[type, Callable[[Any], str]] = {
    int: str, str: _quoted, bool: lambda value: "true" if value else "false", type(None): lambda _: "NULL",
    bytes: lambda value: f"'\\x{value.hex()}'",
}  # fmt: skip


def statement(text: str, types: str = "", *, sqlite: str = "") -> Statement:
    """A statement from one text with `?`; `types` lists PostgreSQL's types; `sqlite` where that dialect differs."""
    count = itertools.count(1)
    postgres = re.sub(r"\?", lambda _: f"${next(count)}", text)
    return Statement(sqlite or text, postgres, tuple(types.split()))
