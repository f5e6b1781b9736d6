"""Changing users, roles, and who holds which."""

from __future__ import annotations

from typing import Any

import peewee as pw

from pos_core.actions import action
from pos_core.auth import passwords
from pos_core.auth.models import Session
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS, NOT_FOUND, PERMISSION_DENIED, Kind, define
from pos_core.ids import uuid7
from pos_core.rbac import queries, schemas
from pos_core.rbac.models import PermissionRow, Role, RolePermission, User, UserRole
from pos_core.schemas import Command
from pos_core.stores.models import Store
from pos_core.stores.service import changes_of

PLACE_OF_ROLE = define(
    "role_place_wrong", Kind.INVALID,
    en="A {scope} role is held {where}.", es="Un rol {scope} se tiene {where}.",
    cure="Give `store_id` for store and pos roles, and none for hq roles.",
)
LAST_SUPER_ADMIN = define(
    "last_super_admin", Kind.CONFLICT,
    en="The last active super administrator cannot be switched off.",
    es="El último superadministrador activo no puede desactivarse.",
    cure="Make another super administrator first, with `pos user add --super-admin`.",
)
PERMISSION_UNKNOWN = define(
    "permission_unknown", Kind.INVALID,
    en="No installed module declares {permission}, or it is not of the scope {scope}.",
    es="Ningún módulo instalado declara {permission}, o no es del ámbito {scope}.",
    cure="`pos modules --permissions` lists them all.",
)

TEMPLATES = (
    ("admin", "Administrator", "hq"), ("accountant", "Accountant", "hq"), ("auditor", "Auditor", "hq"),
    ("store_manager", "Store manager", "store"), ("employee", "Employee", "store"),
    ("cashier", "Cashier", "pos"), ("shift_supervisor", "Shift supervisor", "pos"),
)  # fmt: skip

_PERSONAL = ("full_name", "email")
_TAKEN = {"core_user.lower(username)": ALREADY_EXISTS.at("username", fields="username"),
          "core_user_username": ALREADY_EXISTS.at("username", fields="username")}


def _hash(ctx: Context, command: Any) -> tuple[str, str | None]:
    """(hash, the generated password or None), made before the transaction opens."""
    given = command.password.get_secret_value() if command.password is not None else None
    password = given or passwords.generate()
    return ctx.kernel.passwords.hash(password), None if given else password


@action("user:create", command=schemas.CreateUser, permission="hq:users.manage", status=201, key_field="id",
        beforehand=_hash, secrets=("password",), personal=_PERSONAL, constraints=_TAKEN)
def create_user(ctx: Context, command: schemas.CreateUser, beforehand: tuple[str, str | None]) -> dict[str, Any]:
    """Create a user who holds no role yet."""
    if User.get_or_none(pw.fn.lower(User.username) == command.username.lower()) is not None:
        raise ALREADY_EXISTS("username", fields="username")
    hashed, generated = beforehand
    row = User(id=command.id, username=command.username, full_name=command.full_name, email=command.email,
               password_hash=hashed)
    records.add(ctx, row)
    ctx.emit("user:created", "user", row.id)
    return {**queries.user_view(row, []), "password": generated}


@action("user:edit", command=schemas.EditUser, permission="hq:users.manage", personal=_PERSONAL)
def edit_user(ctx: Context, command: schemas.EditUser) -> dict[str, Any]:
    """Change a user's details, or switch the account off: it bites at the next request."""
    row = records.get(User, command.id, "user")
    held = queries.assignments_of([row.id]).get(row.id, [])
    ctx.writing.was(queries.user_view(row, held))
    if command.is_active is False and row.is_super_admin:
        others = User.select().where(User.is_super_admin, User.is_active, User.id != row.id).exists()
        if not others:
            raise LAST_SUPER_ADMIN("is_active")
    records.edit(ctx, row, changes_of(command), "user", command.version)
    ctx.writing.raise_revision()
    return queries.user_view(row, held)


@action("user:reset_password", command=schemas.ResetPassword, permission="hq:users.manage", beforehand=_hash,
        secrets=("password",), personal=_PERSONAL)
def reset_password(ctx: Context, command: schemas.ResetPassword, beforehand: tuple[str, str | None]) -> dict[str, Any]:
    """Give a user a new password; all of the user's sessions end."""
    row = records.get(User, command.id, "user")
    hashed, generated = beforehand
    records.edit(ctx, row, {"password_hash": hashed, "must_change_password": generated is not None}, "user",
                 command.version)
    Session.update(revoked_at=ctx.at, revoked_reason="password reset").where(
        Session.user == row.id, Session.revoked_at.is_null()
    ).execute()
    return {**queries.user_view(row, queries.assignments_of([row.id]).get(row.id, [])), "password": generated}


class MakeSuperAdmin(Command):
    """Has no door: only who has the machine's command line may ask for it."""

    id: schemas.Id


