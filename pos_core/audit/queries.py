"""Reads of the audit chains."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import peewee as pw

from pos_core import clock
from pos_core.actions import query
from pos_core.audit import verify
from pos_core.audit.models import AuditEntry
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.database import PostgresDatabase
from pos_core.db.records import reach

VIEW = "hq:audit.view"
_EQUAL = ("entity_id", "entity_type", "action", "actor_id", "store_id", "chain_id", "outcome")


def entry_view(row: AuditEntry) -> dict[str, Any]:
    """An audit entry as the API shows it."""
    return {
        "chain_id": row.chain_id, "seq": row.seq, "at": clock.to_text(row.at), "action": row.action,
        "outcome": row.outcome, "entity_type": row.entity_type, "entity_id": row.entity_id, "store_id": row.store_id,
        "actor_id": row.actor_id, "fact": orjson.loads(row.payload), "previous": row.previous.hex(),
        "hash": row.hash.hex(),
    }  # fmt: skip


@query("audit:entries", permission=VIEW)
def list_entries(
    ctx: Context, *, limit: int = 50, cursor: Any = None, module: str | None = None, since: datetime | None = None,
    until: datetime | None = None, **equal: Any,
) -> Any:
    """Audit entries by chain and number: `since` (included) to `until` (not included), and what `equal` names."""
    rows = AuditEntry.select().where(*reach(ctx, AuditEntry.store_id))
    for name in _EQUAL:
        if equal.get(name) is not None:
            rows = rows.where(getattr(AuditEntry, name) == equal[name])
    if since is not None:
        rows = rows.where(AuditEntry.at >= since)
    if until is not None:
        rows = rows.where(AuditEntry.at < until)
    if module is not None:
        rows = rows.where(_module_of(ctx) == module)
    found, following = records.page(rows, (AuditEntry.chain_id, AuditEntry.seq), cursor, limit)
    return [entry_view(row) for row in found], following


def _module_of(ctx: Context) -> Any:
    """The module that an entry's fact names: it is no column, because modules move and facts do not."""
    if isinstance(ctx.kernel.db, PostgresDatabase):
        return pw.SQL("payload::json ->> 'module'")
    return pw.fn.json_extract(AuditEntry.payload, "$.module")


@query("audit:integrity", permission=VIEW)
def integrity(
    ctx: Context, *, chain: str | None = None, newest: int | None = 10_000, facts: bool = False
) -> dict[str, Any]:
    """Recompute the newest entries of every chain (or of one) and say what is broken; None as newest: all entries."""
    return verify.verify(ctx, chain=chain, newest=newest, facts=facts).as_json()
