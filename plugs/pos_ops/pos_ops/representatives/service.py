"""Changing sales representatives."""

from __future__ import annotations

from typing import Any

from pos_core.actions import action
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS
from pos_core.stores.service import changes_of
from pos_ops.representatives import queries, schemas
from pos_ops.representatives.models import Representative

MANAGE = "hq:representatives.manage"
PERSONAL = ("name", "phone", "email")


@action("representative:create", command=schemas.CreateRepresentative, permission=MANAGE, status=201, key_field="id",
        personal=PERSONAL, constraints={"ops_representative.code": ALREADY_EXISTS.at("code", fields="code")})
def create_representative(ctx: Context, command: schemas.CreateRepresentative) -> dict[str, Any]:
    """Add a sales representative; the code stays for ever."""
    row = Representative(**command.model_dump())
    records.add(ctx, row)
    ctx.writing.raise_revision()
    ctx.emit("representative:created", "representative", row.id, code=row.code)
    return queries.representative_view(row)


@action("representative:edit", command=schemas.EditRepresentative, permission=MANAGE, personal=PERSONAL)
def edit_representative(ctx: Context, command: schemas.EditRepresentative) -> dict[str, Any]:
    """Change a representative's details, or take one out of use."""
    row = records.get(Representative, command.id, "representative")
    ctx.writing.was(queries.representative_view(row))
    records.edit(ctx, row, changes_of(command), "representative", command.version)
    ctx.writing.raise_revision()
    ctx.emit("representative:updated", "representative", row.id, code=row.code)
    return queries.representative_view(row)
