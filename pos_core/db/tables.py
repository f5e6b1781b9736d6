"""Statement texts of tables, made from the models once per process: inserts and increments of the unit of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import peewee as pw

from pos_core.audit.chain import Deferred
from pos_core.db.fields import BytesField, pg_type
from pos_core.db.statements import Statement

Encoder = Callable[[Any], Any]


def _encoder(field: pw.Field) -> Encoder | None:
    """How a column's Python value becomes a driver's parameter; None where it is one already."""
    target = field.rel_field if isinstance(field, pw.ForeignKeyField) else field
    return target.db_value if getattr(target, "encodes", False) else None


def _bytes_text(value: Any) -> Any:
    return None if value is None else "\\x" + bytes(value).hex()


def _number_array(values: Sequence[Any]) -> str:
    if None in values:
        return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"
    return "{" + ",".join(map(str, values)) + "}"


def _plain_array(values: Sequence[Any]) -> str:
    """Ids, times and days: text that needs no quotes."""
    if None in values:
        return "{" + ",".join("NULL" if value is None else value for value in values) + "}"
    return "{" + ",".join(values) + "}"


def _flag_array(values: Sequence[Any]) -> str:
    return "{" + ",".join("NULL" if value is None else ("t" if value else "f") for value in values) + "}"


def _text_array(values: Sequence[Any]) -> str:
    if None not in values:
        joined = '","'.join(values)
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return '{"' + joined + '"}'
    return "{" + ",".join(
        "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values
    ) + "}"  # fmt: skip


_ARRAYS: dict[str, Callable[[Sequence[Any]], str]] = {
    "boolean": _flag_array, "text": _text_array, "bytea": _text_array, "bigint": _number_array,
    "integer": _number_array,
}  # fmt: skip


class TableWriter:
    """The statements of one model and the order of their parameters."""

    def __init__(self, model: type[pw.Model]) -> None:
        meta = model._meta
        self.model = model
        self.table: str = meta.table_name
        self.columns: tuple[str, ...] = tuple(field.column_name for field in meta.sorted_fields)
        self.names = frozenset(self.columns)
        self._all = itemgetter(*self.columns)
        self.types = tuple(pg_type(field) for field in meta.sorted_fields)
        self.defaults = {
            f.column_name: (f.default if callable(f.default) else (lambda value=f.default: value))
            for f in meta.sorted_fields
            if f.default is not None
        }
        encoders = [_encoder(field) for field in meta.sorted_fields]
        self._encoders = [(position, encode) for position, encode in enumerate(encoders) if encode is not None]
        self._bytes = [
            position for position, field in enumerate(meta.sorted_fields)
            if isinstance(field.rel_field if isinstance(field, pw.ForeignKeyField) else field, BytesField)
        ]
        self._arrays = [_ARRAYS.get(kind, _plain_array) for kind in self.types]
        columns = ", ".join(self.columns)
        marks = ", ".join("?" * len(self.columns))
        dollars = ", ".join(f"${n}" for n in range(1, len(self.columns) + 1))
        arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(self.types, 1))
        insert = f"INSERT INTO {self.table} ({columns})"
        self.insert = Statement(f"{insert} VALUES ({marks})", f"{insert} VALUES ({dollars})", self.types)
        self.insert_many = Statement(
            f"{insert} VALUES ({marks})",
            f"{insert} SELECT * FROM unnest({arrays})",
            tuple(f"{kind}[]" for kind in self.types),
        )

    def values(self, row: Mapping[str, Any]) -> list[Any]:
        """A row's parameters in column order, encoded for both drivers; KeyError for a column that is not there."""
        if len(row) == len(self.columns):
            found = list(self._all(row))
        else:
            if not row.keys() <= self.names:
                raise KeyError(f"{self.table} has no column {', '.join(sorted(row.keys() - self.names))}")
            get, defaults = row.get, self.defaults
            found = [get(c) if c in row or c not in defaults else defaults[c]() for c in self.columns]
        if Deferred in map(type, found):
            found = [value.value if type(value) is Deferred else value for value in found]
        for position, encode in self._encoders:
            found[position] = encode(found[position])
        return found

    def for_postgres(self, values: list[Any]) -> list[Any]:
        """The parameters with bytes in PostgreSQL's own text form."""
        for position in self._bytes:
            values[position] = _bytes_text(values[position])
        return values

    def arrays(self, rows: Sequence[list[Any]]) -> list[str]:
        """The parameters of `insert_many` from encoded rows: one array literal per column."""
        columns = zip(*rows, strict=True)
        return [array(column) for array, column in zip(self._arrays, columns, strict=True)]

    def many(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """The parameters of `insert_many` from rows; whole rows are encoded column by column, which is cheaper."""
        width = len(self.columns)
        if any(len(row) != width for row in rows):
            return self.arrays([self.for_postgres(self.values(row)) for row in rows])
        columns: list[Sequence[Any]] = list(zip(*map(self._all, rows), strict=True))
        for position, column in enumerate(columns):
            if Deferred in map(type, column):
                columns[position] = [v.value if type(v) is Deferred else v for v in column]
        for position, encode in self._encoders:
            columns[position] = [encode(value) for value in columns[position]]
        for position in self._bytes:
            columns[position] = [_bytes_text(value) for value in columns[position]]
        return [array(column) for array, column in zip(self._arrays, columns, strict=True)]


@cache
def writer(model: Any) -> TableWriter:
    """The model's statements, made once per process."""
    return TableWriter(model)


def _replacement(column: str) -> str:
    """`column`, or `column=other`: the column takes the new row's value of the other one."""
    target, _, source = column.partition("=")
    return f"{target} = excluded.{source or target}"


class Increment:
    """`INSERT ... ON CONFLICT (key) DO UPDATE SET total = total + new`: a counter's row made or moved in one go."""

    def __init__(self, model: Any, key: tuple[str, ...], add: tuple[str, ...], replace: tuple[str, ...]) -> None:
        table = writer(model)
        self.table = table
        changes = [f"{c} = {table.table}.{c} + excluded.{c}" for c in add] + [_replacement(c) for c in replace]
        tail = f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(changes)}"
        self.one = Statement(table.insert.sqlite + tail, table.insert.postgres + tail, table.types)
        # WHERE true: SQLite's grammar needs it between SELECT and ON CONFLICT, PostgreSQL does not mind.
        self.many = Statement(
            table.insert.sqlite + tail, table.insert_many.postgres + " WHERE true" + tail, table.insert_many.types
        )


@cache
def increment(
    model: Any, key: tuple[str, ...], add: tuple[str, ...], replace: tuple[str, ...]
) -> Increment:
    """The upsert of a model for a key and the columns it adds to or replaces, made once per process."""
    return Increment(model, key, add, replace)


@cache
def rank(model: Any) -> int:
    """How deep a table stands in the foreign-key graph: parents before children."""
    parents = {f.rel_model for f in model._meta.sorted_fields if isinstance(f, pw.ForeignKeyField)} - {model}
    return 1 + max((rank(parent) for parent in parents), default=-1)


def refers_to(model: type[pw.Model], others: set[type[pw.Model]]) -> bool:
    """Whether a table has a foreign key, directly or through others, to one of the given tables."""
    parents = {f.rel_model for f in model._meta.sorted_fields if isinstance(f, pw.ForeignKeyField)} - {model}
    return any(parent in others or refers_to(parent, others) for parent in parents)
