"""The bench sells in a real shop, counts what the shop recorded, and copies the shop's sales into its past."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import checks, product, scratch, wire
from bench.fill_postgres import PostgresFiller

TILLS = 2


@pytest.fixture(scope="module", autouse=True)
def _small_shop() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "ARTICLES", 12)
        patch.setattr(product, "FIRST_SALES", 6)
        patch.setattr(product, "TEMPLATES_PER_TILL", 3)
        yield


@pytest.fixture(scope="module")
def file_shop(tmp_path_factory: pytest.TempPathFactory) -> product.Demo:
    directory = tmp_path_factory.mktemp("shop")
    return product.make_demo(directory, f"sqlite:///{directory / 'shop.db'}", TILLS)


@pytest.fixture(scope="module")
def server_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[product.Demo]:
    server = scratch.server_url()
    if server is None:
        pytest.skip("no PostgreSQL server is named")
    with scratch.postgres_database(server, "product") as url:
        yield product.make_demo(tmp_path_factory.mktemp("shop"), url, TILLS)


def sales_in(demo: product.Demo) -> dict[str, int]:
    """Sales by register."""
    with contextlib.closing(sqlite3.connect(demo.data_dir / "shop.db")) as file:
        return dict(file.execute("SELECT register_id, count(*) FROM ops_sale GROUP BY register_id").fetchall())


@pytest.mark.req("TST-04")
def test_what_is_measured_over_http_stands_in_the_shop(file_shop: product.Demo) -> None:
    before = sum(sales_in(file_shop).values())
    figures = product.measure_http(file_shop, TILLS, seconds=0.6, warmup=0.1, workers=1)
    after = sales_in(file_shop)
    assert not figures.errors
    assert set(after) == {till.register for till in file_shop.tills}
    assert 0 < figures.sales <= sum(after.values()) - before


@pytest.mark.req("TST-04")
def test_what_is_measured_in_process_stands_in_the_shop(file_shop: product.Demo) -> None:
    before = sum(sales_in(file_shop).values())
    figures = product.measure_perform(file_shop, TILLS, seconds=0.6, warmup=0.1, workers=1)
    assert 0 < figures.sales <= sum(sales_in(file_shop).values()) - before


@pytest.mark.req("TST-04")
def test_the_log_of_a_sale_is_told_apart_by_table(server_shop: product.Demo) -> None:
    logged = checks.wal_per_sale(server_shop, workers=1, tills=TILLS, sales=10)
    if not logged.tables:
        pytest.skip("pg_walinspect is not installed")
    assert {"ops_sale", "ops_sale_line", "core_audit_entry", "ops_stock_level"} <= logged.tables.keys()
    assert sum(logged.tables.values()) == pytest.approx(logged.size, rel=0.1)


@pytest.mark.req("TST-04")
def test_a_sale_takes_as_many_round_trips_with_more_lines(tmp_path: Path) -> None:
    server = scratch.server_url()
    if server is None:
        pytest.skip("no PostgreSQL server is named")
    with scratch.postgres_database(server, "trips") as url, wire.CountingRelay(url) as relay:
        demo = product.make_demo(tmp_path, relay.url, 1)
        few, many = (checks.round_trips(demo, relay, lines) for lines in (1, 30))
    assert 0 < few.value == many.value


@pytest.mark.req("TST-04")
def test_a_shops_sales_are_copied_into_its_past(server_shop: product.Demo) -> None:
    def sell() -> int:
        with product.serve(server_shop.data_dir, workers=1) as server:
            product.sell(server, server_shop, 1, 10)
        return 10

    with contextlib.closing(scratch.connect(server_shop.url)) as connection, connection.cursor() as cursor:
        filler = PostgresFiller(connection.cursor())
        filler.take_sample(sell)
        assert filler.grow(50, lambda done: None) == 50
        cursor.execute(
            "SELECT count(*), count(DISTINCT number), min(sold_at) < max(sold_at) FROM ops_sale WHERE register_id = %s",
            (server_shop.tills[0].register,),
        )
        held, numbers, spread = cursor.fetchone()
    assert held >= 50
    assert numbers == held
    assert spread
    figures = product.measure_http(server_shop, 1, seconds=1.0, warmup=0.5, workers=1)
    assert figures.sales
    assert not figures.errors
