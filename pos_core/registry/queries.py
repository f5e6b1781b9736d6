"""Reads of modules: what is installed, what is on where and why, what it holds, and what was switched when."""

from __future__ import annotations

from typing import Any

from pos_core import clock
from pos_core.actions import query
from pos_core.context import Context
from pos_core.errors import NOT_FOUND
from pos_core.plugins import Module
from pos_core.registry import effects, errors, sizes
from pos_core.registry.models import InstalledModule, ModuleToggle, ModuleVersion
from pos_core.registry.state import State
from pos_core.registry.versions import GONE

READERS = ("hq:modules.view", "store:modules.view")


def _place(ctx: Context, store_id: str | None) -> str | None:
    """The store that is asked about: the actor's own, or at the headquarters any that there is."""
    if ctx.store_id is not None and store_id not in (None, ctx.store_id):
        raise NOT_FOUND("store_id", entity="store", id=store_id)
    place = ctx.store_id or store_id
    if place is not None:
        ctx.kernel.stores.get(place, ctx.revision)
    return place


class _Shown:
    """What a list of modules is told from, read once."""

    def __init__(self, ctx: Context, store_id: str | None) -> None:
        self.ctx, self.place = ctx, _place(ctx, store_id)
        self.state: State = ctx.kernel.registry.state(ctx.revision)
        self.on = self.state.business if self.place is None else self.state.enabled_set(self.place)
        self.rows = {row.name: row for row in InstalledModule.select()}
        numbers = [toggle.number for toggle in self.state.toggles]
        self.switches = {row.number: row for row in ModuleToggle.select().where(ModuleToggle.number.in_(numbers))}
        self.tables = sizes.tables_by_module(ctx.kernel)
        self.estimated = sizes.estimated(ctx.kernel.db)

    def state_of(self, module: Module) -> str:
        return "set_aside" if module.error else "on" if module.name in self.on else "off"

    def decided_by(self, module: Module) -> str:
        """What says whether the module is on here."""
        manifest = module.manifest
        if module.error or manifest is None:
            return "error"
        if manifest.core:
            return "core"
        if module.name in self.ctx.kernel.registry.overridden:
            return "configuration"
        toggle = self.state.switched(module.name, self.place)
        wanted = toggle.enabled if toggle is not None else manifest.starts_on
        if wanted and module.name not in self.on:
            return "dependency"
        return "default" if toggle is None else "switch"

    def stores(self, module: str) -> list[dict[str, Any]]:
        """The stores where something else was said than for the business; at a store none but itself."""
        found = []
        for store in self.state.stores_of(module):
            toggle = self.state.switched(module, store)
            if toggle is not None and self.ctx.store_id in (None, store):
                row = self.switches[toggle.number]
                found.append({"store_id": store, "enabled": module in self.state.enabled_set(store),
                              "at": clock.to_text(row.at), "actor_name": row.actor_name})  # fmt: skip
        return found

    def view(self, module: Module) -> dict[str, Any]:
        """A module as the API shows it."""
        manifest, row = module.manifest, self.rows.get(module.name)
        toggle = self.state.switched(module.name, self.place)
        switch = self.switches[toggle.number] if toggle is not None else None
        return {
            "name": module.name, "title": manifest.title if manifest else "",
            "version": manifest.version if manifest else "?", "distribution": module.distribution,
            "state": self.state_of(module), "decided_by": self.decided_by(module),
            "core": bool(manifest and manifest.core), "industry": manifest.industry if manifest else "",
            "core_api": manifest.core_api if manifest else "", "depends": list(manifest.depends) if manifest else [],
            "extras": list(manifest.extras) if manifest else [],
            "dependants": effects.dependants_of(self.ctx.kernel, module.name), "error": module.error,
            "stores": self.stores(module.name),
            "switched_at": clock.to_text(switch.at) if switch is not None else None,
            "switched_by": switch.actor_name if switch is not None else None,
            "first_seen_at": clock.to_text(row.first_seen_at) if row is not None else None,
            "size": sizes.summed(self.tables.get(module.name, ()), self.estimated),
        }  # fmt: skip

    def gone(self, row: InstalledModule) -> dict[str, Any]:
        """A module that was uninstalled; its data may still be there."""
        return {
            "name": row.name, "title": "", "version": row.version_number, "distribution": row.distribution,
            "state": GONE, "decided_by": "error", "core": False, "industry": "", "core_api": "", "depends": [],
            "extras": [], "dependants": [], "error": "", "stores": [], "switched_at": None, "switched_by": None,
            "first_seen_at": clock.to_text(row.first_seen_at), "size": {"tables": 0, "rows": 0, "bytes": None},
        }  # fmt: skip