@action("user:make_super_admin", command=MakeSuperAdmin, permission="hq:users.manage", personal=_PERSONAL)
def make_super_admin(ctx: Context, command: MakeSuperAdmin) -> dict[str, Any]:
    """Make a user a super administrator, who may do everything everywhere; from the command line only."""
    if ctx.channel != "cli" or not ctx.actor.is_super_admin:
        raise PERMISSION_DENIED(permission="the machine's command line")
    row = records.get(User, command.id, "user")
    held = queries.assignments_of([row.id]).get(row.id, [])
    ctx.writing.was(queries.user_view(row, held))
    records.edit(ctx, row, {"is_super_admin": True}, "user", row.version)
    ctx.writing.raise_revision()
    return queries.user_view(row, held)


def _role(code: str) -> Role:
    row = Role.get_or_none(Role.code == code)
    if row is None:
        raise NOT_FOUND("role", entity="role", id=code)
    return row  # type: ignore[no-any-return]


@action("user:assign", command=schemas.AssignRole, permission="hq:users.manage", status=201, entity="user_role",
        constraints={"core_user_role_store": ALREADY_EXISTS.at("role", fields="role"),
                     "core_user_role_hq": ALREADY_EXISTS.at("role", fields="role")})
def assign_role(ctx: Context, command: schemas.AssignRole) -> dict[str, Any]:
    """Let a user hold a role: in one store, or (hq roles) at the headquarters."""
    role = _role(command.role)
    records.get(User, command.user_id, "user")
    if (role.scope == "hq") != (command.store_id is None):
        where = "without a store" if role.scope == "hq" else "in a store"
        raise PLACE_OF_ROLE("store_id", scope=role.scope, where=where)
    if command.store_id is not None:
        records.get(Store, command.store_id, "store")
    row = UserRole(id=command.id, user=command.user_id, role=role.id, store=command.store_id)
    records.add(ctx, row)
    User.update(role=role.id).where(User.id == command.user_id, User.role.is_null()).execute()
    ctx.writing.raise_revision()
    return {"id": row.id, "user_id": command.user_id, "role": role.code, "store_id": command.store_id}


@action("user:unassign", command=schemas.UnassignRole, permission="hq:users.manage", entity="user_role")
def unassign_role(ctx: Context, command: schemas.UnassignRole) -> dict[str, Any]:
    """Take a role from a user; it bites at the next request."""
    role = _role(command.role)
    place = UserRole.store.is_null() if command.store_id is None else (UserRole.store == command.store_id)
    row = UserRole.get_or_none((UserRole.user == command.user_id) & (UserRole.role == role.id) & place)
    if row is None:
        raise NOT_FOUND("role", entity="assignment", id=command.role)
    was = {"id": row.id, "user_id": command.user_id, "role": role.code, "store_id": command.store_id}
    ctx.writing.was(was)
    row.delete_instance()
    ctx.writing.raise_revision()
    return was


@action("role:create", command=schemas.CreateRole, permission="hq:users.manage", status=201, key_field="id",
        constraints={"core_role.code": ALREADY_EXISTS.at("code", fields="code")})
def create_role(ctx: Context, command: schemas.CreateRole) -> dict[str, Any]:
    """Create a role of one scope with permissions of that scope."""
    declared = ctx.kernel.permissions()
    for position, code in enumerate(command.permissions):
        if code not in declared or not code.startswith(command.scope + ":"):
            raise PERMISSION_UNKNOWN(f"permissions.{position}", permission=code, scope=command.scope)
    row = Role(id=command.id, code=command.code, name=command.name, scope=command.scope,
               description=command.description)
    records.add(ctx, row)
    for code in sorted(set(command.permissions)):
        ctx.writing.insert(RolePermission, {"role_id": row.id, "permission": code})
    ctx.writing.raise_revision()
    return queries.role_view(row, sorted(set(command.permissions)))


class SyncCatalogue(Command):
    """Nothing to say: the catalogue is what the installed modules declare."""


@action("permission:sync", command=SyncCatalogue, permission="hq:users.manage", entity="permission")
def sync_permissions(ctx: Context, command: SyncCatalogue) -> dict[str, Any]:
    """Bring the permission catalogue up to the installed modules, and new permissions into the template roles."""
    roles = {row.code: row for row in Role.select()}
    for code, name, scope in TEMPLATES:
        if code not in roles:
            roles[code] = Role(id=uuid7(), code=code, name=name, scope=scope, is_template=True)
            records.add(ctx, roles[code])
    known = {code for (code,) in PermissionRow.select(PermissionRow.code).tuples()}
    added = []
    for module in ctx.kernel.running():
        for permission in module.manifest.permissions if module.manifest else ():
            if permission.code in known:
                continue
            known.add(permission.code)
            added.append(permission.code)
            ctx.writing.insert(PermissionRow, {"code": permission.code, "scope": permission.scope,
                                               "module": module.name, "description": permission.description})
            for code in permission.roles:
                if code in roles and roles[code].scope == permission.scope:
                    ctx.writing.insert(RolePermission, {"role_id": roles[code].id, "permission": permission.code})
    ctx.writing.raise_revision()
    return {"added": sorted(added)}
