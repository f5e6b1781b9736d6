"""Field masks: who may see and set the sensitive fields that manifests declare.

Modules read each other unmasked; a mask is put on where something leaves through a door (`pos_core.http.masking`,
reports) and a write is refused where it comes in (`perform`, at the outside of a chain of actions).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from pos_core.errors import Kind, PosError, define
from pos_core.manifest import SensitiveField
from pos_core.rbac.shapes import Shape, shape_of
from pos_core.schemas import Edit

if TYPE_CHECKING:
    from pos_core.actions import Action
    from pos_core.context import Actor, Context

FIELD_DENIED = define(
    "field_denied", Kind.DENIED,
    en="You may not set {field}.", es="No puede fijar {field}.",
    cure="Leave the field out, or ask an administrator for a role that may edit it.",
)
FIELD_MASKED = define(
    "field_masked", Kind.DENIED,
    en="{field} is hidden from you, so nothing can be searched, filtered or sorted by it.",
    es="{field} está oculto para usted; no se puede buscar, filtrar ni ordenar por ese dato.",
    cure="Leave the parameter out, or ask an administrator for a role that may see the field.",
)

Hidden = frozenset[SensitiveField]
NOTHING: Hidden = frozenset()
#: At most so many wrong fields are named in a refusal (a file has a field per line).
_NAMED = 100
#: Sets of permissions whose masks are kept; there are as many as combinations of roles.
_KEPT = 1000
#: What a threshold's parameter has around the name of its field: min_cost, cost_to.
_AROUND = re.compile(r"^(?:min|max|from|to|above|below|has)_|_(?:min|max|from|to|above|below|gte?|lte?)$")
_ORDERING = frozenset({"sort", "sort_by", "order", "order_by", "by", "group_by"})


class Masks:
    """The declared sensitive fields of a kernel's modules, and what they mean for an actor."""

    def __init__(self, declared: Iterable[SensitiveField]) -> None:
        self.declared = tuple(sorted(declared, key=lambda one: one.code))
        self._by_code = {one.code: one for one in self.declared}
        self._names: dict[str | None, dict[str, tuple[SensitiveField, ...]]] = {}
        self._hidden: dict[frozenset[str], Hidden] = {}
        self._hidden_names: dict[tuple[str | None, Hidden], frozenset[str]] = {}
        self._commands: dict[str, Shape | None] = {}
        #: The entities that have sensitive fields.
        self.entities = frozenset(one.entity for one in self.declared)

    def names(self, entity: str | None) -> Mapping[str, tuple[SensitiveField, ...]]:
        """The names that are sensitive in a thing of that kind; None: nobody says what it is, so any of them is."""
        if entity not in self._names:
            found: dict[str, list[SensitiveField]] = {}
            for one in self.declared:
                short = one.fields if one.everywhere or entity in (one.entity, None) else ()
                for name in (*short, *(f"{one.entity}_{name}" for name in one.fields)):
                    found.setdefault(name, []).append(one)
            self._names[entity] = {name: tuple(fields) for name, fields in found.items()}
        return self._names[entity]

    def hidden(self, actor: Actor) -> Hidden:
        """What the actor may not see here and now."""
        if actor.is_super_admin:
            return NOTHING
        known = self._hidden.get(actor.permissions)
        if known is None:
            if len(self._hidden) >= _KEPT:
                self._hidden.clear()
            known = frozenset(one for one in self.declared if actor.permissions.isdisjoint(one.view))
            self._hidden[actor.permissions] = known
        return known

    def sees(self, actor: Actor, code: str) -> bool:
        """Whether the actor may see a sensitive field, by its code such as "customer.contact"."""
        return self._by_code[code] not in self.hidden(actor)

    def hidden_names(self, entity: str | None, hidden: Hidden) -> frozenset[str]:
        """The names in a thing of that kind that stand for what is hidden."""
        known = self._hidden_names.get((entity, hidden))
        if known is None:
            if len(self._hidden_names) >= _KEPT:
                self._hidden_names.clear()
            known = frozenset(n for n, fields in self.names(entity).items() if not hidden.isdisjoint(fields))
            self._hidden_names[entity, hidden] = known
        return known

    # -- writes ----------------------------------------------------------------------------------------------------

    def may_set(self, actor: Actor, one: SensitiveField) -> bool:
        """Whether the actor may set a field: who cannot see it may only where it is declared `blind`."""
        if actor.is_super_admin:
            return True
        sees = one.blind or not actor.permissions.isdisjoint(one.view)
        return sees and not actor.permissions.isdisjoint(one.edit)

    def require_may_set(self, actor: Actor, action: Action, command: BaseModel) -> None:
        """PosError `field_denied` naming every field of the command that the actor may not set."""
        shape = None if actor.is_super_admin else self._shape_of_command(action)
        if shape is None:
            return
        denied = frozenset(one for one in self.declared if not self.may_set(actor, one))
        paths = list(_set_fields(self, command, shape, denied, ""))
        if paths:
            found = [FIELD_DENIED.at(path, field=path) for path in paths[:_NAMED]]
            named = sorted({path.rpartition(".")[2] for path in paths})
            raise PosError(FIELD_DENIED, path=paths[0], params={"field": ", ".join(named)}, violations=found)

    def sets_hidden(self, actor: Actor, action: Action, command: BaseModel) -> bool:
        """Whether a command sets something that is hidden from the actor."""
        shape = None if actor.is_super_admin else self._shape_of_command(action)
        return shape is not None and any(_set_fields(self, command, shape, self.hidden(actor), ""))

    def _shape_of_command(self, action: Action) -> Shape | None:
        if action.name not in self._commands:
            self._commands[action.name] = shape_of(self, action.command, action.entity)
        return self._commands[action.name]

    # -- parameters ------------------------------------------------------------------------------------------------

    def require_askable(
        self, actor: Actor, entity: str, given: Mapping[str, Any], more: Collection[str] = ()
    ) -> None:
        """PosError `field_masked` naming every parameter that filters or sorts by what is hidden from the actor:
        by a field's name, or by one of `more`."""
        hidden = self.hidden(actor)
        if not hidden:
            return
        names = self.hidden_names(entity, hidden).union(more)
        found = [FIELD_MASKED.at(path, field=name) for path, name in _asked(given, names)]
        if found:
            listed = ", ".join(dict.fromkeys(str(one.params["field"]) for one in found))
            raise PosError(FIELD_MASKED, path=found[0].path, params={"field": listed}, violations=found)


