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
#: Up to so many products are looked at one by one on SQLite, which cannot weigh two indexes against each other.
FEW = 2000
#: Up to so many hits are sorted on PostgreSQL; with more of them a walk in the order of ids meets a page soon.
FEW_HITS = 1000

_SQLITE = (
    "SELECT s.n, p.id FROM ops_product_fts CROSS JOIN ops_product_search s ON s.n = ops_product_fts.rowid "
    "CROSS JOIN ops_product p ON p.id = s.product_id WHERE ops_product_fts MATCH ? AND ops_product_fts.rowid > ?{more} "
    "ORDER BY ops_product_fts.rowid LIMIT ?"
)
#: The same for a filter that few products meet: those are looked at one by one.
_SQLITE_FEW = (
    "SELECT s.n, p.id FROM ops_product p JOIN ops_product_search s ON s.product_id = p.id WHERE s.n > ?{more}{words} "
    "ORDER BY s.n LIMIT ?"
)
_HITS = (
    "SELECT p.id, p.id FROM ops_product p "
    "WHERE array_to_tsvector(string_to_array(p.search_text, ' ')) @@ %s::tsquery AND p.id > %s::uuid{more} "
)
#: Without an order, so that the index over words is used: in the order of ids, the planner would rather walk through
#: half the table for a word that fifty products have.
_POSTGRES_FEW = _HITS + "LIMIT %s"
_POSTGRES = _HITS + "ORDER BY p.id LIMIT %s"
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
    more, given = _conditions(equal, db.dialect)
    after = cursor[0] if cursor is not None else _FIRST[db.dialect]
    if db.dialect == "postgresql":
        rows = _rows(_POSTGRES_FEW.format(more=more), (wanted, after, *given, FEW_HITS + 1))
        if len(rows) > FEW_HITS:
            rows = _rows(_POSTGRES.format(more=more), (wanted, after, *given, limit + 1))
        rows.sort()
    elif more and _are_few(more, given):
        starts = [" " + word for word in words_of(text)[:MAX_WORDS]]
        sql = _SQLITE_FEW.format(more=more, words=" AND instr(' ' || p.search_text, ?) > 0" * len(starts))
        rows = _rows(sql, (after, *given, *starts, limit + 1))
    else:
        rows = _rows(_SQLITE.format(more=more), (wanted, after, *given, limit + 1))
    following = (rows[limit - 1][0],) if len(rows) > limit else None
    return [row[1] for row in rows[:limit]], following


def _rows(sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return list(database.obj.execute_sql(sql, parameters).fetchall())


def _conditions(equal: Mapping[str, Sequence[Any]], dialect: str) -> tuple[str, list[Any]]:
    mark = "%s" if dialect == "postgresql" else "?"
    more, given = "", []
    for column, values in equal.items():
        kind = "::uuid" if dialect == "postgresql" and column.endswith("id") else ""
        more += f" AND p.{column} IN ({', '.join([mark + kind] * len(values))})"
        given += list(values)
    return more, given


def _are_few(more: str, given: Sequence[Any]) -> bool:
    sql = f"SELECT count(*) FROM (SELECT 1 FROM ops_product p WHERE true{more} LIMIT {FEW + 1})"
    return int(database.obj.execute_sql(sql, tuple(given)).fetchone()[0]) <= FEW
