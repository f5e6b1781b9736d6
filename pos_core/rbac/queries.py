"""Reads of users and roles."""

from __future__ import annotations

from typing import Any

import peewee as pw

from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_core.rbac.models import Role, RolePermission, User, UserRole


def assignments_of(user_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The roles that users hold, by user."""
    rows = (
        UserRole.select(UserRole.user, UserRole.store, Role.code, Role.scope)
        .join(Role).where(UserRole.user.in_(user_ids)).order_by(Role.code).tuples()
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for user_id, store_id, code, scope in rows:
        found.setdefault(user_id, []).append({"role": code, "scope": scope, "store_id": store_id})
    return found


def user_view(row: User, assignments: list[dict[str, Any]]) -> dict[str, Any]:
    """A user as the API shows it; never the password's hash."""
    return {
        "id": row.id, "username": row.username, "full_name": row.full_name, "email": row.email,
        "is_active": row.is_active, "is_super_admin": row.is_super_admin, "assignments": assignments,
        "version": row.version,
    }  # fmt: skip


def role_view(row: Role, permissions: list[str]) -> dict[str, Any]:
    """A role as the API shows it."""
    return {
        "id": row.id, "code": row.code, "name": row.name, "scope": row.scope, "description": row.description,
        "is_template": row.is_template, "permissions": permissions, "version": row.version,
    }  # fmt: skip


@query("user:list", permission="hq:users.manage")
def list_users(
    ctx: Context, *, store_id: str | None = None, is_active: bool | None = None, limit: int = 50, cursor: Any = None
) -> Any:
    """Users in the order of their making."""
    rows = User.select()
    if is_active is not None:
        rows = rows.where(User.is_active == is_active)
    if store_id is not None:
        held = UserRole.select(UserRole.user).where(UserRole.store == store_id)
        rows = rows.where(User.id.in_(held))
    found, following = records.page(rows, (User.id,), cursor, limit)
    held_by = assignments_of([row.id for row in found])
    return [user_view(row, held_by.get(row.id, [])) for row in found], following


@query("user:get", permission="hq:users.manage")
def get_user(ctx: Context, *, id: str) -> dict[str, Any]:
    """One user with the roles held."""
    row = records.get(User, id, "user")
    return user_view(row, assignments_of([id]).get(id, []))


@query("user:find", permission="hq:users.manage")
def find_user(ctx: Context, *, username: str) -> dict[str, Any] | None:
    """The user of that name, or None."""
    row = User.get_or_none(pw.fn.lower(User.username) == username.lower())
    return None if row is None else user_view(row, assignments_of([row.id]).get(row.id, []))


@query("role:list", permission="hq:users.manage")
def list_roles(ctx: Context, *, limit: int = 50, cursor: Any = None) -> Any:
    """Roles by code, with their permissions."""
    rows, following = records.page(Role.select(), (Role.code,), cursor, limit)
    held: dict[str, list[str]] = {}
    for role_id, permission in RolePermission.select(RolePermission.role, RolePermission.permission).where(
        RolePermission.role.in_([row.id for row in rows])
    ).tuples():
        held.setdefault(role_id, []).append(permission)
    return [role_view(row, sorted(held.get(row.id, []))) for row in rows], following
