"""What a condition can look at, read from types: the fields of commands (pydantic), drafts (dataclasses, named tuples)
and of the request's surroundings, each with its kind, so that a rule is checked when it is written.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, SecretStr, StringConstraints

from pos_core import schemas
from pos_core.errors import Violation
from pos_core.money import QUANTITY_SCALE

if TYPE_CHECKING:
    from pos_core.actions import Action

#: How deep the list of an action's fields goes.
LISTED_DEPTH = 5

_COMPARED = ("eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "between", "exists")
#: The operators that go with each kind.
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "integer": _COMPARED, "decimal": _COMPARED, "date": (*_COMPARED, "on_days"),
    "instant": ("lt", "le", "gt", "ge", "between", "exists", "on_days", "time_between"),
    "time": ("lt", "le", "gt", "ge", "exists", "time_between"),
    "text": ("eq", "ne", "in", "not_in", "contains", "starts_with", "exists"),
    "id": ("eq", "ne", "in", "not_in", "exists"), "boolean": ("eq", "ne", "exists"),
    "list": ("contains", "exists"), "object": ("exists",), "other": ("exists",),
}  # fmt: skip
NUMBERS = ("integer", "decimal")


#: The patterns by which commands say that a text is a decimal.
_DECIMAL_TEXT = re.compile(r"\^(-\?)?\[0-9\]\{1,\d+\}\(\\\.\[0-9\]\{1,\d+\}\)\?\$")
_BASIS_POINTS = next(m.pattern for m in get_args(schemas.BasisPoints) if isinstance(m, StringConstraints))


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands somewhere. type: of an object. item: of a list. scale: what a whole number is divided by to be the
    figure that people mean (a draft's quantities are thousandths). unit: in words, "" where the kind says it."""

    kind: str
    unit: str = ""
    type: Any = None
    item: Shape | None = None
    scale: int = 1

    @property
    def operators(self) -> tuple[str, ...]:
        return OPERATORS[self.kind]


OTHER = Shape("other")
NOTHING = Shape("object", type=())


def draft_type(action: Action) -> Any:
    """The type of an action's draft, as its `prepare` declares it; None where there is none to look at."""
    if action.prepare is None:
        return None
    return _hints(action.prepare).get("return")


def root_shapes(action: Action) -> dict[str, Shape]:
    """The places that a condition on an action starts from."""
    found = {"command": Shape("object", type=action.command), "context": Shape("object", type=CONTEXT)}
    draft = draft_type(action)
    if draft is not None and (made := shape_of(draft, "draft")).kind == "object":
        found["draft"] = made
    return found


#: The request's surroundings, `context.<name>`.
CONTEXT: Mapping[str, Shape] = {
    "store_id": Shape("id"), "store_code": Shape("text"), "register_id": Shape("id"), "register_code": Shape("text"),
    "user_id": Shape("id"), "username": Shape("text"), "roles": Shape("list", item=Shape("text")),
    "app_context": Shape("text", "pos, store or hq"), "channel": Shape("text"), "now": Shape("instant"),
    "local_time": Shape("time", "in the store's time zone"),
    "weekday": Shape("text", "mon, tue, wed, thu, fri, sat or sun, in the store's time zone"),
    "business_date": Shape("date"),
}  # fmt: skip


def fields_of(shape: Shape) -> Mapping[str, Shape]:
    """The fields of an object by name; empty for anything else."""
    if shape.kind != "object" or shape.type is None:
        return {}
    return shape.type if isinstance(shape.type, Mapping) else _fields(shape.type)


@lru_cache(maxsize=512)
def _fields(kind: Any) -> Mapping[str, Shape]:
    if kind == ():
        return {}
    hints = _hints(kind)
    if issubclass(kind, BaseModel):
        names = [name for name, info in kind.model_fields.items() if info.alias in (None, name)]
    elif dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
    else:
        names = list(getattr(kind, "_fields", ()))
    draft = not issubclass(kind, BaseModel)
    found = {name: shape_of(hints[name], name, draft=draft) for name in names if name in hints and name[0] != "_"}
    return {name: shape for name, shape in found.items() if shape is not HIDDEN}


#: A secret: no condition looks at it.
HIDDEN = Shape("other", "secret")


