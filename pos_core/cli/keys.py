"""`pos keys`: the keys that sign access tokens. They are told by id and age, never themselves."""

from __future__ import annotations

import click

from pos_core.cli.main import open_kernel
from pos_core.cli.output import print_json, print_table


@click.group(name="keys")
def keys() -> None:
    """Rotate the keys that sign access tokens.

    Running servers take new keys over by themselves, without a restart.
    """


@keys.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_context
def list_keys(context: click.Context, as_json: bool) -> None:
    """List the keys by id and age; the last one signs, all of them verify."""
    from pos_core.auth.keys import held

    with open_kernel(context) as kernel:
        found = held(kernel.system_context("pos keys"))
    if as_json:
        print_json(found)
        return
    print_table(("Key", "Made", "Days", "Does"), [
        (key["id"], key["made_at"] or "before rotations were noted", str(key["age_days"] if key["made_at"] else "?"),
         "signs and verifies" if key["signs"] else "verifies")
        for key in found
    ])  # fmt: skip


@keys.command(name="rotate")
@click.option("--drop-old", is_flag=True,
              help="Drop all other keys at once, because one may be known: every access token that is out ends.")
@click.pass_context
def rotate(context: click.Context, drop_old: bool) -> None:
    """Let a new key sign from now on.

    Old keys verify until the last token that they signed has ended; the next rotation or `pos keys prune` drops them.
    """
    from pos_core.auth.schemas import RotateKeys

    with open_kernel(context) as kernel:
        done = kernel.system_context("pos keys").perform("signing_key:rotate", RotateKeys(keep=not drop_old)).data
    click.echo(f"{done['key_id']} signs from now on")
    _tell_dropped(done["dropped"])


@keys.command(name="prune")
@click.pass_context
def prune(context: click.Context) -> None:
    """Drop the keys that nothing valid is signed with any more."""
    from pos_core.auth.schemas import PruneKeys

    with open_kernel(context) as kernel:
        done = kernel.system_context("pos keys").perform("signing_key:prune", PruneKeys()).data
    _tell_dropped(done["dropped"])
    if not done["dropped"]:
        click.echo("nothing to drop")


def _tell_dropped(dropped: list[str]) -> None:
    for key in dropped:
        click.echo(f"{key} was dropped")
