"""The tender master."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BoolField, IntField, TextField
from pos_core.db.model import Record


class Tender(Record):
    """A way to pay. Code and kind stay for ever: stored payments and counts are read by them.

    `needs_reference`: a payment must carry a number from outside (a card slip's, a voucher's).
    `cash_rounding`: amounts paid by it are rounded to what coins can pay.
    """

    never_deleted = True

    code = TextField(unique=True)
    name = TextField()
    kind = TextField()
    sort_order = IntField(default=0)
    opens_drawer = BoolField(default=False)
    needs_reference = BoolField(default=False)
    cash_rounding = BoolField(default=False)
    is_active = BoolField(default=True)

    class Meta:
        table_name = "ops_tender"
        constraints = (
            pw.SQL("CONSTRAINT ops_tender_kind CHECK (kind IN ('cash', 'card', 'other'))"),
            pw.SQL("CONSTRAINT ops_tender_sort_order CHECK (sort_order >= 0)"),
        )
