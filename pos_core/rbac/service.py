"""Changing users, roles, and who holds which."""

from __future__ import annotations

from typing import Any

import peewee as pw

from pos_core.actions import action
from pos_core.auth import passwords, pins, revocation
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS, NOT_FOUND, PERMISSION_DENIED
from pos_core.ids import uuid7
from pos_core.rbac import catalogue, duties, errors, escalation, queries, roles, schemas
from pos_core.rbac.models import PermissionRow, Role, RolePermission, User, UserRole
from pos_core.schemas import Command
from pos_core.stores.models import Store
from pos_core.stores.service import changes_of

_PERSONAL = ("full_name", "email", "phone", "address", "national_id", "meta")
_TAKEN = {f"core_user.core_user_{field}": ALREADY_EXISTS.at(field, fields=field) for field in ("username", "email")}
_ROLE_TAKEN = {"core_role.code": ALREADY_EXISTS.at("code", fields="code")}
_EDITORS = ("hq:users.edit", "hq:users.manage")


def _hash(ctx: Context, command: Any) -> tuple[str, str | None]:
    """(hash, the generated password or None), made before the transaction opens."""
    given = command.password.get_secret_value() if command.password is not None else None
    password = given or passwords.generate()
    return ctx.kernel.passwords.hash(password), None if given else password


def _require_free(email: str | None, user_id: str) -> None:
    if email and User.select().where(pw.fn.lower(User.email) == email.lower(), User.id != user_id).exists():
        raise ALREADY_EXISTS("email", fields="email")


# -- users -------------------------------------------------------------------------------------------------------------


@action("user:create", command=schemas.CreateUser, permission=("hq:users.create", "hq:users.manage"), status=201,
        key_field="id", beforehand=_hash, secrets=("password",), personal=_PERSONAL, constraints=_TAKEN,
        security="privilege_change")
def create_user(ctx: Context, command: schemas.CreateUser, beforehand: tuple[str, str | None]) -> dict[str, Any]:
    """Create a user who holds no role yet."""
    if User.get_or_none(pw.fn.lower(User.username) == command.username.lower()) is not None:
        raise ALREADY_EXISTS("username", fields="username")
    _require_free(command.email, command.id)
    if command.store_id is not None:
        records.get(Store, command.store_id, "store")
    hashed, generated = beforehand
    given = command.model_dump(exclude={"password", "store_id", "must_change_password"})
    row = User(**given, store=command.store_id, password_hash=hashed,
               must_change_password=command.must_change_password or generated is not None)
    records.add(ctx, row)
    ctx.emit("user:created", "user", row.id)
    return {**queries.user_view(row, []), "password": generated}


def _switches_off(ctx: Context, command: schemas.EditUser, draft: None) -> bool:
    return command.is_active is False


@action("user:edit", command=schemas.EditUser, permission=_EDITORS, personal=_PERSONAL, constraints=_TAKEN,
        security="privilege_change", reason=_switches_off)
def edit_user(ctx: Context, command: schemas.EditUser) -> dict[str, Any]:
    """Change a user's details, or switch the account off: it bites at the next request."""
    row = escalation.require_not_above(ctx, command.id)
    ctx.writing.was(queries.user_view(row))
    if row.id == ctx.actor.id and _reached_otherwise(command, row):
        raise errors.OWN_CONTACT()
    if command.is_active is False and row.is_active:
        _require_dispensable(ctx, row)
    changes = _details(command, row)
    if "store_id" in changes:
        changes["store"] = records.get(Store, changes.pop("store_id"), "store").id
    records.edit(ctx, row, changes, "user", command.version)
    ctx.writing.raise_revision()
    return queries.user_view(row)


def _prove_own(ctx: Context, command: schemas.EditOwn) -> None:
    """By mail and phone others know whom they give a new password to: who changes them proves to be oneself."""
    queries.require_person(ctx)
    row = records.get(User, ctx.actor.id, "user")
    if _reached_otherwise(command, row):
        pins.prove_again(ctx, command.password)


