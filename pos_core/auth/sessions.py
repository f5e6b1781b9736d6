"""From a session to a context: one prepared read per request, so that whatever was withdrawn bites at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from pos_core.auth import revocation
from pos_core.auth.revocation import moment
from pos_core.auth.tokens import TOKEN_EXPIRED, TOKEN_INVALID
from pos_core.context import Actor, Context
from pos_core.db.statements import statement
from pos_core.db.unit_of_work import ChainHead
from pos_core.errors import Kind, define
from pos_core.rbac import grants

if TYPE_CHECKING:
    from pos_core.kernel import Kernel

SESSION_ENDED = define(
    "session_ended", Kind.UNAUTHENTICATED,
    en="This sign-in was ended.", es="Esta sesión fue terminada.",
    cure="Sign in again; ask an administrator where your account or device was blocked.",
)
SESSION_IDLE = define(
    "session_idle", Kind.UNAUTHENTICATED,
    en="This sign-in ended because nobody used it for a while.",
    es="Esta sesión terminó porque nadie la usó durante un tiempo.",
    cure="Sign in again; the settings auth.idle_minutes_* say how long a sign-in may rest.",
)

_SESSION = statement(
    "SELECT s.user_id, s.app_context, s.store_id, s.device_id, s.register_id, s.created_at, s.expires_at, "
    "s.idle_ends_at, s.revoked_at, s.restriction, u.username, u.is_active, u.is_super_admin, d.is_blocked, r.value, "
    "c.id, c.seq, c.fence, CASE WHEN s.register_id IS NOT NULL THEN c.head END, c.counters "
    "FROM core_session s JOIN core_user u ON u.id = s.user_id JOIN core_revision r ON r.id = 1 "
    "LEFT JOIN core_device d ON d.id = s.device_id LEFT JOIN core_chain c ON c.id = COALESCE(s.register_id, ?) "
    "WHERE s.id = ?",
    "uuid uuid",
)


def context_of(kernel: Kernel, session_id: str, **request: Any) -> Context:
    """The context of a live session; PosError when it ended, expired, or its user or device was blocked."""
    rows = kernel.db.fetch(_SESSION, (kernel.instance_id, session_id))
    if not rows:
        raise TOKEN_INVALID()
    (user_id, app_context, store_id, device_id, register_id, began_at, expires_at, idle_ends_at, revoked_at,
     restriction, username, is_active, is_super, is_blocked, revision, chain_id, seq, fence, head, counters) = rows[0]
    now = kernel.clock.now()
    if revoked_at is not None or not is_active or is_blocked or revocation.listed(
        session_id, user_id, store_id, moment(began_at), revision, now
    ):
        raise SESSION_ENDED()
    if moment(expires_at) <= now:
        raise TOKEN_EXPIRED()
    if idle_ends_at is not None and moment(idle_ends_at) <= now:
        raise SESSION_IDLE()
    if restriction:  # who has yet to change a password or enrol a factor may do that, and nothing else
        actor = Actor(user_id, username)
    else:
        held = grants.of(user_id, app_context, store_id, revision)
        permissions = kernel.granted(held.permissions, store_id, revision)
        actor = Actor(user_id, username, held.roles, permissions, bool(is_super))
    return Context(
        kernel, actor=actor, app_context=app_context, store_id=store_id, register_id=register_id,
        device_id=device_id, session_id=session_id, at=now, revision=revision, restriction=restriction,
        known_head=_head(chain_id, seq, fence, head, counters) if chain_id is not None else None, **request,
    )


def _head(chain_id: str, seq: int, fence: str | None, head: Any, counters: str) -> ChainHead:
    """The chain's row; whole where it is a register's own, which a till's request goes on from without reading it."""
    if head is None:
        return ChainHead(chain_id, seq, b"", {}, fence)
    return ChainHead(chain_id, seq, bytes(head), orjson.loads(counters), fence)
