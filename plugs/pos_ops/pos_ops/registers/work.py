"""What is open in register sessions: drawers that were not counted yet."""

from __future__ import annotations

from pos_core.context import Context
from pos_core.db import records
from pos_core.registry.work import OpenWork
from pos_ops.registers.models import RegisterSession


def open_sessions(ctx: Context, store_id: str | None) -> OpenWork:
    """The open sessions of a store (None: of all), the oldest first."""
    rows = RegisterSession.select().where(
        RegisterSession.status == "open", *records.reach(ctx, RegisterSession.store)
    ).order_by(RegisterSession.opened_at)  # fmt: skip
    if store_id is not None:
        rows = rows.where(RegisterSession.store == store_id)
    return OpenWork("open_sessions", "Open register sessions", "Sesiones de caja abiertas", tuple(
        {
            "id": row.id, "store_id": row.store_id, "register_id": row.register_id,
            "label": f"{ctx.kernel.stores.register(row.register_id, ctx.revision).code} {row.number}",
        }
        for row in rows
    ))  # fmt: skip
