"""`pos import`: catalogues from CSV files, through the same action as everybody else's imports."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pos_core.context import Context
from pos_core.errors import PosError
from pos_core.ids import uuid7

#: How many wrong lines are shown; the figure says how many there are.
SHOWN = 50


class WatchedContext(Context):
    """A context that shows how far an import has come: it moves a bar with each batch that was written."""

    bar: tuple[Progress, Any]

    def perform(self, name: str, command: Any, *, key: str | None = None) -> Any:
        """As in Context; a finished batch moves the bar by its rows."""
        done = super().perform(name, command, key=key)
        if name == "product:import_batch":
            progress, task = self.bar
            progress.advance(task, len(command.rows))
        return done


def watched(ctx: Context, progress: Progress, task: Any) -> WatchedContext:
    """The same context, with a bar to move."""
    made = WatchedContext(**{f.name: getattr(ctx, f.name) for f in fields(Context)})
    made.bar = (progress, task)
    return made


@contextmanager
def open_csv(path: Path) -> Iterator[tuple[tuple[str, ...], Iterator[tuple[int, list[str]]]]]:
    """The header and the lines (line number, cells) of a .csv or .csv.gz file in UTF-8.

    Raises click.ClickException where the file is empty, is no CSV or is not UTF-8.
    """
    with (gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")) as raw:
        reader = csv.reader(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""), strict=True)
        header = next(_guarded(reader, path), None)
        if header is None:
            raise click.ClickException(f"{path} is empty")
        yield tuple(cell.strip() for cell in header), ((reader.line_num, cells) for cells in _guarded(reader, path))


def _guarded(reader: Any, path: Path) -> Iterator[list[str]]:
    """The reader's lines; what is wrong with the file becomes a sentence."""
    try:
        yield from reader
    except csv.Error as error:
        raise click.ClickException(f"{path}, line {reader.line_num}: {error}") from error
    except UnicodeDecodeError as error:
        where = f"after line {reader.line_num}"
        raise click.ClickException(f"{path} is not UTF-8 ({error.reason} {where}): save it as UTF-8") from error
    except (OSError, EOFError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from error


def mapping_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """`column=field` pairs as a mapping; click.BadParameter for anything else."""
    found = {}
    for pair in pairs:
        column, equals, name = pair.partition("=")
        if not (equals and column and name):
            raise click.BadParameter(f"{pair!r} is not COLUMN=FIELD", param_hint="--map")
        found[column.strip()] = name.strip()
    return found


def _sentences(error: PosError, language: str) -> str:
    wrong = [violation.message(language) for violation in error.violations] or [error.message(language)]
    return "\n".join(wrong[:SHOWN] + ([f"... and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []))


@click.group("import", help="Import data from files.")
def command() -> None:
    """Import data from files."""


@command.command("products")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--profile", default="", help="Kind of file (template, shopify, hr-prices ...); else by its header.")
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=FIELD", help="Read a column as a field; repeatable.")
@click.option("--store", default="", help="Only rows of this store of the file.")
@click.option("--currency", default="", help="What the file's prices are in; must be the shop's currency.")
@click.option("--decimal-comma", is_flag=True, help='Prices are written "1.234,50".')
@click.option("--tax-group", default="standard", show_default=True, help="Tax group of new products that name none.")
@click.option("--skip-bad", is_flag=True, help="Import the good lines and report the wrong ones.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.pass_context
def products(
    click_ctx: click.Context, file: Path, profile: str, mapping: tuple[str, ...], store: str, currency: str,
    decimal_comma: bool, tax_group: str, skip_bad: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Create and update products from a CSV file (.csv or .csv.gz); a second run changes nothing.

    All lines go in or none, unless --skip-bad. Unknown departments, brands and vendors are created.
    """
    from pos_core.cli.main import open_kernel

    columns = mapping_of(mapping)
    with open_kernel(click_ctx) as kernel, kernel.db.in_use():
        ctx = kernel.system_context("pos import")
        if not ctx.has("catalog:import"):
            raise click.ClickException("the catalogue (ops.catalog) is not installed or is switched off")
        try:
            with open_csv(file) as (header, lines):
                reading = SimpleNamespace(
                    header=header, lines=lines, profile=profile, mapping=columns, store=store, currency=currency
                )
                read = ctx.query("catalog:read_import", reading=reading)
            _refuse_wrong_lines(read, skip_bad)
            options = {"decimal_comma": decimal_comma, "tax_rate_code": tax_group, "skip_bad": skip_bad}
            done = run(ctx, read.rows, {**options, "source": file.name[:200]}, dry_run=dry_run)
        except PosError as error:
            raise click.ClickException(_sentences(error, ctx.language)) from error
        show(Console(), {**done, "profile": read.profile}, [*read.bad], dry_run)
        if done["bad"] and not skip_bad:
            click_ctx.exit(1)


def _refuse_wrong_lines(read: Any, skip_bad: bool) -> None:
    if not read.rows:
        raise click.ClickException("the file has no rows to import")
    if read.bad and not skip_bad:
        raise click.ClickException("\n".join(f"line {line} {reason}" for line, reason in read.bad[:SHOWN]))


def run(ctx: Context, rows: list[Any], options: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
    """Import rows, with a bar on a terminal; the action's answer. Raises PosError where it is refused."""
    made = ctx.kernel.action("catalog:import").command(id=uuid7(), rows=rows, **options)
    if dry_run:
        return dict(ctx.query("catalog:check_import", command=made).summary()) | {"rows": len(rows)}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("importing", total=len(rows))
        done = watched(ctx, progress, task).perform("catalog:import", made)
        progress.update(task, completed=len(rows))
    return dict(done.data)


def show(console: Console, done: Mapping[str, Any], lines: list[tuple[int, str]], dry_run: bool) -> None:
    """Say what was done and which lines were wrong."""
    for line, reason in [*lines, *((bad["line"], bad["reason"]) for bad in done["bad"])][:SHOWN]:
        console.print(f"line {line}: {reason}", markup=False, highlight=False, soft_wrap=True)
    wrong = len(lines) + len(done["bad"])
    would = "would be " if dry_run else ""
    console.print(
        f"{done['rows']} rows ({done['profile']}): {would}created {done['created']}, {would}updated {done['updated']}, "
        f"unchanged {done['unchanged']}, wrong {wrong}; new departments {done['departments']}, categories "
        f"{done['categories']}, brands {done['brands']}, vendors {done['vendors']}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


@command.command("template")
@click.pass_context
def template(click_ctx: click.Context) -> None:
    """Print a CSV file to fill in for `pos import products`."""
    from pos_core.cli.main import open_kernel

    with open_kernel(click_ctx) as kernel, kernel.db.in_use():
        click.echo(kernel.system_context("pos import").query("product:import_template"), nl=False)
