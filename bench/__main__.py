"""``python3 dev.py bench``: measure the sale beside the bare driver, on this machine, in one run."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from bench import bare_postgres, bare_sqlite, checks, growth, phases, product, scratch
from bench.report import LAYERS, Report
from bench.scratch import BenchError
from bench.stats import Figures

DATABASES = ("sqlite", "postgresql")


@dataclass
class Stage:
    """One database with a shop of the product in it, and a copy of it for the bare driver; kept for the whole run."""

    database: str
    demo: product.Demo
    bare: bare_sqlite.Bare | bare_postgres.Bare

    def measure(self, layer: str, tills: int, seconds: float, warmup: float, workers: int) -> Figures:
        """Measure one layer once."""
        if layer == "bare":
            return self.bare.measure(tills, seconds, warmup, workers)
        # One process writes to an SQLite file, as the product is served there: several would starve each other.
        workers = 1 if self.database == "sqlite" else workers
        measure = product.measure_http if layer == "http" else product.measure_perform
        return measure(self.demo, tills, seconds, warmup, workers)


def numbers(text: str) -> tuple[int, ...]:
    """Return the comma-separated positive numbers of an option."""
    try:
        values = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of numbers such as 1,4,8") from None
    if not values or min(values) < 1:
        raise click.BadParameter("numbers of tills start at 1")
    return values


def names(allowed: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Return the comma-separated names of an option, each one of ``allowed``."""
    values = tuple(part.strip() for part in text.split(","))
    unknown = [value for value in values if value not in allowed]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(allowed)}")
    return values


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=5.0, show_default=True, help="Measured interval of each figure.")
@click.option("--warmup", default=1.0, show_default=True, help="Seconds before it that are not counted.")
@click.option("--tills", default="1,4,8,16", show_default=True, callback=lambda _c, _p, text: numbers(text))
@click.option("--databases", default=",".join(DATABASES), show_default=True,
              callback=lambda _c, _p, text: names(DATABASES, text))  # fmt: skip
@click.option("--layers", default=",".join(LAYERS), show_default=True,
              callback=lambda _c, _p, text: names(LAYERS, text))  # fmt: skip
@click.option("--workers", default=2, show_default=True, help="Server and driver processes on PostgreSQL.")
@click.option("--check", is_flag=True, help="Only the figures that do not depend on the machine; exit 1 if not met.")
@click.option("--million", is_flag=True, help="Also: a sale with 10,000 and with 1,000,000 sales in the database.")
@click.option("--stored", default="10000,1000000", show_default=True, help="The numbers of sales for --million.",
              callback=lambda _c, _p, text: numbers(text))  # fmt: skip
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here.")
def main(
    rounds: int, seconds: float, warmup: float, tills: tuple[int, ...], databases: tuple[str, ...],
    layers: tuple[str, ...], workers: int, check: bool, million: bool, stored: tuple[int, ...],
    json_file: Path | None,
) -> None:  # fmt: skip
    """Measure a sale of five lines and two tenders: bare driver, perform(), HTTP; side by side in this one run."""
    console = Console() if sys.stdout.isatty() else Console(width=150)
    report = Report(settings={"rounds": rounds, "seconds": seconds, "warmup": warmup, "workers": workers})
    try:
        server = _server(databases, check, report)
        with scratch.directory() as directory:
            if check:
                report.checks, report.log = checks.run(server, partial(_make_demo, directory, checks.TILLS), workers)
            else:
                _compare(console, report, directory, server, databases, layers, tills,
                         rounds, seconds, warmup, workers)  # fmt: skip
            if million:
                for database in databases:
                    report.growth += growth.run(directory, database, server, layers, stored, seconds, console)
    except BenchError as error:
        console.print(f"[bold red]bench:[/] {error}", highlight=False, markup=True)
        sys.exit(2)
    report.print(console)
    if json_file is not None:
        report.write(json_file)
        console.print(f"all figures: {json_file}")
    if any(not each.met for each in report.checks):
        sys.exit(1)


def _server(databases: tuple[str, ...], check: bool, report: Report) -> str:
    """Return the URL of a durable PostgreSQL server, "" when none is needed."""
    if "postgresql" not in databases and not check:
        return ""
    server = scratch.server_url()
    if server is None:
        raise BenchError(
            "no PostgreSQL server is named: python3 dev.py bench starts one; or set POS_BENCH_POSTGRES, "
            "or measure with --databases sqlite"
        )
    report.settings["postgresql"] = scratch.require_durable(server)
    return server


def _make_demo(directory: Path, tills: int, url: str) -> product.Demo:
    data_dir = directory / f"shop-{len(list(directory.iterdir()))}"
    data_dir.mkdir()
    return product.make_demo(data_dir, url or f"sqlite:///{data_dir / product.FILE}", tills)


def _compare(
    console: Console, report: Report, directory: Path, server: str, databases: tuple[str, ...],
    layers: tuple[str, ...], tills: tuple[int, ...], rounds: int, seconds: float, warmup: float, workers: int,
) -> None:  # fmt: skip
    """Run all rounds. Within a round the layers take turns, so that a neighbour's load hits all of them."""
    with contextlib.ExitStack() as stack:
        stages = [
            stack.enter_context(_stage(database, directory, server, max(tills))) for database in databases
        ]
        for number in range(1, rounds + 1):
            figures: list[Figures] = []
            report.rounds.append(figures)
            for stage in stages:
                for count in tills:
                    for layer in layers:
                        with console.status(f"round {number}/{rounds}: {stage.database}, {layer}, {count} tills"):
                            figures.append(stage.measure(layer, count, seconds, warmup, workers))
        for stage in stages:
            if "perform" in layers:
                report.phases[stage.database] = phases.measure(partial(product.crew, stage.demo))


@contextlib.contextmanager
def _stage(database: str, directory: Path, server: str, tills: int) -> Iterator[Stage]:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(scratch.postgres_database(server, "shop")) if database == "postgresql" else ""
        demo = _make_demo(directory, tills, url)
        copy = stack.enter_context(product.copy_of(demo, directory / f"bare-{database}", server))
        bare = (bare_postgres if database == "postgresql" else bare_sqlite).install(copy)
        yield Stage(database, demo, bare)


if __name__ == "__main__":
    main()
