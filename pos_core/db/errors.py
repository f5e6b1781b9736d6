"""What the drivers' errors mean: try again, a broken constraint (and which), or a connection that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import apsw
import peewee as pw

from pos_core.errors import ALREADY_EXISTS, CONSTRAINT_BROKEN, STILL_REFERENCED, PosError, Violation

_RETRY = frozenset({"40001", "40P01", "55P03"})
_GONE = frozenset({"57P01", "57P02", "57P03", "08000", "08003", "08006"})
_SQLITE_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)$")
_SQLITE_CHECK = re.compile(r"CHECK constraint failed: (.+)$")


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may well succeed when it is tried again: deadlock, lock timeout, busy."""
    original = getattr(error, "orig", None) or error.__cause__
    return getattr(original, "pgcode", "") in _RETRY or isinstance(original, (apsw.BusyError, apsw.LockedError))


def is_connection_lost(error: BaseException) -> bool:
    """Whether the server went away: nothing is known of a commit that was under way."""
    if not isinstance(error, (pw.OperationalError, pw.InterfaceError)):
        return False
    original = getattr(error, "orig", None) or error.__cause__
    code = getattr(original, "pgcode", None)
    return code in _GONE or (code is None and type(original).__module__.startswith("psycopg2"))


def is_taken(error: pw.IntegrityError, index: str) -> bool:
    """Whether PostgreSQL refused a row because its key in this unique index was there already."""
    original = getattr(error, "orig", None) or error.__cause__
    return getattr(original, "pgcode", "") == "23505" and original.diag.constraint_name == index  # type: ignore[union-attr]


def broken_constraint(error: pw.IntegrityError, indexes: Mapping[str, str]) -> tuple[str, str]:
    """(kind, name) of the constraint: kind is unique, foreign, check or other; a unique one is `table.column,...`.

    `indexes` maps PostgreSQL's index names to that form, because SQLite names columns and PostgreSQL the index.
    """
    original = getattr(error, "orig", None) or error.__cause__
    code = getattr(original, "pgcode", "")
    if code:
        name = original.diag.constraint_name or ""  # type: ignore[union-attr]
        kind = {"23505": "unique", "23503": "foreign", "23514": "check"}.get(code, "other")
        return kind, indexes.get(name, name)
    text = str(original)
    if match := _SQLITE_UNIQUE.search(text):
        columns = [part.strip() for part in match[1].split(",")]
        table = columns[0].partition(".")[0]
        return "unique", f"{table}." + ",".join(column.partition(".")[2] for column in columns)
    if match := _SQLITE_CHECK.search(text):
        return "check", match[1]
    return ("foreign", "a foreign key") if "FOREIGN KEY" in text else ("other", text)


def as_pos_error(kind: str, name: str, known: Mapping[str, Violation]) -> PosError:
    """The refusal that a broken constraint means; `known` are the ones a module has its own words for."""
    if name in known:
        violation = known[name]
        return PosError(violation.code, path=violation.path, params=violation.params, violations=(violation,))
    if kind == "unique":
        columns = name.partition(".")[2].split(",")
        fields = [c for c in columns if c not in ("store_id", "chain_id")]
        path = fields[0] if len(fields) == 1 else ""
        violation = ALREADY_EXISTS.at(path, fields=", ".join(fields or columns))
        return PosError(ALREADY_EXISTS, path=path, params=violation.params, violations=(violation,))
    code = STILL_REFERENCED if kind == "foreign" else CONSTRAINT_BROKEN
    return code(constraint=name)


def index_names(models: Iterable[Any]) -> dict[str, str]:
    """PostgreSQL's names of unique indexes and primary keys as `table.column,...`."""
    names: dict[str, str] = {}
    for model in models:
        meta = model._meta
        keys = meta.primary_key
        columns = [meta.fields[n].column_name for n in keys.field_names] if isinstance(keys, pw.CompositeKey) else (
            [keys.column_name] if keys else [])
        names[f"{meta.table_name}_pkey"] = f"{meta.table_name}." + ",".join(columns)
        for index in meta.fields_to_index():
            if index._unique:
                fields = [e.column_name if isinstance(e, pw.Field) else index._name for e in index._expressions]
                names[index._name] = f"{meta.table_name}." + ",".join(fields)
    return names
