"""What switching a module does: whom it takes along, what stands in its way, what is left open, what goes quiet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pos_core.errors import Violation, refused
from pos_core.plugins import Module
from pos_core.registry import errors
from pos_core.registry.work import open_work

if TYPE_CHECKING:
    from pos_core.context import Context
    from pos_core.kernel import Kernel

#: What a kernel's modules bring, which is worked out once: {module: {kind: names}}.
_BROUGHT: WeakKeyDictionary[Kernel, dict[str, dict[str, list[str]]]] = WeakKeyDictionary()
KINDS = ("routes", "actions", "queries", "rules", "reports", "detectors", "settings", "permissions")


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch that was thought through. `changes` lists what is written, in an order that keeps needs satisfied."""

    module: str
    store_id: str | None
    enabled: bool
    changes: tuple[str, ...]
    dependants: tuple[str, ...]
    needs: tuple[str, ...]
    violations: tuple[Violation, ...]

    def view(self, ctx: Context, *, dry_run: bool, change_id: str | None = None) -> dict[str, Any]:
        """The switch as the API shows it."""
        gone = () if self.enabled else (self.module, *self.dependants)
        return {
            "id": change_id, "module": self.module, "store_id": self.store_id, "enabled": self.enabled,
            "dry_run": dry_run, "changed": list(self.changes), "dependants": list(self.dependants),
            "needs": list(self.needs),
            "open_work": [work for name in gone for work in open_work(ctx, name, self.store_id)],
            "quiet": None if self.enabled else brought(ctx.kernel, gone),
        }  # fmt: skip


def find(kernel: Kernel, name: str) -> Module:
    """The installed module of that name; PosError `module_unknown`."""
    for module in kernel.modules:
        if module.name == name:
            return module
    raise errors.MODULE_UNKNOWN("module", module=name)


def dependants_of(kernel: Kernel, name: str) -> list[str]:
    """Every running module that needs this one, directly or through others, in dependency order."""
    found = {name}
    for module in kernel.running():
        if module.manifest is not None and found.intersection(module.manifest.depends):
            found.add(module.name)
    return [module.name for module in kernel.running() if module.name in found - {name}]


def needs_of(kernel: Kernel, name: str) -> list[str]:
    """Everything that a module needs, directly or through others, in dependency order."""
    by_name = {module.name: module for module in kernel.modules}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        module = by_name.get(waiting.pop())
        more = set(module.manifest.depends if module is not None and module.manifest is not None else ()) - found
        found |= more
        waiting += more
    return [module.name for module in kernel.modules if module.name in found]


def _on(ctx: Context, store_id: str | None) -> frozenset[str]:
    """What is on where the switch is to count: in the store, or for the business itself."""
    state = ctx.kernel.registry.state(ctx.revision)
    return state.business if store_id is None else state.enabled_set(store_id)


def consider(ctx: Context, name: str, store_id: str | None, *, enabled: bool, cascade: bool) -> Switch:
    """Think a switch through; PosError `module_unknown` or `not_found` (the store), otherwise violations say no."""
    module = find(ctx.kernel, name)
    if store_id is not None:
        ctx.kernel.stores.get(store_id, ctx.revision)
    return _on_switch(ctx, module, store_id, cascade) if enabled else _off_switch(ctx, module, store_id, cascade)


def _on_switch(ctx: Context, module: Module, store_id: str | None, cascade: bool) -> Switch:
    kernel, on = ctx.kernel, _on(ctx, store_id)
    state = kernel.registry.state(ctx.revision)
    off = [name for name in needs_of(kernel, module.name) if name not in on]
    wrong = []
    for one in (*[find(kernel, name) for name in off], module):
        if not one.running:
            wrong.append(errors.MODULE_SET_ASIDE.at("module", module=one.name, error=one.error))
        elif one.name in kernel.registry.overridden:
            wrong.append(errors.MODULE_OVERRIDDEN.at("module", module=one.name))
    if off and not cascade and not wrong:
        wrong = [errors.MODULE_NEEDS.at("module", module=module.name, needed=name) for name in off]
    apart = store_id is None and any(
        module.name not in state.enabled_set(store) for store in state.stores_of(module.name)
    )
    changes = (*off, module.name) if off or module.name not in on or apart else ()
    return Switch(module.name, store_id, True, changes, (), tuple(off), tuple(wrong))


def _off_switch(ctx: Context, module: Module, store_id: str | None, cascade: bool) -> Switch:
    kernel = ctx.kernel
    on = kernel.registry.enabled_set(store_id, ctx.revision)  # without a store: wherever it is on at all
    wrong = []
    if module.manifest is not None and module.manifest.core:
        wrong.append(errors.MODULE_CORE.at("module", module=module.name))
    dependants = tuple(name for name in dependants_of(kernel, module.name) if name in on)
    if dependants and not cascade and not wrong:
        wrong = [errors.MODULE_NEEDED.at("module", module=module.name, dependant=name) for name in dependants]
    changes = (*reversed(dependants), module.name) if module.name in on or _wanted(ctx, module, store_id) else ()
    return Switch(module.name, store_id, False, changes, dependants, (), tuple(wrong))


def _wanted(ctx: Context, module: Module, store_id: str | None) -> bool:
    """Whether a module that is off would be on, were it not for its error or the configuration."""
    toggle = ctx.kernel.registry.state(ctx.revision).switched(module.name, store_id)
    if toggle is not None:
        return toggle.enabled
    return module.manifest is None or module.manifest.starts_on


def require(switch: Switch) -> None:
    """PosError with everything that stands in the way."""
    if switch.violations:
        raise refused(switch.violations)


def brought(kernel: Kernel, modules: Iterable[str]) -> dict[str, list[str]]:
    """What modules bring, by kind."""
    if kernel not in _BROUGHT:
        _BROUGHT[kernel] = _collect(kernel)
    known = _BROUGHT[kernel]
    return {kind: sorted(one for name in modules for one in known.get(name, {}).get(kind, ())) for kind in KINDS}


def _collect(kernel: Kernel) -> dict[str, dict[str, list[str]]]:
    from pos_core.http import routes
    from pos_core.reporting import registry as reports
    from pos_core.security import detectors

    found: dict[str, dict[str, list[str]]] = {m.name: {kind: [] for kind in KINDS} for m in kernel.modules}
    for door in routes.collect(kernel):
        found[door.module]["routes"].append(f"{door.route.method} {door.route.path}")
    for action in kernel.actions():
        found[action.module]["actions"].append(action.name)
    for query in kernel.queries():
        found[query.module]["queries"].append(query.name)
    for rule in kernel.rules():
        found[rule.module]["rules"].append(f"{rule.stage} {rule.action} {rule.function.__name__}")
    for report in reports.collect(kernel).values():
        found[report.module]["reports"].append(report.id)
    for detector in detectors.collect(kernel).values():
        found[detector.module]["detectors"].append(detector.name)
    for module in kernel.running():
        if module.manifest is not None:
            found[module.name]["settings"] += [s.key for s in module.manifest.settings]
            found[module.name]["permissions"] += [p.code for p in module.manifest.permissions]
    return found
