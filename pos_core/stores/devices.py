"""Devices: the key that a machine proves itself with, its fingerprint, and the sessions begun on it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

import peewee as pw
from pydantic import SecretStr

from pos_core import clock
from pos_core.auth import revocation
from pos_core.auth.models import Session
from pos_core.context import Context
from pos_core.errors import Kind, define
from pos_core.security.kinds import define_kind
from pos_core.stores.models import Device

define_kind("device_changed", en="A machine was not the one that was enrolled.",
            es="Una máquina no era la que se registró.", severity="critical", otherwise="critical")
DEVICE_CHANGED = define(
    "device_changed", Kind.UNAUTHENTICATED,
    en="This machine is not the one that was enrolled.", es="Esta máquina no es la que se registró.",
    cure="An administrator enrols the device again, with the machine's fingerprint of today.",
    security="device_changed",
)
SETTING = "devices.fingerprints"


def new_key() -> tuple[str, bytes]:
    """A device's key, to be shown once, and the hash that is kept of it."""
    key = secrets.token_urlsafe(32)
    return key, hashlib.sha256(key.encode()).digest()


def hashed(given: SecretStr | None) -> bytes | None:
    """What is kept of a fingerprint."""
    return None if given is None else hashlib.sha256(given.get_secret_value().encode()).digest()


def check_fingerprint(ctx: Context, device: Device, given: SecretStr | None) -> None:
    """PosError `device_changed` where the device's store requires fingerprints and this is not the enrolled one.

    A device that was enrolled without one has nothing to be compared with: it signs in until it is enrolled again.
    """
    if device.fingerprint_hash is None:
        return
    settings = ctx.kernel.settings.for_store(device.store_id, ctx.kernel.revision())
    if settings[SETTING] == "require" and not hmac.compare_digest(hashed(given) or b"", device.fingerprint_hash):
        raise DEVICE_CHANGED("device.fingerprint")


def end_sessions(ctx: Context, device_id: str, reason: str) -> None:
    """End what is open on a device."""
    revocation.end_where(ctx, reason, Session.device == device_id)


def last_seen(device_ids: list[str]) -> dict[str, datetime]:
    """When each device was last used by somebody who was signed in."""
    rows = (
        Session.select(Session.device, pw.fn.MAX(Session.last_seen_at))
        .where(Session.device.in_(device_ids)).group_by(Session.device).tuples()
    )
    return {device_id: revocation.moment(seen) for device_id, seen in rows}


def session_view(ctx: Context, row: Session) -> dict[str, Any]:
    """A sign-in on a device as the API shows it."""
    return {
        "id": row.id, "user_id": row.user_id, "username": row.user.username, "app_context": row.app_context,
        "began_at": clock.to_text(row.created_at), "last_seen_at": clock.to_text(row.last_seen_at),
        "ended_at": clock.to_text(row.revoked_at) if row.revoked_at is not None else None,
        "ended_because": row.revoked_reason, "is_open": row.revoked_at is None and row.expires_at > ctx.at,
        "ip": row.ip,
    }  # fmt: skip
