"""Signing in and out, and exchanging refresh tokens."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import peewee as pw

from pos_core import clock
from pos_core.actions import action
from pos_core.auth import limits, opening, pins, refresh, revocation, schemas, sessions
from pos_core.auth.mfa import factors
from pos_core.auth.models import RefreshToken, Session
from pos_core.auth.opening import Proven
from pos_core.auth.tokens import TOKEN_MISSING
from pos_core.context import Context
from pos_core.errors import NOT_FOUND, Kind, define
from pos_core.rbac.models import User
from pos_core.security import note
from pos_core.stores.devices import check_fingerprint
from pos_core.stores.models import Device, Store

#: How long a sign-in proves that it is oneself who ends other sessions.
RECENT = timedelta(minutes=10)
CREDENTIALS_WRONG = define(
    "credentials_wrong", Kind.UNAUTHENTICATED,
    en="The user name, the password or the device's key is not right.",
    es="El usuario, la contraseña o la clave del dispositivo no es correcta.",
    cure="Check them; an administrator can reset a password and enrol a device again.",
)
PLACE_MISSING = define(
    "sign_in_place_missing", Kind.INVALID,
    en="The {context} application signs in with {needed}.", es="La aplicación {context} inicia sesión con {needed}.",
    cure="A till sends `device` (id and key), a back office sends `store_id`, the headquarters neither.",
)
REFRESH_MISSING = define(
    "refresh_token_missing", Kind.UNAUTHENTICATED,
    en="There is no refresh token here.", es="Aquí no hay token de renovación.",
    cure="Sign in; a browser sends its cookie by itself, a desktop client sends `refresh_token`.",
)
REFRESH_INVALID = define(
    "refresh_token_invalid", Kind.UNAUTHENTICATED,
    en="The refresh token is not valid, or has expired.", es="El token de renovación no es válido o ha caducado.",
    cure="Sign in again.",
)
REFRESH_REUSED = define(
    "refresh_token_reused", Kind.UNAUTHENTICATED,
    en="This refresh token was used before: the sign-in was ended, because somebody may have copied it.",
    es="Este token de renovación ya se usó: la sesión se terminó porque alguien puede haberlo copiado.",
    cure="Sign in again. Where it happens repeatedly, look for two programs that share one token, or for a thief.",
)


def prove(ctx: Context, command: schemas.SignIn) -> Proven:
    """Check the password and the place, outside any transaction: a hash takes a tenth of a second."""
    store_id, device = place_of(command)
    user = User.get_or_none((pw.fn.lower(User.username) == command.username.lower()) & User.is_active)
    password = command.password.get_secret_value()
    passwords = ctx.kernel.passwords
    stored = user.password_hash if user is not None else None
    fits = limits.checked(ctx, command.username, "password", lambda: passwords.verify(password, stored))
    if user is None or not fits:
        raise CREDENTIALS_WRONG()
    if device is not None and command.device is not None:
        check_fingerprint(ctx, device, command.device.fingerprint)
    rehash = passwords.hash(password) if passwords.needs_rehash(user.password_hash) else None
    register_id = None
    if command.app_context == "pos" and device is not None:
        store_id, register_id = device.store_id, device.register_id
    elif store_id is not None and Store.get_or_none((Store.id == store_id) & Store.is_active) is None:
        raise CREDENTIALS_WRONG("store_id")
    factor = factors.ask(ctx, user, command.app_context, store_id, command.mfa)
    return Proven(
        user, store_id, device.id if device else None, register_id, rehash, mfa_verified=factor.verified,
        biometric_verified=factor.biometric, restriction=factor.restriction,
    )


def place_of(command: schemas.Opening) -> tuple[str | None, Device | None]:
    """(store, proven device) of a sign-in; PosError where the application needs another place, or the key is wrong."""
    context = command.app_context
    if context == "pos" and command.device is None:
        raise PLACE_MISSING("device", context=context, needed="an enrolled device")
    if context == "store" and command.store_id is None:
        raise PLACE_MISSING("store_id", context=context, needed="a store")
    if context == "hq" and command.store_id is not None:
        raise PLACE_MISSING("store_id", context=context, needed="no store")
    device = device_of(command) if command.device is not None else None
    if context == "store" and device is not None and device.store_id != command.store_id:
        raise CREDENTIALS_WRONG("device")
    return command.store_id, device


def device_of(command: schemas.Opening | schemas.Refresh) -> Device:
    """The enrolled device whose key the command proves; PosError `credentials_wrong`."""
    assert command.device is not None
    found = Device.get_or_none((Device.id == command.device.id) & ~Device.is_blocked)
    given = hashlib.sha256(command.device.key.get_secret_value().encode()).digest()
    if found is None or not hmac.compare_digest(found.key_hash, given):
        raise CREDENTIALS_WRONG("device")
    return found  # type: ignore[no-any-return]


@action("session:open", command=schemas.SignIn, public=True, beforehand=prove, status=201, entity="session",
        secrets=("access_token", "refresh_token"), security="sign_in")
def open_session(ctx: Context, command: schemas.SignIn, beforehand: Proven) -> dict[str, Any]:
    """Sign in: a session, its access token and its refresh token."""
    return opening.begin(ctx, command, beforehand)


@action("session:refresh", command=schemas.Refresh, public=True, entity="session",
        secrets=("access_token", "refresh_token"))
def refresh_session(ctx: Context, command: schemas.Refresh) -> dict[str, Any]:
    """Exchange a refresh token for a new access token and its own successor; a token that comes twice ends them all."""
    if command.refresh_token is None:
        raise REFRESH_MISSING()
    token = command.refresh_token.get_secret_value()
    row = refresh.find(token)
    if row is None:
        raise REFRESH_INVALID()
    session: Session = Session.get_by_id(row.session_id)
    proven = command.device is not None and device_of(command).id == session.device_id
    if command.device is not None and not proven:
        raise CREDENTIALS_WRONG("device")
    sessions.context_of(ctx.kernel, session.id)  # refuses what was ended, has expired or was blocked
    if row.expires_at <= ctx.at:
        raise REFRESH_INVALID()
    issued = refresh.use(ctx, row, token, session, proven)
    if issued is None:
        issued = refresh.repeated(ctx, row.id, token, proven)
        if issued is None:
            return _end_family(ctx, session, row)
    else:
        seen = {"last_seen_at": ctx.at, "idle_ends_at": opening.idle_end(ctx, session.app_context, session.store_id)}
        Session.update(**seen, updated_at=ctx.at).where(Session.id == session.id).execute()
    return opening.tokens_of(ctx, session, session.user, issued)


def _end_family(ctx: Context, session: Session, row: RefreshToken) -> dict[str, Any]:
    """A used token came again: end the session for both who hold its tokens, and keep that although it is refused."""
    revocation.end_one(ctx, session.id, session.user_id, "refresh token reused")
    note(ctx, "token_reuse", result="revoked", user_id=session.user_id, store_id=session.store_id,
         details={"session": session.id, "number": row.number, "app_context": session.app_context})
    ctx.emit("session:ended", "session", session.id, user_id=session.user_id, reason="refresh token reused")
    ctx.writing.refuse_after_commit(REFRESH_REUSED())
    return {"id": session.id, "user_id": session.user_id, "reason": "refresh token reused"}


def _meant(ctx: Context, token: Any) -> Session:
    """The session that a request is about: its own, or else the one of the refresh token it brings."""
    if ctx.session_id is not None:
        return Session.get_by_id(ctx.session_id)  # type: ignore[no-any-return]
    row = refresh.find(token.get_secret_value()) if token is not None else None
    if row is None:
        raise TOKEN_MISSING()
    return Session.get_by_id(row.session_id)  # type: ignore[no-any-return]


def _sign_out(ctx: Context, session: Session, reason: str) -> dict[str, Any]:
    if revocation.end_one(ctx, session.id, session.user_id, reason):
        ctx.emit("session:closed", "session", session.id)
    return {"id": session.id, "ended_at": clock.to_text(ctx.at), "app_context": session.app_context}


@action("session:close", command=schemas.SignOut, public=True, entity="session", security="sign_out")
def close_session(ctx: Context, command: schemas.SignOut) -> dict[str, Any]:
    """Sign out: the session's tokens stop working at once."""
    return _sign_out(ctx, _meant(ctx, command.refresh_token), "signed out")