def _reached_otherwise(command: schemas.EditUser | schemas.EditOwn, row: User) -> bool:
    """Whether the mail address or the phone number would be another."""
    wanted = {name: getattr(command, name) for name in ("email", "phone")}
    return any(value is not None and value != (getattr(row, name) or "") for name, value in wanted.items())


@action("user:edit_own", command=schemas.EditOwn, public=True, entity="user", personal=_PERSONAL, constraints=_TAKEN,
        beforehand=_prove_own)
def edit_own(ctx: Context, command: schemas.EditOwn) -> dict[str, Any]:
    """Change the own name, mail address, phone or address."""
    queries.require_person(ctx)
    row = records.get(User, ctx.actor.id, "user")
    ctx.writing.was(queries.user_view(row))
    records.edit(ctx, row, _details(command, row), "user", command.version)
    return queries.user_view(row)


def _details(command: schemas.EditUser | schemas.EditOwn, row: User) -> dict[str, Any]:
    """The changes of an edit, where an empty mail address is none; PosError for one that is another's."""
    changes = changes_of(command)
    changes.pop("password", None)
    if "email" in changes:
        changes["email"] = changes["email"] or None
        _require_free(changes["email"], row.id)
    return changes


def _require_dispensable(ctx: Context, row: User) -> None:
    """PosError where an account must stay as it is: the own one, and the last active super administrator's.

    Two who switch each other off at once wait for each other at the lock, and the second finds itself the last one.
    """
    if ctx.actor.id == row.id:
        raise errors.OWN_ACCOUNT("id")
    if not row.is_super_admin:
        return
    marked = User.select(User.id).where(User.is_super_admin, User.is_active).order_by(User.id)
    if ctx.kernel.db.dialect == "postgresql":
        marked = marked.for_update()
    if {user.id for user in marked} <= {row.id}:
        raise errors.LAST_SUPER_ADMIN("id")


@action("user:reset_password", command=schemas.ResetPassword,
        permission=("hq:users.reset_password", "hq:users.manage"), beforehand=_hash, secrets=("password",),
        personal=_PERSONAL, security="password_reset", reason=True)
def reset_password(ctx: Context, command: schemas.ResetPassword, beforehand: tuple[str, str | None]) -> dict[str, Any]:
    """Give another user a new password; all of that user's sessions end."""
    escalation.require_others_proofs(ctx, command.id)
    row = escalation.require_not_above(ctx, command.id)
    hashed, generated = beforehand
    records.edit(ctx, row, {"password_hash": hashed, "must_change_password": True}, "user",
                 command.version)
    revocation.end_many(ctx, "password reset", user_id=row.id)
    return {**queries.user_view(row), "password": generated}


def _mark(ctx: Context, command: schemas.MarkSuperAdmin, marked: bool) -> dict[str, Any]:
    if not ctx.actor.is_super_admin:
        raise errors.SUPER_ADMIN_ONLY()
    row = records.get(User, command.id, "user")
    ctx.writing.was(queries.user_view(row))
    if not marked and row.is_super_admin:
        _require_dispensable(ctx, row)
    records.edit(ctx, row, {"is_super_admin": marked}, "user", command.version)
    ctx.writing.raise_revision()
    return queries.user_view(row)


@action("user:make_super_admin", command=schemas.MarkSuperAdmin, permission="hq:users.manage", personal=_PERSONAL,
        security="privilege_change")
def make_super_admin(ctx: Context, command: schemas.MarkSuperAdmin) -> dict[str, Any]:
    """Make a user a super administrator, who may do everything everywhere; from the command line only."""
    if ctx.channel != "cli":
        raise errors.SUPER_ADMIN_ONLY()
    return _mark(ctx, command, marked=True)


