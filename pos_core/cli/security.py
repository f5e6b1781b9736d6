"""``pos security``: let the detectors look at what happened, and list what they found."""

from __future__ import annotations

from typing import Any

import click

from pos_core.cli.main import open_kernel
from pos_core.cli.output import print_json, print_table
from pos_core.security import sweeping


@click.group(name="security", help="The security log and its detectors.")
def security() -> None:
    """Group the security commands."""


@security.command(name="detect")
@click.option("--json", "as_json", is_flag=True, help="Write what was done as JSON.")
@click.pass_context
def detect(context: click.Context, as_json: bool) -> None:
    """Let the detectors count what happened since they last looked; to be run every minute.

    Writes nothing where nothing happened. Exit status: 0 also where something was found.
    """
    with open_kernel(context) as kernel:
        ctx = kernel.system_context("pos security detect")
        entries, made, more = 0, [], sweeping.is_due(ctx)
        while more:
            done = kernel.perform(kernel.system_context("pos security detect"), "security:detect", {}).data
            entries, more = entries + done["entries"], done["more"]
            made += [ctx.query("finding:get", id=finding) for finding in done["findings"]]
        if as_json:
            print_json({"entries": entries, "findings": made})
            return
        for finding in made:
            click.echo(f"{finding['severity'].upper()}  {finding['detector']}: {finding['message']} ({finding['id']})")
        click.echo(f"{entries} entries looked at, {len(made)} new finding(s)")


@security.command(name="findings")
@click.option("--all", "everything", is_flag=True, help="Those that were decided on, too.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Rows to show.")
@click.option("--json", "as_json", is_flag=True, help="Write them as JSON.")
@click.pass_context
def findings(context: click.Context, everything: bool, limit: int, as_json: bool) -> None:
    """List the findings that are open, the newest first."""
    with open_kernel(context) as kernel:
        ctx = kernel.system_context("pos security findings")
        rows: list[dict[str, Any]] = ctx.query("finding:list", limit=limit, state=None if everything else "open")[0]
    if as_json:
        print_json(rows)
        return
    shown = [(row["started_at"], row["severity"], row["state"], row["detector"], row["message"]) for row in rows]
    print_table(("SINCE", "SEVERITY", "STATE", "DETECTOR", "WHAT"), shown)
