"""``pos docs``: write the generated pages of the documentation, or check that they are current."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.documentation.modules import module_part
from pos_core.documentation.pages import all_pages
from pos_core.documentation.source import MarkError
from pos_core.kernel import Kernel
from pos_core.plugins import StartError

_SHOWN = 12


@click.command(name="docs")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("docs"), show_default=True,
              help="The folder of the pages; the tests beside it are listed by requirement.")  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a page is not what would be written.")
@click.option("--module", "name", help="Print the page of this module instead: for a pack's own README.")
@click.pass_context
def command(context: click.Context, out: Path, check: bool, name: str | None) -> None:
    """Write the reference of hooks, actions, routes, errors, permissions and settings of the installed modules.

    Needs no database. Exit status: 0 when done or current, 1 when --check finds a difference or a test's mark cannot
    be read, 3 when a module is broken: it would be missing from the pages.
    """
    kernel = Kernel(Config(), db=SqliteDatabase(":memory:"))
    if broken := [f"{m.name}: {m.error}" for m in kernel.modules if m.error]:
        raise StartError("modules that were set aside would be missing from the pages:\n  " + "\n  ".join(broken))
    if name is not None:
        chosen = next((module for module in kernel.modules if module.name == name), None)
        if chosen is None:
            raise click.UsageError(f"no module {name} is installed; `pos modules` lists them")
        click.echo(module_part(kernel, chosen))
        return
    try:
        pages = all_pages(kernel, out.resolve().parent)
    except MarkError as error:
        raise click.ClickException(str(error)) from None
    changed = [name for name, text in pages.items() if _present(out / name) != text]
    if check:
        for name in changed:
            _show(out / name, pages[name])
        context.exit(1 if changed else 0)
    out.mkdir(parents=True, exist_ok=True)
    for name in changed:
        (out / name).write_text(pages[name], encoding="utf-8")
    click.echo(f"{len(changed)} of {len(pages)} pages written to {out}")


def _present(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def _show(file: Path, wanted: str) -> None:
    """Say what is not current, by the first lines that differ."""
    click.echo(f"{file} is not current; run `pos docs`", err=True)
    have = (_present(file) or "").splitlines()
    lines = list(difflib.unified_diff(have, wanted.splitlines(), "written", "current", lineterm="", n=0))
    for line in lines[:_SHOWN]:
        click.echo(f"  {line[:160]}", err=True)
