"""What the actions on roles work out: which permissions are meant, and where a role comes to be held."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS, NOT_FOUND, Violation, refused
from pos_core.manifest import Permission
from pos_core.rbac import errors, escalation, queries, schemas
from pos_core.rbac.catalogue import SUPER_ADMIN, level_of
from pos_core.rbac.models import PermissionRow, Role, RolePermission, User, UserRole
from pos_core.stores.models import Store


def by_code(code: str, path: str = "role") -> Role:
    """The role of a code; PosError `not_found`."""
    row = Role.get_or_none(Role.code == code)
    if row is None:
        raise NOT_FOUND(path, entity="role", id=code)
    return row  # type: ignore[no-any-return]


def changeable(ctx: Context, role_id: str) -> Role:
    """The role, which the actor may change; PosError `not_found`, `role_is_mark`, `role_above_own`, `own_roles`."""
    row = records.get(Role, role_id, "role")
    if row.code == SUPER_ADMIN:
        raise errors.ROLE_IS_MARK("id", role=row.code)
    escalation.require_role_within(ctx, row)
    return row


def chosen(
    ctx: Context, scope: str, permissions: Iterable[str], levels: Iterable[schemas.LevelGrant],
    kept: frozenset[str] | set[str] = frozenset(),
) -> set[str]:
    """The permissions named and those of whole levels. PosError naming each that no module declares for the scope.

    `kept`: what the role holds already; it may stay although its module is gone.
    """
    declared = {code: module.name for module in ctx.kernel.running() if module.manifest
                for code in (p.code for p in module.manifest.permissions) if code.startswith(scope + ":")}
    found = set(permissions)
    wrong = [
        errors.PERMISSION_UNKNOWN.at(f"permissions.{position}", permission=code, scope=scope)
        for position, code in enumerate(permissions) if code not in declared and code not in kept
    ]
    for position, wanted in enumerate(levels):
        matching = {code for code, module in declared.items() if _on(wanted, code, module)}
        if not matching:
            wrong.append(errors.LEVEL_EMPTY.at(f"levels.{position}", scope=scope))
        found |= matching
    if wrong:
        raise refused(wrong)
    return found


def _on(wanted: schemas.LevelGrant, code: str, module: str) -> bool:
    level = level_of(code, module)
    return all(
        value is None or value == getattr(level, name) for name, value in wanted.model_dump().items()
    )


def copied(source: Role, scope: str) -> set[str]:
    """The permissions of a role that another one of the same scope is made of."""
    if source.scope != scope:
        raise errors.PERMISSION_UNKNOWN("copy_of", permission=source.code, scope=scope)
    return escalation.permissions_of(source)


def edited(ctx: Context, role: Role, command: schemas.EditRole, before: set[str]) -> set[str]:
    """The permissions that a role holds after an edit."""
    named = before if command.permissions is None else command.permissions
    return chosen(ctx, role.scope, sorted(named), command.levels, kept=before)


def write_permissions(ctx: Context, role: Role, before: set[str], after: set[str]) -> None:
    """Take from a role what it lost and add what it won."""
    gone = sorted(before - after)
    if gone:
        RolePermission.delete().where(RolePermission.role == role.id, RolePermission.permission.in_(gone)).execute()
    for code in sorted(after - before):
        ctx.writing.insert(RolePermission, {"role_id": role.id, "permission": code})


def switch(ctx: Context, command: schemas.SwitchRole, *, is_active: bool) -> dict[str, Any]:
    """Take a role out of use or back; PosError `role_in_use` while somebody holds it."""
    row = changeable(ctx, command.id)
    held = escalation.permissions_of(row)
    ctx.writing.was(queries.role_view(row, held))
    holders = UserRole.select(UserRole.user).where(UserRole.role == row.id).distinct().count()
    if holders and not is_active:
        raise errors.ROLE_IN_USE("id", count=holders)
    records.edit(ctx, row, {"is_active": is_active}, "role", command.version)
    ctx.writing.raise_revision()
    return queries.role_view(row, held)


def assignments(ctx: Context, user: User, command: schemas.AssignRole) -> list[tuple[Role, str | None]]:
    """Every (role, store) that a command means and the user does not hold yet.

    PosError naming all that is wrong: roles and stores that are not there, places that do not fit, what is held
    already. `all_stores` means the active ones and passes over those where the role is held.
    """
    held = set(UserRole.select(UserRole.role, UserRole.store).where(UserRole.user == user.id).tuples())
    listed = command.role is None
    found: list[tuple[Role, str | None]] = []
    wrong: list[Violation] = []
    for position, place in enumerate(command.wanted):
        path = f"assignments.{position}." if listed else ""
        role = by_code(place.role, f"{path}role")
        wrong += _problems(role, place, path)
        stores = _stores(ctx, place, f"{path}store_id")
        new = [(role, store_id) for store_id in stores if (role.id, store_id) not in held]
        if not new or (len(new) < len(stores) and not place.all_stores):
            wrong.append(ALREADY_EXISTS.at(f"{path}role", fields="role"))
        held.update((role.id, store_id) for store_id in stores)
        found += new
    if wrong:
        raise refused(wrong)
    return found


def _problems(role: Role, place: schemas.RolePlace, path: str) -> list[Violation]:
    if role.code == SUPER_ADMIN:
        return [errors.ROLE_IS_MARK.at(f"{path}role", role=role.code)]
    if not role.is_active:
        return [errors.ROLE_INACTIVE.at(f"{path}role", role=role.code)]
    if (role.scope == "hq") == (place.store_id is not None or place.all_stores):
        return [errors.PLACE_OF_ROLE.at(f"{path}store_id", role=role.code, scope=role.scope)]
    return []


def _stores(ctx: Context, place: schemas.RolePlace, path: str) -> list[str | None]:
    if place.all_stores:
        return [row.id for row in Store.select(Store.id).where(Store.is_active).order_by(Store.code)]
    if place.store_id is not None and not Store.select().where(Store.id == place.store_id).exists():
        raise NOT_FOUND(path, entity="store", id=place.store_id)
    return [place.store_id]


def catalogued(permission: Permission, module: str) -> dict[str, Any]:
    """A declared permission as the row of the catalogue."""
    level = level_of(permission.code, module)
    return {"code": permission.code, "scope": permission.scope, **level._asdict(),
            "description": permission.description}  # fmt: skip


def refresh(known: PermissionRow, row: dict[str, Any]) -> None:
    """Bring a row of the catalogue to what its module says of it today."""
    changes = {name: value for name, value in row.items() if getattr(known, name) != value}
    if changes:
        PermissionRow.update(**changes).where(PermissionRow.code == row["code"]).execute()
