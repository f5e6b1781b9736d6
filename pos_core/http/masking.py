"""Masking what leaves through a door: a hidden field is null, and `meta.masked` names it.

Worked out once per door and set of permissions. An answer without anything sensitive costs one comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pos_core.context import Actor
from pos_core.http.routes import Door
from pos_core.rbac.masks import Hidden, Masks
from pos_core.rbac.shapes import Shape, shape_of

#: Combinations of hidden fields that a door keeps; more than that, and it starts anew.
_KEPT = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What is taken out of one level of an answer; `names`: the paths of all of it, for the client."""

    leaves: tuple[str, ...]
    parts: Mapping[str, Plan]
    plain: tuple[str, ...]
    entity: str | None
    names: tuple[str, ...]


class DoorMask:
    """The mask of one door."""

    def __init__(self, masks: Masks, door: Door) -> None:
        self._masks = masks
        self.entity = door.does.entity if door.is_action else door.does.name.partition(":")[0]  # type: ignore[union-attr]
        self._sensitive = "" if door.is_action else door.does.sensitive  # type: ignore[union-attr]
        answer = door.route.answer
        self.shape = shape_of(masks, answer, self.entity) if answer is not None else None
        self._plans: dict[Hidden, Plan | None] = {}

    def cover(self, actor: Actor, data: Any) -> tuple[Any, list[str]]:
        """An answer as the actor may see it, and the names of what was hidden."""
        if self.shape is None or not (hidden := self._masks.hidden(actor)):
            return data, []
        if hidden not in self._plans:
            if len(self._plans) >= _KEPT:
                self._plans.clear()
            self._plans[hidden] = _plan(self.shape, hidden, "")
        plan = self._plans[hidden]
        if plan is None:
            return data, []
        found = set(plan.names)
        return _Cover(self._masks, hidden, found).part(data, plan, ""), sorted(found)

    def tells(self, actor: Actor, given: Mapping[str, Any]) -> bool:
        """Whether this read tells the actor what is sensitive about somebody else."""
        return bool(self._sensitive) and given.get("id") != actor.id and self._masks.sees(actor, self._sensitive)

    def require_askable(self, actor: Actor, given: Mapping[str, Any]) -> None:
        """PosError `field_masked` where a parameter asks by what the actor may not see."""
        if given:
            self._masks.require_askable(actor, self.entity, given)


def _plan(shape: Shape, hidden: Hidden, path: str) -> Plan | None:
    leaves = tuple(sorted(name for name, fields in shape.leaves.items() if not hidden.isdisjoint(fields)))
    parts = {name: made for name, part in shape.parts.items() if (made := _plan(part, hidden, f"{path}{name}."))}
    if not leaves and not parts and not shape.opaque:
        return None
    names = tuple(path + name for name in leaves) + tuple(name for part in parts.values() for name in part.names)
    return Plan(leaves, parts, tuple(sorted(shape.opaque)), shape.entity, names)


@dataclass(slots=True)
class _Cover:
    """One answer's masking; `found` gathers the paths of what is met in plain JSON."""

    masks: Masks
    hidden: Hidden
    found: set[str]

    def part(self, value: Any, plan: Plan, path: str) -> Any:
        """A part of an answer that a schema describes, or a list of such parts."""
        if isinstance(value, (list, tuple)):
            return [self.part(one, plan, path) for one in value]
        if not isinstance(value, Mapping):
            return value
        made: dict[str, Any] = {**value}
        for name in plan.leaves:
            if name in made:
                made[name] = None
        for name, part in plan.parts.items():
            if made.get(name) is not None:
                made[name] = self.part(made[name], part, f"{path}{name}.")
        for name in plan.plain:
            if made.get(name) is not None:
                made[name] = self.plain(made[name], self.masks.hidden_names(plan.entity, self.hidden), path + name)
        return made

    def plain(self, value: Any, names: frozenset[str], path: str) -> Any:
        """Plain JSON, such as the fact of an audit entry: what it is about is said by its `entity`, or by the name
        under which it stands (`customer`, `customers`)."""
        if isinstance(value, (list, tuple)):
            return [self.plain(one, names, path) for one in value]
        if not isinstance(value, Mapping):
            return value
        about = {str(value[key]) for key in ("entity", "entity_type") if value.get(key)}
        names = names.union(*(self.masks.hidden_names(one, self.hidden) for one in about & self.masks.entities))
        made: dict[str, Any] = {}
        for name, inner in value.items():
            if name in names:
                made[name] = None
                self.found.add(f"{path}.{name}")
                continue
            named = {name, name.removesuffix("s")} & self.masks.entities
            known = names.union(*(self.masks.hidden_names(one, self.hidden) for one in named))
            made[name] = self.plain(inner, known, f"{path}.{name}")
        return made
