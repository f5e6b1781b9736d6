"""The API as an OpenAPI 3.1 document, made from the doors: nothing in it is written by hand twice.

Answers are plain mappings that queries make, not pydantic dumps; so their schemas are read the same way as those of
requests (what has a default may be missing), and a type that stands in both keeps one name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from pos_core import __version__
from pos_core.approvals.needs import ApprovalIn
from pos_core.errors import CLIENT_CLASS, ErrorCode
from pos_core.http.catalogue import error_codes
from pos_core.http.problems import STATUS
from pos_core.http.routes import PREFIX, Door
from pos_core.ids import UUID7_PATTERN

if TYPE_CHECKING:
    from pos_core.actions import Action
    from pos_core.kernel import Kernel

REF = "#/components/schemas/{model}"
#: Before the names of this file's own schemas: with its dot no Python class can be called the same.
OWN = "pos."
PROBLEM_MEDIA = "application/problem+json"

_DESCRIPTION = """\
Every success answers `{"data": ..., "meta": {"request_id": ...}}`; a list adds `meta.next_cursor`, which is null at
its end and otherwise goes into the parameter `cursor` of the next request.

Every error is an RFC 9457 problem with a stable `code`, a `class` to decide by, and under `errors` everything that
was wrong at once, each with its path. [All codes, with what to do about them](/docs/errors).

Amounts are integers in the currency's minor unit, quantities decimal text, tax rates basis points as text (`"825"` is
8.25 %), times ISO 8601 with an offset, ids UUIDv7.

`x-permissions` names who may: any one of them suffices. Send `Accept-Language: es` for messages in Spanish, and an
`X-Request-Id` of your own (8 to 64 letters, digits, `.`, `_`, `-`) to find a request again in logs and audit."""

_STATUS_TEXT = {
    400: "The request cannot be read.", 401: "Nobody is signed in, or no longer.",
    403: "The actor lacks the permission.", 404: "It does not exist here, or its module is switched off.",
    409: "It disagrees with what is stored.", 412: "Somebody changed it meanwhile, or If-Match is missing.",
    413: "The body is too large.", 415: "The body is not application/json.",
    422: "Fields or rules refuse it; `errors` lists all of them.", 429: "Too many attempts; wait.",
    500: "A fault; nothing was written.", 503: "Busy for the moment; the same request may be sent again.",
}  # fmt: skip

_ACTION_STATUSES = (400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503)
_QUERY_STATUSES = (400, 401, 403, 404, 422, 429, 500, 503)


class _Schemas(GenerateJsonSchema):
    """Without a title per field: it only repeats the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def document(kernel: Kernel, doors: Sequence[Door]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these doors. Raises pydantic's error for a schema that JSON cannot express."""
    codes = error_codes(kernel)
    definitions = _definitions(doors)
    paths: dict[str, dict[str, Any]] = {}
    for door in sorted(doors, key=lambda d: (d.route.path, d.route.method)):
        paths.setdefault(door.route.path, {})[door.route.method.lower()] = _operation(door, definitions)
    components = _components(codes)
    components["schemas"] |= _reachable(definitions, [paths])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "3PlugPOS", "version": __version__, "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": PREFIX, "description": "This server"}],
        "security": [{"bearer": []}],
        "tags": _tags(kernel, doors),
        "paths": paths,
        "components": components,
    }  # fmt: skip


def _tag(door: Door) -> str:
    return door.route.tag or door.module


def _tags(kernel: Kernel, doors: Iterable[Door]) -> list[dict[str, str]]:
    titles = {m.name: m.manifest.title for m in kernel.running() if m.manifest}
    modules: dict[str, str] = {}
    for door in doors:
        modules.setdefault(_tag(door), door.module)
    return [{"name": tag, "description": titles.get(module) or module} for tag, module in sorted(modules.items())]


# -- schemas -----------------------------------------------------------------------------------------------------------


def _models(door: Door) -> Iterator[type[BaseModel]]:
    if (body := _body_model(door)) is not None:
        yield body
    if door.is_action and door.does.approval is not None:  # type: ignore[union-attr]
        yield ApprovalIn
    if door.route.answer is not None:
        yield door.route.answer
    if door.route.params is not None:
        yield door.route.params


