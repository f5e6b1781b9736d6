"""Incidents: what somebody saw, what was added to it later, and what it has to do with."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BigField, IdField, TextField, UtcField
from pos_core.db.model import Record, Table, foreign
from pos_core.stores.models import Store

STATES = {"incident": {"open": ("closed",), "closed": ("open",)}}


class Incident(Record):
    """An incident as it was first told; only its state changes. A store's, or (store_id null) the business'."""

    never_deleted = True

    store = foreign(Store, "store_id", null=True)
    title = TextField()
    text = TextField()
    severity = TextField()
    happened_at = UtcField()
    state = TextField(default="open")
    recorded_by = IdField(null=True)
    recorded_name = TextField()
    closed_at = UtcField(null=True)
    closed_by = IdField(null=True)

    class Meta:
        table_name = "admin_incident"
        constraints = (
            pw.Check("severity IN ('info', 'warning', 'critical')"), pw.Check("state IN ('open', 'closed')"),
            pw.Check("(state = 'closed') = (closed_at IS NOT NULL)"),
        )  # fmt: skip
        indexes = ((("happened_at", "id"), False),)


class IncidentNote(Table):
    """Something added to an incident; never changed, never taken back."""

    append_only = True

    id = IdField(primary_key=True)
    incident = foreign(Incident, "incident_id")
    at = UtcField()
    author_id = IdField(null=True)
    author_name = TextField()
    what = TextField()
    text = TextField()

    class Meta:
        table_name = "admin_incident_note"
        constraints = (pw.Check("what IN ('note', 'closed', 'reopened')"),)


class IncidentLink(Table):
    """What an incident has to do with: a finding, an audit entry, or a thing such as a sale. `ref` says it in short."""

    append_only = True

    id = IdField(primary_key=True)
    incident = foreign(Incident, "incident_id", index=False)
    at = UtcField()
    author_id = IdField(null=True)
    kind = TextField()
    ref = TextField()
    entity_type = TextField(null=True)
    entity_id = IdField(null=True)
    chain_id = IdField(null=True)
    seq = BigField(null=True)

    class Meta:
        table_name = "admin_incident_link"
        constraints = (pw.Check("kind IN ('finding', 'entry', 'entity')"),)
        indexes = ((("incident", "ref"), True), (("entity_id",), False))
