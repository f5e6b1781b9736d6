"""Users, roles, permissions, and who holds which role in which store."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BoolField, JsonField, TextField
from pos_core.db.model import Record, Table, foreign
from pos_core.stores.models import Store


class Role(Record):
    """A set of permissions of one scope (hq, store or pos).

    `is_template`: shipped; `is_changed`: somebody changed its permissions by hand, so that new ones of modules do not
    enter it by themselves. `copied_from`: the code of the template that it began as, whose duties it counts for.
    """

    code = TextField(unique=True)
    name = TextField()
    scope = TextField()
    description = TextField(default="")
    is_template = BoolField(default=False)
    is_changed = BoolField(default=False)
    is_active = BoolField(default=True)
    copied_from = TextField(null=True)

    class Meta:
        table_name = "core_role"
        constraints = (pw.Check("scope IN ('hq', 'store', 'pos')"),)


class PermissionRow(Table):
    """The catalogue of permissions, as the installed modules declare them, with the level that each works on.

    `submodule` and `field` are empty where a permission is about the module's one thing, or about no single field.
    """

    code = TextField(primary_key=True)
    scope = TextField()
    plug = TextField()
    module = TextField()
    submodule = TextField()
    action = TextField()
    field = TextField()
    description = TextField()

    class Meta:
        table_name = "core_permission"


class RolePermission(Table):
    """A permission that a role holds."""

    role = foreign(Role, "role_id", on_delete="CASCADE", index=False)
    permission = foreign(PermissionRow, "permission")

    class Meta:
        table_name = "core_role_permission"
        primary_key = pw.CompositeKey("role", "permission")


class User(Record):
    """Somebody who can sign in. `role_id` is the primary role and `store_id` the branch, both for display; user roles
    decide. `national_id` is the number of an identity card.

    `is_biometric_enabled` and `biometric_device_id` are for a later sign-in provider.
    """

    never_deleted = True

    username = TextField()
    full_name = TextField()
    email = TextField(null=True)
    phone = TextField(default="")
    address = TextField(default="")
    national_id = TextField(default="")
    store = foreign(Store, "store_id", null=True, index=False)
    password_hash = TextField()
    role = foreign(Role, "role_id", null=True)
    is_active = BoolField(default=True)
    is_super_admin = BoolField(default=False)
    must_change_password = BoolField(default=False)
    is_biometric_enabled = BoolField(default=False)
    biometric_device_id = TextField(null=True)
    meta = JsonField(default="{}")

    class Meta:
        table_name = "core_user"


User.add_index(User.index(pw.fn.lower(User.username), unique=True, name="core_user_username"))
User.add_index(
    User.index(pw.fn.lower(User.email), unique=True, name="core_user_email", where=pw.SQL("email IS NOT NULL"))
)


class UserRole(Record):
    """A role that a user holds: in one store, or (hq roles only) without a store."""

    user = foreign(User, "user_id")
    role = foreign(Role, "role_id")
    store = foreign(Store, "store_id", null=True)

    class Meta:
        table_name = "core_user_role"


UserRole.add_index(
    UserRole.index(UserRole.user, UserRole.role, UserRole.store, unique=True, name="core_user_role_store",
                   where=pw.SQL("store_id IS NOT NULL"))
)
UserRole.add_index(
    UserRole.index(UserRole.user, UserRole.role, unique=True, name="core_user_role_hq",
                   where=pw.SQL("store_id IS NULL"))
)
