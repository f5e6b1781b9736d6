"""A module that writes what only time and many requests would bring: a detector's finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pos_core import Context, Manifest, Permission, action
from pos_core.db import records
from pos_core.schemas import Command, Id
from pos_core.security.models import SecurityFinding

MANIFEST = Manifest(
    name="tests.planting", version="1.0", title="Planting", permissions=(Permission("hq:planting", "Plant", ()),)
)


class Plant(Command):
    id: Id
    store_id: Id


@action("finding:plant", command=Plant, permission="hq:planting")
def plant(ctx: Context, command: Plant) -> dict[str, Any]:
    """Write an open finding of a store."""
    records.add(ctx, SecurityFinding(
        id=command.id, detector="planted", subject=command.id, severity="warning", store_id=command.store_id,
        started_at=ctx.at, ends_at=ctx.at + timedelta(minutes=5), count=3, threshold=3,
    ))  # fmt: skip
    return {"id": command.id}
