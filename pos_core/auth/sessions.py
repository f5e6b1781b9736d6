"""From a session to a context: one prepared read per request, so that whatever was withdrawn bites at once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pos_core import clock
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

_SESSION = statement(
    "SELECT s.user_id, s.app_context, s.store_id, s.device_id, s.register_id, s.expires_at, s.revoked_at, u.username, "
    "u.is_active, u.is_super_admin, d.is_blocked, r.value, c.id, c.seq, c.fence "
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
    (user_id, app_context, store_id, device_id, register_id, expires_at, revoked_at, username, is_active, is_super,
     is_blocked, revision, chain_id, seq, fence) = rows[0]
    if revoked_at is not None or not is_active or is_blocked:
        raise SESSION_ENDED()
    now = kernel.clock.now()
    if _moment(expires_at) <= now:
        raise TOKEN_EXPIRED()
    held = grants.of(user_id, app_context, store_id, revision)
    actor = Actor(user_id, username, held.roles, held.permissions, bool(is_super))
    return Context(
        kernel, actor=actor, app_context=app_context, store_id=store_id, register_id=register_id,
        device_id=device_id, session_id=session_id, at=now, revision=revision,
        known_head=ChainHead(chain_id, seq, b"", {}, fence) if chain_id is not None else None, **request,
    )


def _moment(value: Any) -> datetime:
    return clock.from_text(value) if isinstance(value, str) else value