def masked_search(parameter: str, field: str) -> PosError:
    """The refusal of a search that can only mean a hidden field."""
    return FIELD_MASKED(parameter, field=field)


def _asked(given: Mapping[str, Any], names: Collection[str]) -> Iterator[tuple[str, str]]:
    """(parameter, hidden field) for each parameter that would tell something of the field."""
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            yield from _asked(value, names)
        elif name in names or _AROUND.sub("", name) in names:
            yield name, name if name in names else _AROUND.sub("", name)
        elif name in _ORDERING and isinstance(value, str):
            for part in value.split(","):
                if (bare := part.strip().lstrip("+-").partition(":")[0]) in names:
                    yield name, bare


def _set_fields(masks: Masks, command: BaseModel, shape: Shape, denied: Hidden, path: str) -> Iterator[str]:
    """The paths of denied fields that a command sets. A field that is left at its default is not set, except in an
    edit, where a null may empty it."""
    names_everything = isinstance(command, Edit)
    for name in command.model_fields_set:
        value = getattr(command, name)
        if not denied.isdisjoint(shape.leaves.get(name, ())):
            field = type(command).model_fields[name]
            if names_everything or field.is_required() or value != field.get_default(call_default_factory=True):
                yield path + name
        elif name in shape.parts:
            part = shape.parts[name]
            several = value if isinstance(value, (list, tuple)) else [value]
            for place, one in enumerate(several):
                if isinstance(one, BaseModel):
                    inner = f"{path}{name}.{place}." if several is value else f"{path}{name}."
                    yield from _set_fields(masks, one, part, denied, inner)
        elif name in shape.opaque:
            yield from _set_plain(value, masks.hidden_names(shape.entity, denied), f"{path}{name}")


def _set_plain(value: Any, names: Collection[str], path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in names:
                yield f"{path}.{name}"
            else:
                yield from _set_plain(inner, names, f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from _set_plain(inner, names, f"{path}.{place}")


def sees(ctx: Context, code: str) -> bool:
    """Whether the context's actor may see a sensitive field, by its code such as "customer.contact"."""
    return ctx.kernel.masks.sees(ctx.actor, code)
