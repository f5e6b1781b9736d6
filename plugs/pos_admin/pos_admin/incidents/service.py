"""Recording incidents. What was told stays as it was told; what comes later is added."""

from __future__ import annotations

from typing import Any

from pos_admin.incidents import errors, queries, schemas
from pos_admin.incidents.models import Incident, IncidentLink, IncidentNote
from pos_core import Context, PosError, action, scope, uuid7
from pos_core.audit.models import AuditEntry
from pos_core.db import records
from pos_core.db.records import reach
from pos_core.errors import NOT_FOUND, refused

RECORD = ("hq:incidents.record", "store:incidents.record", "pos:incidents.record")
ADD = ("hq:incidents.record", "store:incidents.record")
MANAGE = ("hq:incidents.manage", "store:incidents.manage")
_LINKED = {"admin_incident_link.incident_id,ref": errors.LINKED_ALREADY.at("kind")}


@action("incident:record", command=schemas.RecordIncident, permission=RECORD, status=201, key_field="id",
        constraints=_LINKED)
def record_incident(ctx: Context, command: schemas.RecordIncident) -> dict[str, Any]:
    """Record an incident as somebody saw it."""
    if command.happened_at > ctx.at:
        raise errors.IN_THE_FUTURE("happened_at")
    scope.require_store(ctx, command.store_id)
    row = Incident(
        id=command.id, store=ctx.store_id or command.store_id, title=command.title, text=command.text,
        severity=command.severity, happened_at=command.happened_at, recorded_by=ctx.actor.id or None,
        recorded_name=ctx.actor.name,
    )
    records.add(ctx, row)
    made = [_link(ctx, command.id, link, f"links.{position}.") for position, link in enumerate(command.links)]
    ctx.emit("incident:recorded", "incident", row.id, severity=row.severity, store_id=row.store_id)
    return {**queries.incident_view(row), "notes": [], "links": [queries.link_view(link) for link in made]}


@action("incident:add_note", command=schemas.AddNote, permission=ADD, status=201, key_field="note_id")
def add_note(ctx: Context, command: schemas.AddNote) -> dict[str, Any]:
    """Add to an incident."""
    row = _incident(ctx, command.id)
    note = _note(ctx, row, "note", command.text, command.note_id)
    return {**queries.note_view(note), "incident_id": row.id}


@action("incident:link", command=schemas.LinkIncident, permission=ADD, status=201, constraints=_LINKED)
def link_incident(ctx: Context, command: schemas.LinkIncident) -> dict[str, Any]:
    """Say what else an incident has to do with."""
    row = _incident(ctx, command.id)
    return {**queries.link_view(_link(ctx, row.id, command, "")), "incident_id": row.id}


@action("incident:close", command=schemas.SwitchIncident, permission=MANAGE)
def close_incident(ctx: Context, command: schemas.SwitchIncident) -> dict[str, Any]:
    """Close an incident, and say what came of it."""
    return _switch(ctx, command, "closed", {"closed_at": ctx.at, "closed_by": ctx.actor.id or None})


@action("incident:reopen", command=schemas.SwitchIncident, permission=MANAGE)
def reopen_incident(ctx: Context, command: schemas.SwitchIncident) -> dict[str, Any]:
    """Open a closed incident again, and say why."""
    return _switch(ctx, command, "open", {"closed_at": None, "closed_by": None})


def _switch(ctx: Context, command: schemas.SwitchIncident, state: str, changes: dict[str, Any]) -> dict[str, Any]:
    row = _incident(ctx, command.id)
    if (wrong := ctx.transition("incident", row.state, state)) is not None:
        raise refused([wrong])
    ctx.writing.was(queries.incident_view(row))
    records.edit(ctx, row, {"state": state, **changes}, "incident", command.version)
    _note(ctx, row, "closed" if state == "closed" else "reopened", command.text, uuid7())
    return queries.incident_view(row)


def _incident(ctx: Context, incident_id: str) -> Incident:
    return records.get(Incident, incident_id, "incident", *reach(ctx, Incident.store))


def _note(ctx: Context, row: Incident, what: str, text: str, note_id: str) -> IncidentNote:
    note = IncidentNote(id=note_id, incident=row.id, at=ctx.at, author_id=ctx.actor.id or None,
                        author_name=ctx.actor.name, what=what, text=text)  # fmt: skip
    records.add(ctx, note)
    return note


def _link(ctx: Context, incident_id: str, link: schemas.Link, path: str) -> IncidentLink:
    """A link to something that exists for the actor; a thing of some module is taken at its word."""
    if link.kind == "finding":
        _require_finding(ctx, str(link.finding_id), path)
    if link.kind == "entry":
        place = (AuditEntry.chain_id == link.chain_id, AuditEntry.seq == link.seq)
        if not AuditEntry.select().where(*place, *reach(ctx, AuditEntry.store_id)).exists():
            raise NOT_FOUND(f"{path}seq", entity="audit entry", id=link.seq)
    row = IncidentLink(
        id=uuid7(), incident=incident_id, at=ctx.at, author_id=ctx.actor.id or None, kind=link.kind, ref=link.ref,
        entity_type="finding" if link.kind == "finding" else link.entity_type,
        entity_id=link.finding_id if link.kind == "finding" else link.entity_id, chain_id=link.chain_id, seq=link.seq,
    )
    records.add(ctx, row)
    return row


def _require_finding(ctx: Context, finding_id: str, path: str) -> None:
    try:
        ctx.query("finding:get", id=finding_id)
    except PosError as error:
        if error.code is not NOT_FOUND:
            raise
        raise NOT_FOUND(f"{path}finding_id", entity="finding", id=finding_id) from None
