"""The bare limit on SQLite: a fixed list of statements through apsw, one durable transaction per sale.

It writes the rows that the product writes, in a file that the product's migrations made: the same tables and columns,
indexes, foreign keys, checks and triggers; repeated from the product's own sales with new ids, times and numbers.
What is simpler than in the product stands in ``bare/postgres.sql`` and holds here too.

WAL with ``synchronous=FULL``, the setting that loses nothing at a power cut, and the cache of the product's writer.
One connection writes; with several tills their threads make the sales side by side and take turns at the connection
behind one lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import apsw
import orjson

from bench import drive, product, stats
from bench.workload import Pattern, fill_slots, make_pattern

# A checkpoint at the usual 1000 pages comes every 20 sales and costs each of them a tenth of its time.
SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "busy_timeout = 5000",
    "wal_autocheckpoint = 8000",
    "cache_size = -64000",
    "temp_store = MEMORY",
)
DOMAIN = b"3plugpos.audit.v1"
TAKE_STOCK = (
    "UPDATE ops_stock_level SET on_hand = on_hand + ?, floor = next_floor, moved_at = ?"
    " WHERE store_id = ? AND product_id = ?"
)
READ_HEAD = "SELECT seq, head, counters FROM core_chain WHERE id = ?"
MOVE_HEAD = "UPDATE core_chain SET seq = ?, head = ?, counters = ? WHERE id = ?"
NEWEST = """
SELECT s.id, a.payload, o.id
FROM ops_sale s JOIN core_audit_entry a ON a.entity_id = s.id JOIN core_outbox o ON o.entity_id = s.id
WHERE s.register_id = ? ORDER BY s.number DESC LIMIT ?
"""
#: What a sale adds rows to, parents first: which column names the sale, and what its rows are ordered by. Stock moves
#: are ascending by product, the order in which every sale takes its stock.
OF_SALE = {
    "ops_sale": ("id", "id"), "ops_sale_line": ("sale_id", "position"), "ops_sale_tax": ("sale_id", "position"),
    "ops_payment": ("sale_id", "position"), "ops_stock_move": ("entity_id", "product_id"),
    "core_audit_entry": ("entity_id", "seq"), "core_outbox": ("entity_id", "id"), "core_idempotency": ("key", "key"),
}  # fmt: skip
TABLES = tuple(OF_SALE)
MOVES = TABLES.index("ops_stock_move")
#: What is known once the chain's row is read, by table and column.
NUMBERED = {
    ("ops_sale", "number"): "number", ("ops_sale", "receipt_number"): "receipt",
    ("core_audit_entry", "seq"): "seq", ("core_audit_entry", "payload"): "payload",
    ("core_audit_entry", "previous"): "previous", ("core_audit_entry", "hash"): "hash",
    ("core_outbox", "chain_seq"): "seq", ("core_idempotency", "seq"): "seq",
}  # fmt: skip
Place = tuple[int, int, int, str]
"""Where a value goes: table, row, column, and the slot's name."""


@dataclass(frozen=True)
class Rows:
    """A pattern's rows by table (in the order of TABLES), and where its slots are."""

    pattern: Pattern
    rows: list[list[list[Any]]]
    fresh: list[Place]
    numbered: list[Place]


@dataclass(frozen=True)
class Bare:
    """A file that the product made and sold in, and each till's patterns.

    Attributes:
        inserts: the text of each table's INSERT, in the order of TABLES.
        stock: in which columns of a stock move the parameters of TAKE_STOCK stand.
    """

    path: str
    inserts: tuple[str, ...]
    stock: tuple[int, ...]
    patterns: tuple[tuple[Rows, ...], ...]

    def measure(self, tills: int, seconds: float, warmup: float, processes: int) -> stats.Figures:
        """Run ``tills`` threads over one writing connection and return the figures.

        Args:
            seconds: measured interval; ``warmup`` seconds before it are not counted.
            processes: one, whatever is asked for: several writers would starve each other in SQLite's busy handler.
        """
        workers = drive.measure(partial(crew, self), tills, 1, seconds, warmup)
        return drive.figures("bare", "sqlite", tills, workers)


@dataclass(slots=True)
class Sale:
    """One sale ready to be written: its rows but for the numbers, and the pieces of its audit payload."""

    of: Rows
    rows: list[list[list[Any]]]
    payload: list[str]


def open_database(path: Path) -> apsw.Connection:
    """Return a connection to the file with the durable settings."""
    connection = apsw.Connection(str(path))
    for setting in SETTINGS:  # one by one: apsw stops a list of statements at the first row
        connection.execute(f"PRAGMA {setting}").fetchall()
    return connection


