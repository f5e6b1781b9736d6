"""``pos tax``: check the tax engine against a file of worked cases."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from pos_core.tax.cases import CaseResult, check_case
from pos_core.tax.cases_read import TIERS, CaseFileError, read_cases


@click.group(name="tax", help="Tax and rounding.")
def tax() -> None:
    """Group the tax commands."""


@tax.command(name="check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--tier", type=click.Choice(TIERS), help="Only the cases of this tier.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON; the closing line goes to stderr.")
@click.pass_context
def check(context: click.Context, file: Path, tier: str | None, as_json: bool) -> None:
    """Compute every case of FILE and compare every figure it expects.

    Exit status: 0 when all agree, 1 when a case fails, 2 when the file cannot be used.
    """
    try:
        chosen = [raw for raw in read_cases(file) if tier in (None, raw["tier"])]
        if not chosen:
            raise CaseFileError(f"{file}: no case{f' of tier {tier}' if tier else ''} in it")
        results = [check_case(raw) for raw in chosen]
    except CaseFileError as error:
        click.echo(f"pos tax check: {error}", err=True)
        context.exit(2)
    failed = [result for result in results if not result.passed]
    if as_json:
        click.echo(json.dumps(_as_json(results), indent=1))
    else:
        for result in failed:
            _print_failure(result)
    click.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed", err=as_json)
    if failed:
        context.exit(1)


def _print_failure(result: CaseResult) -> None:
    click.echo(f"FAILED {result.id} (tier {result.tier}, recomputed {result.recomputed})")
    if result.trouble:
        click.echo(f"  not comparable: {result.trouble}")
    wrong = [figure for figure in result.figures if not figure.ok]
    width = max((len(figure.what) for figure in wrong), default=0)
    for figure in wrong:
        click.echo(f"  {figure.what:<{width}}  expected {figure.expected}  computed {figure.got}")
    if result.exact:
        click.echo(f"  exactly: {result.exact}")
    click.echo()


def _as_json(results: list[CaseResult]) -> dict[str, object]:
    passed = sum(result.passed for result in results)
    return {
        "passed": passed,
        "failed": len(results) - passed,
        "cases": [{**asdict(result), "passed": result.passed} for result in results],
    }