@action("session:leave", command=schemas.Leave, public=True, entity="session", security="sign_out")
def leave(ctx: Context, command: schemas.Leave) -> dict[str, Any]:
    """End the session of a browser window that closes (`navigator.sendBeacon`); any body is ignored."""
    return _sign_out(ctx, _meant(ctx, command.refresh_token), "window closed")


def _prove_recent(ctx: Context, command: schemas.SignOutEverywhere | schemas.Revoke | schemas.EndOwnSession) -> None:
    """Whoever ends other sessions has proven to be oneself a moment ago, or does so now: a found token ends none."""
    require_person(ctx)
    current = Session.get_by_id(ctx.session_id)
    if ctx.at - current.created_at > RECENT:
        pins.prove_again(ctx, command.password)


@action("session:close_all", command=schemas.SignOutEverywhere, public=True, entity="session", security="sign_out",
        beforehand=_prove_recent)
def close_all(ctx: Context, command: schemas.SignOutEverywhere) -> dict[str, Any]:
    """End all of one's own sessions, in every application, this one included."""
    require_person(ctx)
    reason = "signed out everywhere"
    ended = revocation.end_many(ctx, reason, user_id=ctx.actor.id)
    ctx.emit("session:closed", "user", ctx.actor.id, ended=ended)
    return ended_answer(ctx, None, ctx.actor.id, reason, ended)


