"""What commands print: tables for people, JSON for programs, sentences for what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import orjson

from pos_core.errors import PosError


class CannotStart(click.ClickException):
    """Exit status 3: the installation cannot run; the message says what to do."""

    exit_code = 3

    def show(self, file: Any = None) -> None:
        click.echo(f"pos: cannot start: {self.message}", err=True)


class Refused(click.ClickException):
    """Exit status 1: the product said no."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(f"pos: {self.message}", err=True)


def refused(error: PosError, language: str) -> Refused:
    """What the product refused, every finding on its own line, with what to do about it."""
    lines = [error.message(language)]
    lines += [f"  {v.path}: {v.message(language)}" for v in error.violations if v.path]
    lines.append(f"  ({error.code.code}) {error.code.cure}")
    return Refused("\n".join(lines))


def print_json(value: Any) -> None:
    """Indented JSON on standard output."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table: fitted to the terminal, or in a pipe as wide as its content so that no name is ever broken."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    piped = not sys.stdout.isatty()
    for heading in headings:
        table.add_column(heading, no_wrap=piped, overflow="fold")
    for row in rows:
        table.add_row(*(Text("".join(c if c.isprintable() else "?" for c in cell)) for cell in row))
    console = Console(width=100_000, soft_wrap=True) if piped else Console()
    if not piped:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
