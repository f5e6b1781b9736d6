"""Reads of tenders."""

from __future__ import annotations

from typing import Any

from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_ops.tenders import directory as directories
from pos_ops.tenders.models import Tender

READERS = ("hq:tenders.view", "store:tenders.view", "pos:tenders.view")


def tender_view(row: Tender) -> dict[str, Any]:
    """A tender as the API shows it."""
    return {
        "id": row.id, "code": row.code, "name": row.name, "kind": row.kind, "sort_order": row.sort_order,
        "opens_drawer": row.opens_drawer, "needs_reference": row.needs_reference,
        "cash_rounding": row.cash_rounding, "is_active": row.is_active, "version": row.version,
    }  # fmt: skip


@query("tender:directory")
def tender_directory(ctx: Context) -> directories.TenderDirectory:
    """Every tender by code, and by id under `by_id`; cached by revision, for sales and closes."""
    return directories.directory(ctx)


@query("tender:list", permission=READERS)
def list_tenders(
    ctx: Context, *, is_active: bool | None = None, limit: int = 50, cursor: Any = None
) -> tuple[list[dict[str, Any]], Any]:
    """Tenders in their order on the screen; the whole business has the same ones."""
    rows = Tender.select()
    if is_active is not None:
        rows = rows.where(Tender.is_active == is_active)
    found, following = records.page(rows, (Tender.sort_order, Tender.code), cursor, limit)
    return [tender_view(row) for row in found], following


@query("tender:get", permission=READERS)
def get_tender(ctx: Context, *, id: str) -> dict[str, Any]:
    """One tender."""
    return tender_view(records.get(Tender, id, "tender"))
