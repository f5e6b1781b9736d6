"""``pos audit``: verify the audit chains and the tables that they speak of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pos_core.audit import verify as verifier
from pos_core.errors import PosError

if TYPE_CHECKING:
    from pos_core.audit.verify import Report
    from pos_core.audit.walk import Finding
    from pos_core.kernel import Kernel


@click.group(name="audit", help="The audit chains.")
def audit() -> None:
    """Group the audit commands."""


@audit.command(name="verify")
@click.option("--chain", help="Only this chain: a register's id, or the server's.")
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON; the closing line goes to stderr.")
@click.option("--no-facts", is_flag=True, help="Only the chains; do not compare the tables with them.")
@click.option("--since", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="REPORT",
              help="An earlier report (--json) kept elsewhere: its heads must still be in the chains.")
@click.pass_context
def verify(context: click.Context, chain: str | None, as_json: bool, no_facts: bool, since: Path | None) -> None:
    """Recompute every audit chain and name what was edited, deleted, inserted, cut off or rewritten, and where.

    Exit status: 0 when everything fits, 1 when something is broken.
    """
    from pos_core.cli.main import open_kernel

    anchors = _read_anchors(since)
    with open_kernel(context) as kernel, kernel.db.in_use():
        report = run(kernel, chain, facts=not no_facts, anchors=anchors, show_progress=not as_json)
    show(report, as_json)
    if not report.ok:
        context.exit(1)


def _read_anchors(path: Path | None) -> dict[str, dict[int, bytes]]:
    if path is None:
        return {}
    try:
        return verifier.anchors_of(json.loads(path.read_text("utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise click.BadParameter(f"{path} is no report of `pos audit verify --json`", param_hint="--since") from error


def run(
    kernel: Kernel, chain: str | None, *, facts: bool, anchors: dict[str, dict[int, bytes]], show_progress: bool
) -> Report:
    """Verify with a progress bar on stderr where that is a terminal."""
    ctx = kernel.system_context("pos audit verify")
    count = verifier.total(kernel.db, chain)
    try:
        with _bar(count, show_progress) as advance:
            return verifier.verify(ctx, chain=chain, facts=facts, anchors=anchors, progress=advance)
    except PosError as error:
        raise click.ClickException(error.message(ctx.language)) from error


@contextmanager
def _bar(count: int, wanted: bool) -> Iterator[Any]:
    console = Console(stderr=True)
    if not wanted or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("entries", total=count)
        yield lambda done: progress.advance(task, done)


def show(report: Report, as_json: bool) -> None:
    """Write the report: a line per finding, and the closing line."""
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=1))
    else:
        for finding in report.findings:
            click.echo(_line(finding))
    click.echo(_closing(report), err=as_json)


def _line(finding: Finding) -> str:
    where = f"chain {finding.chain}" + (f" entry {finding.first_seq}" if finding.first_seq is not None else "")
    if finding.last_seq != finding.first_seq:
        where += f" to {finding.last_seq}"
    window = " ".join(
        part for part in (
            f"after {finding.after}" if finding.after else "", f"before {finding.before}" if finding.before else ""
        ) if part
    )  # fmt: skip
    return f"{finding.kind.upper()}  {where}: {finding.message}" + (f" ({window})" if window else "")


def _closing(report: Report) -> str:
    facts = "tables compared" if report.facts_checked else "tables not compared"
    done = f"{report.entries} entries in {len(report.chains)} chains, {facts}"
    if report.ok:
        return f"audit chains are whole: {done}"
    count = len(report.findings) + report.unlisted
    return f"AUDIT CHAINS ARE BROKEN: {count} finding(s); {done}"
