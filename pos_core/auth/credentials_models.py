"""What a person proves to be somebody with, beside the password: PINs, second factors; and the attempts at it."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BoolField, BytesField, IdField, TextField, UtcField
from pos_core.db.model import Record, Table, foreign
from pos_core.rbac.models import User


class Attempt(Table):
    """One try to sign in or to approve. `subject` is a keyed digest of its kind and the name as it was typed, so
    unknown names are counted like known ones and a password typed into the wrong field is not kept.

    pending until the secret was checked, withdrawn where it could not be; a failure that a later success or an
    unlocking made up for is forgiven, and still counts for the address it came from.
    """

    id = IdField(primary_key=True)
    subject = BytesField()
    address = TextField()
    kind = TextField()
    outcome = TextField(default="pending")
    attempted_at = UtcField()

    class Meta:
        table_name = "core_attempt"
        indexes = ((("subject", "attempted_at"), False), (("address", "attempted_at"), False))
        constraints = (
            pw.Check("kind IN ('password', 'mfa', 'pin', 'approval')"),
            pw.Check("outcome IN ('pending', 'failed', 'forgiven', 'succeeded', 'withdrawn')"),
        )


class Lockout(Table):
    """A name that may not be tried again before `until_at`."""

    subject = BytesField(primary_key=True)
    locked_at = UtcField()
    until_at = UtcField()

    class Meta:
        table_name = "core_lockout"


class Pin(Record):
    """A user's PIN for tills: argon2id over an HMAC with a key that the database does not hold (`key_mark` names it).

    must_change: somebody else chose it; it is good for one sign-in that brings a new one along.
    """

    user = foreign(User, "user_id", unique=True)
    pin_hash = TextField()
    key_mark = TextField()
    must_change = BoolField(default=False)

    class Meta:
        table_name = "core_pin"


class Factor(Record):
    """A second factor of a user; `sealed` is what its provider needs to know, encrypted outside the database's reach.

    Its version goes up with every use, so that two requests with the same code cannot both win.
    """

    user = foreign(User, "user_id", index=False)
    method = TextField()
    sealed = BytesField()
    confirmed_at = UtcField(null=True)
    used_at = UtcField(null=True)

    class Meta:
        table_name = "core_mfa_factor"
        indexes = ((("user", "method"), True),)


class RecoveryCode(Table):
    """A code that stands in for a lost factor, once. 120 random bits, so a keyed digest of it is enough."""

    digest = BytesField(primary_key=True)
    user = foreign(User, "user_id")
    made_at = UtcField()
    used_at = UtcField(null=True)

    class Meta:
        table_name = "core_mfa_recovery"