@query("module:list", permission=READERS)
def list_modules(
    ctx: Context, *, store_id: str | None = None, state: str | None = None, industry: str | None = None,
    limit: int = 50, cursor: Any = None,
) -> Any:  # fmt: skip
    """Modules by name: whether they are on here, what decides it, who needs whom, and how much data they have."""
    shown = _Shown(ctx, store_id)
    installed = {module.name for module in ctx.kernel.modules}
    found = [shown.view(module) for module in ctx.kernel.modules]
    found += [shown.gone(row) for name, row in shown.rows.items() if name not in installed]
    found = [
        one for one in sorted(found, key=lambda one: str(one["name"]))
        if state in (None, one["state"]) and industry in (None, one["industry"])
        and (cursor is None or one["name"] > cursor[0])
    ]  # fmt: skip
    return found[:limit], (found[limit - 1]["name"],) if len(found) > limit else None


@query("module:get", permission=READERS)
def get_module(ctx: Context, *, module: str, store_id: str | None = None) -> dict[str, Any]:
    """One module with what it brings, its tables, and how its handlers are doing in all processes."""
    found = effects.find(ctx.kernel, module)
    shown = _Shown(ctx, store_id)
    tables = sizes.counted(ctx.kernel.db, shown.tables.get(module, ()))
    view = shown.view(found)
    view["size"] = {**view["size"], "rows": sum(table["rows"] for table in tables)}
    return {**view, "tables": tables, "brings": effects.brought(ctx.kernel, [module]),
            "handlers": get_handlers(ctx, module)}  # fmt: skip


def get_handlers(ctx: Context, module: str) -> list[dict[str, Any]]:
    """A module's rules and hooks: how often each was called, how long it took, how often it failed."""
    state = ctx.kernel.registry.state(ctx.revision)
    return [_handler(one, state) for one in ctx.kernel.health.told(module)]


def _handler(told: dict[str, Any], state: State) -> dict[str, Any]:
    calls = told["calls"]
    return {
        "handler": told["handler"], "hook": told["hook"], "on_error": told["on_error"], "calls": calls,
        "failures": told["failures"], "slow": told["slow"],
        "mean_ms": round(told["spent_ns"] / calls / 1e6, 3) if calls else 0.0,
        "max_ms": round(told["longest_ns"] / 1e6, 3), "last_error": told["last_error"],
        "quarantined": told["hook"] == "on_event" and told["handler"] in state.quarantined,
    }  # fmt: skip


@query("module:preview", permission=READERS)
def preview_switch(
    ctx: Context, *, module: str, enabled: bool, store_id: str | None = None, cascade: bool = False
) -> dict[str, Any]:
    """What switching a module would do and what stands in its way; nothing happens."""
    switch = effects.consider(ctx, module, _place(ctx, store_id), enabled=enabled, cascade=cascade)
    effects.require(switch)
    return switch.view(ctx, dry_run=True)


@query("module:history", permission=READERS)
def module_history(ctx: Context, *, module: str, limit: int = 50, cursor: Any = None) -> Any:
    """Every switch and every new version of a module, the latest first; at a store its own and the business'."""
    known = {one.name for one in ctx.kernel.modules}
    if module not in known and not InstalledModule.select().where(InstalledModule.name == module).exists():
        raise errors.MODULE_UNKNOWN("module", module=module)
    rows = ModuleToggle.select().where(ModuleToggle.module == module)
    if ctx.store_id is not None:
        rows = rows.where(ModuleToggle.store_id.is_null() | (ModuleToggle.store_id == ctx.store_id))
    entries = [(clock.to_text(row.at), row.id, _switched(row)) for row in rows]
    entries += [
        (clock.to_text(row.seen_at), row.id, _seen(row))
        for row in ModuleVersion.select().where(ModuleVersion.module == module)
    ]  # fmt: skip
    entries.sort(key=lambda entry: entry[:2], reverse=True)
    if cursor is not None:
        entries = [entry for entry in entries if entry[:2] < tuple(cursor)]
    following = entries[limit - 1][:2] if len(entries) > limit else None
    return [shown for _, _, shown in entries[:limit]], following


def _switched(row: ModuleToggle) -> dict[str, Any]:
    return {
        "kind": "switch", "at": clock.to_text(row.at), "version": None, "enabled": row.enabled,
        "store_id": row.store_id, "actor_name": row.actor_name, "reason": row.reason, "reason_note": row.reason_note,
        "error": "",
    }  # fmt: skip


def _seen(row: ModuleVersion) -> dict[str, Any]:
    return {
        "kind": "version", "at": clock.to_text(row.seen_at), "version": row.version_number, "enabled": None,
        "store_id": None, "actor_name": None, "reason": None, "reason_note": None, "error": row.error,
    }  # fmt: skip
