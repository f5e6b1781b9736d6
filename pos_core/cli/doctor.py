"""`pos doctor`: look at everything an installation needs, and say how to mend what is not right."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pos_core.cli.main import load_config
from pos_core.cli.output import print_json
from pos_core.installer.survey import Finding, free_space

if TYPE_CHECKING:
    from pos_core.config.loader import Config
    from pos_core.kernel import Kernel

#: No clock of a running shop says less: this version did not exist before.
BUILT = datetime(2026, 1, 1, tzinfo=UTC)
_MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check the installation and say how to mend what is wrong. Exit status 1 when something must be mended."""
    from pos_core.plugins import StartError

    try:
        config = load_config(context)
    except StartError as error:
        findings = [Finding("configuration", "fail", str(error), "mend the file or the variable that is named")]
    else:
        findings = list(examine(config))
    if as_json:
        print_json([{"check": f.check, "level": f.level, "text": f.text, "cure": f.cure} for f in findings])
    else:
        for finding in findings:
            _print(finding)
    sys.exit(1 if any(f.level == "fail" for f in findings) else 0)


def _print(finding: Finding) -> None:
    mark, colour = _MARKS[finding.level]
    click.echo(f"{click.style(mark, fg=colour)}  {finding.check:<14}  {finding.text}")
    if finding.cure:
        click.echo(f"      {'':<14}  -> {finding.cure}")


def examine(config: Config) -> Iterator[Finding]:
    """Every check of a configuration that could be read, in the order in which one would mend things."""
    import apsw
    import peewee as pw

    from pos_core.installer import checks
    from pos_core.kernel import Kernel
    from pos_core.plugins import StartError

    yield Finding("configuration", "ok", f"profile {config.profile}, {config.data_dir}")
    yield from _storage(config)
    yield from _secrets(config)
    yield from _clock(config)
    yield from _port(config)
    if not checks.has_shop(config):
        yield Finding("database", "fail", "there is no shop here yet", "run `pos init`")
        return
    try:
        kernel = Kernel(config)
    except StartError as error:
        yield Finding("modules", "fail", str(error), "reinstall what is named, or correct modules.disabled")
        return
    try:
        yield from _modules(kernel)
        yield from _database(kernel)
    except (pw.PeeweeException, apsw.Error) as error:
        yield Finding("database", "fail", str(checks.database_trouble(error)))
    finally:
        checks.close(kernel.db)


def _storage(config: Config) -> Iterator[Finding]:
    from pos_core.installer.setup import DIRECTORIES

    for path in (config.data_dir, *(config.directory(name) for name in DIRECTORIES)):
        if not path.is_dir():
            yield Finding("storage", "fail", f"{path} is not there", "run `pos init`, which makes what is missing")
        elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield Finding("storage", "fail", f"{path} cannot be written", f"give this user the directory: chown {path}")
        elif path.stat().st_mode & stat.S_IWOTH:
            yield Finding("storage", "warn", f"{path} can be written by everybody", f"chmod 700 {path}")
        else:
            yield Finding("storage", "ok", str(path))
    if config.data_dir.is_dir():
        yield free_space(config.data_dir)


def _secrets(config: Config) -> Iterator[Finding]:
    from pos_core.config import secrets
    from pos_core.plugins import StartError

    try:
        secrets.load(config.secrets_file)
    except StartError as error:
        yield Finding("secrets", "fail", str(error))
    else:
        yield Finding("secrets", "ok", f"{config.secrets_file} is readable by this user only")
    written = config.data_dir / "pos.toml"
    if written.exists() and written.stat().st_mode & 0o077 and b"://" in written.read_bytes():
        yield Finding("secrets", "warn", f"others can read {written}, which names a database", f"chmod 600 {written}")


def _clock(config: Config) -> Iterator[Finding]:
    from pos_core import clock

    now = clock.SystemClock().now()
    if now < BUILT:
        yield Finding("clock", "fail", f"the machine's clock says {clock.to_text(now)}", "set it, and let NTP keep it")
    else:
        yield Finding("clock", "ok", clock.to_text(now))
    try:
        clock.zone("Europe/Madrid")
    except ValueError:
        yield Finding("time zones", "fail", "this machine has no time zone data", "pip install tzdata")
    else:
        yield Finding("time zones", "ok", "the IANA time zones are there")


