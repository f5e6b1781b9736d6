"""The command line `pos`: global options, commands that are imported when they are called, and one way out of errors.

Exit status: 0 done, 1 the operation found problems or was refused, 2 wrong usage, 3 the installation cannot run.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pos_core import __version__

if TYPE_CHECKING:
    from pos_core.config.loader import Config
    from pos_core.kernel import Kernel

#: Every command, where it lives, and its one line of help: `pos --help` imports none of them.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("pos_core.cli.setup:init", "Set up a new business; repeating it changes nothing."),
    "demo": ("pos_core.cli.demo:demo", "Start a demonstration shop on this machine."),
    "serve": ("pos_core.cli.serving:serve", "Serve the API."),
    "migrate": ("pos_core.cli.setup:migrate", "Bring the database schema up to the installed version."),
    "doctor": ("pos_core.cli.doctor:doctor", "Check the installation and say how to mend what is wrong."),
    "modules": ("pos_core.cli.modules:modules", "List the installed modules; switch them on and off."),
    "routes": ("pos_core.cli.modules:routes", "List every route of the API."),
    "rules": ("pos_core.cli.rules:rules", "List who reacts to what, in order."),
    "business-rules": ("pos_core.cli.business_rules:business_rules", "Check business rules, and try them on the past."),
    "user": ("pos_core.cli.users:user", "Add and change users."),
    "keys": ("pos_core.cli.keys:keys", "Rotate the keys that sign access tokens."),
    "audit": ("pos_core.cli.audit:audit", "Verify the audit chains."),
    "security": ("pos_core.cli.security:security", "Look for suspicious patterns."),
    "report": ("pos_core.cli.reports:command", "Show a report."),
    "import": ("pos_core.cli.importing:command", "Import products from a file."),
    "replay": ("pos_core.cli.replaying:command", "Play recorded receipts against a running server."),
    "tax": ("pos_core.cli.tax:tax", "Tax and rounding."),
    "new-pack": ("pos_core.cli.packs:new_pack", "Write a new pack: a distribution of modules."),
    "check": ("pos_core.cli.packs:check", "Check a pack against everything that a pack must keep."),
    "docs": ("pos_core.cli.documents:command", "Generate the reference pages."),
}


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before the command."""

    data_dir: Path
    config: Path | None = None
    language: str | None = None
    debug: bool = False


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, and that turns errors into exit statuses."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        place, _, name = COMMANDS[cmd_name][0].partition(":")
        made = getattr(importlib.import_module(place), name)
        assert isinstance(made, click.Command)
        return made

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, EOFError, KeyboardInterrupt):
            raise
        except Exception as error:
            options = ctx.obj
            if isinstance(options, Options) and options.debug:
                raise
            shown = _shown(error, options.language if isinstance(options, Options) else None)
            if shown is None:
                raise
            raise shown from error


def _shown(error: Exception, language: str | None) -> click.ClickException | None:
    """How an error is told to the person at the terminal; None for a bug, which keeps its traceback."""
    import apsw
    import peewee

    from pos_core.cli.output import CannotStart, refused
    from pos_core.errors import PosError
    from pos_core.installer.checks import database_trouble
    from pos_core.plugins import StartError

    if isinstance(error, StartError):
        return CannotStart(str(error))
    if isinstance(error, PosError):
        return refused(error, language or "en")
    if isinstance(error, (peewee.OperationalError, peewee.InterfaceError, apsw.NotADBError, apsw.CorruptError)):
        return CannotStart(str(database_trouble(error)))
    return None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), default=Path("pos-data"),
              envvar="POS_DATA_DIR", show_default=True, help="Where the shop's files lie.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), envvar="POS_CONFIG",
              help="The configuration file, instead of pos.toml in the data directory.")
@click.option("--lang", type=click.Choice(["en", "es"]), help="The language of refusals.")
@click.option("--debug", is_flag=True, help="Show tracebacks and debug log lines.")
@click.version_option(__version__, prog_name="pos", message="3PlugPOS %(version)s")
@click.pass_context
def cli(ctx: click.Context, data_dir: Path, config: Path | None, lang: str | None, debug: bool) -> None:
    """3PlugPOS: a point of sale whose features are plugs."""
    ctx.obj = Options(data_dir, config, lang, debug)


def options_of(context: click.Context) -> Options:
    """The global options, from any depth of commands; their defaults where a command runs on its own."""
    found = context.find_object(Options)
    return found or Options(Path(os.environ.get("POS_DATA_DIR", "pos-data")))


def load_config(context: click.Context, overrides: Mapping[str, Any] | None = None) -> Config:
    """The configuration that the global options choose. Raises StartError."""
    from pos_core.config import loader

    options = options_of(context)
    given = dict(overrides or {})
    if options.language is not None:
        given["language"] = options.language
    if options.debug:
        given["log"] = {**given.get("log", {}), "level": "debug", "format": "text"}
    return loader.load(options.data_dir, file=options.config, overrides=given)


@contextmanager
def open_kernel(context: click.Context, require_instance: bool = True) -> Iterator[Kernel]:
    """A kernel for a command, with a connection of this thread, closed at the end.

    `require_instance`: there must be an initialised business whose schema is current; without it nothing of the
    database is touched. Raises StartError.
    """
    from pos_core import logs
    from pos_core.installer import checks
    from pos_core.kernel import Kernel

    config = load_config(context)
    logs.configure_command(config.log, debug=options_of(context).debug)
    if not require_instance:
        yield Kernel(config)
        return
    checks.require_shop(config)
    kernel = Kernel(config)
    try:
        checks.require_database(kernel.db)
        checks.require_schema(kernel.db, kernel)
        kernel.load_instance()
        with kernel.db.in_use():
            yield kernel
    finally:
        checks.close(kernel.db)


def main() -> None:
    """The console script."""
    cli(prog_name="pos")


if __name__ == "__main__":
    sys.exit("run `pos` or `python -m pos_core.cli`")
