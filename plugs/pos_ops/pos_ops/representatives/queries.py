"""Reads of sales representatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_ops.representatives import directory as directories
from pos_ops.representatives.models import Representative

READERS = ("hq:representatives.view", "store:representatives.view", "pos:representatives.view")


def representative_view(row: Representative) -> dict[str, Any]:
    """A representative as the API shows it."""
    return {"id": row.id, "code": row.code, "name": row.name, "phone": row.phone, "email": row.email,
            "is_active": row.is_active, "version": row.version}  # fmt: skip


@query("representative:directory")
def representative_directory(ctx: Context) -> Mapping[str, directories.RepresentativeEntry]:
    """Every representative by id; cached by revision, for sales."""
    return directories.directory(ctx)


@query("representative:list", permission=READERS)
def list_representatives(
    ctx: Context, *, is_active: bool | None = None, limit: int = 50, cursor: Any = None
) -> tuple[list[dict[str, Any]], Any]:
    """Representatives by code; every store has the same ones."""
    rows = Representative.select()
    if is_active is not None:
        rows = rows.where(Representative.is_active == is_active)
    found, following = records.page(rows, (Representative.code,), cursor, limit)
    return [representative_view(row) for row in found], following


@query("representative:get", permission=READERS)
def get_representative(ctx: Context, *, id: str) -> dict[str, Any]:
    """One representative."""
    return representative_view(records.get(Representative, id, "representative"))