@action("user:demote_super_admin", command=schemas.MarkSuperAdmin, permission="hq:users.manage", personal=_PERSONAL,
        security="privilege_change")
def demote_super_admin(ctx: Context, command: schemas.MarkSuperAdmin) -> dict[str, Any]:
    """Take the mark of a super administrator from a user; the roles held count from the next request on."""
    return _mark(ctx, command, marked=False)


# -- who holds which role ----------------------------------------------------------------------------------------------


@action("user:assign", command=schemas.AssignRole, permission="hq:roles.assign", status=201, entity="user_role",
        constraints={"core_user_role_store": ALREADY_EXISTS.at("role", fields="role"),
                     "core_user_role_hq": ALREADY_EXISTS.at("role", fields="role")}, security="privilege_change")
def assign_role(ctx: Context, command: schemas.AssignRole) -> dict[str, Any]:
    """Let a user hold roles: in stores, or (hq roles) at the headquarters."""
    escalation.require_others_roles(ctx, command.user_id)
    user = escalation.require_not_above(ctx, command.user_id)
    wanted = roles.assignments(ctx, user, command)
    for role in {role.id: role for role, _ in wanted}.values():
        places = [(role.scope, store_id) for one, store_id in wanted if one.id == role.id]
        escalation.require_grantable(ctx, places, escalation.permissions_of(role), "role")
    warnings = duties.weigh(ctx, user.id, [role for role, _ in wanted])
    made: list[dict[str, Any]] = []
    for role, store_id in wanted:
        row = UserRole(id=uuid7() if made else command.id, user=user.id, role=role.id, store=store_id)
        records.add(ctx, row)
        made.append({"id": row.id, "role": role.code, "scope": role.scope, "store_id": store_id})
    User.update(role=wanted[0][0].id).where(User.id == user.id, User.role.is_null()).execute()
    ctx.writing.raise_revision()
    first = {name: made[0][name] for name in ("id", "role", "store_id")}
    return {**first, "user_id": user.id, "assignments": made, "warnings": warnings}


@action("user:unassign", command=schemas.UnassignRole, permission="hq:roles.assign", entity="user_role",
        security="privilege_change")
def unassign_role(ctx: Context, command: schemas.UnassignRole) -> dict[str, Any]:
    """Take a role from a user; it bites at the next request."""
    escalation.require_others_roles(ctx, command.user_id)
    role = roles.by_code(command.role)
    user = escalation.require_not_above(ctx, command.user_id)
    above = escalation.missing(ctx, (role.scope, command.store_id), escalation.permissions_of(role))
    if above:
        raise errors.ROLE_ABOVE("role", permission=above[0])
    place = UserRole.store.is_null() if command.store_id is None else (UserRole.store == command.store_id)
    row = UserRole.get_or_none((UserRole.user == user.id) & (UserRole.role == role.id) & place)
    if row is None:
        raise NOT_FOUND("role", entity="assignment", id=command.role)
    was = {"id": row.id, "user_id": user.id, "role": role.code, "store_id": command.store_id}
    ctx.writing.was(was)
    row.delete_instance()
    if user.role_id == role.id:
        left = UserRole.select(UserRole.role).where(UserRole.user == user.id).order_by(UserRole.id).limit(1).scalar()
        User.update(role=left).where(User.id == user.id).execute()
    ctx.writing.raise_revision()
    return was


# -- roles -------------------------------------------------------------------------------------------------------------


@action("role:create", command=schemas.CreateRole, permission="hq:roles.create", status=201, key_field="id",
        constraints=_ROLE_TAKEN, security="privilege_change")
