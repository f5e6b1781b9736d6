"""The business itself, its settings and its revision."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BigField, IdField, IntField, JsonField, TextField, UtcField
from pos_core.db.model import Record, Table


class Instance(Table):
    """The one business of this database; its id is the server chain's id."""

    id = IdField(primary_key=True)
    name = TextField()
    currency = TextField()
    created_at = UtcField()

    class Meta:
        table_name = "core_instance"


class Revision(Table):
    """One row, one number: raised by every change of what processes cache."""

    id = IntField(primary_key=True)
    value = BigField()

    class Meta:
        table_name = "core_revision"
        constraints = (pw.Check("id = 1"),)


class SettingValue(Record):
    """A setting that differs from its default: for the business (store_id null) or for one store."""

    key = TextField()
    store_id = IdField(null=True)
    value = JsonField()

    class Meta:
        table_name = "core_setting"


SettingValue.add_index(
    SettingValue.index(SettingValue.key, unique=True, where=pw.SQL("store_id IS NULL"), name="core_setting_business")
)
SettingValue.add_index(
    SettingValue.index(SettingValue.key, SettingValue.store_id, unique=True, name="core_setting_store")
)