def shape_of(annotation: Any, name: str, *, draft: bool = False) -> Shape:
    """The shape of a type; `draft`: it stands in what the server has made, whose quantities are whole thousandths."""
    annotation, metadata = _plain(annotation)
    origin = get_origin(annotation)
    if origin is Literal:
        words = get_args(annotation)
        return Shape("text", "one of " + ", ".join(words)) if all(isinstance(w, str) for w in words) else OTHER
    if origin in (tuple, list, set, frozenset) or (origin is not None and _is_sequence(origin)):
        inner = [one for one in get_args(annotation) if one is not Ellipsis]
        if len(inner) != 1:
            return OTHER
        item = shape_of(inner[0], name, draft=draft)
        return HIDDEN if item is HIDDEN else Shape("list", item=item)
    return _shape_of_class(annotation, metadata, name, draft) if isinstance(annotation, type) else OTHER


def _shape_of_class(kind: type, metadata: tuple[Any, ...], name: str, draft: bool) -> Shape:
    if issubclass(kind, SecretStr):
        return HIDDEN
    if issubclass(kind, bool):
        return Shape("boolean")
    if issubclass(kind, int):
        return _whole_number(name, draft)
    if issubclass(kind, (Fraction, Decimal)):
        return Shape("decimal", "a share: 0.25 is 25 %" if kind is Fraction else "")
    if issubclass(kind, str):
        patterns = {str(getattr(one, "pattern", "")) for one in metadata}
        if any(map(_DECIMAL_TEXT.fullmatch, patterns)):
            return Shape("decimal", "basis points: 2000 is 20 %" if _BASIS_POINTS in patterns else "")
        is_id = name in ("id", "ids") or name.endswith(("_id", "_ids"))
        return Shape("id") if is_id else Shape("text")
    if issubclass(kind, datetime) or kind is AwareDatetime:
        return Shape("instant")
    if issubclass(kind, date):
        return Shape("date")
    known = issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")
    return Shape("object", type=kind) if known and not issubclass(kind, Violation) else OTHER


def _whole_number(name: str, draft: bool) -> Shape:
    if name.endswith("_minor"):
        return Shape("integer", "minor units")
    if draft and (name == "quantity" or name.endswith("_quantity")):
        return Shape("decimal", scale=QUANTITY_SCALE)
    is_rate = draft and (name == "rate" or name.endswith("_rate"))
    return Shape("integer", "hundredths of a basis point: 200000 is 20 %" if is_rate else "")


def _is_sequence(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, typing.Sequence)


def _plain(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without Annotated and None, and what was annotated."""
    metadata: tuple[Any, ...] = ()
    while True:
        if get_origin(annotation) is Annotated:
            metadata += annotation.__metadata__
            annotation = annotation.__origin__
        elif get_origin(annotation) in (Union, types.UnionType):
            parts = [one for one in get_args(annotation) if one is not type(None)]
            if len(parts) != 1:
                return None, metadata
            annotation = parts[0]
        else:
            return annotation, metadata


def _hints(thing: Any) -> dict[str, Any]:
    """The annotations that can be resolved; what is imported for type checkers only stays unknown."""
    try:
        return typing.get_type_hints(thing, include_extras=True)
    except NameError:
        found: dict[str, Any] = {}
        for one in reversed(getattr(thing, "__mro__", (thing,))):
            names = vars(sys.modules[one.__module__]) if one.__module__ in sys.modules else {}
            for name, annotation in inspect.get_annotations(one).items():
                found[name] = _resolved(annotation, names)
        return {name: hint for name, hint in found.items() if hint is not None}


def _resolved(annotation: Any, names: Mapping[str, Any]) -> Any:
    """One annotation, resolved where everything that it names is there: by the types' own resolver, on a stand-in."""
    stand_in = types.SimpleNamespace(__annotations__={"it": annotation}, __wrapped__=None)
    del stand_in.__wrapped__
    try:
        return typing.get_type_hints(stand_in, dict(names), include_extras=True).get("it")
    except NameError:
        return None


def listed(roots: Mapping[str, Shape]) -> Iterator[tuple[str, Shape]]:
    """Every path that a condition may name, with what stands there, each root's in the order of its declaration."""
    for root, shape in roots.items():
        yield from _listed(root, shape, ())


def _listed(path: str, shape: Shape, above: tuple[Any, ...]) -> Iterator[tuple[str, Shape]]:
    if above or "." in path:
        yield path, shape
    if len(above) >= LISTED_DEPTH or (shape.kind == "object" and any(shape.type is one for one in above)):
        return
    if shape.kind == "list" and shape.item is not None:
        yield from _listed(f"{path}[*]", shape.item, (*above, shape))
        return
    for name, inner in fields_of(shape).items():
        yield from _listed(f"{path}.{name}", inner, (*above, shape.type))
