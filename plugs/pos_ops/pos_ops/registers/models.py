"""Register sessions: from the float to the count, and what was counted."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BigField, BoolField, DayField, IntField, JsonField, MoneyField, TextField, UtcField
from pos_core.db.model import Record, Table, foreign
from pos_core.rbac.models import User
from pos_core.stores.models import Device, Register, Store

# Foreign-key targets only; what a tender is like comes from the query tender:directory.
from pos_ops.tenders.models import Tender

#: A session ends once and for ever.
TRANSITIONS = {"register_session": {"open": ("closed",), "closed": ()}}


class RegisterSession(Record):
    """A cashier's time at a drawer. The register's chain carries the open session's id as its fence.

    `number` counts the register's sessions without gaps. The float lies in `float_tender`. The sums are those of all
    tenders, None until the close; `is_marked` says that one tender was over or short by more than the setting allows.
    """

    never_deleted = True

    number = BigField()
    store = foreign(Store, "store_id", index=False)
    register = foreign(Register, "register_id", index=False)
    cashier = foreign(User, "cashier_id")
    device = foreign(Device, "device_id", null=True, index=False)
    channel = TextField()
    business_date = DayField()
    opened_at = UtcField()
    float_minor = MoneyField()
    float_tender = foreign(Tender, "float_tender_id", null=True, index=False)
    float_denominations = JsonField(null=True)
    status = TextField(default="open")
    closed_at = UtcField(null=True)
    closed_by = foreign(User, "closed_by", null=True, index=False)
    sales_count = IntField(null=True)
    expected_minor = MoneyField(null=True)
    counted_minor = MoneyField(null=True)
    over_short_minor = MoneyField(null=True)
    is_marked = BoolField(default=False)

    class Meta:
        table_name = "ops_register_session"
        indexes = (
            (("register", "number"), True),
            (("register", "opened_at"), False),
            (("store", "business_date"), False),
        )
        constraints = (
            pw.SQL("CONSTRAINT ops_register_session_status CHECK (status IN ('open', 'closed'))"),
            pw.SQL(
                "CONSTRAINT ops_register_session_float CHECK "
                "(float_minor >= 0 AND (float_minor = 0 OR float_tender_id IS NOT NULL))"
            ),
            pw.SQL(
                "CONSTRAINT ops_register_session_closed CHECK (CASE status WHEN 'open' THEN closed_at IS NULL "
                "AND closed_by IS NULL AND counted_minor IS NULL AND expected_minor IS NULL "
                "AND over_short_minor IS NULL AND sales_count IS NULL ELSE closed_at IS NOT NULL "
                "AND closed_by IS NOT NULL AND sales_count IS NOT NULL AND over_short_minor IS NOT NULL "
                "AND over_short_minor = counted_minor - expected_minor END)"
            ),
        )


_OPEN = pw.SQL("status = 'open'")
for _field, _name in (
    (RegisterSession.register, "ops_register_session_one_per_register"),
    (RegisterSession.cashier, "ops_register_session_one_per_cashier"),
):
    RegisterSession.add_index(RegisterSession.index(_field, unique=True, where=_OPEN, name=_name))


class RegisterCount(Table):
    """What a closed session should have held of one tender, what was declared, and the difference; never changed.

    `is_declared` is false where nobody counted and the expected sum was taken over (cards and the like).
    """

    append_only = True

    session = foreign(RegisterSession, "session_id", index=False)
    tender = foreign(Tender, "tender_id", index=False)
    expected_minor = MoneyField()
    counted_minor = MoneyField()
    over_short_minor = MoneyField()
    is_declared = BoolField()
    is_marked = BoolField()
    denominations = JsonField(null=True)

    class Meta:
        table_name = "ops_register_count"
        primary_key = pw.CompositeKey("session", "tender")
        constraints = (
            pw.SQL("CONSTRAINT ops_register_count_sum CHECK (over_short_minor = counted_minor - expected_minor)"),
            pw.SQL("CONSTRAINT ops_register_count_declared CHECK (NOT is_declared OR counted_minor >= 0)"),
        )