def _body_model(door: Door) -> type[BaseModel] | None:
    return (door.route.body or door.does.command) if door.is_action else None  # type: ignore[union-attr]


class _Definitions(dict[str, dict[str, Any]]):
    """Component schemas by name, and the name of each model."""

    names: dict[type[BaseModel], str]

    def of(self, model: type[BaseModel]) -> dict[str, Any]:
        return self[self.names[model]]

    def ref(self, model: type[BaseModel]) -> dict[str, str]:
        return {"$ref": REF.format(model=self.names[model])}


def _definitions(doors: Iterable[Door]) -> _Definitions:
    models = dict.fromkeys(model for door in doors for model in _models(door))
    refs, made = models_json_schema(
        [(model, "validation") for model in models], ref_template=REF, schema_generator=_Schemas
    )
    definitions = _Definitions(made.get("$defs", {}))
    definitions.names = {model: refs[model, "validation"]["$ref"].rpartition("/")[2] for model in models}
    return definitions


def _reachable(definitions: dict[str, dict[str, Any]], start: list[Any]) -> dict[str, dict[str, Any]]:
    """The definitions that `start` refers to, directly or through others, by name."""
    found: dict[str, dict[str, Any]] = {}
    waiting = list(start)
    while waiting:
        for name in _references(waiting.pop()):
            if name in definitions and name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return dict(sorted(found.items()))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str) and ref.startswith(REF.format(model="")):
            yield ref.rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


# -- operations --------------------------------------------------------------------------------------------------------


def _operation(door: Door, definitions: _Definitions) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": door.operation_id,
        "summary": door.does.summary.rstrip("."),
        "description": _description(door),
        "tags": [_tag(door)],
        "x-module": door.module,
        "x-action" if door.is_action else "x-query": door.does.name,
        "x-permissions": list(door.permissions),
    }
    if door.does.public:
        made["security"] = []
    if parameters := _parameters(door, definitions):
        made["parameters"] = parameters
    if (body := _request_body(door, definitions)) is not None:
        made["requestBody"] = body
    made["responses"] = _responses(door, definitions)
    return made


def _description(door: Door) -> str:
    _, _, rest = (door.does.function.__doc__ or "").strip().partition("\n")
    said = [" ".join(part.split()) for part in rest.split("\n\n") if part.strip()]
    if door.does.public:
        said.append("Needs no token.")
    else:
        said.append("Permission: " + " or ".join(f"`{p}`" for p in door.permissions) + ".")
    if door.is_action:
        said += _asked(door.does)  # type: ignore[arg-type]
    key_field = door.does.key_field if door.is_action else None  # type: ignore[union-attr]
    if key_field:
        said.append(f"Sent again with the same `{key_field}` and content, it answers the same and does nothing twice.")
    return "\n\n".join(said)


def _asked(action: Action) -> Iterator[str]:
    if action.reason:
        always = action.reason is True
        yield f"Takes a reason code in `reason`{'' if always else ' where it is needed'}: see `reason_list`."
    if action.approval is not None:
        yield ("May need somebody else's approval: it is then refused with `approval_required`, whose item says what "
               "to ask for, and sent again with `approval`, which is no part of the request itself.")


def _parameters(door: Door, definitions: _Definitions) -> list[dict[str, Any]]:
    known = definitions.of(model).get("properties", {}) if (model := _body_model(door)) else {}
    found: list[dict[str, Any]] = [_path_parameter(name, known.get(name)) for name in door.route.variables]
    if door.route.params is not None:
        found += _query_parameters(definitions.of(door.route.params))
    if door.is_action:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
        if door.route.edits:
            found.append({"$ref": "#/components/parameters/IfMatch"})
    elif _versioned(door, definitions):
        found.append({"$ref": "#/components/parameters/IfNoneMatch"})
    return found


