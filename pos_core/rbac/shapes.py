"""Where in an answer or a command sensitive fields may stand: read once from its schema."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from pos_core.manifest import SensitiveField
    from pos_core.rbac.masks import Masks


@dataclass(frozen=True, slots=True)
class Shape:
    """One level of a schema: its sensitive members, the members that are models, and those that are plain JSON, of
    which no schema says what is in it. entity: what it is about; None where nobody says."""

    entity: str | None
    leaves: Mapping[str, tuple[SensitiveField, ...]]
    parts: Mapping[str, Shape]
    opaque: frozenset[str]


def shape_of(masks: Masks, schema: type[BaseModel], entity: str) -> Shape | None:
    """The shape of a schema at the door of an action or query about `entity`; None where nothing in it can be
    sensitive. A schema in it that does not say by `__entity__` what it is about is taken to be about anything."""
    made = _shape(masks, schema, _stated(schema) or entity, ())
    return made if _matters(made) else None


def _stated(schema: type[BaseModel]) -> str:
    return str(getattr(schema, "__entity__", ""))


def _matters(shape: Shape) -> bool:
    return bool(shape.leaves or shape.parts or shape.opaque)


def _shape(masks: Masks, schema: type[BaseModel], entity: str | None, above: tuple[type[BaseModel], ...]) -> Shape:
    names = masks.names(entity)
    leaves: dict[str, tuple[SensitiveField, ...]] = {}
    parts: dict[str, Shape] = {}
    opaque: set[str] = set()
    for member, field in schema.model_fields.items():
        for name in {member, field.alias or member}:
            if name in names:
                leaves[name] = names[name]
                continue
            kinds = list(_kinds(field.annotation))
            models = {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)}
            if Any in kinds or len(models) > 1 or not models.isdisjoint((schema, *above)):
                opaque.add(name)  # a tree of itself is walked like plain JSON
            elif models:
                (model,) = models
                part = _shape(masks, model, _stated(model) or None, (schema, *above))
                if _matters(part):
                    parts[name] = part
    return Shape(entity, leaves, parts, frozenset(opaque))


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that a field's values and their members have; Any for what no schema describes."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin in (Union, types.UnionType, list, tuple, set, frozenset):
        for argument in get_args(annotation):
            yield from _kinds(argument)
    else:
        bare = origin or annotation
        plain = isinstance(bare, type) and (bare in (list, tuple, object) or issubclass(bare, Mapping))
        yield Any if plain else annotation
