"""Reads of users, roles and permissions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import peewee as pw

from pos_core import clock
from pos_core.actions import query
from pos_core.auth.tokens import TOKEN_MISSING
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import RESTRICTED
from pos_core.rbac import authorisations
from pos_core.rbac.catalogue import level_of
from pos_core.rbac.models import Role, RolePermission, User, UserRole

USER_READERS = ("hq:users.view", "hq:users.manage")


def assignments_of(user_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The roles that users hold, by user."""
    rows = (
        UserRole.select(UserRole.user, UserRole.store, Role.code, Role.scope)
        .join(Role).where(UserRole.user.in_(user_ids)).order_by(Role.code, UserRole.store).tuples()
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for user_id, store_id, code, scope in rows:
        found.setdefault(user_id, []).append({"role": code, "scope": scope, "store_id": store_id})
    return found


def user_view(row: User, assignments: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A user as the API shows it, with the roles held (read where they are not given); never the password's hash."""
    held = assignments_of([row.id]).get(row.id, []) if assignments is None else assignments
    primary = Role.select(Role.code).where(Role.id == row.role_id).scalar() if row.role_id is not None else None
    return _user(row, held, primary)


def _user(row: User, assignments: list[dict[str, Any]], primary: str | None) -> dict[str, Any]:
    return {
        "id": row.id, "username": row.username, "full_name": row.full_name, "email": row.email, "phone": row.phone,
        "address": row.address, "national_id": row.national_id, "store_id": row.store_id, "role": primary,
        "is_active": row.is_active, "is_super_admin": row.is_super_admin,
        "meta": row.meta, "assignments": assignments, "created_at": clock.to_text(row.created_at),
        "updated_at": clock.to_text(row.updated_at), "version": row.version,
    }  # fmt: skip


def role_view(row: Role, permissions: Iterable[str]) -> dict[str, Any]:
    """A role as the API shows it."""
    return {
        "id": row.id, "code": row.code, "name": row.name, "scope": row.scope, "description": row.description,
        "is_template": row.is_template, "is_changed": row.is_changed, "is_active": row.is_active,
        "copied_from": row.copied_from, "permissions": sorted(permissions), "version": row.version,
    }  # fmt: skip


@query("user:list", permission=USER_READERS, sensitive="user.personal")
def list_users(
    ctx: Context, *, store_id: str | None = None, role: str | None = None, is_active: bool | None = None,
    search: str | None = None, limit: int = 50, cursor: Any = None,
) -> Any:  # fmt: skip
    """Users in the order of their making."""
    rows = User.select()
    if is_active is not None:
        rows = rows.where(User.is_active == is_active)
    if store_id is not None:
        rows = rows.where(User.id.in_(UserRole.select(UserRole.user).where(UserRole.store == store_id)))
    if role is not None:
        rows = rows.where(User.id.in_(UserRole.select(UserRole.user).join(Role).where(Role.code == role)))
    if search is not None:
        wanted = search.lower()
        rows = rows.where(_contains(User.username, wanted) | _contains(User.full_name, wanted))
    found, following = records.page(rows, (User.id,), cursor, limit)
    held_by = assignments_of([row.id for row in found])
    codes = dict(Role.select(Role.id, Role.code).tuples())
    return [_user(row, held_by.get(row.id, []), codes.get(row.role_id)) for row in found], following


def _contains(column: Any, text: str) -> Any:
    """Whether a column holds a text, without regard to case; what the text says of patterns is plain text."""
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return pw.NodeList((pw.fn.lower(column), pw.SQL("LIKE"), pw.Value(f"%{plain}%"), pw.SQL("ESCAPE '\\'")))


@query("user:get", permission=USER_READERS, sensitive="user.personal")
def get_user(ctx: Context, *, id: str) -> dict[str, Any]:
    """One user with the roles held."""
    return user_view(records.get(User, id, "user"))


@query("user:own", public=True)
def own_account(ctx: Context) -> dict[str, Any]:
    """The own account with the roles held."""
    require_person(ctx)
    return user_view(User.get_by_id(ctx.actor.id))


def require_person(ctx: Context) -> None:
    """PosError where nobody is signed in, or something else has to be done first (a new password)."""
    if ctx.session_id is None:
        raise TOKEN_MISSING()
    if ctx.restriction:
        raise RESTRICTED[ctx.restriction]()


@query("user:find", permission=USER_READERS)
def find_user(ctx: Context, *, username: str) -> dict[str, Any] | None:
    """The user of that name, or None."""
    row = User.get_or_none(pw.fn.lower(User.username) == username.lower())
    return None if row is None else user_view(row)


@query("user:authorisations", permission=USER_READERS)
def user_authorisations(
    ctx: Context, *, id: str, store_id: str | None = None, app_context: str | None = None
) -> dict[str, Any]:
    """What somebody may do in a place: every action, allowed, denied or allowed after approval."""
    row = records.get(User, id, "user")
    if store_id is not None:
        ctx.kernel.stores.get(store_id, ctx.revision)
    place = app_context or ("pos" if store_id is not None else "hq")
    return authorisations.of(ctx, authorisations.actor_at(ctx, row, place, store_id), place, store_id)


@query("session:authorisations", public=True)
def own_authorisations(ctx: Context) -> dict[str, Any]:
    """What the user of this token may do here: every action, allowed, denied or allowed after approval."""
    if ctx.session_id is None:
        raise TOKEN_MISSING()
    return authorisations.of(ctx, ctx.actor, ctx.app_context, ctx.store_id)


@query("employee:list", permission="store:employees.manage")
def list_employees(ctx: Context, *, limit: int = 50, cursor: Any = None) -> Any:
    """Who holds a role in this store, by user name, with those roles."""
    here = UserRole.select(UserRole.user).where(UserRole.store == ctx.store_id)
    rows, following = records.page(User.select().where(User.id.in_(here)), (User.username,), cursor, limit)
    held = assignments_of([row.id for row in rows])
    return [
        {"id": row.id, "username": row.username, "full_name": row.full_name, "is_active": row.is_active,
         "roles": [one["role"] for one in held[row.id] if one["store_id"] == ctx.store_id]}
        for row in rows
    ], following  # fmt: skip


@query("role:list", permission="hq:roles.view")
def list_roles(
    ctx: Context, *, scope: str | None = None, is_active: bool | None = None, limit: int = 50, cursor: Any = None
) -> Any:
    """Roles by code, with their permissions."""
    chosen = Role.select()
    if scope is not None:
        chosen = chosen.where(Role.scope == scope)
    if is_active is not None:
        chosen = chosen.where(Role.is_active == is_active)
    rows, following = records.page(chosen, (Role.code,), cursor, limit)
    held: dict[str, list[str]] = {}
    for role_id, permission in RolePermission.select(RolePermission.role, RolePermission.permission).where(
        RolePermission.role.in_([row.id for row in rows])
    ).tuples():
        held.setdefault(role_id, []).append(permission)
    return [role_view(row, held.get(row.id, [])) for row in rows], following


@query("role:get", permission="hq:roles.view")
def get_role(ctx: Context, *, id: str) -> dict[str, Any]:
    """One role with its permissions."""
    row = records.get(Role, id, "role")
    held = RolePermission.select(RolePermission.permission).where(RolePermission.role == id).tuples()
    return role_view(row, [code for (code,) in held])


@query("permission:list", permission="hq:roles.view")
def list_permissions(
    ctx: Context, *, scope: str | None = None, plug: str | None = None, module: str | None = None,
    submodule: str | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The catalogue of permissions by plug and module: level, meaning, and the roles that hold each."""
    holders: dict[str, list[str]] = {}
    for code, role in RolePermission.select(RolePermission.permission, Role.code).join(Role).order_by(
        Role.code).tuples():  # fmt: skip
        holders.setdefault(code, []).append(role)
    groups = []
    for owner in ctx.kernel.running():
        shown = []
        for permission in sorted(owner.manifest.permissions if owner.manifest else (), key=lambda p: p.code):
            level = level_of(permission.code, owner.name)
            wanted = {"scope": scope, "plug": plug, "module": module, "submodule": submodule}
            entry = {"code": permission.code, "scope": permission.scope, **level._asdict(),
                     "description": permission.description, "roles": holders.get(permission.code, []),
                     "enabled": ctx.kernel.registry.enabled(owner.name, None, ctx.revision)}  # fmt: skip
            if all(value is None or entry[name] == value for name, value in wanted.items()):
                shown.append(entry)
        if shown:
            groups.append({"plug": shown[0]["plug"], "module": owner.name, "permissions": shown,
                           "title": owner.manifest.title if owner.manifest else ""})  # fmt: skip
    return sorted(groups, key=lambda group: (group["plug"], group["module"]))
