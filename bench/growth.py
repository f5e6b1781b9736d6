"""What a sale costs in a database that is full: the same till, with ever more sales stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from bench import bare_postgres, bare_sqlite, product, scratch
from bench.fill import Filler
from bench.fill_postgres import PostgresFiller
from bench.fill_sqlite import SqliteFiller

SAMPLE_SALES = 500
WARMUP = 3.0
#: In this order, because the bare driver stores more while it is measured.
LAYERS = ("http", "bare")


def run(
    directory: Path, database: str, server: str, layers: Sequence[str], stored: Sequence[int], seconds: float,
    console: Console,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return milliseconds per sale for each number of stored sales, over HTTP and for the bare driver.

    Both sell in the same database.

    Args:
        server: URL of the PostgreSQL server; not used for SQLite.
        stored: numbers of sales; filled up in ascending order.
    """
    rows: list[dict[str, Any]] = []
    chosen = [layer for layer in LAYERS if layer in layers]
    if not chosen:
        return rows
    data_dir = directory / f"growth-{database}"
    data_dir.mkdir()
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{data_dir / product.FILE}"
        if database == "postgresql":
            url = stack.enter_context(scratch.postgres_database(server, "growth"))
        demo = product.make_demo(data_dir, url, 1)
        bare = (bare_postgres if database == "postgresql" else bare_sqlite).install(demo)
        measures = {
            "http": partial(product.measure_http, demo, 1, seconds, WARMUP, 1),
            "bare": partial(bare.measure, 1, seconds, WARMUP, 1),
        }
        filler = stack.enter_context(_filler(demo))
        filler.take_sample(partial(_sell, demo))
        for count in sorted(stored):
            with console.status("") as status:
                held = filler.grow(count, partial(_show, status, f"{database}: filling up to {count:,}"))
            for layer in chosen:
                filler.settle()
                figures = measures[layer]()
                rows.append({"database": database, "layer": layer, "stored": held, "rate": figures.rate,
                             "p50_ms": figures.p50_ms, "p99_ms": figures.p99_ms,
                             "client_cpu_ms": figures.client_cpu_ms,
                             "database_cpu_ms": figures.database_cpu_ms})  # fmt: skip
    return rows


def _show(status: Status, text: str, done: int) -> None:
    status.update(f"{text}, {done:,} copied")


@contextlib.contextmanager
def _filler(demo: product.Demo) -> Iterator[Filler]:
    """Yield a filler that keeps its connection: its sample lives there."""
    if demo.url.startswith("postgres"):
        with contextlib.closing(scratch.connect(demo.url)) as connection:
            yield PostgresFiller(connection.cursor())
    else:
        with contextlib.closing(bare_sqlite.open_database(Path(demo.url.removeprefix("sqlite:///")))) as file:
            yield SqliteFiller(file)


def _sell(demo: product.Demo) -> int:
    with product.serve(demo.data_dir, workers=1) as server:
        product.sell(server, demo, 1, SAMPLE_SALES)
    return SAMPLE_SALES
