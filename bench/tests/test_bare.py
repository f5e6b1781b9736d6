"""The bare drivers write what the product writes for the same sale, and copies of it are whole sales of the past."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import orjson
import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import bare_postgres, bare_sqlite, product, scratch, workload
from bench.fill import Filler
from bench.fill_postgres import PostgresFiller
from bench.fill_sqlite import SqliteFiller

TILLS = 2
SALES = 20
#: What a sale changes rather than adds to, and what its rows are told apart by.
CHANGED = {"core_chain": ("id",), "ops_stock_level": ("store_id", "product_id")}
Row = dict[str, Any]


class Copy:
    """A shop's copy for a bare driver, to sell in and to look into."""

    def __init__(self, demo: product.Demo) -> None:
        self.demo = demo
        self.bare: Any
        if demo.url.startswith("postgres"):
            self.bare = bare_postgres.install(demo)
            self.crew = bare_postgres.crew(self.bare, range(TILLS))
        else:
            self.bare = bare_sqlite.install(demo)
            self.crew = bare_sqlite.crew(self.bare, range(TILLS))

    def sell(self) -> int:
        for number in range(SALES):
            self.crew.posts[number % TILLS]()
        return SALES


@contextlib.contextmanager
def opened(demo: product.Demo) -> Iterator[Any]:
    """A connection to a shop's database, whose `execute` gives rows."""
    if not demo.url.startswith("postgres"):
        with contextlib.closing(bare_sqlite.open_database(file_of(demo))) as file:
            yield file.cursor()
        return
    with contextlib.closing(scratch.connect(demo.url)) as connection, connection.cursor() as cursor:
        yield cursor


def file_of(demo: product.Demo) -> Path:
    return Path(demo.url.removeprefix("sqlite:///"))


def rows(demo: product.Demo, text: str) -> list[tuple[Any, ...]]:
    with opened(demo) as cursor:
        cursor.execute(text)
        return [tuple(row) for row in cursor.fetchall()]


def count(demo: product.Demo, table: str) -> int:
    return int(rows(demo, f"SELECT count(*) FROM {table}")[0][0])


def everything(demo: product.Demo) -> dict[str, list[Row]]:
    """Every row of every table."""
    with opened(demo) as cursor:
        filler = filler_of(demo, cursor)
        found = {}
        for table in filler.table_names():
            names = filler.column_names(table)
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = [dict(zip(names, map(plain, row), strict=True)) for row in cursor.fetchall()]
    return found


def plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def filler_of(demo: product.Demo, cursor: Any) -> Filler:
    return PostgresFiller(cursor) if demo.url.startswith("postgres") else SqliteFiller(cursor.connection)


def written(before: dict[str, list[Row]], after: dict[str, list[Row]]) -> dict[str, Any]:
    """What was done to each table: how many rows came and which of their columns hold something; what changed."""
    found: dict[str, Any] = {}
    for table, now in after.items():
        old, kept = set(map(repr, before[table])), set(map(repr, now))
        new = [row for row in now if repr(row) not in old]
        gone = [row for row in before[table] if repr(row) not in kept]
        if gone:
            key = CHANGED[table]
            was = {tuple(row[name] for name in key): row for row in gone}
            found[f"{table}, changed"] = sorted(
                sorted(name for name in row if row[name] != was[tuple(row[name] for name in key)][name]) for row in new
            )
        elif new:
            found[table] = sorted(sorted(name for name, value in row.items() if value is not None) for row in new)
    return found


@pytest.fixture(scope="module", autouse=True)
def _small_shop() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "ARTICLES", 12)
        patch.setattr(product, "FIRST_SALES", 8)
        patch.setattr(product, "TEMPLATES_PER_TILL", 4)
        yield


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[product.Demo]:
    data_dir = tmp_path_factory.mktemp("shop")
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{data_dir / product.FILE}"
        if request.param == "postgresql":
            url = stack.enter_context(scratch.postgres_database(server_url(), "bare_shop"))
        yield product.make_demo(data_dir, url, TILLS)


def server_url() -> str:
    server = scratch.server_url()
    if server is None:
        pytest.skip("no PostgreSQL server is named: set POS_TEST_POSTGRES")
    return server


@pytest.fixture
def copy(shop: product.Demo, tmp_path: Path) -> Iterator[Copy]:
    server = server_url() if shop.url.startswith("postgres") else ""
    with product.copy_of(shop, tmp_path / "copy", server) as demo:
        made = Copy(demo)
        try:
            yield made
        finally:
            made.crew.close()


