"""Lists of texts as one parameter of a prepared statement: an array on PostgreSQL, JSON on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from pos_core.db.model import database
from pos_core.db.statements import Statement

#: How a SQLite statement says that a column is one of the list.
LISTED = "IN (SELECT value FROM json_each(?))"


def listed(texts: Iterable[str], dialect: str) -> str:
    """The list as a parameter of the dialect."""
    if dialect == "postgresql":
        return "{" + ",".join('"' + t.replace("\\", "\\\\").replace('"', '\\"') + '"' for t in texts) + "}"
    return orjson.dumps(list(texts)).decode()


def rows_of(statement: Statement, texts: Sequence[str], *more: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement whose first parameter is a list; none for an empty list, without asking."""
    if not texts:
        return []
    db = database.obj
    return db.fetch(statement, (listed(texts, db.dialect), *more))  # type: ignore[no-any-return]
