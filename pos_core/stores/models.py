"""Where things happen: stores, their registers, and the devices that were enrolled."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BoolField, BytesField, IntField, TextField, UtcField
from pos_core.db.model import Record, foreign


class Store(Record):
    """A shop (also called branch). `day_start_minutes`: when its business day begins, minutes after local midnight."""

    never_deleted = True

    code = TextField(unique=True)
    name = TextField()
    time_zone = TextField()
    day_start_minutes = IntField(default=0)
    address = TextField(default="")
    phone = TextField(default="")
    tax_number = TextField(default="")
    is_active = BoolField(default=True)

    class Meta:
        table_name = "core_store"
        constraints = (pw.Check("day_start_minutes BETWEEN 0 AND 1439"),)


class Register(Record):
    """A till: a drawer and a number series. Its audit chain has the same id."""

    never_deleted = True

    store = foreign(Store, "store_id")
    code = TextField()
    name = TextField()
    is_active = BoolField(default=True)

    class Meta:
        table_name = "core_register"
        indexes = ((("store", "code"), True),)


class Device(Record):
    """A machine that was enrolled: it proves itself by a key that only its hash is kept of.

    `fingerprint_hash`: SHA-256 of what the machine said of itself when it was enrolled, where it said anything.
    """

    never_deleted = True

    store = foreign(Store, "store_id")
    register = foreign(Register, "register_id", null=True)
    name = TextField()
    platform = TextField(default="other")
    key_hash = BytesField()
    fingerprint_hash = BytesField(null=True)
    is_blocked = BoolField(default=False)
    enrolled_at = UtcField()

    class Meta:
        table_name = "core_device"
