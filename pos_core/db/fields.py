"""Field types: the same Python value on SQLite and PostgreSQL, and never a float for an amount.

`pg` names the PostgreSQL type that a prepared statement declares for the column; `to_sql` turns a Python value into
what both drivers take as a parameter (text, int, bytes, None).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import orjson
import peewee as pw

from pos_core import clock

MAX_AMOUNT = 10**15


class IdField(pw.Field):  # type: ignore[misc]
    """A UUIDv7 as canonical text; `uuid` on PostgreSQL, TEXT on SQLite."""

    field_type = "UUID"
    pg = "uuid"

    def db_value(self, value: Any) -> Any:
        return None if value is None else str(value)

    def python_value(self, value: Any) -> Any:
        return None if value is None else str(value)


class TextField(pw.TextField):  # type: ignore[misc]
    """Text. Lengths are checked by schemas, because SQLite checks none."""

    pg = "text"


class IntField(pw.IntegerField):  # type: ignore[misc]
    """A small count or position."""

    pg = "integer"


class BigField(pw.BigIntegerField):  # type: ignore[misc]
    """A 64-bit integer: a number of a series, a revision, a version."""

    pg = "bigint"


class MoneyField(BigField):
    """An amount in minor units of the row's currency (or of the business' one)."""


class QuantityField(BigField):
    """A quantity in thousandths."""


class RateField(BigField):
    """A rate in hundredths of a basis point: 8.25 % is 82500."""


class BoolField(pw.BooleanField):  # type: ignore[misc]
    """True or false; 0 and 1 on SQLite."""

    pg = "boolean"

    def db_value(self, value: Any) -> Any:
        return None if value is None else bool(value)


class BytesField(pw.BlobField):  # type: ignore[misc]
    """Bytes in and bytes out."""

    pg = "bytea"

    def python_value(self, value: Any) -> Any:
        return None if value is None else bytes(value)


class UtcField(pw.Field):  # type: ignore[misc]
    """An aware UTC datetime with microseconds; `timestamptz`, or fixed-width ISO text that sorts on SQLite."""

    field_type = "UTC"
    pg = "timestamptz"
    encodes = True

    def db_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return clock.to_text(value)

    def python_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return clock.from_text(value)
        return None if value is None else clock.require_utc(value)


class DayField(pw.Field):  # type: ignore[misc]
    """A calendar day, such as a store's business date."""

    field_type = "DAY"
    pg = "date"
    encodes = True

    def db_value(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    def python_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return date.fromisoformat(value)
        return value.date() if isinstance(value, datetime) else value


class JsonField(pw.TextField):  # type: ignore[misc]
    """Plain JSON kept as text on both databases: read along with its row, never searched in."""

    pg = "text"
    encodes = True

    def db_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return orjson.dumps(value).decode()

    def python_value(self, value: Any) -> Any:
        return None if value is None else orjson.loads(value)


SQLITE_TYPES = {"UUID": "TEXT", "UTC": "TEXT", "DAY": "TEXT", "BOOL": "INTEGER", "BIGINT": "INTEGER", "VARCHAR": "TEXT"}
POSTGRES_TYPES = {"UUID": "UUID", "UTC": "TIMESTAMPTZ", "DAY": "DATE"}


def pg_type(field: pw.Field) -> str:
    """The PostgreSQL type of a column; a foreign key has its target's."""
    if isinstance(field, pw.ForeignKeyField):
        return pg_type(field.rel_field)
    return str(field.pg)