@pytest.mark.req("TST-04")
def test_a_bare_sale_writes_the_rows_that_the_product_writes(shop: product.Demo, copy: Copy) -> None:
    with product.serve(shop.data_dir, workers=1) as server:
        product.sell(server, shop, TILLS, 1)  # a first sale after the start may do more than others
        before, bare_before = everything(shop), everything(copy.demo)
        product.sell(server, shop, 1, 1)
        after = everything(shop)
    copy.crew.posts[0]()
    bare_after = everything(copy.demo)
    by_product, by_bare = written(before, after), written(bare_before, bare_after)
    assert by_bare == by_product
    assert {table for table in by_product if "," not in table} == set(bare_sqlite.TABLES)
    assert {table: len(of_table) for table, of_table in by_bare.items()} == {
        "ops_sale": 1, "ops_sale_line": 5, "ops_sale_tax": 1, "ops_payment": 2, "ops_stock_move": 5,
        "core_audit_entry": 1, "core_outbox": 1, "core_idempotency": 1, "core_chain, changed": 1,
        "ops_stock_level, changed": 5,
    }  # fmt: skip
    lengths = [
        len(next(row["payload"] for row in found["core_audit_entry"] if row not in old["core_audit_entry"]))
        for old, found in ((before, after), (bare_before, bare_after))
    ]
    assert lengths[1] == pytest.approx(lengths[0], rel=0.05)


@pytest.mark.req("TST-04")
def test_the_audit_verifier_holds_bare_sales_for_the_product_s(copy: Copy) -> None:
    entries = count(copy.demo, "core_audit_entry")
    copy.sell()
    assert count(copy.demo, "core_audit_entry") == entries + SALES
    arguments = product.command_line("--data-dir", str(copy.demo.data_dir), "audit", "verify", "--json")
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    report = orjson.loads(done.stdout)
    assert (report["findings"], done.returncode) == ([], 0)
    assert report["facts_checked"]
    assert report["entries"] == entries + SALES


@pytest.mark.req("TST-04")
def test_bare_receipts_have_no_gap_and_the_stock_adds_up(copy: Copy) -> None:
    copy.sell()
    for register, last, sales in rows(
        copy.demo, "SELECT register_id, max(number), count(*) FROM ops_sale GROUP BY register_id"
    ):
        assert last == sales
        assert rows(copy.demo, f"SELECT counters FROM core_chain WHERE id = '{register}'") == [
            (f'{{"register_session":1,"receipt":{last}}}',)
        ]
        newest = f"SELECT receipt_number FROM ops_sale WHERE register_id = '{register}' ORDER BY number DESC LIMIT 1"
        assert rows(copy.demo, newest)[0][0].endswith(f"-{last:06}")
    wrong_stock = (
        "SELECT count(*) FROM ops_stock_level l WHERE on_hand <>"
        " (SELECT sum(quantity) FROM ops_stock_move m WHERE m.product_id = l.product_id)"
    )
    assert rows(copy.demo, wrong_stock) == [(0,)]


@pytest.mark.req("TST-04")
def test_a_duplicate_sale_is_refused_and_leaves_nothing(copy: Copy) -> None:
    before: Any = None
    with opened(copy.demo) as cursor:
        if isinstance(copy.bare, bare_postgres.Bare):
            cursor.execute(bare_postgres.PREPARE)
            pattern, text = copy.bare.calls[0][0]
            text %= workload.fill_slots(pattern)
            cursor.execute(text)
            before = everything(copy.demo)
            with pytest.raises(psycopg2.errors.UniqueViolation):
                cursor.execute(text)
        else:
            pattern = copy.bare.patterns[0][0]
            sale = bare_sqlite.make_sale(pattern)
            bare_sqlite.post(cursor.connection, copy.bare, sale)
            before = everything(copy.demo)
            with pytest.raises(apsw.ConstraintError):
                bare_sqlite.post(cursor.connection, copy.bare, sale)
    assert everything(copy.demo) == before


