"""Reads of the security log, within the actor's stores."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from pos_core import clock, scope
from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.records import reach
from pos_core.reporting.tables import defused
from pos_core.security import kinds, timeline
from pos_core.security.models import SecurityEvent, SecurityFinding, Sighting
from pos_core.security.sweeping import known_detectors

VIEW = ("hq:security.view", "store:security.view")
_EQUAL = ("kind", "result", "severity", "store_id", "device_id", "ip", "request_id")
_COLUMNS = (
    "at", "kind", "result", "severity", "action", "user_id", "name_digest", "actor_id", "actor_name", "session_id",
    "app_context", "channel", "store_id", "register_id", "device_id", "ip", "request_id", "count", "chain_id", "seq",
    "id",
)  # fmt: skip
_ENTRIES = 500


def event_view(ctx: Context, row: SecurityEvent) -> dict[str, Any]:
    """A security event as the API shows it."""
    return {
        **{name: getattr(row, name) for name in _COLUMNS}, "at": clock.to_text(row.at), "details": row.details,
        "sentence": kinds.find_kind(row.kind).sentence(ctx.language),
    }  # fmt: skip


def _selected(ctx: Context, given: Mapping[str, Any]) -> Any:
    scope.require_store(ctx, given.get("store_id"))
    rows = SecurityEvent.select().where(*reach(ctx, SecurityEvent.store_id))
    for name in _EQUAL:
        if given.get(name) is not None:
            rows = rows.where(getattr(SecurityEvent, name) == given[name])
    if given.get("user_id") is not None:
        user = given["user_id"]
        rows = rows.where((SecurityEvent.user_id == user) | (SecurityEvent.actor_id == user))
    if given.get("since") is not None:
        rows = rows.where(SecurityEvent.at >= given["since"])
    if given.get("until") is not None:
        rows = rows.where(SecurityEvent.at < given["until"])
    return rows


@query("security_event:list", permission=VIEW)
def list_events(ctx: Context, *, limit: int = 50, cursor: Any = None, **given: Any) -> Any:
    """Security events, the newest first: `since` (included) to `until` (not included), and what else is named."""
    rows, following = records.page(
        _selected(ctx, given), (SecurityEvent.at, SecurityEvent.id), cursor, limit, descending=True
    )
    return [event_view(ctx, row) for row in rows], following


def _always(arguments: Mapping[str, Any]) -> bool:
    return True


@query("security_event:export", permission=VIEW, exports=_always)
def export_events(ctx: Context, *, limit: int = 10_000, cursor: Any = None, **given: Any) -> str:
    """Security events as CSV, the newest first; taking them along is itself one."""
    rows = _selected(ctx, given).order_by(SecurityEvent.at.desc(), SecurityEvent.id.desc()).limit(limit)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*_COLUMNS, "details"])
    for row in rows.iterator():
        view = event_view(ctx, row)
        details = orjson.dumps(view["details"]).decode() if view["details"] else ""
        writer.writerow([*("" if view[name] is None else defused(str(view[name])) for name in _COLUMNS), details])
    return out.getvalue()


@query("security_event:kinds", permission=VIEW)
def list_kinds(ctx: Context) -> list[dict[str, Any]]:
    """Every kind of security event with its sentence."""
    return [
        {"kind": kind.name, "sentence": kind.sentence(ctx.language), "severity": kind.severity,
         "severity_otherwise": kind.otherwise}
        for kind in kinds.kinds()
    ]  # fmt: skip


@query("security:timeline", permission=VIEW)
def show_timeline(
    ctx: Context, *, user: str | None = None, request: str | None = None, since: datetime | None = None,
    until: datetime | None = None, limit: int = 50, cursor: Any = None,
) -> Any:
    """What a user did and what was done to the account, or what came of a request: both logs as one, by time."""
    until = until or ctx.at + timedelta(microseconds=1)
    asked = timeline.Asked(user, request, since or until - timedelta(days=1), until)
    entries, following = timeline.page(ctx, asked, limit, cursor)
    events = timeline.events_beside(entries)
    return [
        {**entry, "events": [event_view(ctx, row) for row in events.get((entry["chain_id"], entry["seq"]), ())]}
        for entry in entries
    ], following


def finding_view(ctx: Context, row: SecurityFinding) -> dict[str, Any]:
    """A finding as the API shows it, in a sentence as long as its detector is installed."""
    one = known_detectors(ctx.kernel).get(row.detector)
    minutes = int((row.ends_at - row.started_at).total_seconds() // 60)
    told = one.message(ctx.language, count=row.count, threshold=row.threshold, minutes=minutes) if one else ""
    return {
        "id": row.id, "detector": row.detector, "message": told, "severity": row.severity, "actor_id": row.actor_id,
        "store_id": row.store_id, "register_id": row.register_id, "device_id": row.device_id, "ip": row.ip,
        "started_at": clock.to_text(row.started_at), "ends_at": clock.to_text(row.ends_at), "count": row.count,
        "threshold": row.threshold, "state": row.state, "decided_by": row.decided_by,
        "decided_at": clock.to_text(row.decided_at) if row.decided_at is not None else None, "note": row.note,
        "version": row.version,
    }  # fmt: skip


@query("finding:list", permission=VIEW)
def list_findings(
    ctx: Context, *, limit: int = 50, cursor: Any = None, since: datetime | None = None,
    until: datetime | None = None, **equal: Any,
) -> Any:
    """What detectors found, the newest first."""
    scope.require_store(ctx, equal.get("store_id"))
    rows = SecurityFinding.select().where(*reach(ctx, SecurityFinding.store_id))
    for name in ("state", "detector", "severity", "store_id", "actor_id"):
        if equal.get(name) is not None:
            rows = rows.where(getattr(SecurityFinding, name) == equal[name])
    if since is not None:
        rows = rows.where(SecurityFinding.started_at >= since)
    if until is not None:
        rows = rows.where(SecurityFinding.started_at < until)
    key = (SecurityFinding.started_at, SecurityFinding.id)
    found, following = records.page(rows, key, cursor, limit, descending=True)
    return [finding_view(ctx, row) for row in found], following


@query("finding:get", permission=VIEW)
def get_finding(ctx: Context, *, id: str) -> dict[str, Any]:
    """One finding with the audit entries that it counts."""
    row = records.get(SecurityFinding, id, "finding", *reach(ctx, SecurityFinding.store_id))
    sightings = Sighting.select().where(Sighting.finding == id).order_by(Sighting.at, Sighting.seq).limit(_ENTRIES)
    return {
        **finding_view(ctx, row),
        "entries": [
            {"chain_id": s.chain_id, "seq": s.seq, "at": clock.to_text(s.at), "weight": s.weight} for s in sightings
        ],
    }  # fmt: skip
