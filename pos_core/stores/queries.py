"""Reads of stores, registers and devices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pos_core import clock, scope
from pos_core.actions import query
from pos_core.auth.models import Session
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.records import reach
from pos_core.rbac.models import User
from pos_core.stores import devices
from pos_core.stores.models import Device, Register, Store

DEVICE_READERS = ("hq:devices.view", "store:devices.view")
READERS = ("hq:stores.view", "store:registers.view", "pos:registers.view")


def store_view(row: Store) -> dict[str, Any]:
    """A store as the API shows it."""
    return {
        "id": row.id, "code": row.code, "name": row.name, "time_zone": row.time_zone,
        "day_start_minutes": row.day_start_minutes, "address": row.address, "phone": row.phone,
        "tax_number": row.tax_number, "is_active": row.is_active, "version": row.version,
    }  # fmt: skip


def register_view(row: Register) -> dict[str, Any]:
    """A register as the API shows it."""
    return {"id": row.id, "store_id": row.store_id, "code": row.code, "name": row.name,
            "is_active": row.is_active, "version": row.version}  # fmt: skip


def device_view(row: Device, last_seen: datetime | None = None) -> dict[str, Any]:
    """A device as the API shows it; never its key."""
    return {
        "id": row.id, "store_id": row.store_id, "register_id": row.register_id, "name": row.name,
        "platform": row.platform, "has_fingerprint": row.fingerprint_hash is not None, "is_blocked": row.is_blocked,
        "enrolled_at": clock.to_text(row.enrolled_at),
        "last_seen_at": clock.to_text(last_seen) if last_seen is not None else None, "version": row.version,
    }  # fmt: skip


@query("store:list", permission=READERS)
def list_stores(ctx: Context, *, limit: int = 50, cursor: Any = None) -> Any:
    """Stores by code; at a store only that one."""
    rows, following = records.page(Store.select().where(*reach(ctx, Store.id)), (Store.code,), cursor, limit)
    return [store_view(row) for row in rows], following


@query("store:get", permission=READERS)
def get_store(ctx: Context, *, id: str) -> dict[str, Any]:
    """One store."""
    return store_view(records.get(Store, id, "store", *reach(ctx, Store.id)))


@query("register:list", permission=READERS)
def list_registers(ctx: Context, *, store_id: str | None = None, limit: int = 50, cursor: Any = None) -> Any:
    """Registers by store and code."""
    scope.require_store(ctx, store_id)
    rows = Register.select().where(*reach(ctx, Register.store))
    if store_id is not None:
        rows = rows.where(Register.store == store_id)
    found, following = records.page(rows, (Register.store, Register.code), cursor, limit)
    return [register_view(row) for row in found], following


@query("register:get", permission=READERS)
def get_register(ctx: Context, *, id: str) -> dict[str, Any]:
    """One register."""
    return register_view(records.get(Register, id, "register", *reach(ctx, Register.store)))


@query("device:list", permission=DEVICE_READERS)
def list_devices(
    ctx: Context, *, store_id: str | None = None, register_id: str | None = None, platform: str | None = None,
    is_blocked: bool | None = None, limit: int = 50, cursor: Any = None,
) -> Any:  # fmt: skip
    """Devices in the order of their enrolment."""
    scope.require_store(ctx, store_id)
    scope.require_register(ctx, register_id)
    wanted = {"store": store_id, "register": register_id, "platform": platform, "is_blocked": is_blocked}
    rows = Device.select().where(*reach(ctx, Device.store))
    for name, value in wanted.items():
        if value is not None:
            rows = rows.where(getattr(Device, name) == value)
    found, following = records.page(rows, (Device.id,), cursor, limit)
    seen = devices.last_seen([row.id for row in found])
    return [device_view(row, seen.get(row.id)) for row in found], following


@query("device:get", permission=DEVICE_READERS)
def get_device(ctx: Context, *, id: str) -> dict[str, Any]:
    """One device."""
    row = records.get(Device, id, "device", *reach(ctx, Device.store))
    return device_view(row, devices.last_seen([id]).get(id))


@query("device:sessions", permission=DEVICE_READERS)
def list_device_sessions(ctx: Context, *, id: str, limit: int = 50, cursor: Any = None) -> Any:
    """Who signed in on a device, the latest first."""
    records.get(Device, id, "device", *reach(ctx, Device.store))
    rows = Session.select(Session, User.id, User.username).join(User).where(Session.device == id)
    found, following = records.page(rows, (Session.created_at, Session.id), cursor, limit, descending=True)
    return [devices.session_view(ctx, row) for row in found], following
