"""Ending sessions at once: one of them, a user's, a store's, or all that began within a span of time.

Every end stands in the session's own row, which is read at each request. Ends of more than one session stand in the
revocation list too, because a sign-in may be under way whose row nobody sees yet: such a session is dead when its
first request comes. Moments are compared in microseconds, so a sign-in right after a revocation is untouched. The list
is small and kept per process by the business' revision, like roles and settings: it costs a request nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pos_core import clock
from pos_core.auth.models import Revocation, Session
from pos_core.context import Context
from pos_core.db.model import database
from pos_core.db.statements import statement
from pos_core.ids import uuid7

#: No session lives longer (the largest value of the settings that decide), so no older revocation matters.
LONGEST = timedelta(days=31)

_LISTED = statement(
    "SELECT user_id, store_id, since_at, until_at, spared_id FROM core_revocation "
    "WHERE session_id IS NULL AND until_at > ?",
    "timestamptz",
)


@dataclass(frozen=True, slots=True)
class _Span:
    store_id: str | None
    since: datetime | None
    until: datetime
    spared_id: str | None


#: ((revision, database), spans by user, None for everybody): one value, so that threads see it whole.
_cached: list[tuple[tuple[int, int], dict[str | None, list[_Span]]]] = [((-1, 0), {})]


def listed(
    session_id: str, user_id: str, store_id: str | None, began_at: datetime, revision: int, now: datetime
) -> bool:
    """Whether the revocation list, as it stands at `revision`, holds the session."""
    place = (revision, id(database.obj))
    cached_for, spans = _cached[0]
    if cached_for != place:
        spans = _load(now)
        _cached[0] = (place, spans)
    return bool(spans) and any(
        began_at < span.until and (span.since is None or began_at >= span.since)
        and session_id != span.spared_id and span.store_id in (None, store_id)
        for key in (user_id, None) for span in spans.get(key, ())
    )  # fmt: skip


def _load(now: datetime) -> dict[str | None, list[_Span]]:
    found: dict[str | None, list[_Span]] = {}
    for user_id, store_id, since, until, spared in database.obj.fetch(_LISTED, (clock.to_text(now - LONGEST),)):
        span = _Span(store_id, moment(since) if since is not None else None, moment(until), spared)
        found.setdefault(user_id, []).append(span)
    return found


def moment(value: Any) -> datetime:
    """A moment as either database gives it to a plain read."""
    return clock.from_text(value) if isinstance(value, str) else clock.require_utc(value)


def end_one(ctx: Context, session_id: str, user_id: str, reason: str) -> bool:
    """End one session; whether it was open until now."""
    ended = _close(ctx, reason, Session.id == session_id)
    if ended:
        _list(ctx, reason, user_id=user_id, session_id=session_id, until_at=ctx.at)
    return bool(ended)


def end_many(
    ctx: Context, reason: str, *, user_id: str | None = None, store_id: str | None = None,
    since: datetime | None = None, until: datetime | None = None, spare: str | None = None,
) -> int:
    """End every open session that began from `since` on and up to `until` (now): of a user, in a store, or all.

    `spare`: the id of a session that goes on. Returns how many were open.
    """
    until = until or ctx.at
    conditions = [Session.created_at <= until]
    conditions += [Session.user == user_id] if user_id is not None else []
    conditions += [Session.store == store_id] if store_id is not None else []
    conditions += [Session.created_at >= since] if since is not None else []
    conditions += [Session.id != spare] if spare is not None else []
    _list(ctx, reason, user_id=user_id, store_id=store_id, since_at=since, until_at=until, spared_id=spare)
    ctx.writing.raise_revision()
    return _close(ctx, reason, *conditions)


def end_others(ctx: Context, reason: str) -> int:
    """End one's other sessions, because what proves that it is oneself has changed. Returns how many were open."""
    return end_many(ctx, reason, user_id=ctx.actor.id, spare=ctx.session_id)


def end_where(ctx: Context, reason: str, *conditions: Any) -> int:
    """End the open sessions that meet conditions; for those whose beginners queue for the same lock."""
    return _close(ctx, reason, *conditions)


def _close(ctx: Context, reason: str, *conditions: Any) -> int:
    changes = {"revoked_at": ctx.at, "revoked_reason": reason, "updated_at": ctx.at}
    return int(Session.update(changes).where(Session.revoked_at.is_null(), *conditions).execute())


def _list(ctx: Context, reason: str, **row: Any) -> None:
    empty = dict.fromkeys(("user_id", "session_id", "store_id", "since_at", "spared_id"))
    ctx.writing.insert(Revocation, {
        **empty, "id": uuid7(), "revoked_at": ctx.at, "reason": reason, "revoked_by": ctx.actor.id or None, **row,
    })  # fmt: skip
