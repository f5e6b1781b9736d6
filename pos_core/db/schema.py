"""Does the database have the schema that the models declare? Compared piece by piece, on both databases.

Columns with type and nullability, keys, foreign keys, checks, indexes (partial ones too), triggers and what a
module's `ddl.py` adds. Column order and defaults are left out: a column that a migration adds comes last and needs a
default, and neither changes what the product reads or writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pos_core.db import ddl
from pos_core.db.database import Database, PostgresDatabase, SqliteDatabase
from pos_core.db.model import Table
from pos_core.plugins import Module

#: What a piece is (`column core_store.code`) and how it is defined (`TEXT NOT NULL`).
Pieces = dict[str, str]

_SCRATCH = "pos_schema_check"
_CHECK = re.compile(r"\bCHECK\s*\(", re.IGNORECASE)


def differences(db: Database, models: Iterable[type[Table]], modules: Iterable[Module]) -> list[str]:
    """In sentences, how the database's schema differs from the declared one; empty when it is the same.

    The declared schema is made in memory on SQLite, and on PostgreSQL in a schema of its own that is rolled back:
    that needs the right to create one.
    """
    models, modules = list(models), list(modules)
    with db.in_use():
        found = pieces(db)
        declared = declared_pieces(db, models, modules)
    return compare(declared, found)


def compare(declared: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """The differences between two sets of pieces, as sentences in the order of the pieces' names."""
    said = []
    for name in sorted({*declared, *found}):
        if name not in found:
            said.append(f"{name} is missing: {declared[name]}")
        elif name not in declared:
            said.append(f"{name} is there but nobody declares it: {found[name]}")
        elif declared[name] != found[name]:
            said.append(f"{name} is {found[name]}, declared is {declared[name]}")
    return said


def statements(db: Database, models: Iterable[type[Table]], modules: Iterable[Module]) -> list[str]:
    """Everything that the models and modules declare, distribution by distribution, the core first."""
    models, modules = list(models), list(modules)
    names = sorted({ddl.distribution_of(model) for model in models}, key=lambda name: (name != "core", name))
    return [text for name in names for text in ddl.schema_statements(db, models, modules, name)]


def declared_pieces(db: Database, models: Iterable[type[Table]], modules: Iterable[Module]) -> Pieces:
    """The pieces of the declared schema, made in a scratch place in the dialect of `db`."""
    made = statements(db, models, modules)
    if isinstance(db, SqliteDatabase):
        scratch = SqliteDatabase(":memory:")
        with scratch.in_use(), scratch.schema_access():
            for text in made:
                scratch.connection().execute(text)
            found = pieces(scratch)
        scratch.close()
        return found
    return _postgres_declared(db, made)


def _postgres_declared(db: PostgresDatabase, made: Iterable[str]) -> Pieces:
    connection = db.connection()
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN READ WRITE; CREATE SCHEMA {_SCRATCH}; SET LOCAL search_path = {_SCRATCH}, public")
        try:
            for text in made:
                cursor.execute(text)
            return pieces(db, _SCRATCH)
        finally:
            cursor.execute("ROLLBACK")


def pieces(db: Database, schema: str = "public") -> Pieces:
    """The pieces that a database has, but for the histories of migrations (`mig_...`)."""
    return _postgres_pieces(db, schema) if isinstance(db, PostgresDatabase) else _sqlite_pieces(db)


# -- SQLite --------------------------------------------------------------------------------------------------------


def _sqlite_pieces(db: SqliteDatabase) -> Pieces:
    def ask(text: str) -> list[Any]:
        return list(db.connection().execute(text))

    found: Pieces = {}
    kinds = {row[1]: row[2] for row in ask("PRAGMA table_list") if row[0] == "main"}
    for kind, name, table, text in ask("SELECT type, name, tbl_name, sql FROM sqlite_master"):
        if table.startswith(("mig_", "sqlite_")) or kinds.get(table) == "shadow":
            continue
        if kind == "table" and kinds.get(name) == "table":
            found |= _sqlite_table(ask, name, text)
        elif text is not None:  # an index that a constraint makes has no text; the constraint is a piece of its table
            found[f"{'virtual table' if kind == 'table' else kind} {name}"] = _squeezed(text)
    return found


