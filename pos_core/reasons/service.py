"""Keeping the list of reason codes."""

from __future__ import annotations

from typing import Any

from pos_core.actions import action
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS
from pos_core.reasons import schemas
from pos_core.reasons.models import Reason
from pos_core.reasons.queries import reason_view

MANAGE = "hq:reasons.manage"


@action("reason:create", command=schemas.CreateReason, permission=MANAGE, status=201, key_field="id",
        constraints={"core_reason.code": ALREADY_EXISTS.at("code", fields="code")})
def create_reason(ctx: Context, command: schemas.CreateReason) -> dict[str, Any]:
    """Add a reason code for some actions."""
    row = Reason(**{**command.model_dump(), "applies": list(command.applies)})
    records.add(ctx, row)
    ctx.writing.raise_revision()
    ctx.emit("reason:created", "reason", row.id, code=row.code)
    return reason_view(row)


@action("reason:edit", command=schemas.EditReason, permission=MANAGE)
def edit_reason(ctx: Context, command: schemas.EditReason) -> dict[str, Any]:
    """Change a reason's words and where it applies, or take it out of use."""
    row = records.get(Reason, command.id, "reason")
    ctx.writing.was(reason_view(row))
    given = command.model_dump(exclude={"id", "version"}, exclude_none=True)
    if "applies" in given:
        given["applies"] = list(given["applies"])
    records.edit(ctx, row, given, "reason", command.version)
    ctx.writing.raise_revision()
    ctx.emit("reason:edited", "reason", row.id, code=row.code)
    return reason_view(row)