def _path_parameter(name: str, known: dict[str, Any] | None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if name.endswith("id"):
        schema |= {"format": "uuid", "pattern": UUID7_PATTERN}
    elif known is not None:
        schema = {k: v for k, v in known.items() if k not in ("default", "description")}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        made: dict[str, Any] = {"name": name, "in": "query", "required": name in required}
        if description := field.get("description"):
            made["description"] = description
        yield {**made, "schema": _without_null({k: v for k, v in field.items() if k != "description"})}


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out: text in a URL cannot say null."""
    if field.get("default", "") is None:
        field = {k: v for k, v in field.items() if k != "default"}
    if "anyOf" in field:
        some = [option for option in field["anyOf"] if option != {"type": "null"}]
        rest = {k: v for k, v in field.items() if k != "anyOf"}
        return {**some[0], **rest} if len(some) == 1 else {**rest, "anyOf": some}
    return field


def _request_body(door: Door, definitions: _Definitions) -> dict[str, Any] | None:
    """The body's schema: the command without what the path and If-Match carry; None when nothing is left."""
    model = _body_model(door)
    if model is None:
        return None
    whole = definitions.of(model)
    elsewhere = {*door.route.variables, *(["version"] if door.route.edits else [])}
    if "properties" not in whole or elsewhere.isdisjoint(whole["properties"]):
        schema: dict[str, Any] = definitions.ref(model)
        left = whole
    else:
        left = {**whole, "properties": {k: v for k, v in whole["properties"].items() if k not in elsewhere}}
        left["required"] = [name for name in whole.get("required", ()) if name not in elsewhere]
        if not left["required"]:
            del left["required"]
        schema = left
    if door.does.approval is not None:  # type: ignore[union-attr]
        schema = left = {**left, "properties": {**left["properties"], "approval": definitions.ref(ApprovalIn)}}
    if left.get("type") == "object" and not left.get("properties"):
        return None
    must = "properties" not in left or bool(left.get("required"))
    return {"required": must, "content": {"application/json": {"schema": schema}}}


def _versioned(door: Door, definitions: _Definitions) -> bool:
    """Whether the answer carries an ETag: one thing (no list) with a version."""
    answer = door.route.answer
    if answer is None or door.route.paged or door.route.listed:
        return False
    return "version" in definitions.of(answer).get("properties", {})


def _responses(door: Door, definitions: _Definitions) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    if _versioned(door, definitions):
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    if door.is_action:
        headers["Idempotent-Replayed"] = {"$ref": "#/components/headers/Replayed"}
    content: dict[str, Any] = {}
    if door.route.media:
        headers["Masked-Fields"] = {"$ref": "#/components/headers/MaskedFields"}
        content[door.route.media] = {"schema": {"type": "string"}}
    if door.route.answer is not None:
        content["application/json"] = {"schema": _envelope(door, definitions.ref(door.route.answer))}
    made: dict[str, Any] = {str(door.status): {"description": "Done." if door.is_action else "Found.",
                                               "headers": headers, "content": content}}
    if not door.is_action and _versioned(door, definitions):
        made["304"] = {"description": "It is still the version that If-None-Match names.", "headers": headers}
    for status in _error_statuses(door):
        made[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return made


def _envelope(door: Door, data: dict[str, Any]) -> dict[str, Any]:
    kind = "MetaOfPage" if door.route.paged else "MetaOfAction" if door.is_action else "Meta"
    many = door.route.paged or door.route.listed
    return {
        "type": "object", "required": ["data", "meta"], "additionalProperties": False,
        "properties": {
            "data": {"type": "array", "items": data} if many else data, "meta": {"$ref": REF.format(model=OWN + kind)},
        },
    }  # fmt: skip


def _error_statuses(door: Door) -> list[int]:
    found = list(_ACTION_STATUSES if door.is_action else _QUERY_STATUSES)
    if door.route.edits:
        found.append(412)
    if door.does.public and not door.is_action:
        found.remove(403)
    return sorted(found)


# -- components --------------------------------------------------------------------------------------------------------


def _components(codes: Sequence[ErrorCode]) -> dict[str, Any]:
    return {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "The access token that signing in gives."},
        },
        "parameters": {
            "IdempotencyKey": _header_parameter(
                "Idempotency-Key", "A fresh text for each new request, the same one for its retries: a retry has no "
                "second effect. The same key with another body is refused.",
                {"type": "string", "pattern": "^[\\x21-\\x7e]{1,100}$"}),
            "IfMatch": _header_parameter(
                "If-Match", 'The ETag of the version that is changed, such as `"3"`.',
                {"type": "string", "pattern": '^(W/)?"[0-9]{1,18}"$'}, required=True),
            "IfNoneMatch": _header_parameter(
                "If-None-Match", "The ETag of what is known: 304 while it holds.", {"type": "string"}),
        },
        "headers": {
            "RequestId": {"description": "Names the request in logs and audit.", "schema": {"type": "string"}},
            "ETag": {"description": "The version, for If-Match of the next edit.", "schema": {"type": "string"}},
            "Replayed": {"description": "`true` when an earlier answer was given again.", "schema": {"const": "true"}},
            "MaskedFields": {"description": "Columns of a CSV that are empty because they are hidden from you.",
                             "schema": {"type": "string"}},
            "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
            "Authenticate": {"description": "How to sign in.", "schema": {"type": "string"}},
        },
        "responses": {f"Problem{status}": _problem_response(status, codes) for status in _STATUS_TEXT},
        "schemas": _own_schemas(codes),
    }  # fmt: skip


