"""Signing in and out."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import peewee as pw

from pos_core import clock
from pos_core.actions import action, query
from pos_core.auth import schemas
from pos_core.auth.models import Session
from pos_core.auth.tokens import TOKEN_MISSING, Claims
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import Kind, define
from pos_core.rbac import grants
from pos_core.rbac.models import User
from pos_core.stores.models import Device, Store

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
NO_ROLE_HERE = define(
    "no_role_here", Kind.DENIED,
    en="You hold no role for this application here.", es="No tiene ningún rol para esta aplicación aquí.",
    cure="Ask an administrator to assign you a role in this store.",
)


@dataclass(frozen=True, slots=True)
class Proven:
    """A user whose password fitted, and the place that was proven."""

    user: User
    store_id: str | None
    device_id: str | None
    register_id: str | None
    new_hash: str | None


def prove(ctx: Context, command: schemas.SignIn) -> Proven:
    """Check the password and the place, outside any transaction: a hash takes a tenth of a second."""
    store_id, device = _place(command)
    user = User.get_or_none((pw.fn.lower(User.username) == command.username.lower()) & User.is_active)
    password = command.password.get_secret_value()
    passwords = ctx.kernel.passwords
    fits = passwords.verify(password, user.password_hash if user is not None else None)
    if user is None or not fits:
        raise CREDENTIALS_WRONG()
    rehash = passwords.hash(password) if passwords.needs_rehash(user.password_hash) else None
    if command.app_context == "pos":
        found = _device(command)
        return Proven(user, found.store_id, found.id, found.register_id, rehash)
    if store_id is not None and Store.get_or_none((Store.id == store_id) & Store.is_active) is None:
        raise CREDENTIALS_WRONG("store_id")
    return Proven(user, store_id, device.id if device else None, None, rehash)


def _place(command: schemas.SignIn) -> tuple[str | None, Device | None]:
    context = command.app_context
    if context == "pos" and command.device is None:
        raise PLACE_MISSING("device", context=context, needed="an enrolled device")
    if context == "store" and command.store_id is None:
        raise PLACE_MISSING("store_id", context=context, needed="a store")
    if context == "hq" and command.store_id is not None:
        raise PLACE_MISSING("store_id", context=context, needed="no store")
    device = _device(command) if command.device is not None else None
    if context == "store" and device is not None and device.store_id != command.store_id:
        raise CREDENTIALS_WRONG("device")
    return command.store_id, device


def _device(command: schemas.SignIn) -> Device:
    assert command.device is not None
    found = Device.get_or_none((Device.id == command.device.id) & ~Device.is_blocked)
    given = hashlib.sha256(command.device.key.get_secret_value().encode()).digest()
    if found is None or not hmac.compare_digest(found.key_hash, given):
        raise CREDENTIALS_WRONG("device")
    return found


@action("session:open", command=schemas.SignIn, public=True, beforehand=prove, status=201, entity="session",
        secrets=("access_token",))
def open_session(ctx: Context, command: schemas.SignIn, beforehand: Proven) -> dict[str, Any]:
    """Sign in: a session and its access token."""
    user, kernel = beforehand.user, ctx.kernel
    held = grants.read(user.id, command.app_context, beforehand.store_id)
    if not held.roles and not user.is_super_admin:
        raise NO_ROLE_HERE("app_context")
    expires_at = ctx.at + timedelta(minutes=kernel.config.auth.access_minutes)
    records.add(ctx, Session(
        id=command.id, user=user.id, app_context=command.app_context, store=beforehand.store_id,
        device=beforehand.device_id, register=beforehand.register_id, expires_at=expires_at, ip=ctx.ip,
        user_agent=ctx.user_agent[:200],
    ))  # fmt: skip
    if beforehand.new_hash is not None:
        User.update(password_hash=beforehand.new_hash).where(User.id == user.id).execute()
    claims = Claims(command.id, user.id, user.username, user.is_super_admin, command.app_context, beforehand.store_id)
    ctx.emit("session:opened", "session", command.id, user_id=user.id, app_context=command.app_context)
    return {
        "id": command.id, "access_token": kernel.tokens.access(claims), "expires_at": clock.to_text(expires_at),
        "user_id": user.id, "username": user.username, "app_context": command.app_context,
        "store_id": beforehand.store_id, "register_id": beforehand.register_id, "device_id": beforehand.device_id,
        "roles": list(held.roles), "permissions": sorted(held.permissions),
    }  # fmt: skip


@action("session:close", command=schemas.SignOut, public=True, entity="session")
def close_session(ctx: Context, command: schemas.SignOut) -> dict[str, Any]:
    """Sign out: the session's token stops working at once."""
    if ctx.session_id is None:
        raise TOKEN_MISSING()
    Session.update(revoked_at=ctx.at, revoked_reason="signed out", updated_at=ctx.at).where(
        Session.id == ctx.session_id, Session.revoked_at.is_null()
    ).execute()
    ctx.emit("session:closed", "session", ctx.session_id)
    return {"id": ctx.session_id, "ended_at": clock.to_text(ctx.at)}


@query("session:me", public=True)
def me(ctx: Context) -> dict[str, Any]:
    """Who is signed in with this token, where, and what they may do here."""
    if ctx.session_id is None:
        raise TOKEN_MISSING()
    return {
        "user_id": ctx.actor.id, "username": ctx.actor.name, "app_context": ctx.app_context, "store_id": ctx.store_id,
        "register_id": ctx.register_id, "device_id": ctx.device_id, "is_super_admin": ctx.actor.is_super_admin,
        "roles": list(ctx.actor.roles), "permissions": sorted(ctx.actor.permissions),
    }  # fmt: skip
