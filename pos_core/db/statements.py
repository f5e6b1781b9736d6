"""Statement texts for the hot path: written once, prepared once per connection, the same text ever after."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
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
    execute: str = field(init=False)

    def __post_init__(self) -> None:
        marks = f"({', '.join(['%s'] * len(self.types))})" if self.types else ""
        object.__setattr__(self, "execute", f"EXECUTE {self.name}{marks}")

    @property
    def prepare(self) -> str:
        declared = f"({', '.join(self.types)})" if self.types else ""
        return f"PREPARE {self.name}{declared} AS {self.postgres}".replace("%", "%%")

    def plain(self, parameters: Sequence[Any]) -> tuple[str, list[Any]]:
        """The text with its own parameters, for connections that keep no prepared statements (PgBouncer)."""
        given: list[Any] = []

        def place(match: re.Match[str]) -> str:
            position = int(match[1]) - 1
            given.append(parameters[position])
            return f"%s::{self.types[position]}"

        return re.sub(r"\$(\d+)", place, self.postgres.replace("%", "%%")), given


def statement(text: str, types: str = "", *, sqlite: str = "") -> Statement:
    """A statement from one text with `?`; `types` lists PostgreSQL's types; `sqlite` where that dialect differs."""
    count = itertools.count(1)
    postgres = re.sub(r"\?", lambda _: f"${next(count)}", text)
    return Statement(sqlite or text, postgres, tuple(types.split()))
