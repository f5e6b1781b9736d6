"""Changing stores, registers and devices."""

from __future__ import annotations

from typing import Any

from pos_core.actions import action
from pos_core.audit.models import Chain
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS
from pos_core.stores import devices, queries, schemas
from pos_core.stores.models import Device, Register, Store


def changes_of(command: Any) -> dict[str, Any]:
    """The fields of an edit that were given, without its id and version."""
    return {k: getattr(command, k) for k in command.model_fields_set
            if k not in ("id", "version", "reason", "reason_note") and getattr(command, k) is not None}


@action("store:create", command=schemas.CreateStore, permission="hq:stores.provision", status=201, key_field="id",
        constraints={"core_store.code": ALREADY_EXISTS.at("code", fields="code")})
def create_store(ctx: Context, command: schemas.CreateStore) -> dict[str, Any]:
    """Open a store."""
    row = Store(**command.model_dump())
    records.add(ctx, row)
    ctx.writing.raise_revision()
    ctx.emit("store:created", "store", row.id)
    return queries.store_view(row)


@action("store:edit", command=schemas.EditStore, permission="hq:stores.manage")
def edit_store(ctx: Context, command: schemas.EditStore) -> dict[str, Any]:
    """Change a store's details; its code stays."""
    row = records.get(Store, command.id, "store")
    ctx.writing.was(queries.store_view(row))
    records.edit(ctx, row, changes_of(command), "store", command.version)
    ctx.writing.raise_revision()
    return queries.store_view(row)


@action("register:create", command=schemas.CreateRegister, permission="hq:registers.create", status=201, key_field="id",
        constraints={"core_register.store_id,code": ALREADY_EXISTS.at("code", fields="code")})
def create_register(ctx: Context, command: schemas.CreateRegister) -> dict[str, Any]:
    """Add a register to a store, with an audit chain and number series of its own."""
    records.get(Store, command.store_id, "store")
    row = Register(**command.model_dump())
    records.add(ctx, row)
    ctx.writing.insert(Chain, {"id": row.id, "kind": "register", "store_id": row.store_id})
    ctx.writing.raise_revision()
    return queries.register_view(row)


@action("register:edit", command=schemas.EditRegister, permission="hq:registers.edit")
def edit_register(ctx: Context, command: schemas.EditRegister) -> dict[str, Any]:
    """Rename a register, or take it out of use."""
    row = records.get(Register, command.id, "register")
    ctx.writing.was(queries.register_view(row))
    records.edit(ctx, row, changes_of(command), "register", command.version)
    ctx.writing.raise_revision()
    return queries.register_view(row)


@action("device:enrol", command=schemas.EnrolDevice, permission="hq:devices.enrol", status=201, key_field="id",
        secrets=("key",), security="device_enrolled")
def enrol_device(ctx: Context, command: schemas.EnrolDevice) -> dict[str, Any]:
    """Enrol a machine at a store, as a register's till or without one; its key is shown once."""
    records.get(Store, command.store_id, "store")
    _require_register(command.register_id, command.store_id)
    key, key_hash = devices.new_key()
    row = Device(
        **command.model_dump(exclude={"fingerprint"}), key_hash=key_hash, enrolled_at=ctx.at,
        fingerprint_hash=devices.hashed(command.fingerprint),
    )  # fmt: skip
    records.add(ctx, row)
    return {**queries.device_view(row), "key": key}


def _require_register(register_id: str | None, store_id: str) -> None:
    if register_id is not None:
        records.get(Register, register_id, "register", Register.store == store_id)


def _device(ctx: Context, device_id: str) -> Device:
    """The device within the actor's reach, as it is now in the audit entry."""
    row = records.get(Device, device_id, "device", *records.reach(ctx, Device.store))
    ctx.writing.was(_shown(row))
    return row


def _shown(row: Device) -> dict[str, Any]:
    return queries.device_view(row, devices.last_seen([row.id]).get(row.id))


@action("device:edit", command=schemas.EditDevice, permission="hq:devices.edit")
def edit_device(ctx: Context, command: schemas.EditDevice) -> dict[str, Any]:
    """Rename a device, or let it be another register's till: its sessions end then."""
    row = _device(ctx, command.id)
    changes = changes_of(command)
    moved = changes.pop("register_id", row.register_id)
    if moved != row.register_id:
        _require_register(moved, row.store_id)
        changes["register"] = moved
        devices.end_sessions(ctx, row.id, "device moved")
    records.edit(ctx, row, changes, "device", command.version)
    return _shown(row)


@action("device:block", command=schemas.SwitchDevice, permission=("hq:devices.block", "store:devices.block"),
        security="device_blocked", reason=True)
def block_device(ctx: Context, command: schemas.SwitchDevice) -> dict[str, Any]:
    """Block a device: it bites at the device's next request."""
    row = _device(ctx, command.id)
    records.edit(ctx, row, {"is_blocked": True}, "device", command.version)
    devices.end_sessions(ctx, row.id, "device blocked")
    return _shown(row)


@action("device:unblock", command=schemas.SwitchDevice, permission="hq:devices.block", security="device_blocked",
        reason="optional")
def unblock_device(ctx: Context, command: schemas.SwitchDevice) -> dict[str, Any]:
    """Let a blocked device in again; whoever was signed in on it signs in anew."""
    row = _device(ctx, command.id)
    records.edit(ctx, row, {"is_blocked": False}, "device", command.version)
    return _shown(row)


@action("device:re_enrol", command=schemas.ReEnrolDevice, permission="hq:devices.enrol", secrets=("key",),
        security="device_enrolled")
def re_enrol_device(ctx: Context, command: schemas.ReEnrolDevice) -> dict[str, Any]:
    """Enrol a device again: a new key that is shown once; the old one and the sessions begun with it are dead."""
    row = _device(ctx, command.id)
    key, key_hash = devices.new_key()
    changes = {"key_hash": key_hash, "fingerprint_hash": devices.hashed(command.fingerprint), "enrolled_at": ctx.at}
    records.edit(ctx, row, changes, "device", command.version)
    devices.end_sessions(ctx, row.id, "device enrolled again")
    return {**_shown(row), "key": key}
