"""`pos replay`: play recorded receipts against a running server, as tills would sell them."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pos_core.cli.main import options_of
from pos_core.cli.output import Refused, print_table
from pos_core.replay import profiles
from pos_core.replay.errors import ReplayError

if TYPE_CHECKING:
    from pos_core.replay.figures import Figures
    from pos_core.replay.running import Plan, Survey

PASSWORD_VARIABLE = "POS_REPLAY_PASSWORD"
DEFAULT_URL = "http://127.0.0.1:8080"


class DefaultsToRun(click.Group):
    """A group that takes `pos replay FILE` for `pos replay run FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *self.get_help_option_names(ctx)):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(name="replay", cls=DefaultsToRun)
def command() -> None:
    """Play recorded receipts against a running server: `pos replay FILE`.

    `pos replay FILE` sells every receipt of a CSV file (also .gz) over HTTP, spread over tills that sign in as any
    till does. It can be interrupted at any moment; the same command goes on where it stopped.
    """


def _server_options(function: Any) -> Any:
    """The options that every command with a server has."""
    for option in (
        click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the server is."),
        click.option("--admin", default="admin", show_default=True, help="Who prepares and verifies."),
        click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     help=f"A file with the password; else {PASSWORD_VARIABLE}, else it is asked."),
        click.option("--patience", type=click.FloatRange(1), default=120.0, show_default=True,
                     help="Seconds to wait for a server that does not answer."),
    ):  # fmt: skip
        function = option(function)
    return function


@command.command(name="run")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tills", type=click.IntRange(1, 99), default=8, show_default=True, help="Tills that sell at once.")
@click.option("--limit", type=click.IntRange(1), help="Only the first receipts of the file.")
@click.option("--profile", "profile_name", type=click.Choice(list(profiles.PROFILES)),
              help="What the columns mean; without it, the profile whose columns the file has.")
@click.option("--map", "mapping", multiple=True, metavar="FIELD=COLUMN", help="Take a field from another column.")
@click.option("--where", multiple=True, metavar="CONDITION", help="Which rows are sales, such as 'quantity > 0'.")
@click.option("--zone", help="The shop's time zone, such as Europe/London.")
@click.option("--currency", help="The currency of the file's amounts, such as GBP.")
@click.option("--store", help="The code of the store to sell in, where there are several.")
@click.option("--tender", type=click.Choice(["mixed", "card", "cash"]), default="mixed", show_default=True,
              help="How receipts are paid that do not say it.")
@click.option("--customers", is_flag=True, help="Make the file's customers, and sell to them.")
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="Where the answers are kept.")
@click.option("--max-refused", type=click.IntRange(1), default=20, show_default=True, help="End at so many refusals.")
@click.option("--verify", "then_verify", is_flag=True, help="Compare the ledger with the server afterwards.")
@_server_options
@click.pass_context
def run_command(
    context: click.Context, file: Path, profile_name: str | None, mapping: tuple[str, ...], where: tuple[str, ...],
    zone: str | None, currency: str | None, ledger: Path | None, then_verify: bool, password_file: Path | None,
    **options: Any,
) -> None:  # fmt: skip
    """Sell the receipts of FILE.

    Exit status: 0 all sold, 1 refused or stopped.
    """
    from pos_core.replay.running import Plan, run

    try:
        profile = _profile(file, profile_name, mapping, where, zone, currency)
        ledger = ledger or _default_ledger(context, file)
        plan = Plan(file=file, profile=profile, ledger=ledger, password=_password(password_file), **options)
        with _stoppable() as stop, _screen() as screen:
            figures, found = run(plan, screen, stop)
        _close(plan, figures, found)
    except ReplayError as error:
        raise Refused(f"{error}{_how_to_go_on(ledger)}") from error
    if stop.is_set():
        raise Refused(f"stopped{_how_to_go_on(ledger)}")
    if then_verify:
        _verify(plan.url, plan.admin, plan.password, plan.patience, plan.ledger)
    if figures.refused:
        raise Refused("\n  ".join([f"{figures.refused} sales were refused:", *figures.refusals]))


@command.command(name="verify")
@click.option("--ledger", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
              help="The ledger of a replay.")
@_server_options
def verify_command(ledger: Path, url: str, admin: str, password_file: Path | None, patience: float) -> None:
    """Compare a replay's ledger with the server's sales.

    Exit status: 0 when nothing is lost, doubled or changed, 1 otherwise.
    """
    try:
        _verify(url, admin, _password(password_file), patience, ledger)
    except ReplayError as error:
        raise Refused(str(error)) from error


@command.command(name="profiles")
def profiles_command() -> None:
    """List the named profiles and the columns they read."""
    for profile in profiles.PROFILES.values():
        click.echo(f"{profile.name}: {profile.about}")
        rows = [[f"  {name}", " + ".join(columns)] for name, columns in profile.sources.items()]
        rows += [["  only", str(condition)] for condition in profile.where]
        rows += [["  zone, currency", f"{profile.zone}, {profile.currency}"]]
        print_table(["  field", "column"], rows)
        click.echo()


def _profile(
    file: Path, name: str | None, mapping: tuple[str, ...], where: tuple[str, ...], zone: str | None,
    currency: str | None,
) -> profiles.Profile:
    from pos_core.replay.reading import header_of

    header = header_of(file)
    if name is not None:
        chosen = profiles.PROFILES[name]
    else:
        chosen = profiles.PLAIN if mapping else profiles.guess(header)
    if chosen is profiles.PLAIN:
        chosen = chosen.fitted(header, mapping)
    return chosen.adapted(mapping, where, zone, currency)


def _default_ledger(context: click.Context, file: Path) -> Path:
    return options_of(context).data_dir / "replay" / f"{file.name.split('.')[0]}.ledger"


def _password(file: Path | None) -> str:
    if file is not None:
        return file.read_text().strip()
    return os.environ.get(PASSWORD_VARIABLE) or click.prompt("Password", hide_input=True, err=True)


def _how_to_go_on(ledger: Path | None) -> str:
    """What to do after an end that was not the file's; nothing is lost by it."""
    if ledger is None or not ledger.exists():
        return ""
    again = shlex.join(["pos", *sys.argv[1:]])
    return f"\nWhat was acknowledged stands in {ledger}. The same command goes on from there:\n  {again}"


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def on_signal(number: int, _: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        click.echo("\nending after the sales in flight; once more ends at once", err=True)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Screen:
    """Sentences, and a bar for what goes on just now."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def begin(self, what: str, count: int) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=count)

    def move(self, count: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, count)


@contextmanager
def _screen() -> Iterator[_Screen]:
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True, refresh_per_second=4,
    )  # fmt: skip
    with progress:
        yield _Screen(progress)


def _close(plan: Plan, figures: Figures, found: Survey) -> None:
    """The closing table."""
    rows = [("receipts in the file", f"{found.receipts:,}"), *figures.rows()]
    rows += [(f"rows left out: {reason}", f"{count:,}") for reason, count in found.skipped.rows.most_common()]
    if figures.refused:
        rows += [("first refusals", text) for text in figures.refusals]
    print_table([plan.source, f"{plan.tills} tills"], rows)


def _verify(url: str, admin: str, password: str, patience: float, ledger: Path) -> None:
    """Compare and print. Raises Refused when something is wrong."""
    from pos_core.replay.preparing import sign_in_admin
    from pos_core.replay.verifying import verify
    from pos_core.replay.wire import Wire

    wire = Wire(url, patience)
    try:
        sign_in_admin(wire, admin, password)
        verdict = verify(wire, ledger)
    finally:
        wire.close()
    click.echo(verdict.sentence())
    if not verdict.clean:
        raise Refused("\n  ".join(["the ledger and the server disagree:", *verdict.findings]))