def install(demo: product.Demo) -> Bare:
    """Return what repeats the sales that a shop made in its file."""
    path = demo.url.removeprefix("sqlite:///")
    with contextlib.closing(open_database(Path(path))) as file:
        columns = [[row[1] for row in file.execute(f"PRAGMA table_info({table})")] for table in TABLES]
        inserts = tuple(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            for table, names in zip(TABLES, columns, strict=True)
        )
        patterns = []
        for till in demo.tills:
            newest = file.execute(NEWEST, (till.register, product.TEMPLATES_PER_TILL)).fetchall()
            patterns.append(tuple(_rows(file, columns, *map(str, sale)) for sale in newest))
    stock = tuple(columns[MOVES].index(name) for name in ("quantity", "moved_at", "store_id", "product_id"))
    return Bare(path, inserts, stock, tuple(patterns))


def _rows(file: apsw.Connection, columns: list[list[str]], sale: str, payload: str, outbox: str) -> Rows:
    """Return the pattern of a sale with the places of all that changes."""
    rows = [
        [list(row) for row in file.execute(f"SELECT * FROM {table} WHERE {key} = ? ORDER BY {order}", (sale,))]
        for table, (key, order) in OF_SALE.items()
    ]
    moves = [row[columns[MOVES].index("id")] for row in rows[MOVES]]
    pattern = make_pattern(payload, outbox, moves)
    fresh, numbered = [], []
    for table, of_table in enumerate(rows):
        for number, row in enumerate(of_table):
            for column, (name, value) in enumerate(zip(columns[table], row, strict=True)):
                if slot := NUMBERED.get((TABLES[table], name)):
                    numbered.append((table, number, column, slot))
                elif slot := "fingerprint" if name == "fingerprint" else pattern.slots.get(value):
                    fresh.append((table, number, column, slot))
    for table, number, column, _ in numbered:
        rows[table][number][column] = None
    return Rows(pattern, rows, fresh, numbered)


def make_sale(of: Rows) -> Sale:
    """Return the next sale of a pattern."""
    values: dict[str, Any] = fill_slots(of.pattern)
    values["fingerprint"] = bytes.fromhex(values["fingerprint"])
    rows = [[row.copy() for row in table] for table in of.rows]
    for table, row, column, slot in of.fresh:
        rows[table][row][column] = values[slot]
    return Sale(of, rows, [piece % values for piece in of.pattern.payload])


def post(connection: apsw.Connection, bare: Bare, sale: Sale) -> int:
    """Write one sale durably and return its number."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        number = _write(connection, bare, sale)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return number


def _write(connection: apsw.Connection, bare: Bare, sale: Sale) -> int:
    pattern, rows = sale.of.pattern, sale.rows
    connection.executemany(TAKE_STOCK, [[row[column] for column in bare.stock] for row in rows[MOVES]])
    last_seq, head, counted = next(connection.execute(READ_HEAD, (pattern.chain,)))
    counters, seq = orjson.loads(counted), last_seq + 1
    number = counters["receipt"] = counters["receipt"] + 1
    receipt = f"{pattern.prefix}{number:0{pattern.digits}}"
    before, after_number, after_receipt, after_seq = sale.payload
    payload = f"{before}{number}{after_number}{receipt}{after_receipt}{seq}{after_seq}"
    link = chain_hash(pattern.chain, seq, head, payload.encode())
    values = {
        "number": number, "receipt": receipt, "seq": seq, "payload": payload, "previous": head, "hash": link,
    }  # fmt: skip
    for table, row, column, slot in sale.of.numbered:
        rows[table][row][column] = values[slot]
    for insert, new in zip(bare.inserts, rows, strict=True):
        connection.executemany(insert, new)
    connection.execute(MOVE_HEAD, (seq, link, orjson.dumps(counters).decode(), pattern.chain))
    return number


def chain_hash(chain: str, seq: int, previous: bytes, payload: bytes) -> bytes:
    """Return the link of an audit chain: domain, chain, place, previous link and the payload's digest."""
    parts = (DOMAIN, chain.encode(), str(seq).encode(), previous, hashlib.sha256(payload).digest())
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


def crew(bare: Bare, numbers: Sequence[int]) -> drive.Crew:
    """Return the tills with these numbers, all on one connection."""
    connection = open_database(Path(bare.path))
    lock = threading.Lock()
    posts = [partial(_post_next, connection, lock, bare, cycle(bare.patterns[number])) for number in numbers]
    return drive.Crew(posts, connection.close)


def _post_next(connection: apsw.Connection, lock: threading.Lock, bare: Bare, patterns: Iterator[Rows]) -> int:
    """Post one sale, all but its numbers made before the writer's lock is taken, and return its number."""
    sale = make_sale(next(patterns))
    with lock:
        return post(connection, bare, sale)
