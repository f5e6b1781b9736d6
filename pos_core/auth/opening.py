"""Beginning a session, whatever proved the person: password, PIN, or a device that knows a thumb."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pos_core import clock
from pos_core.auth import offline, refresh, revocation, schemas
from pos_core.auth.models import Session
from pos_core.auth.refresh import Issued
from pos_core.auth.tokens import Claims
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.database import PostgresDatabase
from pos_core.errors import Kind, define
from pos_core.rbac import grants
from pos_core.rbac.models import User

NO_ROLE_HERE = define(
    "no_role_here", Kind.DENIED,
    en="You hold no role for this application here.", es="No tiene ningún rol para esta aplicación aquí.",
    cure="Ask an administrator to assign you a role in this store.",
)
SESSION_OPEN_ELSEWHERE = define(
    "session_open_elsewhere", Kind.CONFLICT,
    en="You are signed in to this application already, since {since}.",
    es="Ya tiene una sesión en esta aplicación desde {since}.",
    cure="Sign out there, or let an administrator end that session; the setting auth.concurrency decides.",
)
REPLACED = "signed in again elsewhere"


@dataclass(frozen=True, slots=True)
class Proven:
    """A user whose proof fitted, and the place that was proven.

    method: what proved the person. restriction: what has to be done first, beyond a password to be changed.
    """

    user: User
    store_id: str | None
    device_id: str | None
    register_id: str | None
    new_hash: str | None
    method: str = "password"
    mfa_verified: bool = False
    biometric_verified: bool = False
    restriction: str = ""


def begin(ctx: Context, command: schemas.Opening, proven: Proven) -> dict[str, Any]:
    """Begin the session in the running action and answer its tokens.

    PosError `no_role_here`, `session_open_elsewhere`, `hq_silent_too_long`.
    """
    user = _locked(ctx, proven.user.id)
    held = grants.read(user.id, command.app_context, proven.store_id)
    if not held.roles and not user.is_super_admin:
        raise NO_ROLE_HERE("app_context")
    if not user.is_super_admin:
        offline.require_heard(ctx, proven.store_id)
    _make_room(ctx, user, command.app_context, proven.store_id)
    row = _session(ctx, command, proven, user)
    records.add(ctx, row)
    refresh.forget_ended(ctx, user.id)
    issued = refresh.first(ctx, row)
    if proven.new_hash is not None:
        User.update(password_hash=proven.new_hash).where(User.id == user.id).execute()
    ctx.emit("session:opened", "session", row.id, user_id=user.id, app_context=row.app_context)
    open_to = held if not row.restriction else grants.Grants((), frozenset())
    return {
        **tokens_of(ctx, row, user, issued), "username": user.username, "store_id": row.store_id,
        "register_id": row.register_id, "device_id": row.device_id, "restriction": row.restriction,
        "roles": list(open_to.roles),
        "permissions": sorted(ctx.kernel.granted(open_to.permissions, proven.store_id, ctx.revision)),
    }  # fmt: skip


def _locked(ctx: Context, user_id: str) -> User:
    """The user as it is now, kept by this transaction: two sign-ins of one person at once queue here."""
    query = User.select().where(User.id == user_id)
    if isinstance(ctx.kernel.db, PostgresDatabase):
        query = query.for_update("FOR NO KEY UPDATE")
    user: User = query.get()
    return user


def _make_room(ctx: Context, user: User, app_context: str, store_id: str | None) -> None:
    """Keep to the policy of how many sessions one person may have in one application."""
    policy = ctx.kernel.settings.for_store(store_id, ctx.revision)["auth.concurrency"]
    same = (Session.user == user.id, Session.app_context == app_context)
    if policy == "replace":
        revocation.end_where(ctx, REPLACED, *same)
    elif policy == "refuse":
        alive = Session.expires_at > ctx.at, Session.idle_ends_at.is_null() | (Session.idle_ends_at > ctx.at)
        known = Session.select().where(*same, *alive, Session.revoked_at.is_null()).order_by(Session.created_at).first()
        if known is not None:
            raise SESSION_OPEN_ELSEWHERE("app_context", since=clock.to_text(known.created_at))


def _session(ctx: Context, command: schemas.Opening, proven: Proven, user: User) -> Session:
    settings = ctx.kernel.settings.for_store(proven.store_id, ctx.revision)
    context = command.app_context
    return Session(
        id=command.id, user=user.id, app_context=context, store=proven.store_id, device=proven.device_id,
        register=proven.register_id, expires_at=ctx.at + timedelta(hours=settings[f"auth.session_hours_{context}"]),
        idle_ends_at=idle_end(ctx, context, proven.store_id), last_seen_at=ctx.at,
        restriction="password" if user.must_change_password else proven.restriction, delivery=command.delivery,
        method=proven.method, mfa_verified=proven.mfa_verified, biometric_verified=proven.biometric_verified,
        ip=ctx.ip, user_agent=ctx.user_agent[:200], workstation=command.workstation,
    )  # fmt: skip


def idle_end(ctx: Context, app_context: str, store_id: str | None) -> datetime | None:
    """When a session ends unless it is refreshed before; None where rest does not end it.

    Rest is counted from the end of the access token: until then nobody can tell whether it is used without a write at
    each request.
    """
    minutes = ctx.kernel.settings.for_store(store_id, ctx.revision)[f"auth.idle_minutes_{app_context}"]
    if not minutes:
        return None
    return ctx.at + timedelta(minutes=minutes + ctx.kernel.config.auth.access_minutes)


def tokens_of(ctx: Context, row: Session, user: User, issued: Issued) -> dict[str, Any]:
    """The part of an answer that a sign-in and a refresh share."""
    kernel = ctx.kernel
    whole = ctx.at.replace(microsecond=0)  # what a token says of its time is in whole seconds
    session_end: datetime = row.expires_at
    ends_at = min(whole + timedelta(minutes=kernel.config.auth.access_minutes), session_end)
    claims = Claims(row.id, user.id, user.username, user.is_super_admin, row.app_context, row.store_id)
    return {
        "id": row.id, "access_token": kernel.tokens.access(claims), "refresh_token": issued.token,
        "delivery": row.delivery, "expires_at": clock.to_text(ends_at),
        "refresh_expires_at": clock.to_text(issued.expires_at), "session_ends_at": clock.to_text(row.expires_at),
        "user_id": user.id, "app_context": row.app_context,
    }  # fmt: skip