def _sqlite_table(ask: Any, table: str, text: str) -> Pieces:
    found: Pieces = {}
    columns = ask(f'PRAGMA table_xinfo("{table}")')
    for _, column, kind, required, _, key, hidden in columns:
        if not hidden:
            found[f"column {table}.{column}"] = f"{kind} {'NOT NULL' if required or key else 'NULL'}"
    keys = [row[1] for row in sorted(columns, key=lambda row: row[5]) if row[5]]
    found[f"primary key of {table}"] = ", ".join(keys)
    foreign: dict[int, list[Any]] = {}
    for row in ask(f'PRAGMA foreign_key_list("{table}")'):
        foreign.setdefault(row[0], []).append(row)
    for rows in foreign.values():
        own = ", ".join(row[3] for row in rows)
        theirs = ", ".join(str(row[4]) for row in rows)
        found[f"foreign key {table} ({own})"] = f"{rows[0][2]} ({theirs}) ON DELETE {rows[0][6]} ON UPDATE {rows[0][5]}"
    for _, index, _, origin, _ in ask(f'PRAGMA index_list("{table}")'):
        if origin == "u":
            unique = ", ".join(row[2] for row in ask(f'PRAGMA index_info("{index}")'))
            found[f"unique constraint of {table} ({unique})"] = unique
    for check in _checks(text):
        found[f"check of {table}: {check}"] = check
    return found


def _checks(text: str) -> list[str]:
    """The conditions of a CREATE TABLE's checks, by their brackets."""
    found = []
    for match in _CHECK.finditer(text):
        depth, end, quoted = 1, match.end(), False
        while depth and end < len(text):
            quoted ^= text[end] == "'"
            depth += 0 if quoted else (text[end] == "(") - (text[end] == ")")
            end += 1
        found.append(_squeezed(text[match.end() : end - 1]))
    return found


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


# -- PostgreSQL ----------------------------------------------------------------------------------------------------

_COLUMNS = """
SELECT 'column ' || c.relname || '.' || a.attname,
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE ' NULL' END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
_CONSTRAINTS = """
SELECT CASE k.contype WHEN 'p' THEN 'primary key of ' || c.relname
                      WHEN 'f' THEN 'foreign key ' || c.relname || ' ' || pg_get_constraintdef(k.oid)
                      ELSE 'check of ' || c.relname || ': ' || pg_get_constraintdef(k.oid) END,
       pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.connamespace = %s::regnamespace AND k.contype IN ('p', 'f', 'c', 'u', 'x')
"""
_INDEXES = """
SELECT 'index ' || i.relname, pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ' (not valid)' END
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
WHERE i.relnamespace = %s::regnamespace AND NOT x.indisprimary
"""
_TRIGGERS = """
SELECT 'trigger ' || t.tgname, pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' (switched off)' END
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal
"""
_FUNCTIONS = """
SELECT 'function ' || p.proname, p.prosrc FROM pg_proc p
WHERE p.pronamespace = %s::regnamespace
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


def _postgres_pieces(db: PostgresDatabase, schema: str) -> Pieces:
    found: Pieces = {}
    with db.connection().cursor() as cursor:
        for text in (_COLUMNS, _CONSTRAINTS, _INDEXES, _TRIGGERS, _FUNCTIONS):
            cursor.execute(text, (schema,))
            for name, definition in cursor.fetchall():
                if not re.search(r"\bmig_[a-z]+", name):
                    found[_local(name, schema)] = _squeezed(_local(definition, schema))
    return found


def _local(text: str, schema: str) -> str:
    return text.replace(f"{schema}.", "")
