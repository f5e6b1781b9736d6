"""Discovery: which modules are installed, in which order they come, and which had to be set aside and why."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from pos_core import hookspecs
from pos_core.manifest import Manifest
from pos_core.registry.allowlist import objection

if TYPE_CHECKING:
    from pos_core.config.loader import AllowedDistribution

GROUP = "pos.modules"

#: Files of a module's package that are read by convention, beside plugin.py, which may name more in a PARTS of its own.
PARTS = ("errors", "events", "models", "ddl", "rules", "service", "queries", "reports", "routes")


@dataclass(slots=True)
class Module:
    """One module: its manifest, its plugin, the parts of its package, and why it was set aside (empty: it runs)."""

    name: str
    distribution: str
    plugin: ModuleType | None = None
    manifest: Manifest | None = None
    depth: int = 0
    error: str = ""
    parts: dict[str, ModuleType] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return not self.error

    @property
    def order(self) -> tuple[int, str]:
        return (self.depth, self.name)


class StartError(Exception):
    """The installation cannot run; the message says what is wrong and what to do."""


def discover(
    extra: Iterable[tuple[str, ModuleType]] = (), allow: Iterable[AllowedDistribution] | None = None
) -> list[Module]:
    """All installed modules in dependency order (depth, name); broken ones carry their error.

    `extra` gives (name, plugin) pairs that are not installed: packs under test. `allow`: what may be loaded, where not
    everything that is installed may. A broken module, one whose needs are
    missing and one with a taken name are set aside with everything that depends on them; a broken `core.` module is a
    StartError, because without it nothing is guarded.
    """
    modules = _loaded(entry_points(group=GROUP), extra, allow)
    _sort(modules)
    broken_core = [m for m in modules if m.name.startswith("core.") and not m.running]
    if broken_core:
        lines = "; ".join(f"{m.name}: {m.error}" for m in broken_core)
        raise StartError(f"core modules cannot start: {lines}. Reinstall pos-core.")
    return sorted(modules, key=lambda m: m.order)


def _loaded(
    points: Iterable[EntryPoint], extra: Iterable[tuple[str, ModuleType]], allow: Iterable[AllowedDistribution] | None
) -> list[Module]:
    modules: dict[str, Module] = {}
    listed = None if allow is None else tuple(allow)
    objections: dict[str, str] = {}
    for point in sorted(points, key=lambda p: (p.name, p.value)):
        distribution = point.dist.name if point.dist is not None else ""
        module = Module(point.name, distribution)
        if point.name in modules:
            taken = modules[point.name]
            taken.error = taken.error or f"the name is taken twice: by {taken.distribution} and by {distribution}"
            continue
        modules[point.name] = module
        if distribution not in objections:
            objections[distribution] = objection(point.dist, listed)
        if objections[distribution]:
            module.error = objections[distribution]
            continue
        try:
            module.plugin = point.load()
            _read(module)
        except Exception as error:  # noqa: BLE001 - a pack's own fault must not stop the shop; the registry shows it
            module.error = f"{type(error).__name__} at import: {error}"
    for name, plugin in extra:
        module = modules[name] = Module(name, "(given)", plugin)
        try:
            _read(module)
        except Exception as error:  # noqa: BLE001 - as above
            module.error = f"{type(error).__name__} at import: {error}"
    return list(modules.values())


def _read(module: Module) -> None:
    manifest = getattr(module.plugin, "MANIFEST", None)
    if not isinstance(manifest, Manifest):
        module.error = "plugin.py has no MANIFEST"
        return
    module.manifest = manifest
    problems = manifest.problems()
    if manifest.name != module.name:
        problems.append(f"the manifest's name {manifest.name!r} is not the entry point's {module.name!r}")
    module.error = "; ".join(problems)
    if not module.error:
        module.parts = dict(_parts(module.plugin))


def _parts(plugin: Any) -> Iterator[tuple[str, ModuleType]]:
    package = getattr(plugin, "__package__", "") or ""
    if not package or plugin.__name__ == package:
        yield "plugin", plugin
        return
    yield "plugin", plugin
    for part in (*PARTS, *getattr(plugin, "PARTS", ())):
        if importlib.util.find_spec(f"{package}.{part}") is not None:
            yield part, importlib.import_module(f"{package}.{part}")


def _sort(modules: list[Module]) -> None:
    """Set each module's depth, and the error of those whose needs are missing, broken or circular."""
    by_name = {m.name: m for m in modules}
    state: dict[str, str] = {}

    def visit(module: Module, path: tuple[str, ...]) -> None:
        if state.get(module.name) == "done":
            return
        if module.name in path:
            circle = " -> ".join((*path[path.index(module.name):], module.name))
            module.error = module.error or f"dependency circle: {circle}"
            return
        if module.manifest is None:
            state[module.name] = "done"
            return
        for need in module.manifest.depends:
            other = by_name.get(need)
            if other is None:
                module.error = module.error or f"needs {need}, which is not installed"
                continue
            visit(other, (*path, module.name))
            if not other.running:
                module.error = module.error or f"needs {need}, which was set aside ({other.error})"
            module.depth = max(module.depth, other.depth + 1)
        for wish in module.manifest.extras:
            other = by_name.get(wish)
            if other is not None and other.running and wish not in path:
                visit(other, (*path, module.name))
                module.depth = max(module.depth, other.depth + 1)
        state[module.name] = "done"

    for module in sorted(modules, key=lambda m: m.name):
        visit(module, ())


