"""The bare limit on PostgreSQL: one prepared call of a stored function per sale, through psycopg2.

Client processes with one thread and one connection per till; each call is its own durable transaction. The
parameters go as array literals made here: every value is an id, an integer or a name without quotes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path

from psycopg2.extensions import cursor as PgCursor

from bench import drive, scratch, stats
from bench.workload import Basket, Sale, Shop, make_baskets, make_sale

SCHEMA = Path(__file__).parent / "bare" / "postgres.sql"
FIRST_SALES = 500
PARAMETER_TYPES = (
    "uuid,uuid,uuid,timestamptz,date,bigint,bigint,bigint,uuid[],uuid[],text[],bigint[],bigint[],bigint[],bigint[],"
    "uuid,bigint,uuid[],text[],bigint[],uuid[],text,uuid,bytea"
)
PREPARE = (
    f"PREPARE post_sale ({PARAMETER_TYPES}) AS SELECT post_sale("
    + ",".join(f"${number}" for number in range(1, PARAMETER_TYPES.count(",") + 2))
    + ")"
)


def install(url: str, shop: Shop) -> None:
    """Create the schema in an empty database, load the shop's master data and post the first sales."""
    with contextlib.closing(scratch.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(SCHEMA.read_text())
        cursor.execute("INSERT INTO stores VALUES (%s, 'Bench')", (shop.store,))
        for number, register in enumerate(shop.registers):
            cursor.execute(
                "INSERT INTO registers (id, store_id, code) VALUES (%s, %s, %s)",
                (register, shop.store, f"R{number}"),
            )
        cursor.execute(
            "INSERT INTO products SELECT id, 'SKU' || n, 'Article ' || n, price"
            " FROM unnest(%s::uuid[], %s::bigint[]) WITH ORDINALITY AS p (id, price, n)",
            (list(shop.products), list(shop.prices)),
        )
        cursor.execute("INSERT INTO stock_levels SELECT %s, id, 1000000000 FROM products", (shop.store,))
        # Plans made for empty tables scan them, and a connection keeps its plans (those of the
        # foreign keys' checks too) while the tables grow: some sales and ANALYZE come first, as in
        # any shop that is open.
        cursor.execute(PREPARE)
        baskets = cycle(make_baskets(shop, seed=-1))
        for _ in range(FIRST_SALES):
            _post_next(cursor, shop, shop.registers[0], baskets)
        cursor.execute("VACUUM ANALYZE")


def call_text(shop: Shop, sale: Sale) -> str:
    """Return the EXECUTE of one sale; the audit payload is left as ``%s``."""
    basket, ids = sale.basket, sale.ids
    count = len(basket.products)
    return (
        f"EXECUTE post_sale('{ids[0]}','{shop.store}','{sale.register}',"
        f"to_timestamp({sale.now_us}/1000000.0),'2026-01-05',{basket.subtotal},{basket.tax},{basket.total},"
        f"{_array(ids[1 : count + 1])},{_array(basket.products)},{_array(basket.names)},"
        f"{_array(basket.quantities)},{_array(basket.prices)},{_array(basket.line_taxes)},"
        f"{_array(basket.line_totals)},'{ids[count + 1]}',82500,"
        f"{_array(ids[count + 2 : count + 4])},'{{card,cash}}',{_array(sale.amounts)},"
        f"{_array(ids[count + 4 : 2 * count + 4])},%s,'{ids[-1]}','\\x{sale.fingerprint.hex()}')"
    )


def _array(values: list[str] | list[int] | tuple[int, ...]) -> str:
    return "'{" + ",".join(map(str, values)) + "}'"


def measure(url: str, shop: Shop, tills: int, seconds: float, warmup: float, processes: int = 2) -> stats.Figures:
    """Run ``tills`` connections in ``processes`` client processes and return the figures.

    Args:
        url: database made by :func:`install`.
        tills: connections; each posts for its own register.
        seconds: measured interval; ``warmup`` seconds before it are not counted.
    """
    start = scratch.wal_mark(url)
    workers = drive.measure(partial(crew, url, shop), tills, processes, seconds, warmup)
    end = scratch.wal_mark(url)
    posted = sum(worker.all_sales for worker in workers)
    figures = drive.figures("bare", "postgresql", tills, workers)
    figures.flushes = (end.flushes - start.flushes) / posted
    figures.wal_bytes = (end.lsn - start.lsn) / posted
    return figures


def crew(url: str, shop: Shop, numbers: Sequence[int]) -> drive.Crew:
    """Return the tills with these numbers, each on a connection of its own."""
    connections = [scratch.connect(url) for _ in numbers]
    cursors = [connection.cursor() for connection in connections]
    for cursor in cursors:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute(PREPARE)

    def close() -> None:
        for cursor in cursors:  # a backend hands over its counters at most once a second
            cursor.execute("SELECT pg_stat_force_next_flush()")
        for connection in connections:
            connection.close()

    return drive.Crew(
        posts=[
            partial(_post_next, cursor, shop, shop.registers[number], cycle(make_baskets(shop, seed=number)))
            for number, cursor in zip(numbers, cursors, strict=True)
        ],
        close=close,
        backend_pids=lambda: [connection.get_backend_pid() for connection in connections],
    )


def _post_next(cursor: PgCursor, shop: Shop, register: str, baskets: Iterator[Basket]) -> None:
    """Post one sale, the making of its ids and its payload included, as in a program."""
    sale = make_sale(shop, register, next(baskets))
    cursor.execute(call_text(shop, sale), (sale.payload.decode(),))
