"""Reads of other people's sessions."""

from __future__ import annotations

from typing import Any

from pos_core import scope
from pos_core.actions import query
from pos_core.auth.account import open_now, sessions_where
from pos_core.auth.models import Session
from pos_core.context import Context
from pos_core.db.records import reach

VIEW = ("hq:sessions.view", "store:sessions.view")


def _asked(ctx: Context, **equal: str | None) -> list[Any]:
    """The conditions for what was asked within the actor's reach; an unknown store or user is `not_found`."""
    scope.require_store(ctx, equal.get("store_id"))
    scope.require_user(ctx, equal.get("user_id"))
    return [
        *reach(ctx, Session.store),
        *(getattr(Session, name) == value for name, value in equal.items() if value is not None),
    ]


@query("session:list", permission=VIEW)
def list_sessions(ctx: Context, *, limit: int = 50, cursor: Any = None, **equal: str | None) -> Any:
    """Open sessions, the latest first; at a store those in the store."""
    return sessions_where(ctx, *_asked(ctx, **equal), *open_now(ctx), limit=limit, cursor=cursor)


@query("session:sign_ins", permission=VIEW)
def list_sign_ins(ctx: Context, *, limit: int = 50, cursor: Any = None, **equal: str | None) -> Any:
    """Sign-ins that succeeded, with how their sessions ended, the latest first; what failed is in the security log."""
    return sessions_where(ctx, *_asked(ctx, **equal), limit=limit, cursor=cursor)
