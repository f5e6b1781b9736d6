"""The bare limit on PostgreSQL: one prepared call of a stored function per sale, through psycopg2.

Client processes with one thread and one connection per till; each call is its own durable transaction. A sale's rows
go as one text, in the form in which PostgreSQL itself shows the rows of the product's own sale, with new ids and
times in it: that is the least a client can do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as PgCursor

from bench import drive, product, scratch, stats
from bench.workload import Pattern, fill_slots, make_pattern

FUNCTION = Path(__file__).parent / "bare" / "postgres.sql"
PREPARE = """PREPARE post_sale (ops_sale, ops_sale_line[], ops_sale_tax[], ops_payment[], ops_stock_move[],
    core_audit_entry, core_outbox, core_idempotency, text, integer, text, text, text, text) AS
    SELECT bench.post_sale($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"""
# As the product's connections: plans are kept, so none may scan because it was made while a table was small.
SETTINGS = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off"
#: A register's newest sales: payload, ids and time, then the function's first eight parameters as texts.
NEWEST = """
SELECT a.payload, o.id::text, (SELECT array_agg(m.id::text) FROM ops_stock_move m WHERE m.entity_id = s.id),
       a.at::text, encode(k.fingerprint, 'hex'),
       s::text,
       (SELECT array_agg(l ORDER BY l.position)::text FROM ops_sale_line l WHERE l.sale_id = s.id),
       (SELECT array_agg(t ORDER BY t.position)::text FROM ops_sale_tax t WHERE t.sale_id = s.id),
       (SELECT array_agg(p ORDER BY p.position)::text FROM ops_payment p WHERE p.sale_id = s.id),
       (SELECT array_agg(m ORDER BY m.product_id)::text FROM ops_stock_move m WHERE m.entity_id = s.id),
       jsonb_populate_record(a, '{"payload": ""}')::text, o::text, k::text
FROM ops_sale s
JOIN core_audit_entry a ON a.entity_id = s.id
JOIN core_outbox o ON o.entity_id = s.id
JOIN core_idempotency k ON k.key = s.id::text
WHERE s.register_id = %s ORDER BY s.number DESC LIMIT %s
"""

Call = tuple[Pattern, str]
"""A pattern, and the text that sells it once its slots are filled."""


@dataclass(frozen=True)
class Bare:
    """A database that the product made and sold in, and each till's calls."""

    url: str
    calls: tuple[tuple[Call, ...], ...]

    def measure(self, tills: int, seconds: float, warmup: float, processes: int) -> stats.Figures:
        """Run ``tills`` connections in ``processes`` client processes and return the figures.

        Args:
            tills: connections; each posts for its own register.
            seconds: measured interval; ``warmup`` seconds before it are not counted.
        """
        start = scratch.wal_mark(self.url)
        workers = drive.measure(partial(crew, self), tills, processes, seconds, warmup)
        end = scratch.wal_mark(self.url)
        posted = sum(worker.all_sales for worker in workers)
        figures = drive.figures("bare", "postgresql", tills, workers)
        figures.flushes = (end.flushes - start.flushes) / posted
        figures.wal_bytes = (end.lsn - start.lsn) / posted
        return figures


def install(demo: product.Demo) -> Bare:
    """Create the stored function in a shop's database and return what repeats the sales that the shop made there."""
    with contextlib.closing(scratch.connect(demo.url)) as connection, connection.cursor() as cursor:
        cursor.execute(FUNCTION.read_text())
        calls = []
        for till in demo.tills:
            cursor.execute(NEWEST, (till.register, product.TEMPLATES_PER_TILL))
            calls.append(tuple(_call(*row) for row in cursor.fetchall()))
    return Bare(demo.url, tuple(calls))


def _call(payload: str, outbox: str, moves: Sequence[str], at: str, fingerprint: str, *rows: str) -> Call:
    pattern = make_pattern(payload, outbox, moves)
    pattern.slots.update({at: "at", fingerprint: "fingerprint"})
    before, after_number, after_receipt, after_seq = map(_literal, pattern.payload)
    parameters = [pattern.mark(_literal(row)) for row in rows]
    parameters += [_literal(pattern.prefix), str(pattern.digits), before, after_number, after_receipt, after_seq]
    return pattern, f"EXECUTE post_sale ({','.join(parameters)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def crew(bare: Bare, numbers: Sequence[int]) -> drive.Crew:
    """Return the tills with these numbers, each on a connection of its own."""
    connections = [scratch.connect(bare.url) for _ in numbers]
    cursors = [connection.cursor() for connection in connections]
    for cursor in cursors:
        cursor.execute(SETTINGS)
        cursor.execute(PREPARE)

    def close() -> None:
        for cursor in cursors:  # a backend hands over its counters at most once a second
            cursor.execute("SELECT pg_stat_force_next_flush()")
        for connection in connections:
            connection.close()

    return drive.Crew(
        posts=[
            partial(_post_next, cursor, cycle(bare.calls[number]))
            for number, cursor in zip(numbers, cursors, strict=True)
        ],
        close=close,
        backend_pids=lambda: [connection.get_backend_pid() for connection in connections],
    )


def _post_next(cursor: PgCursor, calls: Iterator[Call]) -> Any:
    """Post one sale, the making of its ids and of its fingerprint included, and return its number."""
    pattern, text = next(calls)
    cursor.execute(text % fill_slots(pattern))
    return cursor.fetchone()[0]
