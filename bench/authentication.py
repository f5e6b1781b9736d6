"""What it costs to know who asks: token, session and permission of one request, beside a whole sale in the same run.

    python -m bench.authentication [--rounds 20] [--databases sqlite,postgresql]

All in process, one till, each part timed call by call and in turn with the sales, so that a neighbour's load hits them
alike. Printed are microseconds: the median, and what a tenth of the calls stays below, which on a busy machine is
nearer to what the work itself takes. PostgreSQL is the server that ``POS_BENCH_POSTGRES`` names (``python3 dev.py
bench`` starts one); SQLite needs nothing.

* token, first time: its signature and age. token, known: the same one again in this process.
* session: one prepared read (session, user, device, revision, chain) and the context made of it, with the grants.
* permission: the check of the sale's permission.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import Any

import click

from bench import load, product, scratch
from bench.scratch import BenchError
from bench.workload import new_id

DATABASES = ("sqlite", "postgresql")
CALLS = 50
WARM_SALES = 200
#: The parts that a request pays; the first reading of a token comes once in the token's life.
PAID = ("token, known", "session", "permission")


@dataclass(frozen=True)
class Timing:
    """Microseconds of a part: the median of all calls, and what the quickest tenth of them stays below."""

    median: float
    tenth: float


def measure(demo: product.Demo, rounds: int) -> dict[str, Timing]:
    """Return the timing of each part, and of a sale without them.

    Raises:
        BenchError: the measuring process died.
    """
    context = multiprocessing.get_context("spawn")  # a kernel is made once per process
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_measure, args=(sender, demo, rounds))
    child.start()
    sender.close()
    try:
        figures: dict[str, Timing] = receiver.recv()
    except EOFError as error:
        raise BenchError("the measuring process died: see its traceback above") from error
    finally:
        child.join()
    return figures


def _measure(sender: Connection, demo: product.Demo, rounds: int) -> None:
    from pos_core.actions import require_permission
    from pos_core.auth.sessions import context_of
    from pos_core.auth.tokens import Claims

    kernel, till, rng = product.open_kernel(demo.data_dir), demo.tills[0], random.Random(1)
    bodies = [product.sale_body(demo, till.register, rng) for _ in range(CALLS)]
    needed = kernel.action("sale:complete").permissions
    taken: dict[str, list[int]] = {}

    def timed(part: str, function: Callable[..., Any], *arguments: Any) -> Any:
        begun = time.perf_counter_ns()
        found = function(*arguments)
        taken.setdefault(part, []).append(time.perf_counter_ns() - begun)
        return found

    with kernel.db.in_use():
        actor = context_of(kernel, till.session).actor
        for number in range(WARM_SALES):
            _sell(kernel, context_of(kernel, till.session), bodies[number % CALLS])
        for _ in range(rounds):
            for body in bodies:
                fresh = kernel.tokens.access(Claims(new_id(), actor.id, actor.name, False, "pos", None))
                timed("token, first time", kernel.tokens.read, fresh)
                timed("token, known", kernel.tokens.read, fresh)
                ctx = timed("session", context_of, kernel, till.session)
                timed("permission", require_permission, ctx, needed)
                timed("sale", _sell, kernel, ctx, body)
    sender.send({part: _timing(times) for part, times in taken.items()})
    kernel.stop()


def _timing(times: list[int]) -> Timing:
    tenths = quantiles(times, n=10)
    return Timing(median=tenths[4] / 1000, tenth=tenths[0] / 1000)


def _sell(kernel: Any, ctx: Any, body: bytes) -> None:
    identifier = new_id()
    command = product.command_of(kernel, body.replace(load.ID_MARK, identifier.encode()))
    ctx.perform("sale:complete", command, key=identifier)


def share(figures: dict[str, float]) -> float:
    """Return what part of a request that sells is spent on knowing who asks (0 to 1), from microseconds by part."""
    paid = sum(figures[part] for part in PAID)
    return paid / (paid + figures["sale"])


def _databases(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
    chosen = tuple(part.strip() for part in text.split(","))
    if unknown := [name for name in chosen if name not in DATABASES]:
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(DATABASES)}")
    return chosen


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1), help=f"Of {CALLS} sales each.")
@click.option("--databases", default=",".join(DATABASES), show_default=True, callback=_databases)
def main(rounds: int, databases: tuple[str, ...]) -> None:
    """Measure what a request pays to know who asks, beside a sale of five lines."""
    server = scratch.server_url() or ""
    if "postgresql" in databases and not server:
        raise click.UsageError("set POS_BENCH_POSTGRES, or measure with --databases sqlite")
    try:
        with scratch.directory() as directory:
            for database in databases:
                _show(database, _run(database, directory, server, rounds))
    except BenchError as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(2)


def _run(database: str, directory: Path, server: str, rounds: int) -> dict[str, Timing]:
    with contextlib.ExitStack() as stack:
        data_dir = directory / database
        data_dir.mkdir()
        url = f"sqlite:///{data_dir / product.FILE}"
        if database == "postgresql":
            url = stack.enter_context(scratch.postgres_database(server, "authentication"))
        return measure(product.make_demo(data_dir, url, 1), rounds)


def _show(database: str, figures: dict[str, Timing]) -> None:
    click.echo(f"{database:<20} {'median':>9} {'a tenth':>9}  (microseconds)")
    for part, timing in figures.items():
        click.echo(f"  {part:<18} {timing.median:9.1f} {timing.tenth:9.1f}")
    medians = {part: timing.median for part, timing in figures.items()}
    tenths = {part: timing.tenth for part, timing in figures.items()}
    paid = [sum(some[part] for part in PAID) for some in (medians, tenths)]
    click.echo(f"  {'per request':<18} {paid[0]:9.1f} {paid[1]:9.1f}")
    click.echo(f"  {'of one that sells':<18} {share(medians):9.1%} {share(tenths):9.1%}\n")


if __name__ == "__main__":
    main()