def create_role(ctx: Context, command: schemas.CreateRole) -> dict[str, Any]:
    """Create a role of one scope with permissions of that scope, or a copy of one."""
    source = roles.by_code(command.copy_of, "copy_of") if command.copy_of is not None else None
    held = roles.chosen(ctx, command.scope, command.permissions, command.levels)
    if source is not None:
        held |= roles.copied(source, command.scope)
    escalation.require_definable(ctx, command.scope, held, "permissions")
    origin = None if source is None else (source.code if source.is_template else source.copied_from)
    row = Role(id=command.id, code=command.code, name=command.name, scope=command.scope,
               description=command.description, copied_from=origin)
    records.add(ctx, row)
    for code in sorted(held):
        ctx.writing.insert(RolePermission, {"role_id": row.id, "permission": code})
    ctx.writing.raise_revision()
    return queries.role_view(row, held)


@action("role:edit", command=schemas.EditRole, permission="hq:roles.edit", security="privilege_change")
def edit_role(ctx: Context, command: schemas.EditRole) -> dict[str, Any]:
    """Change a role's name, description or permissions; whoever holds it is affected with the next request."""
    row = roles.changeable(ctx, command.id)
    before = escalation.permissions_of(row)
    ctx.writing.was(queries.role_view(row, before))
    held = roles.edited(ctx, row, command, before)
    changes: dict[str, Any] = {name: value for name, value in changes_of(command).items()
                               if name in ("name", "description")}
    if held != before:
        changes["is_changed"] = True
        added = held - before
        escalation.require_grantable(ctx, escalation.places_of(row), added, "permissions")
        escalation.require_definable(ctx, row.scope, added, "permissions")
        roles.write_permissions(ctx, row, before, held)
    records.edit(ctx, row, changes, "role", command.version)
    ctx.writing.raise_revision()
    return queries.role_view(row, held)


@action("role:deactivate", command=schemas.SwitchRole, permission="hq:roles.edit", security="privilege_change")
def deactivate_role(ctx: Context, command: schemas.SwitchRole) -> dict[str, Any]:
    """Take a role that nobody holds any more out of use."""
    return roles.switch(ctx, command, is_active=False)


@action("role:activate", command=schemas.SwitchRole, permission="hq:roles.edit", security="privilege_change")
def activate_role(ctx: Context, command: schemas.SwitchRole) -> dict[str, Any]:
    """Bring a role back into use."""
    return roles.switch(ctx, command, is_active=True)


# -- the catalogue -----------------------------------------------------------------------------------------------------


class SyncCatalogue(Command):
    """Nothing to say: the catalogue is what the installed modules declare."""


@action("permission:sync", command=SyncCatalogue, permission="hq:roles.edit", entity="permission",
        security="privilege_change")
def sync_permissions(ctx: Context, command: SyncCatalogue) -> dict[str, Any]:
    """Bring the permission catalogue up to the installed modules, and new permissions into the template roles.

    A template whose permissions were changed by hand stays as it is: whoever changed it decides about new ones.
    """
    if not ctx.actor.is_super_admin:  # it hands out to templates what the actor may not hold
        raise PERMISSION_DENIED(permission="super administrator")
    templates = {row.code: row for row in Role.select().where(Role.is_template)}
    for one in catalogue.TEMPLATES:
        if one.code not in templates:
            templates[one.code] = Role(id=uuid7(), code=one.code, name=one.name, scope=one.scope,
                                       description=one.description, is_template=True)
            records.add(ctx, templates[one.code])
    known = {row.code: row for row in PermissionRow.select()}
    added = []
    for module in ctx.kernel.running():
        for permission in module.manifest.permissions if module.manifest else ():
            row = roles.catalogued(permission, module.name)
            if permission.code in known:
                roles.refresh(known[permission.code], row)
                continue
            known[permission.code] = PermissionRow(**row)
            added.append(permission.code)
            ctx.writing.insert(PermissionRow, row)
            for code in permission.roles:
                role = templates.get(code)
                if role is not None and role.scope == permission.scope and not role.is_changed:
                    ctx.writing.insert(RolePermission, {"role_id": role.id, "permission": permission.code})
    ctx.writing.raise_revision()
    return {"added": sorted(added)}
