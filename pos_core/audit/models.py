"""The audit chains: heads that move, entries that never do."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BigField, BytesField, IdField, IntField, JsonField, TextField, UtcField
from pos_core.db.model import Table


class Chain(Table):
    """One row per chain: its head, and the counters of the series it numbers (receipts), locked together.

    A register's chain has the register's id, the server's has the instance's. `fence` is what actions were prepared
    against (the open register session): whoever finds another one under the lock starts over.
    """

    id = IdField(primary_key=True)
    kind = TextField()
    store_id = IdField(null=True)
    seq = BigField(default=0)
    head = BytesField(default=lambda: bytes(32))
    counters = JsonField(default="{}")
    fence = TextField(null=True)

    class Meta:
        table_name = "core_chain"
        constraints = (pw.Check("seq >= 0"), pw.Check("kind IN ('register', 'server')"))


class AuditEntry(Table):
    """One action's whole fact as canonical JSON, linked to its predecessor; never changed, never deleted."""

    append_only = True

    chain_id = IdField()
    seq = BigField()
    at = UtcField()
    action = TextField()
    outcome = TextField()
    entity_type = TextField()
    entity_id = IdField(null=True)
    store_id = IdField(null=True)
    actor_id = IdField(null=True)
    encoding = IntField()
    payload = TextField()
    previous = BytesField()
    hash = BytesField()

    class Meta:
        table_name = "core_audit_entry"
        primary_key = pw.CompositeKey("chain_id", "seq")
        constraints = (pw.Check("outcome IN ('done', 'refused', 'denied', 'failed')"),)
        indexes = ((("entity_id",), False),)
