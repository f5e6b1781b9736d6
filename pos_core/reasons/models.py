"""Reason codes: why somebody did what asks for a reason, in words that can be counted."""

from __future__ import annotations

from pos_core.db.fields import BoolField, JsonField, TextField
from pos_core.db.model import Record


class Reason(Record):
    """One reason. `applies` lists patterns of actions (`stock:adjust`, `user:*`, `*`). Entries name it by its code, so
    it is taken out of use, never deleted."""

    never_deleted = True

    code = TextField(unique=True)
    text_en = TextField()
    text_es = TextField()
    applies = JsonField()
    needs_note = BoolField(default=False)
    is_active = BoolField(default=True)

    class Meta:
        table_name = "core_reason"
