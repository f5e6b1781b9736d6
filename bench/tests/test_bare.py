"""The bare drivers write what they claim: whole sales, linked chains, stock that adds up, and copies of all that."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import apsw
import psycopg2
import pytest

from bench import bare_postgres, bare_sqlite, scratch
from bench.fill import Filler
from bench.fill_postgres import PostgresFiller
from bench.fill_sqlite import SqliteFiller
from bench.workload import Shop, make_baskets, make_sale, make_shop

SALES = 20
SHOP = make_shop(2, 40)


class Store:
    """A database with the bare schema, to sell in and to look into."""

    def __init__(self, kind: str, place: str) -> None:
        self.kind = kind
        self.baskets = cycle(make_baskets(SHOP, seed=1))
        if kind == "sqlite":
            bare_sqlite.install(Path(place), SHOP)
            self.file = bare_sqlite.open_database(Path(place))
        else:
            bare_postgres.install(place, SHOP)
            self.connection = scratch.connect(place)
            self.crew = bare_postgres.crew(place, SHOP, [0, 1])

    def sell(self) -> int:
        for number in range(SALES):
            if self.kind == "sqlite":
                sale = make_sale(SHOP, SHOP.registers[number % 2], next(self.baskets))
                bare_sqlite.post(self.file, SHOP, sale)
            else:
                self.crew.posts[number % 2]()
        return SALES

    def filler(self) -> Filler:
        return SqliteFiller(self.file) if self.kind == "sqlite" else PostgresFiller(self.connection.cursor())

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        if self.kind == "sqlite":
            return list(self.file.execute(text))
        with self.connection.cursor() as cursor:
            cursor.execute(text)
            return list(cursor.fetchall())

    def count(self, table: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def close(self) -> None:
        if self.kind == "sqlite":
            self.file.close()
        else:
            self.crew.close()
            self.connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with contextlib.ExitStack() as stack:
        place = str(tmp_path / "bare.db")
        if request.param == "postgresql":
            server = scratch.server_url()
            if server is None:
                pytest.skip("no PostgreSQL server is named: set POS_TEST_POSTGRES")
            place = stack.enter_context(scratch.postgres_database(server, "test"))
        made = Store(request.param, place)
        stack.callback(made.close)
        yield made


@pytest.mark.req("TST-04")
def test_a_sale_writes_all_its_rows_and_takes_its_stock(store: Store) -> None:
    before = {name: store.count(name) for name in ("sales", "audit_entries", "outbox", "idempotency")}
    store.sell()
    assert {name: store.count(name) - old for name, old in before.items()} == dict.fromkeys(before, SALES)
    sales = store.count("sales")
    assert store.count("sale_lines") == store.count("stock_moves") == 5 * sales
    assert store.count("payments") == 2 * sales
    assert store.count("sale_taxes") == sales
    assert store.rows("SELECT count(*) FROM sales WHERE total_minor <> subtotal_minor + tax_minor") == [(0,)]
    unpaid = (
        "SELECT count(*) FROM sales s WHERE total_minor <>"
        " (SELECT sum(amount_minor) FROM payments p WHERE p.sale_id = s.id)"
    )
    assert store.rows(unpaid) == [(0,)]
    wrong_stock = (
        "SELECT count(*) FROM stock_levels l WHERE quantity <> 1000000000 +"
        " coalesce((SELECT sum(quantity) FROM stock_moves m WHERE m.product_id = l.product_id), 0)"
    )
    assert store.rows(wrong_stock) == [(0,)]


@pytest.mark.req("TST-04")
def test_each_register_s_chain_links_and_its_receipts_have_no_gap(store: Store) -> None:
    store.sell()
    for register in SHOP.registers:
        entries = store.rows(
            f"SELECT seq, payload, previous, hash FROM audit_entries WHERE chain_id = '{register}' ORDER BY seq"
        )
        head = b""
        for number, (seq, payload, previous, link) in enumerate(entries, 1):
            assert (seq, bytes(previous)) == (number, head)
            assert bytes(link) == expected_link(store.kind, register, seq, head, payload.encode())
            head = bytes(link)
        receipts = store.rows(f"SELECT max(receipt_number), count(*) FROM sales WHERE register_id = '{register}'")
        assert receipts[0][0] == receipts[0][1] == len(entries)


def expected_link(kind: str, register: str, seq: int, previous: bytes, payload: bytes) -> bytes:
    """The link, written out: PostgreSQL hashes the id's 16 bytes, SQLite its text."""
    chain = bytes.fromhex(register.replace("-", "")) if kind == "postgresql" else register.encode()
    fields = b"pos.audit.v1" + chain + seq.to_bytes(8) + len(previous).to_bytes(4) + previous
    return hashlib.sha256(fields + hashlib.sha256(payload).digest()).digest()


