"""The schema that models declare, as statements of both dialects: for writing migrations and for checking them.

    python -m pos_core.db.ddl core migrations/001_initial.py

writes a migration that creates every table of a distribution from nothing. A migration is frozen text: later changes
of a model get a migration of their own, and a test compares the migrated schema with the models.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import peewee as pw

from pos_core.db.database import Database, PostgresDatabase, SqliteDatabase
from pos_core.db.model import database
from pos_core.db.tables import rank
from pos_core.plugins import Module

_POSTGRES_REFUSAL = """CREATE OR REPLACE FUNCTION pos_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'append-only: rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$"""
_POSTGRES_KEEP = """CREATE OR REPLACE FUNCTION pos_never_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'never deleted: rows of % are switched off instead', TG_TABLE_NAME
USING ERRCODE = 'restrict_violation'; END $$"""


def create_statements(db: Database, models: Iterable[Any]) -> list[str]:
    """CREATE TABLE, CREATE INDEX and triggers for the models, parents first, in the database's dialect."""
    made: list[str] = []
    ordered = sorted(models, key=lambda model: (rank(model), model._meta.table_name))
    with _bound(db):
        for model in ordered:
            made.append(_text(model._schema._create_table(safe=False)))
            made += [_text(context) for context in model._schema._create_indexes(safe=False)]
    for model in ordered:
        if model.append_only:
            made += append_only_triggers(db.dialect, model._meta.table_name)
        elif model.never_deleted:
            made += never_deleted_triggers(db.dialect, model._meta.table_name)
    return made


class _bound:
    """The models' proxy on another database for a while; DDL rendering asks the proxy for its dialect."""

    def __init__(self, db: Database) -> None:
        self._db, self._before = db, database.obj

    def __enter__(self) -> None:
        database.initialize(self._db)

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            database.obj = None
        else:
            database.initialize(self._before)


def _text(context: pw.Context) -> str:
    sql, parameters = context.query()
    if parameters:
        raise ValueError(f"DDL with parameters cannot be frozen: {sql} {parameters}")
    return str(sql)


def append_only_triggers(dialect: str, table: str) -> list[str]:
    """The triggers by which the database itself refuses to change or delete a table's rows."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
            f"SELECT RAISE(ABORT, 'append-only: rows of {table} are never changed'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        (
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION pos_append_only()"
        ),
        (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION pos_append_only()"
        ),
    ]


def never_deleted_triggers(dialect: str, table: str) -> list[str]:
    """The triggers by which the database itself refuses to delete a master's rows."""
    if dialect == "sqlite":
        refusal = f"SELECT RAISE(ABORT, 'never deleted: rows of {table} are switched off instead')"
        return [f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refusal}; END"]
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION pos_never_deleted()"
        for verb in ("DELETE", "TRUNCATE")
    ]


def distribution_of(model: Any) -> str:
    """Which distribution owns a table: its name's prefix (`core_sale` is core's, `ops_sale` pos-ops')."""
    return str(model._meta.table_name).partition("_")[0]


def extra_statements(modules: Iterable[Module], distribution: str, dialect: str) -> list[str]:
    """What a module's own `ddl.py` adds: full-text tables, expression indexes."""
    made: list[str] = []
    for module in modules:
        extra = getattr(module.parts.get("ddl"), "EXTRA", None)
        package = module.plugin.__name__.partition(".")[0] if module.plugin is not None else ""
        if extra and package.removeprefix("pos_") == distribution:
            made += extra[dialect]
    return made


def schema_statements(
    db: Database, models: Iterable[Any], modules: Iterable[Module], distribution: str
) -> list[str]:
    """Everything that a distribution's tables need, in the database's dialect."""
    own = [model for model in models if distribution_of(model) == distribution]
    head = [_POSTGRES_REFUSAL, _POSTGRES_KEEP] if isinstance(db, PostgresDatabase) and distribution == "core" else []
    return head + create_statements(db, own) + extra_statements(modules, distribution, db.dialect)


_TEMPLATE = '''"""{title}"""

from __future__ import annotations

from typing import Any

SQLITE = [
{sqlite}]

POSTGRESQL = [
{postgresql}]


def migrate(migrator: Any, database: Any, *, fake: bool = False, **_: Any) -> None:
    """Create the tables."""
    for statement in SQLITE if database.dialect == "sqlite" else POSTGRESQL:
        migrator.sql(statement)
'''


def write_initial(distribution: str, path: Path) -> int:
    """Write the migration that creates a distribution's tables; returns how many statements it has per dialect."""
    from pos_core.config.loader import Config
    from pos_core.kernel import Kernel

    kernel = Kernel(Config(), db=SqliteDatabase(":memory:"))
    lists = []
    for db in (SqliteDatabase(":memory:"), PostgresDatabase("postgresql:///none")):
        made = schema_statements(db, kernel.models, kernel.running(), distribution)
        lists.append("".join(f"    {_literal(statement)},\n" for statement in made))
    path.write_text(_TEMPLATE.format(title="The first schema.", sqlite=lists[0], postgresql=lists[1]), "utf-8")
    return lists[0].count("\n    ") + 1


def _literal(statement: str) -> str:
    plain = statement.replace("%", "%%") if "%" in statement else statement
    text = repr(plain)
    if len(text) <= 110 and "\n" not in plain:
        return text
    quotes = '"""' if '"""' not in plain else "'''"
    escaped = plain.replace("\\", "\\\\")
    tail = " " if escaped.endswith('"') else ""
    return f"{quotes}{escaped}{tail}{quotes}"


if __name__ == "__main__":
    count = write_initial(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.write(f"{sys.argv[2]}: {count} statements per dialect\n")
