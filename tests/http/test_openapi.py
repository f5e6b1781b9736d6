"""The OpenAPI document: valid, complete, and true to what the server does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from pos_core import Manifest, Permission, action, hookimpl, query
from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.http import openapi, routes
from pos_core.http.catalogue import error_codes
from pos_core.http.problems import STATUS
from pos_core.http.routes import Door, Route
from pos_core.kernel import Kernel
from pos_core.schemas import Answer, Command, Edit, Id, PageParams
from pos_core.testing.harness import Client


class Part(Command):
    size: int


class CreateThing(Command):
    id: Id
    parts: tuple[Part, ...] = ()


class EditThing(Edit):
    id: Id
    part: Part | None = None


class CloseThing(Command):
    id: Id


class Problem(Answer):
    """Named like the document's own problem, which must stay another schema."""

    id: str
    parts: list[Part]
    version: int


class ThingParams(PageParams):
    kind: str | None = None


@query("thing:list", permission="hq:things.view")
def list_things(ctx: Any, kind: str | None, limit: int, cursor: Any) -> Any:
    """Things by kind.

    A second paragraph that
    goes on.
    """


@query("thing:all", permission="hq:things.view")
def all_things(ctx: Any) -> Any:
    """All things."""


@query("thing:label", public=True)
def label(ctx: Any, id: str) -> Any:
    """A thing's label as text."""


@query("thing:get", permission=("hq:things.view", "store:things.view"))
def get_thing(ctx: Any, id: str) -> Any:
    """One thing."""


@action("thing:create", command=CreateThing, permission="hq:things.view", status=201, key_field="id")
def create_thing(ctx: Any, command: CreateThing) -> Any:
    """Add a thing."""


@action("thing:edit", command=EditThing, permission="hq:things.view")
def edit_thing(ctx: Any, command: EditThing) -> Any:
    """Change a thing."""


@action("thing:close", command=CloseThing, permission="hq:things.view")
def close_thing(ctx: Any, command: CloseThing) -> Any:
    """Close a thing."""


@hookimpl
def register_routes() -> tuple[Route, ...]:
    return (
        Route("GET", "/things", query="thing:list", params=ThingParams, answer=Problem, paged=True),
        Route("GET", "/things-all", query="thing:all", answer=Problem, listed=True),
        Route("GET", "/things/{id}", query="thing:get", answer=Problem),
        Route("GET", "/things/{id}/label", query="thing:label", media="text/plain"),
        Route("POST", "/things", action="thing:create", answer=Problem),
        Route("PATCH", "/things/{id}", action="thing:edit", answer=Problem, edits=True),
        Route("POST", "/things/{id}/close", action="thing:close", answer=Problem),
    )


def _sample() -> tuple[str, ModuleType]:
    """A module with one door of every form, so that nothing here depends on which modules are installed."""
    plugin = ModuleType(__name__)
    plugin.MANIFEST = Manifest(  # type: ignore[attr-defined]
        name="sample.things", version="1", title="Things", roots=("/things", "/things-all"),
        permissions=(Permission("hq:things.view", "See things", ("admin",)),
                     Permission("store:things.view", "See things", ("store_manager",))),
    )  # fmt: skip
    for part in (register_routes, list_things, all_things, label, get_thing, create_thing, edit_thing, close_thing):
        setattr(plugin, part.__name__, part)
    return "sample.things", plugin


Described = tuple[Kernel, list[Door], dict[str, Any]]


@pytest.fixture(scope="module")
def described() -> Described:
    made = Kernel(Config(), db=SqliteDatabase(":memory:"), extra=[_sample()])
    doors = routes.collect(made)
    return made, doors, openapi.document(made, doors)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    if isinstance(node, list):
        for value in node:
            yield from _references(value)


