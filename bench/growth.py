"""What a sale costs in a database that is full: the same till, with ever more sales stored."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from bench import bare_postgres, bare_sqlite, product, scratch
from bench.fill import Filler
from bench.fill_postgres import PostgresFiller
from bench.fill_sqlite import SqliteFiller
from bench.stats import Figures
from bench.workload import make_baskets, make_sale, make_shop

SAMPLE_SALES = 500
PRODUCTS = 1000
WARMUP = 3.0
Measure = Callable[[float], Figures]


def run(
    directory: Path, database: str, server: str, layers: Sequence[str], stored: Sequence[int], seconds: float,
    console: Console,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return milliseconds per sale for each number of stored sales, for the bare driver and over HTTP.

    Args:
        server: URL of the PostgreSQL server; not used for SQLite.
        stored: numbers of sales; filled up in ascending order.
    """
    rows = []
    stages = {"bare": _bare, "http": _http}
    for layer in (layer for layer in layers if layer in stages):
        with contextlib.ExitStack() as stack:
            url = str(directory / f"growth-{layer}.db")
            if database == "postgresql":
                url = stack.enter_context(scratch.postgres_database(server, f"growth_{layer}"))
            sell, measure = stages[layer](directory, database, url)
            filler = stack.enter_context(_filler(database, url))
            filler.take_sample(sell)
            for count in sorted(stored):
                with console.status("") as status:
                    held = filler.grow(count, partial(_show, status, f"{database}, {layer}: filling up to {count:,}"))
                figures = measure(seconds)
                rows.append({"database": database, "layer": layer, "stored": held, "rate": figures.rate,
                             "p50_ms": figures.p50_ms, "p99_ms": figures.p99_ms,
                             "client_cpu_ms": figures.client_cpu_ms,
                             "database_cpu_ms": figures.database_cpu_ms})  # fmt: skip
    return rows


def _show(status: Status, text: str, done: int) -> None:
    status.update(f"{text}, {done:,} copied")


@contextlib.contextmanager
def _filler(database: str, url: str) -> Iterator[Filler]:
    """Yield a filler that keeps its connection: its sample lives there."""
    if database == "sqlite":
        with contextlib.closing(bare_sqlite.open_database(Path(url))) as file:
            yield SqliteFiller(file)
    else:
        with contextlib.closing(scratch.connect(url)) as connection:
            yield PostgresFiller(connection.cursor())


def _bare(directory: Path, database: str, url: str) -> tuple[Callable[[], int], Measure]:
    shop = make_shop(1, PRODUCTS)
    baskets = cycle(make_baskets(shop, seed=-2))
    if database == "sqlite":
        path = Path(url)
        bare_sqlite.install(path, shop)

        def sell() -> int:
            with contextlib.closing(bare_sqlite.open_database(path)) as connection:
                for _ in range(SAMPLE_SALES):
                    bare_sqlite.post(connection, shop, make_sale(shop, shop.registers[0], next(baskets)))
            return SAMPLE_SALES

        return sell, lambda seconds: bare_sqlite.measure(path, shop, 1, seconds, WARMUP)
    bare_postgres.install(url, shop)

    def sell_postgres() -> int:
        crew = bare_postgres.crew(url, shop, [0])
        for _ in range(SAMPLE_SALES):
            crew.posts[0]()
        crew.close()
        return SAMPLE_SALES

    return sell_postgres, lambda seconds: bare_postgres.measure(url, shop, 1, seconds, WARMUP)


def _http(directory: Path, database: str, url: str) -> tuple[Callable[[], int], Measure]:
    data_dir = directory / f"growth-{database}"
    data_dir.mkdir()
    demo = product.make_demo(data_dir, url if database == "postgresql" else f"sqlite:///{url}", 1)

    def sell() -> int:
        with product.serve(data_dir, workers=1) as server:
            product.sell(server, demo, 1, SAMPLE_SALES)
        return SAMPLE_SALES

    return sell, partial(_measure_http, demo)


def _measure_http(demo: product.Demo, seconds: float) -> Figures:
    return product.measure_http(demo, 1, seconds, WARMUP, 1)
