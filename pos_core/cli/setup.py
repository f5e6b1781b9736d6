"""`pos init` and `pos migrate`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pos_core.cli.main import load_config, open_kernel, options_of

if TYPE_CHECKING:
    from pos_core.config.loader import Config
    from pos_core.installer.setup import FirstRun

_HEAD = "# Written by `pos init`; docs/operating.md describes every key. POS_<SECTION>__<KEY> overrides it.\n"


def percent(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A percentage (`8.25`) as basis points (`825`)."""
    if value is None:
        return None
    try:
        points = Decimal(value.strip().removesuffix("%").strip()) * 100
    except InvalidOperation:
        raise click.BadParameter(f"{value!r} is no percentage such as 20 or 8.25") from None
    if not points.is_finite() or not 0 <= points <= 10_000 or points != points.quantize(Decimal("0.01")):
        raise click.BadParameter("a percentage from 0 to 100 with at most four decimals")
    text = f"{points.quantize(Decimal('0.01')):f}"
    return text.rstrip("0").rstrip(".")


def shop_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a person decides about a new shop: the options of `init`, and of `demo` for its first start."""
    made: list[Callable[..., Any]] = [
        click.option("--name", help="The business' name."),
        click.option("--currency", help="ISO 4217 code; it stays for ever.  [default: EUR]"),
        click.option("--time-zone", help="IANA name, such as Europe/Madrid.  [default: UTC]"),
        click.option("--store-code", help="The first store's short code.  [default: S1]"),
        click.option("--store-name", help="The first store's name.  [default: Main store]"),
        click.option("--prices-include-tax/--prices-without-tax", default=None,
                     help="Whether shelf prices include tax.  [default: include]"),
        click.option("--tax-standard", callback=percent, help="The standard tax rate in percent.  [default: 20]"),
        click.option("--tax-reduced", callback=percent, help="The reduced tax rate in percent.  [default: 5]"),
        click.option("--admin", "admin_username", help="The administrator's user name.  [default: admin]"),
        click.option("--database", "database_url", metavar="URL",
                     help="postgresql://user:secret@host/name, kept in pos.toml; SQLite without it."),
    ]  # fmt: skip
    for option in reversed(made):
        command = option(command)
    return command


@click.command(name="init")
@shop_options
@click.option("--demo", "with_demo", is_flag=True, help="Fill the new shop with demonstration data.")
@click.pass_context
def init(context: click.Context, with_demo: bool, **choices: Any) -> None:
    """Set up a new business: directories, secrets, tables, roles, taxes, a store with a register, an administrator.

    Repeating it changes nothing. The administrator's password is shown once.
    """
    from pos_core import logs
    from pos_core.cli import demo

    config, first = set_up(context, {**choices, "admin_must_change": not with_demo})
    logs.configure_command(config.log)
    if first.admin_password is None:
        click.echo(f"{first.kernel.instance_name} in {config.data_dir} is set up already: nothing was changed.")
        if with_demo and not demo.directory(config).exists():
            raise click.UsageError("demonstration data goes into a new shop only; choose another --data-dir")
        return
    click.echo(f"{first.kernel.instance_name} is set up in {config.data_dir} (currency {first.kernel.currency}).")
    click.echo(f"Administrator: {first.admin_username}\nPassword:      {first.admin_password}")
    change = "" if with_demo else " The first sign-in asks for one of your own."
    click.echo(f"This password is shown only now.{change} `pos user reset-password` gives a new one.")
    if with_demo:
        demo.load(first, config)
        click.echo(f"Demonstration data is in; {demo.directory(config)} holds what is needed to sign in.")
    click.echo(f"Next: pos --data-dir {options_of(context).data_dir} serve")


def set_up(context: click.Context, choices: Mapping[str, Any], settings: str = "") -> tuple[Config, FirstRun]:
    """Everything `pos init` makes. `settings`: more lines for a new pos.toml. Raises StartError, UsageError, PosError.

    The kernel in the answer has its connections closed.
    """
    from pos_core.db import migrate as migrations
    from pos_core.db.database import connect_to
    from pos_core.http.lock import ServerLock
    from pos_core.installer import checks, setup

    os.umask(0o077)  # the database and its log are nobody else's to read
    given = {name: value for name, value in choices.items() if value is not None}
    url = given.pop("database_url", None)
    options = options_of(context)
    checked_choices(given)
    config = load_config(context, {"database": {"url": url}} if url else None)
    setup.prepare_directories(config)
    _write_configuration(options.config or config.data_dir / "pos.toml", url, settings)
    lock = ServerLock(config.data_dir)
    db = connect_to(config.database.url, synchronous=config.database.synchronous)
    try:
        current = checks.has_shop(config) and all(step.done for step in migrations.state(db))
        if not current or not checks.has_people(db):  # another one may be between its tables and its first user
            lock.acquire("initialise")
        checks.require_database(db)
        first = setup.first_run(config, given)
    finally:
        lock.release()
        checks.close(db)
    checks.close(first.kernel.db)
    return config, first


def checked_choices(given: Mapping[str, Any]) -> None:
    """UsageError naming every choice that cannot be, before anything is made: the currency could not be mended."""
    from pydantic import SecretStr, ValidationError

    from pos_core import money
    from pos_core.installer.service import Initialise
    from pos_core.installer.setup import DEFAULTS

    chosen = {**DEFAULTS, **given}
    try:
        Initialise(**chosen, admin_password=SecretStr("checked later"))
    except ValidationError as error:
        wrong = "; ".join(f"{_option(e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors())
        raise click.UsageError(wrong) from None
    if not money.is_currency(chosen["currency"]):
        raise click.UsageError(f"--currency: {chosen['currency']} is no current ISO 4217 currency code")


def _option(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else ""
    return {"admin_username": "--admin"}.get(name, "--" + name.replace("_", "-"))


def _write_configuration(path: Path, url: str | None, settings: str) -> None:
    """Write a new pos.toml, readable by the service's user only; an existing one is never touched."""
    import json
    import tomllib

    if path.exists():
        found = tomllib.loads(path.read_text("utf-8")).get("database", {}).get("url")
        if url is not None and found != url:
            raise click.UsageError(f"{path} names another database: change database.url there")
        return
    if url is None and not settings:
        return
    text = _HEAD + settings
    if url is not None:
        text += f"\n[database]\nurl = {json.dumps(url)}\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