def _header_parameter(name: str, description: str, schema: dict[str, Any], required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _problem_response(status: int, codes: Iterable[ErrorCode]) -> dict[str, Any]:
    own = [code.code for code in codes if STATUS[code.kind] == status]
    narrowed = {"status": {"const": status}, **({"code": {"enum": own}} if own else {})}
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    if status in (429, 503):
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    if status == 401:
        headers["WWW-Authenticate"] = {"$ref": "#/components/headers/Authenticate"}
    if status == 412:
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    schema = {"allOf": [{"$ref": REF.format(model=OWN + "Problem")}, {"type": "object", "properties": narrowed}]}
    return {"description": _STATUS_TEXT[status], "headers": headers, "content": {PROBLEM_MEDIA: {"schema": schema}}}


def _own_schemas(codes: Iterable[ErrorCode]) -> dict[str, Any]:
    text, code = {"type": "string"}, {"$ref": REF.format(model=OWN + "ErrorCode")}
    request_id = {"type": "string", "description": "Names the request in logs and audit."}
    cursor = {"type": ["string", "null"], "description": "Goes into `cursor` of the next request; null at the end."}
    masked = {"type": "array", "items": text, "description": "Fields that are null because they are hidden from you."}
    place = {"type": "string", "format": "uri-reference", "description": "The code's place in the error catalogue."}
    problem = {
        "type": place,
        "title": text, "status": {"type": "integer"}, "code": code,
        "class": {"enum": sorted(set(CLIENT_CLASS.values())), "description": "What kind of reaction fits."},
        "detail": {"type": "string", "description": "A sentence for a person, in the request's language."},
        "errors": {"type": "array", "items": {"$ref": REF.format(model=OWN + "ProblemItem")}},
        "request_id": request_id,
    }  # fmt: skip
    item = {
        "path": {"type": "string", "description": "Where, such as `lines.3.quantity`; empty for the whole."},
        "code": code, "message": text,
        "kind": {"type": "string", "description": "With `field_invalid`: what is wrong with the field."},
        "rule": {"type": "string", "description": "The rule that refused, as `module:function`."},
        "approval": {"type": "object", "description": "What to ask for: kind, action, thing, figures, who decides."},
        "methods": {"type": "array", "items": text, "description": "With `mfa_required`: what can be proven with."},
    }  # fmt: skip
    return {
        OWN + "ErrorCode": {
            "type": "string", "enum": [c.code for c in codes], "description": "See [the catalogue](/docs/errors).",
        },
        OWN + "Meta": _object({"request_id": request_id, "masked": masked}, ["request_id"]),
        OWN + "MetaOfAction": _object({"request_id": request_id, "masked": masked, "replayed": {
            "const": True, "description": "Only there when an earlier answer is given again."}}, ["request_id"]),
        OWN + "MetaOfPage": _object({"request_id": request_id, "masked": masked, "next_cursor": cursor,
                               "limit": {"type": ["integer", "null"]}}, ["request_id", "next_cursor", "limit"]),
        OWN + "Problem": _object(problem, list(problem)),
        OWN + "ProblemItem": _object(item, ["path", "code", "message"]),
    }  # fmt: skip


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}
