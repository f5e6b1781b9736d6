"""Sales representatives: they are named on sales and reports, and do not sign in."""

from __future__ import annotations

from pos_core.db.fields import BoolField, TextField
from pos_core.db.model import Record


class Representative(Record):
    """Somebody who sells and is not a user; chosen per sale. The code stays for ever."""

    code = TextField(unique=True)
    name = TextField()
    phone = TextField(default="")
    email = TextField(default="")
    is_active = BoolField(default=True)

    class Meta:
        table_name = "ops_representative"
