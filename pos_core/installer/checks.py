"""What must hold before anything is served: a shop, storage that can be used, a database that answers, its schema."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import peewee as pw

from pos_core.config.loader import Config
from pos_core.db import migrate
from pos_core.db.database import Database, PostgresDatabase
from pos_core.logs.masking import masked
from pos_core.plugins import StartError, histories

if TYPE_CHECKING:
    from pos_core.kernel import Kernel


def sqlite_path(config: Config) -> Path | None:
    """The database's file; None on PostgreSQL and in memory."""
    url = config.database.url
    name = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else ":memory:"
    return None if name == ":memory:" else Path(name)


def has_shop(config: Config) -> bool:
    """Whether the data directory belongs to a shop; asks no database (opening one on SQLite would make it)."""
    path = sqlite_path(config)
    return config.secrets_file.exists() and (path is None or path.exists())


def require_shop(config: Config) -> None:
    """StartError where the data directory holds no shop."""
    if not has_shop(config):
        raise StartError(f"there is no shop in {config.data_dir}: run `pos --data-dir {config.data_dir} init`")


def database_trouble(error: Exception) -> StartError:
    """A connection error as the StartError to raise: what the driver said, without credentials, and what to do."""
    said = " ".join(masked(str(error)).split()) or type(error).__name__
    return StartError(f"the database does not answer as it should: {said}. Check that it runs and that database.url "
                      "(in pos.toml or POS_DATABASE__URL) is right; `pos doctor` looks closer")  # fmt: skip


def require_database(db: Database) -> dict[str, Any]:
    """The database's version and settings; StartError when it does not answer or would lose data."""
    try:
        with db.in_use():
            return db.check()
    except (pw.PeeweeException, apsw.Error) as error:
        raise database_trouble(error) from error


def has_people(db: Database) -> bool:
    """Whether the database holds a business: its first user is made with it, all or nothing."""
    with db.in_use():
        tables = db.get_tables()
        return "core_user" in tables and bool(db.execute_sql("SELECT 1 FROM core_user LIMIT 1").fetchall())


def require_schema(db: Database, kernel: Kernel | None = None) -> None:
    """StartError naming the command when the database is empty or its schema is behind.

    With a kernel, modules that the rest does without (`plugins.optional`) are set aside instead where theirs is.
    """
    steps = migrate.state(db)
    if steps and not any(step.done for step in steps):
        raise StartError("the database has no tables yet: run `pos init` for a new shop")
    apart = kernel.apart if kernel is not None else frozenset()
    migrate.require_current(db, apart)
    if kernel is not None:
        _set_aside(kernel, [step for step in steps if step.distribution in apart and not step.done])


def _set_aside(kernel: Kernel, pending: Iterable[migrate.Step]) -> None:
    owners = histories()
    for step in pending:
        why = f"its tables are behind ({step.distribution}/{step.name}): run `pos migrate`"
        for module in kernel.running():
            if module.running and module.distribution == owners[step.distribution]:
                kernel.set_aside(module, why)


def require_connections(config: Config, db: Database) -> None:
    """StartError when a worker's threads could outnumber its database connections."""
    if isinstance(db, PostgresDatabase) and config.http.threads >= config.database.max_connections:
        raise StartError(f"http.threads ({config.http.threads}) must be below database.max_connections "
                         f"({config.database.max_connections}): raise the one or lower the other")  # fmt: skip


def close(db: Database) -> None:
    """Close every connection that this process has."""
    if isinstance(db, PostgresDatabase):
        db.close_all()
    elif not db.is_closed():
        db.close()
