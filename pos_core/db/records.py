"""Loading and editing records that people edit, always within the actor's reach and with optimistic locking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import peewee as pw

from pos_core.context import Context
from pos_core.db.model import Record, Table
from pos_core.errors import NOT_FOUND, VERSION_MISMATCH, VERSION_REQUIRED

R = TypeVar("R", bound=Record)


def columns_of(row: Table) -> dict[str, Any]:
    """A model instance as a mapping of column names, for the unit of work."""
    fields = row._meta.fields
    return {fields[name].column_name: value for name, value in row.__data__.items()}


def reach(ctx: Context, column: Any) -> tuple[Any, ...]:
    """The condition that binds a read to the actor's store; one that always holds for the headquarters."""
    return (pw.SQL("1 = 1"),) if ctx.store_id is None else (column == ctx.store_id,)


def add(ctx: Context, row: Table) -> None:
    """Hand a new row to the unit of work; a Record gets its times from the request's moment."""
    if isinstance(row, Record):
        row.__data__ |= {"created_at": ctx.at, "updated_at": ctx.at}
    ctx.writing.insert(type(row), columns_of(row))


def get(model: type[R], row_id: str, entity: str, *conditions: Any) -> R:
    """The row of that id among those that meet the conditions (the actor's store); PosError `not_found`."""
    found = model.select().where(model.id == row_id, *conditions).first()
    if found is None:
        raise NOT_FOUND("id", entity=entity, id=row_id)
    return found  # type: ignore[no-any-return]


def edit(ctx: Context, row: R, changes: Mapping[str, Any], entity: str, expected: int | None) -> R:
    """Change a row that is still at version `expected`; the version goes up by one.

    Raises PosError `version_required` without a version and `version_mismatch` when someone was faster: the check is
    the UPDATE's own condition, so two edits at once cannot both win.
    """
    if expected is None:
        raise VERSION_REQUIRED("version")
    model = type(row)
    values = {**changes, "version": expected + 1, "updated_at": ctx.at}
    changed = model.update(values).where(model.id == row.id, model.version == expected).execute()
    if changed != 1:
        current = model.select(model.version).where(model.id == row.id).scalar()
        raise VERSION_MISMATCH("version", entity=entity, current=current)
    for name, value in values.items():
        setattr(row, name, value)
    return row


def page(
    query: pw.Select, key: tuple[pw.Field, ...], cursor: tuple[Any, ...] | None, limit: int, *, descending: bool = False
) -> tuple[list[Any], tuple[Any, ...] | None]:
    """One page of a query in the order of `key` (unique together), and the key to go on from (None: that was all).

    Keyset paging: constant time however far one pages, and stable while rows are added.
    """
    if cursor is not None:
        row, at = pw.Tuple(*key) if len(key) > 1 else key[0], cursor if len(key) > 1 else cursor[0]
        query = query.where(row < at if descending else row > at)
    ordered = query.order_by(*[field.desc() if descending else field.asc() for field in key])
    rows = list(ordered.limit(limit + 1))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], tuple(field.db_value(getattr(last, field.object_id_name if hasattr(field, "object_id_name")
                                              else field.name)) for field in key)
