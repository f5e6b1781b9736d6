"""Requests for approval, who decided what, and who decides for whom."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BoolField, BytesField, IdField, IntField, JsonField, TextField, UtcField
from pos_core.db.model import Record, Table, foreign
from pos_core.ids import uuid7
from pos_core.rbac.models import User
from pos_core.stores.models import Store

#: An approval is used once; what was refused, withdrawn or left too long never comes back.
TRANSITIONS = {
    "approval": {
        "pending": ("approved", "rejected", "withdrawn", "expired"), "approved": ("used", "withdrawn", "expired"),
        "rejected": (), "withdrawn": (), "expired": (), "used": (),
    },
}  # fmt: skip
STATES = tuple(TRANSITIONS["approval"])


class Approval(Record):
    """A request that somebody else agrees to one action on one thing, with the figures that it is bound to.

    `levels` have to agree, one after the other; `level` decides now (since `level_since`), and may be above `levels`
    where it was escalated. The stored state and level are those of the last write: what has become overdue meanwhile
    is worked out by `standing`. `fingerprint` is that of the command, where the kind holds for the very same one only.
    """

    never_deleted = True

    kind = TextField()
    action = TextField()
    entity_type = TextField()
    entity_id = IdField(null=True)
    store = foreign(Store, "store_id", null=True, index=False)
    requester = foreign(User, "requester_id", index=False)
    why = TextField(default="")
    figures = JsonField()
    fingerprint = BytesField(null=True)
    levels = IntField()
    level = IntField(default=1)
    level_since = UtcField()
    state = TextField(default="pending")
    expires_at = UtcField()
    used_at = UtcField(null=True)
    is_at_till = BoolField(default=False)

    class Meta:
        table_name = "core_approval"
        indexes = ((("store", "id"), False), (("requester", "id"), False))
        constraints = (
            pw.SQL("CONSTRAINT core_approval_state CHECK (state IN "
                   "('pending', 'approved', 'rejected', 'withdrawn', 'expired', 'used'))"),
            pw.SQL("CONSTRAINT core_approval_levels CHECK (levels >= 1 AND level >= 1)"),
            pw.SQL("CONSTRAINT core_approval_used CHECK ((state = 'used') = (used_at IS NOT NULL))"),
        )  # fmt: skip


Approval.add_index(
    Approval.index(Approval.expires_at, where=pw.SQL("state IN ('pending', 'approved')"), name="core_approval_open")
)


class ApprovalDecision(Table):
    """What one level decided: by whom, for whom where a deputy did, or nobody where the time ran out."""

    append_only = True

    id = IdField(primary_key=True, default=uuid7)
    approval = foreign(Approval, "approval_id")
    level = IntField()
    decision = TextField()
    decided_by = foreign(User, "decided_by", null=True, index=False)
    decided_for = foreign(User, "decided_for", null=True, index=False)
    decided_at = UtcField()
    way = TextField()
    reason = TextField(null=True)
    note = TextField(null=True)

    class Meta:
        table_name = "core_approval_decision"
        constraints = (
            pw.SQL("CONSTRAINT core_approval_decision_kind CHECK (decision IN ('approved', 'rejected', 'escalated'))"),
            pw.SQL("CONSTRAINT core_approval_decision_way CHECK (way IN ('session', 'till', 'timer'))"),
        )


class ApprovalDeputy(Record):
    """Somebody who decides for `user` from one moment to another, with that user's permissions."""

    user = foreign(User, "user_id")
    deputy = foreign(User, "deputy_id")
    begins_at = UtcField()
    ends_at = UtcField()
    ended_at = UtcField(null=True)

    class Meta:
        table_name = "core_approval_deputy"
        constraints = (
            pw.SQL("CONSTRAINT core_approval_deputy_other CHECK (user_id <> deputy_id)"),
            pw.SQL("CONSTRAINT core_approval_deputy_period CHECK (ends_at > begins_at)"),
        )
