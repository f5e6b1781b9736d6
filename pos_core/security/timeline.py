"""Who did what, where and when: audit entries and security events of one user or request as one list by time.

Entries are looked for in the stretch of each chain that lies in the asked time. It is found by halving, because an
index by actor would be paid for by every sale; times within a chain rise with its numbers but for what waited for a
lock or was read from a clock that was set, which a margin on both sides makes up for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import peewee as pw

from pos_core import clock
from pos_core.audit.models import AuditEntry, Chain
from pos_core.context import Context
from pos_core.db.database import PostgresDatabase
from pos_core.security.errors import TIMELINE_OF_NOBODY, TIMELINE_TOO_LONG
from pos_core.security.models import SecurityEvent

LONGEST = timedelta(days=92)
_MARGIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose doings, from `since` (included) to `until` (not included)."""

    user: str | None
    request: str | None
    since: datetime
    until: datetime


def page(
    ctx: Context, asked: Asked, limit: int, cursor: Any
) -> tuple[list[dict[str, Any]], tuple[str, str, int] | None]:
    """One page in the order of time, chain and number, and the key to go on from.

    PosError `timeline_of_nobody`, `timeline_too_long`.
    """
    if asked.user is None and asked.request is None:
        raise TIMELINE_OF_NOBODY("user")
    if not timedelta(0) < asked.until - asked.since <= LONGEST:
        raise TIMELINE_TOO_LONG("from", days=LONGEST.days)
    found: list[AuditEntry] = []
    for (chain_id,) in Chain.select(Chain.id).order_by(Chain.id).tuples():
        rows = _of_chain(ctx, asked, chain_id)
        if cursor is not None:
            rows = rows.where(_behind(chain_id, cursor))
        found += list(rows.order_by(AuditEntry.at, AuditEntry.seq).limit(limit + 1))
    found.sort(key=lambda row: (row.at, row.chain_id, row.seq))
    shown = found[:limit]
    following = (clock.to_text(shown[-1].at), shown[-1].chain_id, shown[-1].seq) if len(found) > limit else None
    return [_view(row) for row in shown], following


def _behind(chain_id: str, cursor: Any) -> Any:
    at, chain, seq = clock.from_text(cursor[0]), str(cursor[1]), int(cursor[2])
    if chain_id > chain:
        return AuditEntry.at >= at
    if chain_id < chain:
        return AuditEntry.at > at
    return (AuditEntry.at > at) | ((AuditEntry.at == at) & (AuditEntry.seq > seq))


def _of_chain(ctx: Context, asked: Asked, chain_id: str) -> Any:
    first, last = _seq_at(chain_id, asked.since - _MARGIN), _seq_at(chain_id, asked.until + _MARGIN)
    rows = AuditEntry.select().where(
        AuditEntry.chain_id == chain_id, AuditEntry.seq >= first, AuditEntry.seq <= last,
        AuditEntry.at >= asked.since, AuditEntry.at < asked.until,
    )
    events = SecurityEvent.select(SecurityEvent.seq).where(
        SecurityEvent.chain_id == chain_id, SecurityEvent.seq >= first, SecurityEvent.seq <= last
    )
    if ctx.store_id is not None:  # who signs in is nowhere yet; the event says where it was tried
        here = events.where(SecurityEvent.store_id == ctx.store_id)
        rows = rows.where((AuditEntry.store_id == ctx.store_id) | AuditEntry.seq.in_(here))
    if asked.user is not None:
        user = asked.user
        about = events.where((SecurityEvent.user_id == user) | (SecurityEvent.actor_id == user))
        rows = rows.where(
            (AuditEntry.actor_id == user) | (AuditEntry.entity_id == user) | AuditEntry.seq.in_(about)
        )
    if asked.request is not None:
        place = pw.fn.strpos if isinstance(ctx.kernel.db, PostgresDatabase) else pw.fn.instr
        rows = rows.where(place(AuditEntry.payload, f'"request":"{asked.request}"') > 0)
    return rows


def _seq_at(chain_id: str, at: datetime) -> int:
    """The first number of a chain whose entry is not before `at`; one beyond its end where all are before."""
    low, high = 1, (Chain.select(Chain.seq).where(Chain.id == chain_id).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        found = (
            AuditEntry.select(AuditEntry.at)
            .where(AuditEntry.chain_id == chain_id, AuditEntry.seq >= middle).order_by(AuditEntry.seq).scalar()
        )
        if found is not None and found < at:
            low = middle + 1
        else:
            high = middle
    return low


def _view(row: AuditEntry) -> dict[str, Any]:
    fact = orjson.loads(row.payload)
    return {
        "at": clock.to_text(row.at), "action": row.action, "outcome": row.outcome, "entity_type": row.entity_type,
        "entity_id": row.entity_id, "actor_id": row.actor_id, "actor_name": fact.get("actor_name"),
        "app_context": fact.get("context"), "channel": fact.get("channel"), "store_id": row.store_id,
        "register_id": fact.get("register"), "device_id": fact.get("device"), "session_id": fact.get("session"),
        "ip": fact.get("ip"), "request_id": fact.get("request"), "chain_id": row.chain_id, "seq": row.seq,
        "error": fact.get("error"),
    }  # fmt: skip


def events_beside(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], list[SecurityEvent]]:
    """The security events of audit entries, by chain and number."""
    by_chain: dict[str, list[int]] = {}
    for entry in entries:
        by_chain.setdefault(entry["chain_id"], []).append(entry["seq"])
    found: dict[tuple[str, int], list[SecurityEvent]] = {}
    for chain_id, numbers in by_chain.items():
        rows = SecurityEvent.select().where(SecurityEvent.chain_id == chain_id, SecurityEvent.seq.in_(numbers))
        for row in rows.order_by(SecurityEvent.id):
            found.setdefault((chain_id, row.seq), []).append(row)
    return found