@pytest.mark.req("TST-04")
def test_copies_are_whole_sales_of_the_past_and_selling_goes_on(copy: Copy) -> None:
    already = count(copy.demo, "ops_sale")
    others = count(copy.demo, "core_audit_entry") - already
    with opened(copy.demo) as cursor:
        filler = filler_of(copy.demo, cursor)
        filler.take_sample(copy.sell)
        assert filler.grow(10 * SALES, lambda _done: None) == 10 * SALES
        assert count(copy.demo, "ops_sale") == 10 * SALES + already
        assert filler.grow(15 * SALES, lambda _done: None) == 15 * SALES
    sales = count(copy.demo, "ops_sale")
    assert sales == 15 * SALES + already
    assert count(copy.demo, "ops_sale_line") == count(copy.demo, "ops_stock_move") == 5 * sales
    assert count(copy.demo, "core_audit_entry") == sales + others
    for child in ("ops_sale_line", "ops_payment", "ops_sale_tax"):
        orphans = f"SELECT count(*) FROM {child} WHERE sale_id NOT IN (SELECT id FROM ops_sale)"
        assert rows(copy.demo, orphans) == [(0,)]
    assert rows(copy.demo, "SELECT sale_id FROM ops_sale_line GROUP BY sale_id HAVING count(*) <> 5") == []
    copy.sell()
    assert count(copy.demo, "ops_sale") == sales + SALES


@pytest.mark.req("TST-04")
def test_measured_tills_give_figures(copy: Copy) -> None:
    before = count(copy.demo, "ops_sale")
    figures = copy.bare.measure(TILLS, seconds=0.5, warmup=0.1, processes=2)
    assert 0 < figures.sales <= count(copy.demo, "ops_sale") - before
    assert 0 < figures.p50_ms <= figures.p95_ms <= figures.p99_ms
    assert figures.seconds >= 0.5
    assert figures.client_cpu_ms is not None
    assert figures.client_cpu_ms > 0
    if isinstance(copy.bare, bare_postgres.Bare):
        assert figures.flushes is not None  # none at all on a server that does not flush
        assert figures.wal_bytes
        assert figures.wal_bytes > 1000


def test_the_settings_of_the_bare_sqlite_are_in_force(tmp_path: Path) -> None:
    with contextlib.closing(bare_sqlite.open_database(tmp_path / "bare.db")) as file:
        values = [file.execute(f"PRAGMA {name}").get for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert values == ["wal", 2, 1]


def a_payload(**changes: Any) -> str:
    sale = {"id": "sale-id", "number": 7, "receipt_number": "S1-R1-000007", "register_id": "r", "note": "100 % 'ok'",
            "lines": [], "payments": [], **changes}  # fmt: skip
    fact = {"after": sale, "at": "2026-01-05T10:00:00.000000Z", "chain": "r", "id": "sale-id", "request": "request-id",
            "seq": 9}  # fmt: skip
    return orjson.dumps(fact, option=orjson.OPT_SORT_KEYS).decode()


def test_a_filled_pattern_is_the_sale_with_its_own_ids_and_time() -> None:
    pattern = workload.make_pattern(a_payload(), "outbox-id", ["move-1", "move-2"])
    assert (pattern.prefix, pattern.digits, pattern.moves) == ("S1-R1-", 6, 2)
    values = workload.fill_slots(pattern)
    pieces = [piece % values for piece in pattern.payload]
    told = orjson.loads(f"{pieces[0]}8{pieces[1]}S1-R1-000008{pieces[2]}10{pieces[3]}")
    expected = orjson.loads(a_payload(id=values["sale"], number=8, receipt_number="S1-R1-000008"))
    assert told == {**expected, "id": values["sale"], "at": values["at"], "request": values["request"], "seq": 10}
    assert len({values[name] for name in ("sale", "request", "outbox", "move0", "move1")}) == 5


@given(st.text())
def test_a_text_without_slots_is_kept_as_it_is(text: str) -> None:
    pattern = workload.make_pattern(a_payload(), "outbox-id", [])
    marked = pattern.mark(text)
    assert marked % {} == text if not any(value in text for value in pattern.slots) else "%(" in marked


@pytest.mark.parametrize("changes", [{"receipt_number": "none"}, {"number": 8}, {"printed": {"number": 1}}])
def test_a_payload_with_numbers_in_other_places_is_refused(changes: Row) -> None:
    with pytest.raises(scratch.BenchError, match="numbers stand elsewhere"):
        workload.make_pattern(a_payload(**changes), "outbox-id", [])


def test_a_server_that_is_not_durable_is_refused() -> None:
    with scratch.postgres_database(server_url(), "lax") as url:
        with contextlib.closing(scratch.connect(url)) as connection, connection.cursor() as cursor:
            name = psycopg2.extensions.quote_ident(connection.info.dbname, connection)
            cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        with pytest.raises(scratch.BenchError, match=r"(fsync|synchronous_commit) is off"):
            scratch.require_durable(url)


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
