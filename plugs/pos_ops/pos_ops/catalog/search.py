"""Text search over products: every word is the beginning of one of the product's words.

Results come in the order in which products were created, because that order is at hand on both databases: a page
costs the same whether ten or a hundred thousand products match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pos_core.db.model import database
from pos_ops.catalog.words import words_of

MAX_WORDS = 8

_SQLITE = (
    "SELECT s.n, p.id FROM ops_product_fts CROSS JOIN ops_product_search s ON s.n = ops_product_fts.rowid "
    "CROSS JOIN ops_product p ON p.id = s.product_id WHERE ops_product_fts MATCH ? AND ops_product_fts.rowid > ?{more} "
    "ORDER BY ops_product_fts.rowid LIMIT ?"
)
_POSTGRES = (
    "SELECT p.id, p.id FROM ops_product p "
    "WHERE array_to_tsvector(string_to_array(p.search_text, ' ')) @@ %s::tsquery AND p.id > %s::uuid{more} "
    "ORDER BY p.id LIMIT %s"
)
_FIRST = {"sqlite": 0, "postgresql": "00000000-0000-0000-0000-000000000000"}


def expression(text: str, dialect: str) -> str:
    """The words of a text as a search expression of the database; empty where there is no word to look for."""
    words = words_of(text)[:MAX_WORDS]
    if dialect == "postgresql":
        return " & ".join(f"'{word}':*" for word in words)
    return " AND ".join(f'"{word}"*' for word in words)


def find_ids(
    text: str, equal: Mapping[str, Sequence[Any]], cursor: tuple[Any, ...] | None, limit: int
) -> tuple[list[str], tuple[Any, ...] | None]:
    """The ids of one page of products that have the words of `text`, and the cursor of the next page (None: the end).

    `equal`: columns of ops_product and the values that are allowed there.
    """
    db = database.obj
    wanted = expression(text, db.dialect)
    if not wanted:
        return [], None
    template, mark = (_POSTGRES, "%s") if db.dialect == "postgresql" else (_SQLITE, "?")
    more, given = "", []
    for column, values in equal.items():
        kind = "::uuid" if db.dialect == "postgresql" and column.endswith("_id") else ""
        more += f" AND p.{column} IN ({', '.join([mark + kind] * len(values))})"
        given += list(values)
    after = cursor[0] if cursor is not None else _FIRST[db.dialect]
    rows = db.execute_sql(template.format(more=more), (wanted, after, *given, limit + 1)).fetchall()
    following = (rows[limit - 1][0],) if len(rows) > limit else None
    return [row[1] for row in rows[:limit]], following