def _port(config: Config) -> Iterator[Finding]:
    from pos_core.http.lock import ServerLock

    where = f"{config.http.host} port {config.http.port}"
    holder = ServerLock(config.data_dir).held_elsewhere() if config.data_dir.is_dir() else None
    if holder is not None and holder.get("url"):
        yield Finding("server", "ok", f"serving at {holder['url']} (process {holder['pid']})")
        return
    try:
        family = socket.getaddrinfo(config.http.host, config.http.port, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((config.http.host, config.http.port), family=family).close()
    except OSError as error:
        yield Finding("server", "fail", f"{where} cannot be used: {error.strerror or error}",
                      "stop what listens there, or choose another http.port")  # fmt: skip
        return
    yield Finding("server", "ok", f"{where} is free")


def _modules(kernel: Kernel) -> Iterator[Finding]:
    from pos_core.http import routes
    from pos_core.plugins import StartError

    for module in kernel.modules:
        if module.error:
            yield Finding("modules", "fail", f"{module.name} was set aside: {module.error}",
                          f"update or reinstall {module.distribution}, or disable the module")  # fmt: skip
    try:
        doors = routes.collect(kernel)
    except StartError as error:
        yield Finding("modules", "fail", str(error), "update or disable the module that is named")
    else:
        yield Finding("modules", "ok", f"{len(kernel.running())} modules with {len(doors)} routes")


def _database(kernel: Kernel) -> Iterator[Finding]:
    from pos_core.db.database import PostgresDatabase
    from pos_core.installer import checks
    from pos_core.plugins import StartError

    try:
        found = checks.require_database(kernel.db)
        checks.require_connections(kernel.config, kernel.db)
    except StartError as error:
        yield Finding("database", "fail", str(error))
        return
    settings = ", ".join(f"{key} {value}" for key, value in found.items() if key not in ("database", "path"))
    yield Finding("database", "ok", f"{found['database']}: {settings}")
    steps: tuple[Callable[[Kernel], Iterator[Finding]], ...] = (_durable, _schema)
    if isinstance(kernel.db, PostgresDatabase):
        steps = (*steps, _connections)
    for step in steps:
        yield from step(kernel)


def _durable(kernel: Kernel) -> Iterator[Finding]:
    """Settings under which a power cut loses sales that were answered."""
    with kernel.db.in_use():
        found = kernel.db.check()
        if kernel.db.dialect == "sqlite":
            lasting = found["synchronous"] == 2
            cure = 'set database.synchronous = "FULL"'
        else:
            lasting = found["fsync"] == "on" and found["full_page_writes"] == "on"
            cure = "set fsync and full_page_writes to on in postgresql.conf"
    if not lasting:
        yield Finding("durability", "warn", "a power cut could lose sales that were answered", cure)
    else:
        yield Finding("durability", "ok", "what was answered is on the disk")


def _schema(kernel: Kernel) -> Iterator[Finding]:
    from pos_core.installer import checks
    from pos_core.plugins import StartError

    try:
        checks.require_schema(kernel.db, kernel)
        kernel.load_instance()
    except StartError as error:
        yield Finding("schema", "fail", str(error))
        return
    yield Finding("schema", "ok", f"current; the business is {kernel.instance_name} ({kernel.currency})")
    from pos_core.db import schema

    different = schema.differences(kernel.db, kernel.models, kernel.running())
    if different:
        shown = "; ".join(different[:5]) + (f"; and {len(different) - 5} more" if len(different) > 5 else "")
        cure = "somebody changed the database by hand: restore a backup, or mend what is named"
        yield Finding("guards", "fail", shown, cure)
    else:
        yield Finding("guards", "ok", "tables, constraints and append-only triggers are as declared")
    with kernel.db.in_use():
        known = {row[0] for row in kernel.db.execute_sql("SELECT code FROM core_permission")}
    unknown = sorted(kernel.permissions().keys() - known)
    if unknown:
        yield Finding("permissions", "warn", f"not in the catalogue yet: {', '.join(unknown)}", "run `pos migrate`")


def _connections(kernel: Kernel) -> Iterator[Finding]:
    """Whether PostgreSQL takes as many connections as all workers can open."""
    from pos_core.http.server import worker_count

    wanted = worker_count(kernel.config, "postgresql") * (kernel.config.http.threads + 1)
    with kernel.db.in_use():
        limit = int(kernel.db.execute_sql("SHOW max_connections").fetchone()[0])
    text = f"up to {wanted} of PostgreSQL's {limit} connections"
    if wanted > limit - 5:
        yield Finding("connections", "warn", text, "raise max_connections, use PgBouncer, or fewer workers and threads")
    else:
        yield Finding("connections", "ok", text)
