"""The bare limit on SQLite: a fixed list of text statements through apsw, one durable transaction per sale.

WAL with ``synchronous=FULL``, the setting that loses nothing at a power cut. One connection writes; with several
tills their threads make the sales side by side and take turns at the connection behind one lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path

import apsw

from bench import drive, stats
from bench.workload import TAX_RATE, Basket, Sale, Shop, make_baskets, make_sale

SCHEMA = Path(__file__).parent / "bare" / "sqlite.sql"
# A checkpoint at the usual 1000 pages comes every 20 sales and costs each of them a tenth of its time.
SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "busy_timeout = 5000",
    "wal_autocheckpoint = 8000",
)
TAKE_STOCK = "UPDATE stock_levels SET quantity = quantity - ? WHERE store_id = ? AND product_id = ?"
READ_HEAD = "SELECT receipt_number, audit_seq, audit_head FROM registers WHERE id = ?"
WRITE_HEAD = "UPDATE registers SET receipt_number = ?, audit_seq = ?, audit_head = ? WHERE id = ?"
ADD_SALE = "INSERT INTO sales VALUES (?, ?, ?, ?, 'completed', 'EUR', '2026-01-05', ?, ?, ?, ?)"
ADD_LINE = "INSERT INTO sale_lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADD_TAX = "INSERT INTO sale_taxes VALUES (?, ?, 'STD', ?, ?, ?)"
ADD_PAYMENT = "INSERT INTO payments VALUES (?, ?, ?, ?, ?)"
ADD_MOVE = "INSERT INTO stock_moves VALUES (?, ?, ?, ?, ?, 'sale', ?)"
ADD_AUDIT = "INSERT INTO audit_entries VALUES (?, ?, ?, 'sale:complete', 'done', 'sale', ?, ?, ?, 1, ?, ?, ?)"
ADD_OUTBOX = "INSERT INTO outbox VALUES (?, 'sale:completed', 'sale', ?, ?, ?, ?, 'pending', 0, ?, ?)"
ADD_KEY = "INSERT INTO idempotency VALUES (?, 'sale:complete', ?, 201, NULL, ?, ?, ?)"


def open_database(path: Path) -> apsw.Connection:
    """Return a connection to the file with the durable settings."""
    connection = apsw.Connection(str(path))
    for setting in SETTINGS:  # one by one: apsw stops a list of statements at the first row
        connection.execute(f"PRAGMA {setting}").fetchall()
    return connection


def install(path: Path, shop: Shop) -> None:
    """Create the schema in a new file and load the shop's master data."""
    with contextlib.closing(open_database(path)) as connection, connection:
        connection.execute(SCHEMA.read_text())
        connection.execute("INSERT INTO stores VALUES (?, 'Bench')", (shop.store,))
        connection.executemany(
            "INSERT INTO registers (id, store_id, code) VALUES (?, ?, ?)",
            ((register, shop.store, f"R{number}") for number, register in enumerate(shop.registers)),
        )
        connection.executemany(
            "INSERT INTO products VALUES (?, ?, ?, ?)",
            (
                (product, f"SKU{number}", f"Article {number}", price)
                for number, (product, price) in enumerate(zip(shop.products, shop.prices, strict=True))
            ),
        )
        connection.execute("INSERT INTO stock_levels SELECT ?, id, 1000000000 FROM products", (shop.store,))


def post(connection: apsw.Connection, shop: Shop, sale: Sale) -> int:
    """Write one sale durably and return its receipt number."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        receipt = _write(connection, shop, sale)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return receipt


def _write(connection: apsw.Connection, shop: Shop, sale: Sale) -> int:
    basket, ids, now, store = sale.basket, sale.ids, sale.now_us, shop.store
    register, sale_id = sale.register, ids[0]
    count = len(basket.products)
    pairs = tuple(zip(basket.products, basket.quantities, strict=True))
    connection.executemany(TAKE_STOCK, [(quantity, store, product) for product, quantity in pairs])
    last_receipt, last_seq, prev = next(connection.execute(READ_HEAD, (register,)))
    receipt, seq = int(last_receipt) + 1, int(last_seq) + 1
    head = chain_hash(register, seq, prev, sale.payload)
    connection.execute(WRITE_HEAD, (receipt, seq, head, register))
    connection.execute(ADD_SALE, (sale_id, store, register, receipt, basket.subtotal, basket.tax, basket.total, now))
    connection.executemany(ADD_LINE, _line_rows(sale, count))
    connection.execute(ADD_TAX, (ids[count + 1], sale_id, TAX_RATE, basket.subtotal, basket.tax))
    tenders = zip(ids[count + 2 : count + 4], ("card", "cash"), sale.amounts, strict=True)
    connection.executemany(
        ADD_PAYMENT, [(payment, sale_id, tender, amount, now) for payment, tender, amount in tenders]
    )
    moves = zip(ids[count + 4 : 2 * count + 4], pairs, strict=True)
    connection.executemany(
        ADD_MOVE, [(move, store, product, sale_id, -quantity, now) for move, (product, quantity) in moves]
    )
    audit = (register, seq, now, sale_id, store, register, sale.payload.decode(), prev, head)
    connection.execute(ADD_AUDIT, audit)
    connection.execute(ADD_OUTBOX, (ids[-1], sale_id, store, register, seq, now, now))
    connection.execute(ADD_KEY, (sale_id, sale.fingerprint, register, seq, now))
    return receipt


def _line_rows(sale: Sale, count: int) -> Iterator[tuple[str | int, ...]]:
    basket = sale.basket
    columns = zip(
        sale.ids[1 : count + 1],
        basket.products,
        basket.names,
        basket.quantities,
        basket.prices,
        basket.line_taxes,
        basket.line_totals,
        strict=True,
    )
    for position, (line, product, name, quantity, price, tax, total) in enumerate(columns, 1):
        yield line, sale.ids[0], position, product, name, quantity, price, TAX_RATE, tax, total


def chain_hash(chain: str, seq: int, prev: bytes, payload: bytes) -> bytes:
    """Return the link of an audit chain: domain, chain, number, previous link and the payload's digest."""
    fields = b"pos.audit.v1" + chain.encode() + seq.to_bytes(8) + len(prev).to_bytes(4) + prev
    return hashlib.sha256(fields + hashlib.sha256(payload).digest()).digest()


def measure(path: Path, shop: Shop, tills: int, seconds: float, warmup: float) -> stats.Figures:
    """Run ``tills`` threads over one writing connection in a process of their own and return the figures.

    Args:
        path: file made by :func:`install`.
        seconds: measured interval; ``warmup`` seconds before it are not counted.
    """
    workers = drive.measure(partial(crew, path, shop), tills, 1, seconds, warmup)
    return drive.figures("bare", "sqlite", tills, workers)


def crew(path: Path, shop: Shop, numbers: Sequence[int]) -> drive.Crew:
    """Return the tills with these numbers, all on one connection."""
    connection = open_database(path)
    lock = threading.Lock()
    posts = [
        partial(_post_next, connection, lock, shop, shop.registers[number], cycle(make_baskets(shop, seed=number)))
        for number in numbers
    ]
    return drive.Crew(posts, connection.close)


def _post_next(
    connection: apsw.Connection, lock: threading.Lock, shop: Shop, register: str, baskets: Iterator[Basket]
) -> None:
    """Post one sale; ids and payload are made before the writer's lock is taken."""
    sale = make_sale(shop, register, next(baskets))
    with lock:
        post(connection, shop, sale)
