"""``pos business-rules``: check rules that lie in files, list those of the business, and try one on the past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from pos_core.cli.main import open_kernel
from pos_core.cli.output import print_json, print_table
from pos_core.errors import Violation
from pos_core.kernel import Kernel

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group(name="business-rules", help="Business rules: what must not happen, written as data.")
def business_rules() -> None:
    """Group the commands of business rules."""


@business_rules.command(name="check")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def check(context: click.Context, files: tuple[Path, ...]) -> None:
    """Check FILES, each with one rule as POST /business-rules takes it, against what is installed.

    Needs no database. Exit status: 0 where all are sound, 1 otherwise.
    """
    with open_kernel(context, require_instance=False) as kernel:
        wrong = False
        for file in files:
            problems = _problems(kernel, file)
            wrong = wrong or bool(problems)
            click.echo(f"{file}: {'not sound' if problems else 'sound'}")
            for problem in problems:
                click.echo(f"  {problem.path or '-'}: {problem.message(kernel.config.language)}")
    context.exit(1 if wrong else 0)


def _problems(kernel: Kernel, file: Path) -> list[Violation]:
    from pos_core.business_rules.schemas import CreateRule
    from pos_core.business_rules.sound import problems_of
    from pos_core.validation import field_violations

    try:
        return problems_of(kernel, CreateRule.model_validate_json(file.read_bytes()))
    except ValidationError as error:
        return field_violations(error)


@business_rules.command(name="list")
@click.option("--state", type=click.Choice(["draft", "active", "retired"]), help="Those in this state.")
@click.option("--json", "as_json", is_flag=True, help="Write them as JSON.")
@click.pass_context
def list_rules(context: click.Context, state: str | None, as_json: bool) -> None:
    """List the business rules."""
    rows: list[dict[str, Any]] = []
    with open_kernel(context) as kernel:
        ctx = kernel.system_context("pos business-rules list")
        cursor: Any = None
        while True:
            page, cursor = ctx.query("business_rule:list", state=state, limit=200, cursor=cursor)
            rows += page
            if cursor is None:
                break
    if as_json:
        print_json(rows)
        return
    shown = [
        (row["code"], row["state"], str(row["active_number"] or "-"), str(row["number"]), row["effect"],
         "all" if row["store_ids"] is None else str(len(row["store_ids"])), ", ".join(row["actions"]), row["name"])
        for row in rows
    ]  # fmt: skip
    print_table(("CODE", "STATE", "ON", "LATEST", "EFFECT", "STORES", "BEFORE", "NAME"), shown)


@business_rules.command(name="past")
@click.argument("code")
@click.option("--since", type=_DAY, help="The first day (UTC); 31 days before the last unless given.")
@click.option("--until", type=_DAY, help="The last day (UTC); today unless given.")
@click.option("--number", type=click.IntRange(min=1), help="Which version; the latest unless given.")
@click.option("--json", "as_json", is_flag=True, help="Write the figures of each page as JSON.")
@click.pass_context
def past(
    context: click.Context, code: str, since: datetime | None, until: datetime | None, number: int | None, as_json: bool
) -> None:
    """Say what the rule CODE would have stopped. Reads only."""
    with open_kernel(context) as kernel:
        ctx = kernel.system_context("pos business-rules past")
        rule = _find(ctx, code)
        end = until.replace(tzinfo=UTC) + timedelta(days=1) if until is not None else ctx.at
        period = {"since": since.replace(tzinfo=UTC) if since is not None else None, "until": end, "number": number}
        after: str | None = None
        pages: list[dict[str, Any]] = []
        while not pages or after is not None:
            pages.append(ctx.query("business_rule:past", id=rule, entries=10_000, after=after, **period))
            after = pages[-1]["next"]
    if as_json:
        print_json(pages)
        return
    for example in [one for page in pages for one in page["examples"]][:20]:
        click.echo(f"{example['at']}  {example['entity_id'] or '-'}  {example['message_en']}")
    sums = {name: sum(page[name] for page in pages) for name in ("actions", "held", "passed", "unknown", "failed")}
    click.echo("{held} of {actions} would have been stopped; {passed} not, {unknown} cannot be told, {failed} failed"
               .format_map(sums))  # fmt: skip
    for missing in sorted({path for page in pages for path in page["unavailable"]}):
        click.echo(f"  not told by the audit: {missing}")


def _find(ctx: Any, code: str) -> str:
    from pos_core.business_rules.models import BusinessRule

    found = BusinessRule.get_or_none(BusinessRule.code == code)
    if found is None:
        raise click.ClickException(f"there is no business rule {code!r}; `pos business-rules list` shows them")
    return str(found.id)
