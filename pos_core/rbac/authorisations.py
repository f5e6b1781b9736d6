"""What a client may draw: every action by name, and whether somebody may do it in a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pos_core.actions import Action
from pos_core.context import Actor, Context
from pos_core.rbac import grants

if TYPE_CHECKING:
    from pos_core.rbac.models import User

ALLOWED, DENIED, APPROVAL = "allowed", "denied", "approval"


def state_of(action: Action, actor: Actor) -> str:
    """allowed, denied, or approval: allowed, but some figures call for somebody's approval."""
    if not (action.public or actor.is_super_admin or not actor.permissions.isdisjoint(action.permissions)):
        return DENIED
    return APPROVAL if getattr(action, "approval", None) is not None else ALLOWED


def of(ctx: Context, actor: Actor, app_context: str, store_id: str | None) -> dict[str, Any]:
    """Every action of the modules that are on in the place, by name."""
    registry = ctx.kernel.registry
    return {
        "user_id": actor.id, "app_context": app_context, "store_id": store_id,
        "actions": [
            {"action": one.name, "module": one.module, "state": state_of(one, actor)}
            for one in ctx.kernel.actions() if registry.enabled(one.module, store_id, ctx.revision)
        ],
    }  # fmt: skip


def actor_at(ctx: Context, user: User, app_context: str, store_id: str | None) -> Actor:
    """A user as the actor that they would be in a place; one whose account is off may nothing."""
    if not user.is_active:
        return Actor(user.id, user.username)
    held = grants.read(user.id, app_context, store_id)
    permissions = ctx.kernel.granted(held.permissions, store_id, ctx.revision)
    return Actor(user.id, user.username, held.roles, permissions, user.is_super_admin)
