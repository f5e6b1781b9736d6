"""One's own account: who one is, one's sessions and sign-ins, one's password."""

from __future__ import annotations

from typing import Any

from pos_core import clock
from pos_core.actions import action, query
from pos_core.auth import limits, policy, revocation, schemas
from pos_core.auth.mfa import factors
from pos_core.auth.models import Session
from pos_core.auth.service import CREDENTIALS_WRONG, require_person
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import Kind, define
from pos_core.rbac.models import User

PASSWORD_SAME = define(
    "password_same", Kind.INVALID,
    en="The new password is the old one.", es="La contraseña nueva es la anterior.",
    cure="Choose another one.",
)


@query("session:me", public=True)
def me(ctx: Context) -> dict[str, Any]:
    """Who is signed in with this token, where, and what they may do here."""
    require_person(ctx)
    return {
        "user_id": ctx.actor.id, "username": ctx.actor.name, "app_context": ctx.app_context, "store_id": ctx.store_id,
        "register_id": ctx.register_id, "device_id": ctx.device_id, "is_super_admin": ctx.actor.is_super_admin,
        "restriction": ctx.restriction, "roles": list(ctx.actor.roles), "permissions": sorted(ctx.actor.permissions),
    }  # fmt: skip


def session_view(ctx: Context, row: Session) -> dict[str, Any]:
    """A session as the API shows it; `row` comes with its user."""
    ends_at = min(row.expires_at, row.idle_ends_at) if row.idle_ends_at is not None else row.expires_at
    return {
        "id": row.id, "user_id": row.user_id, "username": row.user.username, "app_context": row.app_context,
        "store_id": row.store_id, "device_id": row.device_id, "register_id": row.register_id,
        "began_at": clock.to_text(row.created_at), "last_seen_at": clock.to_text(row.last_seen_at),
        "ends_at": clock.to_text(ends_at), "ended_reason": row.revoked_reason,
        "ended_at": clock.to_text(row.revoked_at) if row.revoked_at is not None else None,
        "is_open": row.revoked_at is None and ends_at > ctx.at, "is_current": row.id == ctx.session_id,
        "method": row.method, "mfa_verified": row.mfa_verified, "biometric_verified": row.biometric_verified,
        "restriction": row.restriction, "ip": row.ip, "user_agent": row.user_agent, "workstation": row.workstation,
    }  # fmt: skip


def sessions_where(ctx: Context, *conditions: Any, limit: int, cursor: Any) -> Any:
    """A page of sessions, the latest first, as the API shows them."""
    rows = Session.select(Session, User).join(User).where(*conditions)
    found, following = records.page(rows, (Session.created_at, Session.id), cursor, limit, descending=True)
    return [session_view(ctx, row) for row in found], following


def open_now(ctx: Context) -> tuple[Any, ...]:
    """The conditions that a session is open at this moment."""
    return (
        Session.revoked_at.is_null(), Session.expires_at > ctx.at,
        Session.idle_ends_at.is_null() | (Session.idle_ends_at > ctx.at),
    )  # fmt: skip


@query("session:own", public=True)
def own_sessions(ctx: Context, *, limit: int = 50, cursor: Any = None) -> Any:
    """One's own open sessions, the latest first."""
    require_person(ctx)
    return sessions_where(ctx, Session.user == ctx.actor.id, *open_now(ctx), limit=limit, cursor=cursor)


@query("session:history", public=True)
def own_history(ctx: Context, *, limit: int = 50, cursor: Any = None) -> Any:
    """One's own sign-ins, open and ended, the latest first."""
    require_person(ctx)
    return sessions_where(ctx, Session.user == ctx.actor.id, limit=limit, cursor=cursor)


def _prove_old(ctx: Context, command: schemas.ChangePassword) -> str:
    """The new password's hash, once the old one fits and the new one is good; outside any transaction."""
    require_person(ctx)
    user: User = User.get_by_id(ctx.actor.id)
    old, new = command.old_password.get_secret_value(), command.new_password.get_secret_value()
    passwords = ctx.kernel.passwords
    if not limits.checked(ctx, user.username, "password", lambda: passwords.verify(old, user.password_hash)):
        raise CREDENTIALS_WRONG("old_password")
    policy.require_password(ctx, new, username=user.username, path="new_password")
    if old == new:
        raise PASSWORD_SAME("new_password")
    return ctx.kernel.passwords.hash(new)


@action("password:change", command=schemas.ChangePassword, public=True, beforehand=_prove_old, entity="user",
        security="password_changed")
def change_password(ctx: Context, command: schemas.ChangePassword, beforehand: str) -> dict[str, Any]:
    """Change one's own password; one's other sessions end, and a session that waited for it is free."""
    user = records.get(User, ctx.actor.id, "user")
    records.edit(ctx, user, {"password_hash": beforehand, "must_change_password": False}, "user", user.version)
    Session.update(restriction=factors.restriction_left(ctx, user), updated_at=ctx.at).where(
        Session.id == ctx.session_id, Session.restriction == "password"
    ).execute()
    ended = revocation.end_many(ctx, "password changed", user_id=user.id, spare=ctx.session_id)
    return {"id": user.id, "changed_at": clock.to_text(ctx.at), "ended": ended}
