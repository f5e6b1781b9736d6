"""Migrations: a history per distribution, in dependency order, one runner at a time, all or nothing.

Built on peewee-migrate's Router with its replay and its shared history switched off, because both lose data: see
`docs/decisions.md`. A serving process never migrates; it refuses to start while the schema is behind.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from peewee_migrate import Router
from peewee_migrate.models import MigrateHistory
from peewee_migrate.router import BaseRouter

from pos_core.db.database import Database, PostgresDatabase, SqliteDatabase
from pos_core.db.fields import UtcField
from pos_core.plugins import StartError

GROUP = "pos.migrations"
_FILE = re.compile(r"^(\d{3}_[a-z0-9_]+)\.py$")
_LOCK_ID = 712_001


@dataclass(frozen=True, slots=True)
class Step:
    """A migration of a distribution: done or pending."""

    distribution: str
    name: str
    done: bool


class DryRun(Exception):
    """Raised at the end of a dry run to roll everything back."""


class DistributionRouter(Router):  # type: ignore[misc]
    """A Router with a history table of its own and without replaying finished migrations."""

    @cached_property
    def model(self) -> Any:
        router = self

        class History(MigrateHistory):  # type: ignore[misc]
            migrated_at = UtcField(default=lambda: datetime.now(UTC))

            class Meta:
                database = router.database
                table_name = router.migrate_table

        History.create_table(safe=True)
        return History

    @cached_property
    def migrator(self) -> Any:
        return self.migrator_class(self.database)

    @property
    def done(self) -> list[str]:
        return [row.name for row in self.model.select().order_by(self.model.id)]


def distributions() -> list[tuple[str, Path]]:
    """(name, directory of migrations) of every installed distribution: the core first, then by name.

    Plugs and packs refer to tables of the core only, so this is dependency order.
    """
    found: dict[str, Path] = {}
    for point in entry_points(group=GROUP):
        package = importlib.import_module(point.value)
        found[point.name] = Path(next(iter(package.__path__)))
    if "core" not in found:
        raise StartError("pos-core's migrations are not installed: reinstall pos-core")
    return sorted(found.items(), key=lambda item: (item[0] != "core", item[0]))


def files(directory: Path) -> list[str]:
    """The names of a directory's migrations; StartError for a Python file that would be ignored silently."""
    names = []
    for path in sorted(directory.glob("*.py")):
        if path.name == "__init__.py":
            continue
        match = _FILE.match(path.name)
        if match is None:
            raise StartError(f"{path} is not named like 001_initial.py and would never run")
        names.append(match[1])
    return names


def state(db: Database) -> list[Step]:
    """Every migration of every distribution, with what is done; reads only."""
    steps = []
    with db.in_use():
        tables = set(db.get_tables())
        for distribution, directory in distributions():
            table = f"mig_{distribution}"
            done = set()
            if table in tables:
                done = {name for (name,) in db.execute_sql(f"SELECT name FROM {table}")}
            steps += [Step(distribution, name, name in done) for name in files(directory)]
    return steps


def require_current(db: Database) -> None:
    """StartError naming the command when a migration is pending: a server never serves an old schema."""
    pending = [f"{step.distribution}/{step.name}" for step in state(db) if not step.done]
    if pending:
        behind = ", ".join(pending)
        raise StartError(f"the database schema is behind ({behind}): stop all servers and run `pos migrate`")


def migrate(
    db: Database, *, dry_run: bool = False, given: Iterable[tuple[str, Path]] | None = None
) -> list[tuple[str, str]]:
    """Run what is pending, in one transaction over all distributions; returns (distribution, migration) that ran.

    All or nothing: a failure anywhere leaves the schema as it was. `dry_run` rolls back at the end. Two runners at
    once are put in a row by the database; the second finds nothing to do.
    """
    done: list[tuple[str, str]] = []
    sqlite = isinstance(db, SqliteDatabase)
    with db.in_use(), db.schema_access():
        if sqlite:
            db.pragma("foreign_keys", 0)  # before the transaction: inside one the pragma does nothing
        try:
            with db.transaction("IMMEDIATE") if sqlite else db.transaction():
                if isinstance(db, PostgresDatabase):
                    db.execute_sql(f"SELECT pg_advisory_xact_lock({_LOCK_ID})")
                for distribution, directory in given or distributions():
                    done += [(distribution, name) for name in _run(db, distribution, directory)]
                if sqlite and (broken := db.execute_sql("PRAGMA foreign_key_check").fetchall()):
                    raise StartError(f"a migration left broken references: {broken[:5]}")
                if dry_run:
                    raise DryRun
        except DryRun:
            return done
        finally:
            if sqlite:
                db.pragma("foreign_keys", 1)
    return done


def _run(db: Database, distribution: str, directory: Path) -> list[str]:
    if not directory.is_dir():
        raise StartError(f"{distribution}: there is no directory {directory}")
    files(directory)
    router: BaseRouter = DistributionRouter(db, migrate_dir=str(directory), migrate_table=f"mig_{distribution}")
    return list(router.run())



