"""Sessions: what an access token stands for, and what ends it at once."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import TextField, UtcField
from pos_core.db.model import Record, foreign
from pos_core.rbac.models import User
from pos_core.stores.models import Device, Register, Store


class Session(Record):
    """A sign-in: user, app context, and where (store, device, register). Revoked means over at the next request."""

    user = foreign(User, "user_id")
    app_context = TextField()
    store = foreign(Store, "store_id", null=True, index=False)
    device = foreign(Device, "device_id", null=True, index=False)
    register = foreign(Register, "register_id", null=True, index=False)
    expires_at = UtcField()
    revoked_at = UtcField(null=True)
    revoked_reason = TextField(null=True)
    ip = TextField(default="")
    user_agent = TextField(default="")

    class Meta:
        table_name = "core_session"
        constraints = (pw.Check("app_context IN ('hq', 'store', 'pos')"),)
