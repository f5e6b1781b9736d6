"""Changing tenders."""

from __future__ import annotations

from typing import Any

from pos_core.actions import action
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS
from pos_core.stores.service import changes_of
from pos_ops.tenders import queries, schemas
from pos_ops.tenders.models import Tender

MANAGE = "hq:tenders.manage"

#: What a business starts with; an administrator renames, adds and switches off.
BASELINE = (
    {"code": "cash", "name": "Cash", "kind": "cash", "sort_order": 10},
    {"code": "card", "name": "Card", "kind": "card", "sort_order": 20},
    {"code": "other", "name": "Other", "kind": "other", "sort_order": 30, "needs_reference": True},
)


@action("tender:create", command=schemas.CreateTender, permission=MANAGE, status=201, key_field="id",
        constraints={"ops_tender.code": ALREADY_EXISTS.at("code", fields="code")})
def create_tender(ctx: Context, command: schemas.CreateTender) -> dict[str, Any]:
    """Add a way to pay; its code and kind stay for ever."""
    cash = command.kind == "cash"
    given = command.model_dump()
    for name in ("opens_drawer", "cash_rounding"):
        given[name] = cash if given[name] is None else given[name]
    row = Tender(**given)
    records.add(ctx, row)
    ctx.writing.raise_revision()
    ctx.emit("tender:created", "tender", row.id, code=row.code)
    return queries.tender_view(row)


@action("tender:edit", command=schemas.EditTender, permission=MANAGE)
def edit_tender(ctx: Context, command: schemas.EditTender) -> dict[str, Any]:
    """Rename a tender, move it on the screen, change its marks, or take it out of use."""
    row = records.get(Tender, command.id, "tender")
    ctx.writing.was(queries.tender_view(row))
    records.edit(ctx, row, changes_of(command), "tender", command.version)
    ctx.writing.raise_revision()
    ctx.emit("tender:updated", "tender", row.id, code=row.code)
    return queries.tender_view(row)


def create_baseline(ctx: Context) -> None:
    """Create the tenders that a business starts with."""
    for tender in BASELINE:
        ctx.perform("tender:create", tender)
