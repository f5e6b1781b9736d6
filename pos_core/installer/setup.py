"""Setting up an installation: directories, secrets, schema, the business' first run. Repeating it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from pos_core.auth import passwords
from pos_core.clock import to_text
from pos_core.config import secrets
from pos_core.config.loader import Config
from pos_core.db import migrate
from pos_core.db.database import Database, connect_to
from pos_core.db.statements import statement
from pos_core.ids import uuid7
from pos_core.installer import checks
from pos_core.installer.service import Initialise
from pos_core.kernel import Kernel
from pos_core.plugins import StartError
from pos_core.rbac.models import User

DIRECTORIES = ("logs", "backups", "exports")

DEFAULTS: Mapping[str, Any] = {
    "name": "My shop", "currency": "EUR", "time_zone": "UTC", "store_code": "S1", "store_name": "Main store",
    "prices_include_tax": True, "tax_standard": "2000", "tax_reduced": "500", "admin_username": "admin",
}  # fmt: skip

_HAS_INSTANCE = statement("SELECT id FROM core_instance")


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What the first run made; `admin_password` is None where the business was there already."""

    kernel: Kernel
    admin_username: str
    admin_password: str | None
    migrated: int


def prepare_directories(config: Config) -> None:
    """Make the data directory and its storage paths, private to the service's user; StartError where that fails."""
    for path in (config.data_dir, *(config.directory(name) for name in DIRECTORIES)):
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            advice = "Give the service's user write access"
            raise StartError(f"{path} cannot be used: {error.strerror}. {advice}") from error


def first_run(config: Config, choices: Mapping[str, Any], *, kernel: Kernel | None = None) -> FirstRun:
    """Set up everything that is not there yet. `choices` override DEFAULTS. Raises StartError, PosError."""
    prepare_directories(config)
    secrets.create(config.secrets_file)
    db = kernel.db if kernel is not None else connect_to(config.database.url, synchronous=config.database.synchronous)
    try:
        return _first_run(config, choices, kernel, db)
    except BaseException:
        if kernel is None:
            checks.close(db)
        raise


def _first_run(config: Config, choices: Mapping[str, Any], kernel: Kernel | None, db: Database) -> FirstRun:
    migrated = len(migrate.migrate(db))
    chosen = {**DEFAULTS, **choices}
    _bootstrap(db, chosen)
    kernel = kernel or Kernel(config, db=db)
    kernel.load_instance()
    with kernel.db.in_use():
        if User.select().exists():
            return FirstRun(kernel, chosen["admin_username"], None, migrated)
        given = chosen.pop("admin_password", None)
        password = given or passwords.generate()
        chosen.setdefault("admin_must_change", given is None)
        ctx = kernel.system_context("first run", channel="installer")
        ctx.perform("business:initialise", Initialise(**chosen, admin_password=SecretStr(password)))
    return FirstRun(kernel, chosen["admin_username"], password, migrated)


def _bootstrap(db: Database, chosen: Mapping[str, Any]) -> None:
    """The three rows that every action needs: the instance, its chain, the revision. The only rows without an entry."""
    from pos_core.clock import SystemClock

    with db.in_use():
        mark = "%s" if db.dialect == "postgresql" else "?"
        if db.fetch(_HAS_INSTANCE):
            # an earlier first run was refused after this: as long as nobody is in it, what is said now holds
            with db.schema_access(), db.transaction():
                db.execute_sql(
                    f"UPDATE core_instance SET name = {mark}, currency = {mark} "
                    "WHERE NOT EXISTS (SELECT 1 FROM core_user)", (chosen["name"], chosen["currency"]),
                )  # fmt: skip
            return
        instance, now = uuid7(), to_text(SystemClock().now())
        with db.schema_access(), db.transaction():
            db.execute_sql(
                f"INSERT INTO core_instance (id, name, currency, created_at) VALUES ({mark}, {mark}, {mark}, {mark})",
                (instance, chosen["name"], chosen["currency"], now),
            )
            db.execute_sql(
                f"INSERT INTO core_chain (id, kind, seq, head, counters) VALUES ({mark}, 'server', 0, {mark}, '{{}}')",
                (instance, bytes(32)),
            )
            db.execute_sql("INSERT INTO core_revision (id, value) VALUES (1, 1)")
