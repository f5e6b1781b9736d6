"""Idempotent answers: the key, the work, the audit entry and the answer commit together."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import peewee as pw

from pos_core.db.fields import BigField, BytesField, IdField, IntField, TextField, UtcField
from pos_core.db.model import Table


class Idempotency(Table):
    """What was answered to a key in a scope.

    `answer` is the stored answer; where it is null, the answer is the fact of the audit entry (chain_id, seq).
    `expires_at` null: kept as long as the thing itself (sale ids).
    """

    key = TextField()
    scope = TextField()
    fingerprint = BytesField()
    status = IntField()
    answer = TextField(null=True)
    chain_id = IdField(null=True)
    seq = BigField(null=True)
    created_at = UtcField()
    expires_at = UtcField(null=True)

    class Meta:
        table_name = "core_idempotency"
        # the key first: client keys are UUIDv7, so new rows go to the index' right edge
        primary_key = pw.CompositeKey("key", "scope")
        without_rowid = False


def fingerprint(command: Any) -> bytes:
    """SHA-256 over a command's canonical JSON: two requests are the same when this is the same (32 bytes)."""
    if hasattr(command, "__pydantic_serializer__"):
        return hashlib.sha256(command.__pydantic_serializer__.to_json(command)).digest()
    return hashlib.sha256(orjson.dumps(command, option=orjson.OPT_SORT_KEYS, default=str)).digest()
