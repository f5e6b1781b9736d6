"""Migrations: a history per distribution, in dependency order, one runner at a time, all or nothing.

Built on peewee-migrate's Router with its replay and its shared history switched off, because both lose data: see
`docs/decisions.md`. A serving process never migrates; it refuses to start while the schema is behind.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import re
from collections.abc import Collection, Iterable, Mapping
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

log = logging.getLogger("pos.db")

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
        found[point.name] = _directory(point.value)
    if "core" not in found:
        raise StartError("pos-core's migrations are not installed: reinstall pos-core")
    return sorted(found.items(), key=lambda item: (item[0] != "core", item[0]))


def _directory(package: str) -> Path:
    """Where a package lies; found without importing it: what may not be loaded is not run by looking for it."""
    top, *below = package.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        raise StartError(f"the migrations {package} cannot be found: reinstall the distribution that brings them")
    if top == "pos_core":  # in a checkout its migrations lie beside it
        return Path(next(iter(importlib.import_module(package).__path__)))
    return Path(next(iter(spec.submodule_search_locations)), *below)


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


def require_current(db: Database, apart: Collection[str] = ()) -> None:
    """StartError naming the command when a migration is pending: a server never serves an old schema.

    apart: distributions that may be behind, because their modules are then set aside.
    """
    steps = [step for step in state(db) if not step.done and step.distribution not in apart]
    pending = [f"{step.distribution}/{step.name}" for step in steps]
    if pending:
        behind = ", ".join(pending)
        raise StartError(f"the database schema is behind ({behind}): stop all servers and run `pos migrate`")


def migrate(
    db: Database, *, dry_run: bool = False, given: Iterable[tuple[str, Path]] | None = None,
    apart: Collection[str] = (), without: Collection[str] = (),
) -> list[tuple[str, str]]:  # fmt: skip
    """Run what is pending, in one transaction over all distributions; returns (distribution, migration) that ran.

    All or nothing: a failure anywhere leaves the schema as it was. `dry_run` rolls back at the end. Two runners at
    once are put in a row by the database; the second finds nothing to do. apart: distributions that the rest does
    without; each has a transaction of its own, and its failure is logged and undoes nothing else. without:
    distributions that are left alone.
    """
    histories = [one for one in given or distributions() if one[0] not in without]
    done = _migrate(db, [one for one in histories if one[0] not in apart], dry_run)
    for one in histories:
        if one[0] not in apart:
            continue
        try:
            done += _migrate(db, [one], dry_run)
        except Exception:
            log.exception("a distribution could not be migrated and stays as it was", extra={"distribution": one[0]})
    return done


def migrate_new(db: Database, apart: Collection[str], without: Collection[str] = ()) -> list[tuple[str, str]]:
    """Make the tables of distributions that have none yet, while servers run: no running code knows them.

    Only of those that the rest does without. StartError, and nothing is done, where one does more than to add tables
    of its own.
    """
    known = {step.distribution for step in state(db) if step.done}
    done: list[tuple[str, str]] = []
    for one in distributions():
        if one[0] in apart and one[0] not in known and one[0] not in without:
            done += _migrate(db, [one], dry_run=False, adds_only=f"{one[0]}_")
    return done


def _require_own(before: Mapping[str, str], after: Mapping[str, str], prefix: str) -> None:
    """StartError where something that was there has changed, or something was added that is not the prefix' own."""
    changed = sorted(name for name, definition in before.items() if after.get(name) != definition)
    foreign = sorted(name for name in after.keys() - before.keys() if not re.search(rf"\b{prefix}", name))
    if changed or foreign:
        told = ", ".join([*changed, *foreign][:5])
        raise StartError(f"{prefix}* does more than to add its own tables ({told}): stop all servers and run "
                         "`pos migrate`")  # fmt: skip


def _migrate(
    db: Database, histories: Iterable[tuple[str, Path]], dry_run: bool, adds_only: str = ""
) -> list[tuple[str, str]]:
    """One transaction over some distributions; `adds_only`: they may add what has this prefix, and nothing else."""
    from pos_core.db.schema import pieces

    done: list[tuple[str, str]] = []
    sqlite = isinstance(db, SqliteDatabase)
    with db.in_use(), db.schema_access():
        if sqlite:
            db.pragma("foreign_keys", 0)  # before the transaction: inside one the pragma does nothing
        try:
            with db.transaction("IMMEDIATE") if sqlite else db.transaction():
                if isinstance(db, PostgresDatabase):
                    db.execute_sql(f"SELECT pg_advisory_xact_lock({_LOCK_ID})")
                before = pieces(db) if adds_only else {}
                for distribution, directory in histories:
                    done += [(distribution, name) for name in _run(db, distribution, directory)]
                if sqlite and (broken := db.execute_sql("PRAGMA foreign_key_check").fetchall()):
                    raise StartError(f"a migration left broken references: {broken[:5]}")
                if adds_only:
                    _require_own(before, pieces(db), adds_only)
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



