"""Dropping the data of a module that is off: exported first, and nothing that other tables refer to.

The tables of an installed module are made anew, empty; those of one that was uninstalled go with their history of
migrations. No server may run meanwhile. The audit keeps its entries: they say what there was and who dropped it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from pos_core import clock
from pos_core.db.database import Database, PostgresDatabase, SqliteDatabase
from pos_core.db.ddl import create_statements
from pos_core.errors import Violation, refused
from pos_core.registry import errors, sizes
from pos_core.registry.models import InstalledModule

if TYPE_CHECKING:
    from pos_core.context import Context
    from pos_core.kernel import Kernel

_REFERRING = (
    "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text FROM pg_constraint c "
    "WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace"
)


@dataclass(frozen=True, slots=True)
class Purge:
    """What is to be dropped: tables, the history of migrations that goes along, what is made anew."""

    module: str
    tables: tuple[str, ...]
    history: str
    anew: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """Where the data went: one JSON object per row, compressed."""

    path: Path
    rows: int
    sha256: str


def plan(ctx: Context, name: str) -> Purge:
    """What purging a module would drop; PosError naming everything that is in the way."""
    kernel = ctx.kernel
    installed = next((module for module in kernel.modules if module.name == name), None)
    if installed is None:
        return _gone(ctx, name)
    wrong: list[Violation] = []
    if installed.name.startswith("core."):
        wrong.append(errors.MODULE_CORE.at("module", module=name))
    if kernel.registry.enabled(name, None, ctx.revision):
        wrong.append(errors.MODULE_STILL_ON.at("module", module=name))
    tables = tuple(sizes.tables_by_module(kernel).get(name, ()))
    if getattr(installed.parts.get("ddl"), "EXTRA", None):
        wrong.append(errors.MODULE_KEPT.at("module", module=name, table=tables[0], other="its own search index"))
    wrong += _referred_to(kernel.db, name, tables)
    if wrong:
        raise refused(wrong)
    models = [model for model in kernel.models if model._meta.table_name in tables]
    return Purge(name, tables, "", tuple(create_statements(kernel.db, models)))


def _gone(ctx: Context, name: str) -> Purge:
    """All tables of a distribution that was uninstalled with all of its modules: they share one prefix."""
    prefix = name.partition(".")[0]
    if not InstalledModule.select().where(InstalledModule.name == name).exists():
        raise errors.MODULE_UNKNOWN("module", module=name)
    if any(module.name.partition(".")[0] == prefix for module in ctx.kernel.modules):
        raise errors.MODULE_STILL_ON("module", module=f"{prefix}.*")
    db = ctx.kernel.db
    tables = tuple(sorted(table for table in db.get_tables() if table.startswith(f"{prefix}_")))
    if wrong := _referred_to(db, name, tables):
        raise refused(wrong)
    return Purge(name, tables, f"mig_{prefix}", ())


def _referred_to(db: Database, name: str, tables: Iterable[str]) -> list[Violation]:
    """Who else refers to the tables."""
    own = set(tables)
    if isinstance(db, PostgresDatabase):
        pairs = [(str(a), str(b)) for a, b in db.execute_sql(_REFERRING).fetchall()]
    else:
        pairs = [
            (table, str(row[2])) for table in db.get_tables()
            for row in db.execute_sql(f'PRAGMA foreign_key_list("{table}")').fetchall()
        ]  # fmt: skip
    found = sorted({(table, other) for other, table in pairs if table in own and other not in own})
    return [errors.MODULE_KEPT.at("module", module=name, table=table, other=other) for table, other in found]


def export(ctx: Context, purge: Purge) -> Export:
    """Write every row into a file of the data directory that only its user can read."""
    directory = ctx.kernel.config.directory("exports")
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{purge.module}-{ctx.at:%Y%m%dT%H%M%S%f}.jsonl.gz"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    count = 0
    with os.fdopen(handle, "wb") as raw, gzip.open(raw, "wb") as file:
        for table in purge.tables:
            columns = [column.name for column in ctx.kernel.db.get_columns(table)]
            named = ", ".join(f'"{column}"' for column in columns)
            for row in ctx.kernel.db.execute_sql(f'SELECT {named} FROM "{table}"'):
                told = dict(zip(columns, map(_plain, row), strict=True))
                file.write(orjson.dumps({"table": table, "row": told}, default=str) + b"\n")
                count += 1
    return Export(path, count, hashlib.sha256(path.read_bytes()).hexdigest())


def _plain(value: Any) -> Any:
    if isinstance(value, (bytes, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, datetime):
        return clock.to_text(value)
    return value.isoformat() if isinstance(value, date) else value


def drop(db: Database, purge: Purge) -> None:
    """Drop the tables, and make those of an installed module anew; all or nothing."""
    sqlite = isinstance(db, SqliteDatabase)
    with db.in_use(), db.schema_access():
        if sqlite:
            db.pragma("foreign_keys", 0)
        try:
            with db.transaction("IMMEDIATE") if sqlite else db.transaction():
                for text in _drops(purge, sqlite=sqlite):
                    db.execute_sql(text)
                for text in purge.anew:
                    db.execute_sql(text)
        finally:
            if sqlite:
                db.pragma("foreign_keys", 1)


def _drops(purge: Purge, *, sqlite: bool) -> list[str]:
    names = [*purge.tables, *([purge.history] if purge.history else [])]
    quoted = [f'"{name}"' for name in names]
    if sqlite:
        return [f"DROP TABLE {name}" for name in quoted]
    return [f"DROP TABLE {', '.join(quoted)}"] if quoted else []


def purges(kernel: Kernel) -> dict[str, str]:
    """When each module's data was dropped last, as the audit has it: what was told before is not held against it."""
    rows = kernel.db.execute_sql(
        "SELECT payload FROM core_audit_entry WHERE action = 'module:purge' AND outcome = 'done'"
    ).fetchall()  # fmt: skip
    found: dict[str, str] = {}
    for (payload,) in rows:
        fact = orjson.loads(payload)
        name = fact["after"]["module"]
        found[name] = max(found.get(name, ""), fact["at"])
    return found