def _prove_for(ctx: Context, command: schemas.Revoke) -> None:
    if command.session_id not in (None, ctx.session_id):
        _prove_recent(ctx, command)


@action("session:revoke", command=schemas.Revoke, public=True, entity="session", security="session_revoked",
        beforehand=_prove_for)
def revoke(ctx: Context, command: schemas.Revoke) -> dict[str, Any]:
    """End the session that a refresh token belongs to, or another one of one's own by its id."""
    if command.session_id is not None:
        return end_own(ctx, command.session_id)
    row = refresh.find(command.refresh_token.get_secret_value()) if command.refresh_token is not None else None
    if row is None:
        raise REFRESH_INVALID("refresh_token")
    session: Session = Session.get_by_id(row.session_id)
    return _ended(ctx, session, "revoked by its refresh token")


def _prove_to_end(ctx: Context, command: schemas.EndOwnSession) -> None:
    if command.id != ctx.session_id:
        _prove_recent(ctx, command)


@action("session:end_own", command=schemas.EndOwnSession, public=True, entity="session", security="session_revoked",
        beforehand=_prove_to_end)
def end_own_session(ctx: Context, command: schemas.EndOwnSession) -> dict[str, Any]:
    """End one of one's own sessions."""
    return end_own(ctx, command.id)


def end_own(ctx: Context, session_id: str) -> dict[str, Any]:
    """End a session of the actor's; PosError `not_found` for anybody else's."""
    require_person(ctx)
    session = Session.get_or_none((Session.id == session_id) & (Session.user == ctx.actor.id))
    if session is None:
        raise NOT_FOUND("id", entity="session", id=session_id)
    return _ended(ctx, session, "ended by its owner")


def _ended(ctx: Context, session: Session, reason: str) -> dict[str, Any]:
    ended = revocation.end_one(ctx, session.id, session.user_id, reason)
    if ended:
        ctx.emit("session:ended", "session", session.id, user_id=session.user_id, reason=reason)
    return ended_answer(ctx, session.id, session.user_id, reason, int(ended))


def ended_answer(
    ctx: Context, session_id: str | None, user_id: str | None, reason: str, ended: int
) -> dict[str, Any]:
    """What every end of sessions answers, and what its audit entry says."""
    return {
        "id": session_id, "user_id": user_id, "reason": reason, "ended": ended, "ended_at": clock.to_text(ctx.at),
    }  # fmt: skip


def require_person(ctx: Context) -> None:
    """PosError `token_missing` unless somebody is signed in."""
    if ctx.session_id is None:
        raise TOKEN_MISSING()