def plugin_manager(modules: Sequence[Module]) -> pluggy.PluginManager:
    """A pluggy manager with the core's hookspecs and every running module, registered in dependency order.

    A module whose hook implementations do not fit the specifications, or that brings a wrapper, is set aside with
    all that depend on it.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for module in modules:
        specs = getattr(module.plugin, "HOOKSPECS", None)
        if module.running and specs is not None:
            manager.add_hookspecs(specs)
    for module in modules:
        if not module.running:
            continue
        try:
            _refuse_wrappers(module)
            manager.register(module.plugin, name=module.name)
            manager.check_pending()
        except (pluggy.PluginValidationError, ValueError, TypeError) as error:
            set_aside(module, f"{type(error).__name__}: {error}", modules, manager)
    return manager


def set_aside(module: Module, why: str, modules: Iterable[Module], manager: pluggy.PluginManager) -> None:
    """Take a module that was found wanting after discovery out of the game, and every one that depends on it.

    StartError for a core module: without it nothing is guarded.
    """
    if module.name.startswith("core."):
        raise StartError(f"core modules cannot start: {module.name}: {why}. Reinstall pos-core.")
    module.error = why
    if manager.has_plugin(module.name):
        manager.unregister(name=module.name)
    for other in modules:
        if other.running and other.manifest is not None and module.name in other.manifest.depends:
            set_aside(other, f"needs {module.name}, which was set aside ({why})", modules, manager)


def _refuse_wrappers(module: Module) -> None:
    for name in dir(module.plugin):
        options = getattr(getattr(module.plugin, name), "pos_impl", None)
        if options and (options.get("wrapper") or options.get("hookwrapper")):
            raise ValueError(f"{name} is a wrapper; wrappers are refused, they could swallow another module's veto")


def optional(modules: Iterable[Module]) -> frozenset[str]:
    """Distributions (by the names of their histories of migrations) that the rest does without.

    Those all of whose modules are off until somebody switches them on, those that may not be loaded, and those that
    were installed since the modules were found. A migration
    of theirs that fails or is pending sets their modules aside; one of any other distribution stops the start.
    """
    needed = set()
    for module in modules:
        if module.name.startswith("core.") or (module.manifest is not None and module.manifest.starts_on):
            needed.add(module.distribution)
    return frozenset(name for name, owner in histories().items() if owner not in needed)


def histories() -> dict[str, str]:
    """The distribution that each history of migrations belongs to, by the history's name."""
    return {p.name: p.dist.name for p in entry_points(group="pos.migrations") if p.dist is not None}
