"""Which modules are on, for whom: one predicate that guards all doors."""

from __future__ import annotations

from collections.abc import Iterable

from pos_core.db.model import database
from pos_core.db.statements import statement
from pos_core.plugins import Module, StartError
from pos_core.registry.state import State, Toggle

#: The revision of a caller that has none, such as a start: what this process has read last.
LATEST = -1
#: So many revisions are remembered, so that a request that runs ends as it began, whatever is switched meanwhile.
_KEPT = 32

_TOGGLES = statement(
    "SELECT r.value, t.module, t.store_id, t.enabled, t.number FROM core_revision r LEFT JOIN "
    "(SELECT module, store_id, enabled, number FROM core_module_toggle WHERE number IN "
    "(SELECT MAX(number) FROM core_module_toggle GROUP BY module, store_id)) t ON TRUE WHERE r.id = 1"
)
_QUARANTINED = statement("SELECT DISTINCT handler FROM core_module_quarantine WHERE released_at IS NULL")


class Registry:
    """Answers `enabled(module, store, revision)`. A module that was set aside is off; a core module is never off.

    `disabled` is the operator's own switch, the configuration's `modules.disabled`: it overrides everything.
    """

    def __init__(self, modules: Iterable[Module], disabled: Iterable[str] = ()) -> None:
        self._modules = {module.name: module for module in modules}
        self.overridden = frozenset(disabled)
        self._refuse_unknown(set(self.overridden))
        self._states: dict[int, State] = {}
        self._latest = State(self._modules, self.overridden)

    def _refuse_unknown(self, names: set[str]) -> None:
        unknown = sorted(names - self._modules.keys())
        if unknown:
            raise StartError(f"modules.disabled names what is not installed: {', '.join(unknown)}")
        core = sorted(name for name in names if name.startswith("core."))
        if core:
            raise StartError(f"modules.disabled names core modules, which cannot be off: {', '.join(core)}")

    def enabled(self, module: str, store_id: str | None, revision: int = LATEST) -> bool:
        """Whether a module is on in a store (None: at the headquarters, where one is on that is on anywhere)."""
        return module in self.enabled_set(store_id, revision)

    def enabled_set(self, store_id: str | None, revision: int = LATEST) -> frozenset[str]:
        """The modules that are on in a store at a revision of the business."""
        return self.state(revision).enabled_set(store_id)

    def state(self, revision: int = LATEST) -> State:
        """Everything about switches at a revision."""
        if revision < 0:
            return self._latest
        return self._states.get(revision) or self._read(revision)

    def forget(self) -> None:
        """Work everything out anew: a module was set aside after the start."""
        self._states = {}
        self._latest = State(self._modules, self.overridden, self._latest.toggles, self._latest.quarantined)

    def _read(self, revision: int) -> State:
        rows = database.obj.fetch(_TOGGLES)
        toggles = [Toggle(row[1], row[2], bool(row[3]), int(row[4])) for row in rows if row[1] is not None]
        toggles.sort(key=lambda toggle: toggle.number)
        quarantined = frozenset(row[0] for row in database.obj.fetch(_QUARANTINED))
        state = self._latest
        if tuple(toggles) != state.toggles or quarantined != state.quarantined:
            state = State(self._modules, self.overridden, toggles, quarantined)
        found = int(rows[0][0]) if rows else revision
        kept = dict(list(self._states.items())[-_KEPT:])
        kept[found] = kept[revision] = state
        self._states, self._latest = kept, state  # two assignments of whole objects: other threads see either
        return state
