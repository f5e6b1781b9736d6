"""Reads of stores, registers and devices."""

from __future__ import annotations

from typing import Any

from pos_core import clock
from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.records import reach
from pos_core.stores.models import Device, Register, Store

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


def device_view(row: Device) -> dict[str, Any]:
    """A device as the API shows it; never its key."""
    return {
        "id": row.id, "store_id": row.store_id, "register_id": row.register_id, "name": row.name,
        "is_blocked": row.is_blocked, "enrolled_at": clock.to_text(row.enrolled_at), "version": row.version,
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
    rows = Register.select().where(*reach(ctx, Register.store))
    if store_id is not None:
        rows = rows.where(Register.store == store_id)
    found, following = records.page(rows, (Register.store, Register.code), cursor, limit)
    return [register_view(row) for row in found], following


@query("register:get", permission=READERS)
def get_register(ctx: Context, *, id: str) -> dict[str, Any]:
    """One register."""
    return register_view(records.get(Register, id, "register", *reach(ctx, Register.store)))


@query("device:list", permission=("hq:devices.manage", "store:registers.view"))
def list_devices(ctx: Context, *, limit: int = 50, cursor: Any = None) -> Any:
    """Devices in the order of their enrolment."""
    rows, following = records.page(Device.select().where(*reach(ctx, Device.store)), (Device.id,), cursor, limit)
    return [device_view(row) for row in rows], following
