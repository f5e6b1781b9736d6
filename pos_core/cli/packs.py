"""`pos new-pack` and `pos check`: an author's first and last command."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pos_core.cli.output import CannotStart, Refused, print_json, print_table

if TYPE_CHECKING:
    from pos_core.testing.checks import Result
    from pos_core.testing.packs import Pack


@click.command(name="new-pack")
@click.argument("name")
@click.option("--with-table", is_flag=True, help="With a table, its migration, an action and its routes.")
@click.option("--with-setting", is_flag=True, help="With a business setting.")
@click.option("--with-report", is_flag=True, help="With a report (and the table that it reports on).")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path("."),
              help="Where the pack's folder is made; here unless said otherwise.")
def new_pack(name: str, with_table: bool, with_setting: bool, with_report: bool, into: Path) -> None:
    """Write a new pack NAME into the new folder pos-NAME: a distribution with one module, a rule and tests."""
    from pos_core.scaffold import PackOptions, PackRefused, write_pack

    try:
        files = write_pack(name, into, PackOptions(with_table, with_setting, with_report))
    except PackRefused as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"the pack cannot be written: {error}") from error
    folder = into / f"pos-{name}"
    for path in files:
        click.echo(f"  {path}")
    click.echo(f"\nNext:\n  cd {folder}\n  pip install -e '.[test]'\n  pytest\n  pos check pos-{name}\n  pos modules")
    if with_table or with_report:
        click.echo("Then `pos migrate` makes its table in a shop.")


@click.command(name="check")
@click.argument("pack")
@click.option("--db", type=click.Choice(["sqlite", "postgresql", "both"]), default="sqlite", show_default=True,
              help="On which databases the pack is tried.")
@click.option("--only", "only", multiple=True, help="Only this check, and what it needs; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_context
def check(context: click.Context, pack: str, db: str, only: tuple[str, ...], as_json: bool) -> None:
    """Check PACK (pos-liquor, one of its modules, or its folder) against everything that a pack must keep.

    A business is made for it in a temporary folder; no shop is touched. Exit status 1 where a check fails.
    """
    from pos_core.testing.checks import CHECKS
    from pos_core.testing.packs import PackNotFound, find

    unknown = set(only) - {one.name for one in CHECKS}
    if unknown:
        raise click.UsageError(f"no check {', '.join(sorted(unknown))}; there are {', '.join(c.name for c in CHECKS)}")
    try:
        found = find(pack)
    except PackNotFound as error:
        raise Refused(str(error)) from error
    dialects = ("sqlite", "postgresql") if db == "both" else (db,)
    results = [(dialect, result) for dialect in dialects for result in _run(found, dialect, only)]
    if as_json:
        print_json([{"database": d, "check": r.check.name, "state": r.state, "problems": list(r.problems),
                     "blocked": r.blocked, "cure": r.check.cure} for d, r in results])  # fmt: skip
    else:
        _print(results)
    if any(result.state != "ok" for _, result in results):
        context.exit(1)


def _run(pack: Pack, dialect: str, only: tuple[str, ...]) -> list[Result]:
    from pos_core.testing.checks import run
    from pos_core.testing.harness import Templates
    from pos_core.testing.lab import Lab
    from pos_core.testing.postgres import PostgresUnavailable, find_or_start

    try:
        server = find_or_start() if dialect == "postgresql" else None
    except PostgresUnavailable as error:
        raise CannotStart(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="pos-check-") as scratch:
        templates = Templates(Path(scratch), server, "check")
        lab = Lab(pack, templates, dialect, Path(scratch))
        logging.disable(logging.CRITICAL)  # what the pack is made to refuse is told by the checks
        try:
            return list(run(lab, only))
        finally:
            logging.disable(logging.NOTSET)
            lab.close()
            templates.close()
            if server is not None:
                server.stop()


def _print(results: list[tuple[str, Result]]) -> None:
    print_table(
        ("Database", "Check", "State", "What must hold"),
        [(database, r.check.name, r.state, r.check.holds) for database, r in results],
    )
    for database, result in results:
        if result.problems:
            click.echo(f"\n{result.check.name} ({database}):")
            for problem in result.problems:
                click.echo(f"  {problem}")
            click.echo(f"  -> {result.check.cure}")
    failed = sum(result.state == "failed" for _, result in results)
    passed = sum(result.state == "ok" for _, result in results)
    click.echo(f"\n{passed} ok, {failed} failed, {len(results) - passed - failed} not run")
