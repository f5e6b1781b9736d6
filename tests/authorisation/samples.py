"""Requests that a schema accepts, made from the schema: what a test sends where only one field of it matters."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from pos_core.ids import uuid7

#: Fields whose text must be of some form, by name.
WORDS: dict[str, Any] = {
    "app_context": "hq", "base_minor": 1, "code": "X1", "counted_minor": 0, "currency": "EUR", "key": "tax.rounding",
    "module": "ops.watch",
    "name": "Something", "permission": "hq:users.manage", "quantity": "1", "rate": "2000", "role": "cashier",
    "sku": "X1", "tender": "cash", "time_zone": "UTC", "username": "somebody", "value": "line",
    "sold_at": "2026-03-02T10:00:00+00:00", "scope": "pos", "code_role": "some_role",
}  # fmt: skip
#: Whole bodies of actions whose fields depend on each other.
BODIES: dict[str, dict[str, Any]] = {
    "incident:record links[].finding_id": {"links": [{"kind": "finding"}]},
    "incident:record links[].chain_id": {"links": [{"kind": "entry", "seq": 1}]},
    "approval_deputy:name": {"begins_at": "2026-03-02T10:00:00+00:00", "ends_at": "2026-03-03T10:00:00+00:00"},
    "incident:link": {"kind": "entity", "entity_type": "product", "entity_id": uuid7()},
    "incident:link finding_id": {"kind": "finding"},
    "incident:link chain_id": {"kind": "entry", "seq": 1},
    "role:create": {"code": "some_role", "name": "Some role", "scope": "pos", "permissions": ["pos:sell"]},
    "sale:complete": {"lines": [{"sku": "P1", "quantity": "1"}]},
    "tax_rate:create": {"code": "X1", "name": "Something", "rate": "2000"},
}


def _resolve(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """The schema itself: references followed, of alternatives the first that is not null."""
    while True:
        if "$ref" in schema:
            schema = {**defs[schema["$ref"].rpartition("/")[2]], **{k: v for k, v in schema.items() if k != "$ref"}}
        elif kinds := [s for key in ("anyOf", "oneOf") for s in schema.get(key, ()) if s.get("type") != "null"]:
            schema = kinds[0]
        elif "allOf" in schema:
            schema = schema["allOf"][0]
        else:
            return schema


def is_id(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "string" and "[0-9a-f" in schema.get("pattern", "")


def id_fields(model: type[BaseModel]) -> list[str]:
    """Every place in a schema where an id may stand: `store_id`, `device.id`, `lines[].product_id`, `rate_ids[]`."""
    schema = model.model_json_schema()
    return sorted(set(_ids(schema, schema.get("$defs", {}), "", ())))


def _ids(schema: dict[str, Any], defs: dict[str, Any], path: str, above: tuple[str, ...]) -> Iterator[str]:
    kinds = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    reference = (kinds[0] if kinds else schema).get("$ref", "")
    if reference in above and reference:
        return
    schema = _resolve(schema, defs)
    if is_id(schema):
        yield path
    for name, part in schema.get("properties", {}).items():
        yield from _ids(part, defs, f"{path}.{name}" if path else name, (*above, reference))
    if schema.get("type") == "array":
        yield from _ids(schema.get("items", {}), defs, f"{path}[]", (*above, reference))


def sample(name: str, model: type[BaseModel], wanted: str = "") -> dict[str, Any]:
    """A body for the action or query `name`: what is required, and what leads to the field `wanted`."""
    schema = model.model_json_schema()
    made = _object(schema, schema.get("$defs", {}), wanted.split(".") if wanted else [])
    if {"reason", "reason_note"} <= schema.get("properties", {}).keys():
        made |= {"reason": "other", "reason_note": "Because."}
    return {**made, **copy.deepcopy(BODIES.get(f"{name} {wanted}", BODIES.get(name, {})))}


def _object(schema: dict[str, Any], defs: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    first = wanted[0].removesuffix("[]") if wanted else ""
    needed = set(schema.get("required", ())) | ({first} if first else set())
    return {
        name: _value(name, part, defs, wanted[1:] if name == first else [])
        for name, part in schema.get("properties", {}).items()
        if name in needed
    }


def _value(name: str, schema: dict[str, Any], defs: dict[str, Any], wanted: list[str]) -> Any:
    schema = _resolve(schema, defs)
    if is_id(schema):
        return uuid7()
    if schema.get("type") == "object" and "properties" in schema:
        return _object(schema, defs, wanted)
    if schema.get("type") == "array":
        return [_value(name, schema.get("items", {}), defs, wanted)]
    if "enum" in schema or "const" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    if name in WORDS:
        return WORDS[name]
    kinds = {"integer": schema.get("minimum", 1), "boolean": True, "object": {}, "number": 1}
    if schema.get("format") in ("date", "date-time"):
        return "2026-03-02" if schema["format"] == "date" else "2026-03-02T10:00:00+00:00"
    if schema.get("format") == "password":
        return "correct-horse-7"
    return kinds.get(str(schema.get("type")), "something")


def put(body: dict[str, Any], path: str, value: str) -> None:
    """Set the field of that path, in lists the first element's."""
    place: Any = body
    *parents, last = path.split(".")
    for name in parents:
        place = place[name.removesuffix("[]")]
        place = place[0] if name.endswith("[]") else place
    if last.endswith("[]"):
        place[last.removesuffix("[]")] = [value]
    else:
        place[last] = value
