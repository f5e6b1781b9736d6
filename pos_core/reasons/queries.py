"""Reads of reason codes."""

from __future__ import annotations

from typing import Any

from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_core.reasons.models import Reason

READERS = ("pos:reasons.view", "store:reasons.view", "hq:reasons.view")


def reason_view(row: Reason) -> dict[str, Any]:
    """A reason as the API shows it."""
    return {
        "id": row.id, "code": row.code, "text_en": row.text_en, "text_es": row.text_es, "applies": list(row.applies),
        "needs_note": row.needs_note, "is_active": row.is_active, "version": row.version,
    }  # fmt: skip


@query("reason:list", permission=READERS)
def list_reasons(
    ctx: Context, *, action: str | None = None, is_active: bool | None = None, limit: int = 50, cursor: Any = None
) -> Any:
    """Reason codes by code; with `action` those that are in use for it."""
    rows = Reason.select()
    if action is not None:
        rows = rows.where(Reason.code.in_(list(ctx.kernel.reasons.of(action, ctx.revision))))
    if is_active is not None:
        rows = rows.where(Reason.is_active == is_active)
    found, following = records.page(rows, (Reason.code,), cursor, limit)
    return [reason_view(row) for row in found], following


@query("reason:get", permission=READERS)
def get_reason(ctx: Context, *, id: str) -> dict[str, Any]:
    """One reason."""
    return reason_view(records.get(Reason, id, "reason"))
