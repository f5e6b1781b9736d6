"""Changing stores, registers and devices."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from pos_core.actions import action
from pos_core.audit.models import Chain
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS
from pos_core.stores import queries, schemas
from pos_core.stores.models import Device, Register, Store


def changes_of(command: Any) -> dict[str, Any]:
    """The fields of an edit that were given, without its id and version."""
    return {k: getattr(command, k) for k in command.model_fields_set
            if k not in ("id", "version") and getattr(command, k) is not None}


@action("store:create", command=schemas.CreateStore, permission="hq:stores.manage", status=201, key_field="id",
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


@action("register:create", command=schemas.CreateRegister, permission="hq:stores.manage", status=201, key_field="id",
        constraints={"core_register.store_id,code": ALREADY_EXISTS.at("code", fields="code")})
def create_register(ctx: Context, command: schemas.CreateRegister) -> dict[str, Any]:
    """Add a register to a store, with an audit chain and number series of its own."""
    records.get(Store, command.store_id, "store")
    row = Register(**command.model_dump())
    records.add(ctx, row)
    ctx.writing.insert(Chain, {"id": row.id, "kind": "register", "store_id": row.store_id})
    ctx.writing.raise_revision()
    return queries.register_view(row)


@action("register:edit", command=schemas.EditRegister, permission="hq:stores.manage")
def edit_register(ctx: Context, command: schemas.EditRegister) -> dict[str, Any]:
    """Rename a register, or take it out of use."""
    row = records.get(Register, command.id, "register")
    ctx.writing.was(queries.register_view(row))
    records.edit(ctx, row, changes_of(command), "register", command.version)
    ctx.writing.raise_revision()
    return queries.register_view(row)


@action("device:enrol", command=schemas.EnrolDevice, permission="hq:devices.manage", status=201, key_field="id",
        secrets=("key",))
def enrol_device(ctx: Context, command: schemas.EnrolDevice) -> dict[str, Any]:
    """Enrol a machine at a store, as a register's till or without one; its key is shown once."""
    records.get(Store, command.store_id, "store")
    if command.register_id is not None:
        records.get(Register, command.register_id, "register", Register.store == command.store_id)
    key = secrets.token_urlsafe(32)
    row = Device(**command.model_dump(), key_hash=hashlib.sha256(key.encode()).digest(), enrolled_at=ctx.at)
    records.add(ctx, row)
    return {**queries.device_view(row), "key": key}


@action("device:block", command=schemas.BlockDevice, permission="hq:devices.manage")
def block_device(ctx: Context, command: schemas.BlockDevice) -> dict[str, Any]:
    """Block a device, or let it in again; it bites at the device's next request."""
    row = records.get(Device, command.id, "device")
    ctx.writing.was(queries.device_view(row))
    records.edit(ctx, row, {"is_blocked": command.is_blocked}, "device", command.version)
    return queries.device_view(row)
