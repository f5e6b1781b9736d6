"""How much data a module has: its tables, their rows, and the bytes where the database tells them cheaply."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pos_core.db.database import Database, PostgresDatabase

if TYPE_CHECKING:
    from pos_core.db.model import Table
    from pos_core.kernel import Kernel
    from pos_core.plugins import Module

_POSTGRES = (
    "SELECT c.relname, GREATEST(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid) FROM pg_class c "
    "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
)


def tables_by_module(kernel: Kernel) -> dict[str, list[str]]:
    """The tables of each module, by name: those whose models lie in its package, the innermost one's."""
    packages = {_package(module): module.name for module in kernel.running() if _package(module)}
    found: dict[str, list[str]] = {name: [] for name in packages.values()}
    for model in kernel.models:
        owner = _owner(model, packages)
        if owner:
            found[owner].append(model._meta.table_name)
    return {name: sorted(tables) for name, tables in found.items()}


def _package(module: Module) -> str:
    plugin = module.plugin
    return (plugin.__package__ or "") if plugin is not None else ""


def _owner(model: type[Table], packages: dict[str, str]) -> str:
    place = model.__module__.rpartition(".")[0]
    while place and place not in packages:
        place = place.rpartition(".")[0]
    return packages.get(place, "")


def estimated(db: Database) -> dict[str, tuple[int, int | None]]:
    """Rows and bytes of every table as the database knows them without counting.

    PostgreSQL: its planner's estimate. SQLite: the last row's number, which deleted rows make too high; no bytes.
    """
    if isinstance(db, PostgresDatabase):
        return {name: (int(rows), int(size)) for name, rows, size in db.execute_sql(_POSTGRES).fetchall()}
    found: dict[str, tuple[int, int | None]] = {}
    for (name,) in db.execute_sql("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE "
                                  "'%WITHOUT ROWID%' AND name NOT LIKE 'sqlite_%'").fetchall():  # fmt: skip
        last = db.execute_sql(f'SELECT COALESCE(MAX(rowid), 0) FROM "{name}"').fetchone()[0]
        found[name] = (int(last), None)
    return found


def summed(tables: Iterable[str], known: dict[str, tuple[int, int | None]]) -> dict[str, Any]:
    """The size of some tables together."""
    listed = list(tables)
    sizes = [known.get(name, (0, None)) for name in listed]
    of_bytes = [size for _, size in sizes if size is not None]
    return {"tables": len(listed), "rows": sum(rows for rows, _ in sizes), "bytes": sum(of_bytes) if of_bytes else None}


def counted(db: Database, tables: Iterable[str]) -> list[dict[str, Any]]:
    """Each table with its rows, counted."""
    known = estimated(db)
    return [
        {
            "name": name, "rows": int(db.execute_sql(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0]),
            "bytes": known.get(name, (0, None))[1],
        }
        for name in tables
    ]  # fmt: skip
