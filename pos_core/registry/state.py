"""Which modules are on where, worked out of what is installed, the configuration and the switches; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pos_core.plugins import Module


@dataclass(frozen=True, slots=True)
class Toggle:
    """The last switch of a module in a place (store_id None: the business)."""

    module: str
    store_id: str | None
    enabled: bool
    number: int


class State:
    """The modules that are on, place by place, at one moment.

    In a store the last word counts, be it about the store or about the business; without one the manifest decides.
    At the headquarters a module is on where it is on for the business or in any store: its data is kept there. A
    module is off where one that it depends on is off, whatever else was said.
    """

    def __init__(self, modules: Mapping[str, Module], off: frozenset[str], toggles: Iterable[Toggle] = (),
                 quarantined: Iterable[str] = ()) -> None:  # fmt: skip
        self._modules, self._off = modules, off
        self.toggles = tuple(sorted(toggles, key=lambda toggle: toggle.number))
        self.quarantined = frozenset(quarantined)
        self._known: dict[frozenset[str], frozenset[str]] = {}
        self.business = self._set_of(None)
        stores = {toggle.store_id for toggle in self.toggles if toggle.store_id is not None}
        self._stores = {store: self._set_of(store) for store in stores}
        self._headquarters = self._same(self.business.union(*self._stores.values()))

    def enabled_set(self, store_id: str | None) -> frozenset[str]:
        """The modules that are on in a store (None: at the headquarters)."""
        if store_id is None:
            return self._headquarters
        return self._stores.get(store_id, self.business)

    def switched(self, module: str, store_id: str | None) -> Toggle | None:
        """The switch that decides about a module in a place; None while the manifest does."""
        return self._last(store_id).get(module)

    def stores_of(self, module: str) -> list[str]:
        """The stores that were switched apart from the business since its last word."""
        last = self.switched(module, None)
        since = last.number if last is not None else 0
        return sorted({t.store_id for t in self.toggles
                       if t.module == module and t.store_id is not None and t.number > since})  # fmt: skip

    def _last(self, store_id: str | None) -> dict[str, Toggle]:
        return {t.module: t for t in self.toggles if t.store_id is None or t.store_id == store_id}

    def _set_of(self, store_id: str | None) -> frozenset[str]:
        last = self._last(store_id)
        found: set[str] = set()
        for module in sorted(self._modules.values(), key=lambda m: m.order):  # what others need comes first
            manifest = module.manifest
            if not module.running or manifest is None or module.name in self._off:
                continue
            toggle = last.get(module.name)
            wanted = manifest.core or (toggle.enabled if toggle is not None else manifest.starts_on)
            if wanted and found.issuperset(manifest.depends):
                found.add(module.name)
        return self._same(frozenset(found))

    def _same(self, found: frozenset[str]) -> frozenset[str]:
        """The one object for equal sets: what is kept by set is found by identity."""
        return self._known.setdefault(found, found)