@pytest.mark.req("TST-04")
def test_copies_are_whole_sales_of_the_past_and_selling_goes_on(store: Store) -> None:
    filler = store.filler()
    filler.take_sample(store.sell)
    already = store.count("sales") - SALES
    held = filler.grow(10 * SALES, lambda _done: None)
    assert held == 10 * SALES
    assert store.count("sales") == held + already
    assert filler.grow(15 * SALES, lambda _done: None) == 15 * SALES
    sales = store.count("sales")
    assert sales == 15 * SALES + already
    assert store.count("sale_lines") == 5 * sales
    assert store.count("audit_entries") == store.count("idempotency") == sales
    for child in ("sale_lines", "payments", "stock_moves", "sale_taxes"):
        orphans = f"SELECT count(*) FROM {child} WHERE sale_id NOT IN (SELECT id FROM sales)"
        assert store.rows(orphans) == [(0,)]
    per_sale = store.rows("SELECT sale_id FROM sale_lines GROUP BY sale_id HAVING count(*) <> 5")
    assert per_sale == []
    store.sell()
    assert store.count("sales") == sales + SALES


@pytest.mark.req("TST-04")
def test_two_measured_tills_give_figures(tmp_path: Path) -> None:
    bare_sqlite.install(tmp_path / "bare.db", SHOP)
    figures = bare_sqlite.measure(tmp_path / "bare.db", SHOP, 2, seconds=0.3, warmup=0.1)
    assert figures.sales > 0
    assert 0 < figures.p50_ms <= figures.p95_ms <= figures.p99_ms
    assert figures.seconds == pytest.approx(0.3, rel=0.5)
    assert figures.client_cpu_ms is not None
    assert figures.client_cpu_ms > 0


def test_a_duplicate_sale_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    bare_sqlite.install(tmp_path / "bare.db", SHOP)
    with contextlib.closing(bare_sqlite.open_database(tmp_path / "bare.db")) as file:
        sale = make_sale(SHOP, SHOP.registers[0], make_baskets(SHOP, seed=1)[0])
        assert bare_sqlite.post(file, SHOP, sale) == 1
        with pytest.raises(apsw.ConstraintError):
            bare_sqlite.post(file, SHOP, sale)
        assert list(file.execute("SELECT receipt_number FROM registers WHERE id = ?", (sale.register,))) == [(1,)]


def test_the_settings_of_the_bare_sqlite_are_in_force(tmp_path: Path) -> None:
    with contextlib.closing(bare_sqlite.open_database(tmp_path / "bare.db")) as file:
        values = [file.execute(f"PRAGMA {name}").get for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert values == ["wal", 2, 1]


def test_a_server_that_is_not_durable_is_refused() -> None:
    server = scratch.server_url()
    if server is None:
        pytest.skip("no PostgreSQL server is named: set POS_TEST_POSTGRES")
    with scratch.postgres_database(server, "lax") as url:
        with contextlib.closing(scratch.connect(url)) as connection, connection.cursor() as cursor:
            name = psycopg2.extensions.quote_ident(connection.info.dbname, connection)
            cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        with pytest.raises(scratch.BenchError, match=r"(fsync|synchronous_commit) is off"):
            scratch.require_durable(url)


def test_shops_are_made_alike_but_for_their_ids() -> None:
    first, second = make_shop(2, 40), make_shop(2, 40)
    assert isinstance(first, Shop)
    assert first.prices == second.prices
    assert list(first.products) == sorted(first.products)
    assert not set(first.products) & set(second.products)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("postgresql:///postgres", "postgresql:///x"),
        ("postgresql://u:p@h:5433/postgres?sslmode=disable", "postgresql://u:p@h:5433/x?sslmode=disable"),
    ],
)
def test_another_database_of_the_same_server(server: str, expected: str) -> None:
    assert scratch.with_database(server, "x") == expected


def test_a_server_that_is_named_without_a_url_is_refused() -> None:
    with pytest.raises(scratch.BenchError, match="no postgresql:// URL"):
        scratch.with_database("host=/tmp dbname=postgres", "x")
