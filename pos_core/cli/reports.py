"""``pos report``: a report in the terminal, as JSON or as CSV, by the same query that HTTP asks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from pos_core import money
from pos_core.cli.output import print_json, print_table
from pos_core.reporting.schemas import MAX_ROWS, ROWS

if TYPE_CHECKING:
    from rich.table import Table

    from pos_core.context import Context

_RIGHT = ("count", "quantity", "money", "exact")


@click.command(name="report", help="Show a report; without a name, list the reports.")
@click.argument("report", required=False)
@click.option("--by", help="What a row stands for, such as month, day, product or cashier.")
@click.option("--from", "first", metavar="DATE", help="First business day, such as 2026-01-31.")
@click.option("--to", "last", metavar="DATE", help="Last business day, included.")
@click.option("--store", help="One store, by its code or id.")
@click.option("--filter", "more", multiple=True, metavar="NAME=VALUE", help="Any other filter of the report.")
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=ROWS, show_default=True, help="Rows to show.")
@click.option("--json", "as_json", is_flag=True, help="Write the whole answer as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Write all rows as CSV.")
@click.pass_context
def command(
    context: click.Context, report: str | None, by: str | None, first: str | None, last: str | None,
    store: str | None, more: tuple[str, ...], limit: int, as_json: bool, as_csv: bool,
) -> None:
    """Print one report, or the list of them. Exit status: 1 when it is refused, 2 for wrong usage."""
    from pos_core.cli.main import open_kernel

    if as_json and as_csv:
        raise click.UsageError("choose one of --json and --csv")
    with open_kernel(context) as kernel:
        ctx = kernel.system_context("pos report")
        if report is None:
            _list(ctx, as_json)
            return
        filters = {"by": by, "from": first, "to": last, "store_id": _store_id(ctx, store), **_pairs(more)}
        given = {name: value for name, value in filters.items() if value is not None}
        made = ctx.query("report:run", report=report, filters=given, limit=limit, format="csv" if as_csv else "json")
        if as_csv:
            click.echo(made, nl=False)
        elif as_json:
            print_json(made)
        else:
            _print(made, ctx.language)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--filter")
        pairs[name] = value
    return pairs


def _store_id(ctx: Context, store: str | None) -> str | None:
    """The id of a store given by its code or id; a click error naming the stores there are."""
    if store is None:
        return None
    known = ctx.kernel.stores.all(ctx.revision)
    for entry in known:
        if store in (entry.code, entry.id):
            return entry.id
    codes = ", ".join(entry.code for entry in known)
    raise click.BadParameter(f"there is no store {store!r}; there are {codes}", param_hint="--store")


def _list(ctx: Context, as_json: bool) -> None:
    shown, _ = ctx.query("report:list", limit=MAX_ROWS)
    if as_json:
        print_json(shown)
        return
    rows = [(entry["id"], entry["title"], ", ".join(map(_with_choices, entry["filters"]))) for entry in shown]
    print_table(("REPORT", "TITLE", "FILTERS"), rows)


def _with_choices(item: Mapping[str, Any]) -> str:
    return str(item["name"]) + (f" ({'|'.join(item['choices'])})" if item["choices"] else "")


def _print(made: Mapping[str, Any], language: str) -> None:
    """The report for people: amounts as they write them, the totals below, and what was left out."""
    from rich.console import Console

    meta, table = made["meta"], _table(made, language)
    if sys.stdout.isatty():
        Console().print(table)
    else:
        # in a pipe as wide as its content: no name is ever broken
        console = Console(width=100_000)
        with console.capture() as captured:
            console.print(table)
        click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
    if not meta["complete"]:
        click.echo(f"{len(made['rows'])} of {meta['count']} rows; --limit shows more, --csv all of them", err=True)


def _table(made: Mapping[str, Any], language: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    currency, columns = made["meta"]["currency"], made["columns"]
    table = Table(box=None, pad_edge=False, header_style="bold", footer_style="bold", show_footer=True)
    for column in columns:
        total = Text(_cell(column, made["totals"].get(column["name"]), currency, language))
        justify = "right" if column["kind"] in _RIGHT else "left"
        table.add_column(column["title"], total, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in made["rows"]:
        table.add_row(*(Text(_cell(column, row[column["name"]], currency, language)) for column in columns))
    return table


def _cell(column: Mapping[str, Any], value: Any, currency: str, language: str) -> str:
    if value is None:
        return ""
    if column["kind"] == "money":
        return money.format_money(value, currency, language)
    return "".join(character if character.isprintable() else "?" for character in str(value))
