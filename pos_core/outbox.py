"""The outbox: what has to leave this process, written in the transaction that made it true."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BigField, IdField, IntField, JsonField, TextField, UtcField
from pos_core.db.model import Table
from pos_core.ids import uuid7


class Outbox(Table):
    """One event to deliver. The id is the idempotency key; the fact itself stands in the audit entry it names."""

    id = IdField(primary_key=True, default=uuid7)
    event = TextField()
    entity_type = TextField()
    entity_id = IdField()
    store_id = IdField(null=True)
    chain_id = IdField()
    chain_seq = BigField()
    data = JsonField(null=True)
    status = TextField(default="pending")
    attempts = IntField(default=0)
    created_at = UtcField()
    next_try_at = UtcField(null=True)
    sent_at = UtcField(null=True)
    sync_version = BigField(null=True)

    class Meta:
        table_name = "core_outbox"
        constraints = (pw.Check("status IN ('pending', 'sent', 'dead')"),)


# Only what still has to go is looked for, so only that is indexed: a sent row costs no index entry.
Outbox.add_index(
    Outbox.index(Outbox.next_try_at, where=pw.SQL("status = 'pending'"), name="core_outbox_pending")
)
