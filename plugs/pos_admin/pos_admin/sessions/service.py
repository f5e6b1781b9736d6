"""Ending other people's sessions: it bites at their next request."""

from __future__ import annotations

from typing import Any

from pos_admin.sessions import schemas
from pos_core import clock, scope
from pos_core.actions import action
from pos_core.auth import revocation
from pos_core.auth.models import Session
from pos_core.auth.service import ended_answer
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.records import reach
from pos_core.errors import Kind, define

END = ("hq:sessions.end", "store:sessions.end")

UNTIL_LATER = define(
    "revocation_in_the_future", Kind.INVALID,
    en="Sessions can be ended that have begun; {until} is later than now.",
    es="Se pueden terminar sesiones que ya comenzaron; {until} es posterior a ahora.",
    cure="Leave `until` out to end everything that has begun by now.",
)


@action("session:end", command=schemas.EndSession, permission=END, entity="session", security="session_revoked")
def end_session(ctx: Context, command: schemas.EndSession) -> dict[str, Any]:
    """End a session of somebody's."""
    row = records.get(Session, command.id, "session", *reach(ctx, Session.store))
    ended = revocation.end_one(ctx, row.id, row.user_id, command.reason)
    if ended:
        ctx.emit("session:ended", "session", row.id, user_id=row.user_id, reason=command.reason)
    return ended_answer(ctx, row.id, row.user_id, command.reason, int(ended))


@action("session:end_user", command=schemas.EndUser, permission=END, entity="session", security="session_revoked")
def end_user(ctx: Context, command: schemas.EndUser) -> dict[str, Any]:
    """End all sessions of a person; at a store those in the store."""
    scope.require_user(ctx, command.user_id)
    ended = revocation.end_many(ctx, command.reason, user_id=command.user_id, store_id=ctx.store_id)
    ctx.emit("session:ended", "user", command.user_id, reason=command.reason, ended=ended)
    return ended_answer(ctx, None, command.user_id, command.reason, ended)


@action("session:end_all", command=schemas.EndAll, permission="hq:sessions.end_all", entity="session",
        security="session_revoked")
def end_all(ctx: Context, command: schemas.EndAll) -> dict[str, Any]:
    """End everybody's sessions that began within a span of time, one's own among them."""
    if command.until is not None and command.until > ctx.at:
        raise UNTIL_LATER("until", until=clock.to_text(command.until))
    ended = revocation.end_many(ctx, command.reason, since=command.since, until=command.until)
    ctx.emit("session:ended", "business", ctx.kernel.instance_id, reason=command.reason, ended=ended)
    return ended_answer(ctx, None, None, command.reason, ended)
