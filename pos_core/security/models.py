"""Security events, what detectors have counted, and what they found."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BigField, IdField, IntField, JsonField, TextField, UtcField
from pos_core.db.model import Record, Table, foreign


class SecurityEvent(Table):
    """One security event beside its audit entry (chain and seq), written in the same transaction; never changed.

    user_id: whom it is about; actor_id: who did it. name_digest: the name that was typed where nobody is called so.
    count: how many attempts it stands for. The entry's fact holds the same under `security`.
    """

    append_only = True

    id = IdField(primary_key=True)
    at = UtcField()
    kind = TextField()
    result = TextField()
    severity = TextField()
    action = TextField()
    user_id = IdField(null=True)
    name_digest = TextField(null=True)
    actor_id = IdField(null=True)
    actor_name = TextField(null=True)
    session_id = IdField(null=True)
    app_context = TextField()
    channel = TextField()
    store_id = IdField(null=True)
    register_id = IdField(null=True)
    device_id = IdField(null=True)
    ip = TextField(default="")
    request_id = TextField()
    chain_id = IdField()
    seq = BigField()
    count = BigField(default=1)
    details = JsonField(null=True)

    class Meta:
        table_name = "core_security_event"
        constraints = (pw.Check("severity IN ('info', 'warning', 'critical')"), pw.Check("count > 0"))
        indexes = (
            (("at", "id"), False), (("kind", "at"), False), (("user_id", "at"), False), (("actor_id", "at"), False),
            (("store_id", "at"), False), (("device_id", "at"), False), (("ip", "at"), False),
            (("request_id",), False), (("chain_id", "seq"), False),
        )  # fmt: skip


class SweepCursor(Table):
    """Up to which entry of a chain the detectors have looked."""

    chain_id = IdField(primary_key=True)
    seq = BigField()

    class Meta:
        table_name = "core_security_cursor"


class SecurityFinding(Record):
    """A suspicious pattern: a detector's subject reached its threshold between started_at and ends_at."""

    never_deleted = True

    detector = TextField()
    subject = TextField()
    severity = TextField()
    actor_id = IdField(null=True)
    store_id = IdField(null=True)
    register_id = IdField(null=True)
    device_id = IdField(null=True)
    ip = TextField(null=True)
    started_at = UtcField()
    ends_at = UtcField()
    count = BigField()
    threshold = IntField()
    state = TextField(default="open")
    decided_by = IdField(null=True)
    decided_at = UtcField(null=True)
    note = TextField(null=True)

    class Meta:
        table_name = "core_security_finding"
        constraints = (
            pw.Check("state IN ('open', 'acknowledged', 'dismissed')"), pw.Check("ends_at > started_at"),
            pw.Check("(state = 'open') = (decided_at IS NULL)"),
        )  # fmt: skip
        indexes = (
            (("detector", "subject", "started_at"), True), (("state", "started_at"), False),
            (("store_id", "started_at"), False),
        )  # fmt: skip


class Sighting(Table):
    """One entry that a detector counted for a subject, and the finding that it belongs to, if it came to one."""

    detector = TextField()
    chain_id = IdField()
    seq = BigField()
    subject = TextField()
    at = UtcField()
    weight = BigField()
    value = TextField(null=True)
    finding = foreign(SecurityFinding, "finding_id", null=True)

    class Meta:
        table_name = "core_security_sighting"
        primary_key = pw.CompositeKey("detector", "chain_id", "seq")
        indexes = ((("detector", "subject", "at"), False),)
