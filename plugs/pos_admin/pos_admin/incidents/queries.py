"""Reads of incidents, within the actor's stores."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pos_admin.incidents.models import Incident, IncidentLink, IncidentNote
from pos_core import Context, clock, query, scope
from pos_core.db import records
from pos_core.db.records import reach

VIEW = ("hq:incidents.view", "store:incidents.view")


def incident_view(row: Incident) -> dict[str, Any]:
    """An incident as the API shows it."""
    return {
        "id": row.id, "store_id": row.store_id, "title": row.title, "text": row.text, "severity": row.severity,
        "happened_at": clock.to_text(row.happened_at), "state": row.state,
        "recorded_at": clock.to_text(row.created_at), "recorded_by": row.recorded_by,
        "recorded_name": row.recorded_name,
        "closed_at": clock.to_text(row.closed_at) if row.closed_at is not None else None, "closed_by": row.closed_by,
        "version": row.version,
    }  # fmt: skip


def note_view(row: IncidentNote) -> dict[str, Any]:
    """Something that was added to an incident."""
    return {
        "id": row.id, "at": clock.to_text(row.at), "author_id": row.author_id, "author_name": row.author_name,
        "what": row.what, "text": row.text,
    }  # fmt: skip


def link_view(row: IncidentLink) -> dict[str, Any]:
    """What an incident has to do with."""
    is_finding = row.kind == "finding"
    return {
        "id": row.id, "kind": row.kind, "finding_id": row.entity_id if is_finding else None, "chain_id": row.chain_id,
        "seq": row.seq, "entity_type": row.entity_type, "entity_id": None if is_finding else row.entity_id,
    }  # fmt: skip


@query("incident:list", permission=VIEW)
def list_incidents(
    ctx: Context, *, limit: int = 50, cursor: Any = None, state: str | None = None, severity: str | None = None,
    store_id: str | None = None, linked_id: str | None = None, since: datetime | None = None,
    until: datetime | None = None,
) -> Any:
    """Incidents, the latest first: happened from `since` (included) to `until` (not included)."""
    scope.require_store(ctx, store_id)
    rows = Incident.select().where(*reach(ctx, Incident.store))
    for column, value in ((Incident.state, state), (Incident.severity, severity), (Incident.store, store_id)):
        if value is not None:
            rows = rows.where(column == value)
    if linked_id is not None:
        rows = rows.where(Incident.id.in_(
            IncidentLink.select(IncidentLink.incident).where(IncidentLink.entity_id == linked_id)
        ))  # fmt: skip
    if since is not None:
        rows = rows.where(Incident.happened_at >= since)
    if until is not None:
        rows = rows.where(Incident.happened_at < until)
    key = (Incident.happened_at, Incident.id)
    found, following = records.page(rows, key, cursor, limit, descending=True)
    return [incident_view(row) for row in found], following


@query("incident:get", permission=VIEW)
def get_incident(ctx: Context, *, id: str) -> dict[str, Any]:
    """One incident with its notes and links."""
    row = records.get(Incident, id, "incident", *reach(ctx, Incident.store))
    notes = IncidentNote.select().where(IncidentNote.incident == id).order_by(IncidentNote.at, IncidentNote.id)
    links = IncidentLink.select().where(IncidentLink.incident == id).order_by(IncidentLink.at, IncidentLink.id)
    return {
        **incident_view(row), "notes": [note_view(note) for note in notes],
        "links": [link_view(link) for link in links],
    }  # fmt: skip
