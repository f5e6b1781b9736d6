"""What lies within the actor's reach. A store that a request names, and everything that belongs to a store, is either
within it or does not exist for the actor: the refusal is the same `not_found` that an id nobody ever made gets.
"""

from __future__ import annotations

from pos_core.auth.models import Session
from pos_core.context import Context
from pos_core.errors import NOT_FOUND
from pos_core.rbac.models import User, UserRole


def require_store(ctx: Context, store_id: str | None, path: str = "store_id") -> None:
    """PosError `not_found` at `path` unless the store exists and is the actor's, where the actor is at one."""
    if store_id is None:
        return
    if ctx.store_id not in (None, store_id):
        raise NOT_FOUND(path, entity="store", id=store_id)
    ctx.kernel.stores.get(store_id, ctx.revision)


def require_register(ctx: Context, register_id: str | None, path: str = "register_id") -> None:
    """PosError `not_found` at `path` unless the register exists and stands in the actor's store."""
    if register_id is None:
        return
    found = ctx.kernel.stores.register(register_id, ctx.revision)
    if ctx.store_id not in (None, found.store_id):
        raise NOT_FOUND(path, entity="register", id=register_id)


def require_user(ctx: Context, user_id: str | None, path: str = "user_id") -> None:
    """PosError `not_found` at `path` unless the user exists and, for an actor at a store, works or worked there.

    Worked: signed in there once. Who holds a role of the headquarters belongs to no store.
    """
    if user_id is None or user_id == ctx.actor.id:
        return
    if ctx.store_id is None:
        known = User.select().where(User.id == user_id).exists()
    else:
        known = (
            UserRole.select().where(UserRole.user == user_id, UserRole.store == ctx.store_id).exists()
            or Session.select().where(Session.user == user_id, Session.store == ctx.store_id).exists()
        )
    if not known:
        raise NOT_FOUND(path, entity="user", id=user_id)
