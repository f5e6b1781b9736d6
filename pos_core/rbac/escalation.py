"""Nobody hands out what they do not hold, and nobody changes a user or a role above their own.

What an actor holds is read from the database, place by place. Who holds `hq:roles.delegate` at the headquarters hands
out roles of stores and tills without holding them there: somebody has to give a new store its first manager. A super
admin, and the machine's own command line, may do everything.
"""

from __future__ import annotations

from collections.abc import Iterable

from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import PosError
from pos_core.rbac import errors, grants
from pos_core.rbac.models import Role, RolePermission, User, UserRole

DELEGATE = "hq:roles.delegate"


def missing(ctx: Context, place: grants.Place, permissions: Iterable[str]) -> list[str]:
    """Those of the permissions that the actor may not hand out in the place, sorted."""
    scope, store_id = place
    if ctx.actor.is_super_admin or (scope != "hq" and ctx.actor.may(DELEGATE)):
        return []
    return sorted(set(permissions) - grants.read(ctx.actor.id, scope, store_id).permissions)


def require_grantable(ctx: Context, places: Iterable[grants.Place], permissions: Iterable[str], path: str) -> None:
    """PosError `grant_not_held` naming every permission that the actor does not hold in one of the places."""
    wanted = set(permissions)
    lacking = sorted({code for place in places for code in missing(ctx, place, wanted)})
    if lacking:
        violations = [errors.NOT_HELD.at(path, permission=code) for code in lacking]
        raise PosError(errors.NOT_HELD, path=path, params={"permission": ", ".join(lacking)}, violations=violations)


def require_not_above(ctx: Context, user_id: str) -> User:
    """The user, who does not stand above the actor; PosError `not_found`, `user_above_own`."""
    row = records.get(User, user_id, "user")
    if ctx.actor.is_super_admin or user_id == ctx.actor.id:
        return row
    if row.is_super_admin:
        raise errors.USER_ABOVE("id", permission="super administrator")
    for place, held in grants.everywhere(user_id).items():
        above = missing(ctx, place, held)
        if above:
            raise errors.USER_ABOVE("id", permission=above[0])
    return row


def require_others_roles(ctx: Context, user_id: str) -> None:
    """PosError `own_roles` where somebody changes what they hold themselves, super admins too."""
    if ctx.actor.id and user_id == ctx.actor.id:
        raise errors.OWN_ROLES("user_id")


def require_others_proofs(ctx: Context, user_id: str) -> None:
    """PosError `own_credentials` where somebody would reset their own password, PIN or factor without the old one: a
    session that was left open must not become the account."""
    if ctx.actor.id and user_id == ctx.actor.id:
        raise errors.OWN_PROOFS("id")


def permissions_of(role: Role) -> set[str]:
    """The permissions that a role holds."""
    rows = RolePermission.select(RolePermission.permission).where(RolePermission.role == role.id).tuples()
    return {code for (code,) in rows}


def places_of(role: Role) -> list[grants.Place]:
    """Where a role is held by anybody."""
    rows = UserRole.select(UserRole.store).where(UserRole.role == role.id).distinct().tuples()
    return [(role.scope, store_id) for (store_id,) in rows]


def own_places(ctx: Context, scope: str) -> list[grants.Place]:
    """Where the actor holds anything of a scope; the headquarters, which is one place, always."""
    if scope == "hq":
        return [("hq", None)]
    return [place for place in grants.everywhere(ctx.actor.id) if place[0] == scope]


def require_definable(ctx: Context, scope: str, permissions: Iterable[str], path: str) -> None:
    """PosError `grant_not_held` unless there is a place where the actor holds all of it; a role is made for any."""
    wanted = set(permissions)
    if not any(not missing(ctx, place, wanted) for place in own_places(ctx, scope)):
        require_grantable(ctx, [(scope, None)], wanted, path)


def require_role_within(ctx: Context, role: Role) -> None:
    """PosError `role_above_own` where a role gives what the actor does not hold, in any place where it is held;
    `own_roles` where the actor holds it. A super admin, whose rights are no role's, may change every one."""
    if ctx.actor.is_super_admin:
        return
    held, places = permissions_of(role), places_of(role)
    above = [code for place in places for code in missing(ctx, place, held)]
    if not places:
        mine = own_places(ctx, role.scope) or [(role.scope, None)]
        above = min((missing(ctx, place, held) for place in mine), key=len)
    if above:
        raise errors.ROLE_ABOVE("id", permission=min(above))
    own = UserRole.select().where(UserRole.role == role.id, UserRole.user == ctx.actor.id)
    if own.exists():
        raise errors.OWN_ROLES("id")
