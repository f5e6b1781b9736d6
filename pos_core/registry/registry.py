"""Which modules are on, for whom: one predicate that guards all doors."""

from __future__ import annotations

from collections.abc import Iterable

from pos_core.plugins import Module, StartError


class Registry:
    """Answers `enabled(module, store)`. A module that was set aside is off; a core module is never off."""

    def __init__(self, modules: Iterable[Module], disabled: Iterable[str] = ()) -> None:
        self._modules = {module.name: module for module in modules}
        self._off = self._with_dependants(set(disabled))
        self._on: frozenset[str] | None = None

    def _with_dependants(self, names: set[str]) -> frozenset[str]:
        unknown = sorted(names - self._modules.keys())
        if unknown:
            raise StartError(f"modules.disabled names what is not installed: {', '.join(unknown)}")
        core = sorted(name for name in names if name.startswith("core."))
        if core:
            raise StartError(f"modules.disabled names core modules, which cannot be off: {', '.join(core)}")
        for module in sorted(self._modules.values(), key=lambda m: m.order):
            if module.manifest is not None and names.intersection(module.manifest.depends):
                names.add(module.name)
        return frozenset(names)

    def enabled(self, module: str, store_id: str | None) -> bool:
        """Whether a module is on in a store (None: for the business)."""
        return module in self.enabled_set(store_id)

    def enabled_set(self, store_id: str | None) -> frozenset[str]:
        """The modules that are on in a store."""
        if self._on is None:
            self._on = frozenset(m.name for m in self._modules.values() if m.running and m.name not in self._off)
        return self._on