@click.command(name="migrate")
@click.option("--dry-run", is_flag=True, help="Run what is pending and roll it back.")
@click.option("--new", "only_new", is_flag=True,
              help="Only make the tables of packs that have none yet; servers may run meanwhile.")
@click.pass_context
def migrate(context: click.Context, dry_run: bool, only_new: bool) -> None:
    """Bring the database up to the installed version, all or nothing; refuses while a server runs here.

    New permissions of installed modules enter the catalogue and the template roles as well. With --new a pack for one
    trade that was installed while a server runs gets its tables; then SIGHUP lets the server take it in.
    """
    if only_new and dry_run:
        raise click.UsageError("--new and --dry-run exclude each other")
    from pos_core.http.lock import ServerLock
    from pos_core.installer import checks

    config = load_config(context)
    checks.require_shop(config)
    if only_new:
        _tell_ran(_run_migrations(config, dry_run=False, only_new=True), dry_run=False)
        _sync_permissions(context)
        return
    lock = ServerLock(config.data_dir)
    lock.acquire("migrate")
    try:
        ran = _run_migrations(config, dry_run=dry_run)
        _tell_ran(ran, dry_run=dry_run)
        if not dry_run:
            _sync_permissions(context)
    finally:
        lock.release()


def _tell_ran(ran: list[tuple[str, str]], *, dry_run: bool) -> None:
    for distribution, name in ran:
        click.echo(f"{distribution}/{name}  {'would run' if dry_run else 'done'}")
    if not ran:
        click.echo("The schema is current: nothing to do.")


def _run_migrations(config: Config, *, dry_run: bool, only_new: bool = False) -> list[tuple[str, str]]:
    from pos_core import plugins
    from pos_core.db import migrate as migrations
    from pos_core.db.database import connect_to
    from pos_core.installer import checks

    modules = plugins.discover(allow=config.modules.allow)
    apart = plugins.optional(modules)
    allowed = {module.distribution for module in modules if not module.error.startswith("modules.allow")}
    without = {name for name in apart if plugins.histories()[name] not in allowed}
    db = connect_to(config.database.url, synchronous=config.database.synchronous)
    try:
        checks.require_database(db)
        if only_new:
            return migrations.migrate_new(db, apart, without)
        return migrations.migrate(db, dry_run=dry_run, apart=apart, without=without)
    finally:
        checks.close(db)


def _sync_permissions(context: click.Context) -> None:
    from pos_core.rbac.service import SyncCatalogue
    from pos_core.registry import versions

    with open_kernel(context) as kernel:
        versions.record(kernel, "pos migrate")
        known = {row[0] for row in kernel.db.execute_sql("SELECT code FROM core_permission")}
        if kernel.permissions().keys() - known:
            added = kernel.system_context("pos migrate").perform("permission:sync", SyncCatalogue()).data["added"]
            click.echo(f"{len(added)} new permissions: {', '.join(added)}")
