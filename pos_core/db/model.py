"""The base of every table: id, version and times, unique index names, no implicit back references."""

from __future__ import annotations

from typing import Any, ClassVar

import peewee as pw

from pos_core.db.fields import BigField, IdField, UtcField
from pos_core.ids import uuid7

#: The process' database. One process serves one business, so one proxy is enough; the kernel initialises it.
database = pw.DatabaseProxy()


class Table(pw.Model):  # type: ignore[misc]
    """Any table. `Meta.table_name` starts with the distribution's prefix (`ops_sale`).

    `append_only` lets the database itself refuse UPDATE and DELETE, by triggers on both databases.
    """

    append_only: ClassVar[bool] = False
    #: Rows are changed but never deleted; the database refuses it. What a busy table names of such a master needs no
    #: foreign key, whose check would lock the one row that all tills share.
    never_deleted: ClassVar[bool] = False
    #: Constraints whose breaking means that somebody else was faster: the action starts over and its rules, which
    #: then see the new figures, say what is wrong in the module's own words.
    start_over_on: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        database = database
        legacy_table_names = False
        only_save_dirty = True

    @classmethod
    def key(cls, field: str) -> str:
        return f"{cls._meta.table_name}.{field}"


class Record(Table):
    """A row with an identity that people edit: UUIDv7 id, `version` for optimistic locking, and its times."""

    id = IdField(primary_key=True, default=uuid7)
    version = BigField(default=1)
    created_at = UtcField()
    updated_at = UtcField()


def foreign(target: Any, column: str, *, null: bool = False, index: bool = True, **options: Any) -> pw.ForeignKeyField:
    """A foreign key without a back reference (peewee silently overwrites equal names); RESTRICT by default."""
    options.setdefault("on_delete", "RESTRICT")
    return pw.ForeignKeyField(target, column_name=column, backref="!", null=null, index=index, **options)
