"""Switching modules, and recording what is installed."""

from __future__ import annotations

from typing import Any

from pos_core import clock
from pos_core.actions import action
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.model import database
from pos_core.db.statements import statement
from pos_core.ids import uuid7
from pos_core.registry import effects, errors, schemas, versions
from pos_core.registry.effects import Switch
from pos_core.registry.models import InstalledModule, ModuleToggle, ModuleVersion, Quarantine
from pos_core.security import note

MANAGE = "hq:modules.manage"
_LAST = statement("SELECT COALESCE(MAX(number), 0) FROM core_module_toggle")


def _consider(ctx: Context, command: schemas.SwitchModule, *, enabled: bool) -> Switch:
    switch = effects.consider(ctx, command.module, command.store_id, enabled=enabled, cascade=command.cascade)
    effects.require(switch)
    return switch


def consider_on(ctx: Context, command: schemas.SwitchModule) -> Switch:
    """Think switching on through; PosError with everything that is in the way."""
    return _consider(ctx, command, enabled=True)


def consider_off(ctx: Context, command: schemas.SwitchModule) -> Switch:
    """Think switching off through; PosError with everything that is in the way."""
    return _consider(ctx, command, enabled=False)


def _needs_reason(ctx: Context, command: schemas.SwitchModule, draft: Switch) -> bool:
    return not command.dry_run


def _switch(ctx: Context, command: schemas.SwitchModule, switch: Switch) -> dict[str, Any]:
    if command.dry_run or not switch.changes:
        return switch.view(ctx, dry_run=command.dry_run)
    shown = switch.view(ctx, dry_run=False, change_id=uuid7())
    before = {name: ctx.kernel.registry.enabled(name, command.store_id, ctx.revision) for name in switch.changes}
    ctx.writing.was({"enabled": before})
    number = int(database.obj.fetch(_LAST)[0][0])
    for place, name in enumerate(switch.changes, start=1):
        ctx.writing.insert(ModuleToggle, {
            "id": shown["id"] if name == command.module else uuid7(), "number": number + place, "module": name,
            "store_id": command.store_id, "enabled": switch.enabled, "actor_id": ctx.actor.id or None,
            "actor_name": ctx.actor.name, "at": ctx.at, "reason": command.reason, "reason_note": command.reason_note,
        })  # fmt: skip
    ctx.writing.raise_revision()
    details = {"module": command.module, "enabled": switch.enabled, "changed": list(switch.changes)}
    note(ctx, "module_toggled", store_id=command.store_id, details=details)
    ctx.emit("module:enabled" if switch.enabled else "module:disabled", "module", shown["id"], **details,
             store_id=command.store_id)  # fmt: skip
    return shown


@action("module:enable", command=schemas.SwitchModule, permission=MANAGE, prepare=consider_on, reason="optional")
def enable_module(ctx: Context, command: schemas.SwitchModule, draft: Switch) -> dict[str, Any]:
    """Switch a module on, for the business or in one store, from the next request on in every process.

    What it needs has to be on, or goes on along with `cascade`. A switch for the business speaks for every store.
    """
    return _switch(ctx, command, draft)


@action("module:disable", command=schemas.SwitchModule, permission=MANAGE, prepare=consider_off, reason=_needs_reason)
def disable_module(ctx: Context, command: schemas.SwitchModule, draft: Switch) -> dict[str, Any]:
    """Switch a module off, for the business or in one store; its data is kept.

    Refused while something that is on needs it, unless that goes off along with `cascade`. Requests that are running
    finish as they began. `dry_run` tells what would go quiet and which work is still open.
    """
    return _switch(ctx, command, draft)


@action("module:release", command=schemas.ReleaseHandler, permission=MANAGE, reason="optional",
        security="module_toggled")
def release_handler(ctx: Context, command: schemas.ReleaseHandler) -> dict[str, Any]:
    """Let a subscriber that failed again and again be told of events once more."""
    rows = list(Quarantine.select().where(
        Quarantine.handler == command.handler, Quarantine.module == command.module, Quarantine.released_at.is_null()
    ))  # fmt: skip
    if not rows:
        raise errors.HANDLER_UNKNOWN("handler", handler=command.handler)
    for row in rows:
        records.edit(ctx, row, {"released_at": ctx.at, "released_by": ctx.actor.id or None}, "quarantine", row.version)
    ctx.writing.raise_revision()
    return {"id": rows[0].id, "module": command.module, "handler": command.handler,
            "released_at": clock.to_text(ctx.at)}  # fmt: skip


@action("module:suspend", command=schemas.SuspendHandler, permission=MANAGE, security="module_toggled")
def suspend_handler(ctx: Context, command: schemas.SuspendHandler) -> dict[str, Any]:
    """Tell a subscriber that failed again and again of no more events, until somebody releases it."""
    row = Quarantine(handler=command.handler, module=command.module, failures=command.failures,
                     error=command.error[:1000], since_at=ctx.at)  # fmt: skip
    records.add(ctx, row)
    ctx.writing.raise_revision()
    return {"id": row.id, "module": command.module, "handler": command.handler, "failures": command.failures,
            "error": row.error}  # fmt: skip


@action("module:purge", command=schemas.PurgeModule, permission=MANAGE, reason=True, security="module_toggled")
def purge_module(ctx: Context, command: schemas.PurgeModule) -> dict[str, Any]:
    """Record that a module's data, which was exported, is dropped; `pos modules purge` drops it next."""
    told = command.model_dump(exclude={"reason", "reason_note"})
    return {"id": None, **told, "tables": list(command.tables)}


@action("module:record", command=schemas.RecordModules, permission=MANAGE)
def record_modules(ctx: Context, command: schemas.RecordModules) -> dict[str, Any]:
    """Record which modules are installed, in which versions, and which were set aside or are gone."""
    told = []
    for found in versions.differences(ctx.kernel):
        told.append({"module": found.name, "version": found.version, "state": found.state, "error": found.error})
        if found.is_new_version:
            ctx.writing.insert(ModuleVersion, {
                "id": uuid7(), "module": found.name, "distribution": found.distribution,
                "version_number": found.version, "error": found.error, "seen_at": ctx.at,
            })  # fmt: skip
        values = {"distribution": found.distribution, "version_number": found.version, "state": found.state,
                  "error": found.error}  # fmt: skip
        if found.row is None:
            records.add(ctx, InstalledModule(name=found.name, first_seen_at=ctx.at, **values))
        else:
            records.edit(ctx, found.row, values, "module", found.row.version)
    return {"id": None, "modules": told}