def _look_up(document: dict[str, Any], ref: str) -> Any:
    found: Any = document
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _named(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """An operation's parameters by name, references followed."""
    given = operation.get("parameters", [])
    found = [_look_up(document, p["$ref"]) if "$ref" in p else p for p in given]
    return {p["name"]: p for p in found}


@pytest.mark.req("API-07")
def test_the_document_is_valid(described: Described) -> None:
    validate(described[2])


@pytest.mark.req("CLI-04")
def test_every_door_is_one_operation_with_a_stable_name(described: Described) -> None:
    _, doors, document = described
    found = {(method.upper(), path): operation for method, path, operation in _operations(document)}
    assert set(found) == {(d.route.method, d.route.path) for d in doors}
    for door in doors:
        operation = found[door.route.method, door.route.path]
        assert operation["operationId"] == door.operation_id
        assert operation["x-action" if door.is_action else "x-query"] == door.does.name
        assert len(operation["summary"]) > 5
        assert operation["summary"] != door.does.name, f"{door.does.name} has no docstring"
        assert operation["tags"][0] in {tag["name"] for tag in document["tags"]}
    names = [operation["operationId"] for operation in found.values()]
    assert len(names) == len(set(names))


def test_every_operation_says_who_may(described: Described) -> None:
    kernel, doors, document = described
    public = {d.operation_id for d in doors if d.does.public}
    for _, _, operation in _operations(document):
        if operation["operationId"] in public:
            assert operation["security"] == []
        else:
            assert "security" not in operation
            assert operation["x-permissions"]
            assert set(operation["x-permissions"]) <= set(kernel.permissions())


def test_references_resolve_and_nothing_lies_about_unused(described: Described) -> None:
    document = described[2]
    used = set(_references(document))
    for ref in used:
        assert _look_up(document, ref) is not None
    own = {name for name in document["components"]["schemas"] if not name.startswith(openapi.OWN)}
    assert own <= {ref.rpartition("/")[2] for ref in used}
    assert not [name for name in own if name.endswith(("-Input", "-Output"))]


def test_path_and_version_stand_in_one_place_only(described: Described) -> None:
    _, doors, document = described
    for door in doors:
        operation = document["paths"][door.route.path][door.route.method.lower()]
        parameters = _named(document, operation)
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        schema = _look_up(document, body["$ref"]) if "$ref" in body else body
        assert set(door.route.variables) <= set(parameters)
        assert set(door.route.variables).isdisjoint(schema.get("properties", {}))
        assert ("If-Match" in parameters) == door.route.edits
        if door.route.edits:
            assert "version" not in schema.get("properties", {})
            assert parameters["If-Match"]["required"] is True
            assert "412" in operation["responses"]
        if door.route.method == "POST":
            assert "Idempotency-Key" in parameters


def test_errors_name_their_codes_by_status(described: Described) -> None:
    kernel, _, document = described
    assert set(document["components"]["schemas"]["pos.ErrorCode"]["enum"]) == {c.code for c in error_codes(kernel)}
    answered: dict[int, set[str]] = {}
    for name, response in document["components"]["responses"].items():
        narrowed = response["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]
        answered[narrowed["status"]["const"]] = set(narrowed["code"]["enum"])
        assert name == f"Problem{narrowed['status']['const']}"
    for code in error_codes(kernel):
        if STATUS[code.kind] != 405:  # no operation answers it: it is what a path says to other methods
            assert code.code in answered[STATUS[code.kind]]
    for _, _, operation in _operations(document):
        refused = {int(status) for status in operation["responses"]} - {200, 201, 202, 204, 304}
        assert {400, 401, 404, 500, 503} <= refused <= set(answered)


def test_a_page_takes_limit_and_cursor_and_answers_the_next_cursor(described: Described) -> None:
    document = described[2]
    operation = document["paths"]["/things"]["get"]
    parameters = _named(document, operation)
    assert set(parameters) == {"limit", "cursor", "kind"}
    assert parameters["limit"]["schema"] == {"default": 50, "maximum": 200, "minimum": 1, "type": "integer"}
    assert parameters["cursor"]["schema"] == {"maxLength": 500, "type": "string"}
    assert operation["description"].startswith("A second paragraph that goes on.\n\nPermission: `hq:things.view`.")
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["properties"]["data"] == {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}}
    assert answer["properties"]["meta"] == {"$ref": "#/components/schemas/pos.MetaOfPage"}


def test_bodies_and_answers_of_the_other_forms(described: Described) -> None:
    paths = described[2]["paths"]
    assert "requestBody" not in paths["/things/{id}/close"]["post"]
    created = paths["/things"]["post"]
    assert created["requestBody"]["required"] is True
    assert set(created["responses"]["201"]["headers"]) == {"X-Request-Id", "ETag", "Idempotent-Replayed"}
    edited = paths["/things/{id}"]["patch"]["requestBody"]
    assert edited["required"] is False
    assert list(edited["content"]["application/json"]["schema"]["properties"]) == ["part"]
    assert list(paths["/things/{id}/label"]["get"]["responses"]["200"]["content"]) == ["text/plain"]
    assert paths["/things-all"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"][
        "data"]["type"] == "array"
    assert "304" in paths["/things/{id}"]["get"]["responses"]


def _holds(document: dict[str, Any], schema: dict[str, Any], instance: Any) -> None:
    """Check an answer against a schema of the document."""
    whole = Resource.from_contents({"$id": "urn:api", **document}, default_specification=DRAFT202012)
    anchored = json.loads(json.dumps(schema).replace('"#/', '"urn:api#/'))
    OAS31Validator(anchored, registry=Registry().with_resource("urn:api", whole)).validate(instance)


def test_real_answers_are_what_the_document_says(client_as: Callable[..., Client]) -> None:
    admin = client_as("admin")
    document = admin.get("/openapi.json").json
    listed = admin.get("/stores")
    operation = document["paths"]["/stores"]["get"]
    _holds(document, operation["responses"]["200"]["content"]["application/json"]["schema"], listed.json)
    one = admin.get(f"/stores/{listed.data[0]['id']}")
    operation = document["paths"]["/stores/{id}"]["get"]
    _holds(document, operation["responses"]["200"]["content"]["application/json"]["schema"], one.json)
    refusals = [
        admin.post("/stores", {"code": "", "other": 1}), admin.get("/stores?limit=0"), admin.get("/stores/unknown"),
        admin.patch(f"/stores/{listed.data[0]['id']}", {"name": "New"}, version=99),
        Client(admin.host, admin.port).get("/stores"),
    ]  # fmt: skip
    assert [refusal.status for refusal in refusals] == [422, 400, 404, 412, 401]
    for refusal in refusals:
        response = document["components"]["responses"][f"Problem{refusal.status}"]
        _holds(document, response["content"]["application/problem+json"]["schema"], refusal.json)
