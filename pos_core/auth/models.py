"""Sessions and refresh tokens: what a token stands for, and what ends it at once."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BoolField, BytesField, IdField, IntField, TextField, UtcField
from pos_core.db.model import Record, Table, foreign
from pos_core.rbac.models import User
from pos_core.stores.models import Device, Register, Store


class Session(Record):
    """A sign-in: user, app context, and where (store, device, register). Revoked means over at the next request.

    `created_at` is when it began, `expires_at` its absolute end, `idle_ends_at` its end unless it is refreshed by then.
    `restriction`: what the user has to do before anything else ("password", "mfa"; "" for nothing).
    """

    user = foreign(User, "user_id", index=False)
    app_context = TextField()
    store = foreign(Store, "store_id", null=True, index=False)
    device = foreign(Device, "device_id", null=True, index=False)
    register = foreign(Register, "register_id", null=True, index=False)
    expires_at = UtcField()
    idle_ends_at = UtcField(null=True)
    last_seen_at = UtcField()
    revoked_at = UtcField(null=True)
    revoked_reason = TextField(null=True)
    restriction = TextField(default="")
    delivery = TextField(default="cookie")
    method = TextField(default="password")
    mfa_verified = BoolField(default=False)
    biometric_verified = BoolField(default=False)
    ip = TextField(default="")
    user_agent = TextField(default="")
    workstation = TextField(default="")

    class Meta:
        table_name = "core_session"
        constraints = (
            pw.Check("app_context IN ('hq', 'store', 'pos')"), pw.Check("restriction IN ('', 'password', 'mfa')"),
            pw.Check("delivery IN ('cookie', 'body')"),
        )  # fmt: skip
        indexes = ((("user", "created_at"), False), (("store", "created_at"), False), (("device",), False))


class RefreshToken(Table):
    """One refresh token of a session, as its SHA-256. Used once; `nonce` then makes its successor (see refresh.py).

    `used_ip`, `used_agent` and `used_device` say who used it: the same one may repeat it for a moment.
    """

    id = IdField(primary_key=True)
    session = foreign(Session, "session_id")
    number = IntField()
    token_hash = BytesField(unique=True)
    issued_at = UtcField()
    expires_at = UtcField()
    used_at = UtcField(null=True)
    nonce = BytesField(null=True)
    used_ip = TextField(default="")
    used_agent = TextField(default="")
    used_device = BoolField(default=False)

    class Meta:
        table_name = "core_refresh"


class Revocation(Table):
    """The revocation list: what was ended, when, why and by whom.

    One session (`session_id`), or every session that began from `since_at` on and before `until_at`: of a user, in a
    store, or of everybody. `spared_id` names a session that goes on.
    """

    append_only = True

    id = IdField(primary_key=True)
    user_id = IdField(null=True)
    session_id = IdField(null=True)
    store_id = IdField(null=True)
    since_at = UtcField(null=True)
    until_at = UtcField()
    spared_id = IdField(null=True)
    revoked_at = UtcField()
    reason = TextField()
    revoked_by = IdField(null=True)

    class Meta:
        table_name = "core_revocation"
        indexes = ((("until_at",), False),)


class HeadquartersLink(Table):
    """One row where this store is linked to a headquarters: when it was last heard of."""

    name = TextField(primary_key=True, default="hq")
    linked_at = UtcField()
    last_heard_at = UtcField()

    class Meta:
        table_name = "core_hq_link"
        constraints = (pw.Check("name = 'hq'"),)
