"""Business rules, and every version that there was of each."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import IdField, IntField, JsonField, TextField, UtcField
from pos_core.db.model import Record, Table, foreign
from pos_core.ids import uuid7

TRANSITIONS = {
    "business_rule": {"draft": ("active", "retired"), "active": ("active", "retired"), "retired": ("active",)},
}


class BusinessRule(Record):
    """A rule: its code, and which version is on, where. Entries name it by its code and version, so it stays.

    `number`: of the latest version. `active_number`: of the one that is on. `store_ids`: where (None: everywhere).
    """

    never_deleted = True

    code = TextField(unique=True)
    state = TextField(default="draft")
    number = IntField(default=1)
    active_number = IntField(null=True)
    store_ids = JsonField(null=True)
    activated_at = UtcField(null=True)

    class Meta:
        table_name = "core_business_rule"
        constraints = (
            pw.SQL("CONSTRAINT core_business_rule_state CHECK (state IN ('draft', 'active', 'retired'))"),
            pw.SQL("CONSTRAINT core_business_rule_active CHECK ((state = 'active') = (active_number IS NOT NULL))"),
            pw.SQL("CONSTRAINT core_business_rule_number CHECK (number >= 1 AND active_number <= number)"),
        )


class BusinessRuleVersion(Table):
    """What a rule said from one edit to the next."""

    append_only = True

    id = IdField(primary_key=True, default=uuid7)
    rule = foreign(BusinessRule, "rule_id", index=False)
    number = IntField()
    content = JsonField()
    made_at = UtcField()
    made_by = IdField(null=True)
    made_name = TextField()
    reason = TextField(null=True)

    class Meta:
        table_name = "core_business_rule_version"
        indexes = ((("rule", "number"), True),)
        constraints = (pw.SQL("CONSTRAINT core_business_rule_version_number CHECK (number >= 1)"),)
