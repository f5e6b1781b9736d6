"""The envelope of every answer: data and meta, problems of one shape, paging, versions, and safe headers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pos_core import Manifest, action, hookimpl, query, uuid7
from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.errors import CLIENT_CLASS, NOT_FOUND, catalogue
from pos_core.http import problems, routes
from pos_core.http.routes import Route
from pos_core.kernel import Kernel
from pos_core.plugins import StartError
from pos_core.schemas import Answer, Command, PageParams

STORE = {"code": "S2", "name": "Second", "time_zone": "UTC"}


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The one shape of every refusal."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json
    assert found.keys() == {"type", "title", "status", "code", "class", "detail", "errors", "request_id"}
    assert (found["status"], found["code"]) == (status, code)
    assert found["type"] == f"/docs/errors#{code}"
    assert found["detail"]
    assert "{" not in found["detail"]
    assert found["request_id"] == answer.headers["x-request-id"]
    assert code in {known.code for known in catalogue()}
    for item in found["errors"]:
        assert item.keys() >= {"path", "code", "message"}
        assert item["message"]
    return dict(found)


@pytest.fixture
def admin(client_as: Callable[..., Any]) -> Any:
    return client_as("admin")


def test_success_has_data_and_meta(admin: Any) -> None:
    answer = admin.post("/stores", STORE)
    assert answer.status == 201
    assert answer.json.keys() == {"data", "meta"}
    assert answer.json["meta"]["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


SOURCES: list[tuple[str, str, Any, dict[str, str], int, str]] = [
    ("GET", "/nothing", None, {}, 404, "route_unknown"),
    ("DELETE", "/stores", None, {}, 405, "method_not_allowed"),
    ("POST", "/stores", b"{", {}, 400, "body_malformed"),
    ("POST", "/stores", {}, {}, 422, "invalid_request"),
    ("POST", "/stores", b"a=1", {"Content-Type": "text/plain"}, 415, "media_type_unsupported"),
    ("POST", "/stores", b" " * 2_200_000, {}, 413, "body_too_large"),
    ("POST", "/stores", STORE, {"Idempotency-Key": "a b"}, 400, "idempotency_key_malformed"),
    ("POST", "/stores", {**STORE, "code": "S1"}, {}, 409, "already_exists"),
    ("PATCH", "/stores/{store}", {"name": "X"}, {}, 412, "version_required"),
    ("PATCH", "/stores/{store}", {"name": "X"}, {"If-Match": '"99"'}, 412, "version_mismatch"),
    ("PATCH", "/stores/{store}", {"name": "X"}, {"If-Match": "one"}, 400, "if_match_malformed"),
    ("PATCH", "/stores/{store}", {"id": "x"}, {"If-Match": '"1"'}, 422, "field_given_in_path"),
    ("GET", "/stores?limit=201", None, {}, 400, "parameter_invalid"),
    ("GET", "/stores?cursor=forged", None, {}, 400, "cursor_invalid"),
    ("GET", "/stores/{none}", None, {}, 404, "not_found"),
    ("GET", "/stores/abc", None, {}, 404, "not_found"),
    ("GET", "/stores", None, {"Authorization": "Basic abc"}, 401, "token_missing"),
]  # fmt: skip


@pytest.mark.req("API-02", "API-03", "VAL-02")
def test_every_source_of_errors_gives_the_same_shape(business: Any, admin: Any) -> None:
    for method, path, body, headers, status, code in SOURCES:
        place = path.replace("{store}", business.store_id).replace("{none}", uuid7())
        assert_problem(admin.request(method, place, body, headers), status, code)


def test_permission_module_and_token_problems(business: Any, client_as: Callable[..., Any], client: Any) -> None:
    problem = assert_problem(client_as("cashier").post("/stores", STORE), 403, "permission_denied")
    assert problem["class"] == "not_permitted"
    answer = client.get("/stores")
    assert_problem(answer, 401, "token_missing")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    client.token = "forged"
    assert client.get("/stores").status == 401


def test_an_unexpected_exception_is_a_500_without_details(
    business: Any, admin: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(business.kernel, "query", breaks)
    answer = admin.get("/stores")
    problem = assert_problem(answer, 500, "internal_error")
    assert problem["class"] == "system_fault"
    assert "secret" not in answer.text
    assert any(getattr(r, "request_id", "") == problem["request_id"] for r in caplog.records)


@pytest.mark.req("OPX-12", "API-03")
def test_every_code_has_a_status_a_class_and_sentences() -> None:
    for code in catalogue():
        assert code.kind in problems.STATUS
        assert code.kind in CLIENT_CLASS


@pytest.mark.req("VAL-01", "VAL-02")
def test_all_fields_that_are_wrong_are_named_at_once(admin: Any) -> None:
    answer = admin.post(
        "/stores", {"code": "bad code!", "name": "", "time_zone": "Mars", "day_start_minutes": -1, "x": 1}
    )
    problem = assert_problem(answer, 422, "invalid_request")
    assert answer.paths() == {"code", "name", "time_zone", "day_start_minutes", "x"}
    assert {item["code"] for item in problem["errors"]} == {"field_invalid"}


def test_spanish_on_request(admin: Any) -> None:
    answer = admin.request("POST", "/stores", {}, {"Accept-Language": "es-MX,es;q=0.9"})
    assert answer.json["detail"] == "Faltan campos o no son como deben ser."
    assert {item["message"] for item in answer.json["errors"]} == {"Falta este campo."}


@pytest.mark.req("LOG-02")
def test_a_request_id_is_taken_over_when_it_is_one(admin: Any) -> None:
    assert admin.get("/stores", **{"X-Request-Id": "till-7-000123"}).headers["x-request-id"] == "till-7-000123"
    for bad in ("short", "x" * 65, "with blank here", "<script>aaaaaa"):
        assert admin.get("/stores", **{"X-Request-Id": bad}).headers["x-request-id"] != bad


# -- paging --------------------------------------------------------------------------------------------------------


def make_stores(business: Any, count: int, prefix: str = "P") -> None:
    for number in range(count):
        business.perform("store:create", {**STORE, "code": f"{prefix}{number:03}"})


def all_pages(client: Any, path: str) -> list[str]:
    codes, cursor = [], ""
    while True:
        answer = client.get(path + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status == 200, answer.text
        codes += [row["code"] for row in answer.data]
        cursor = answer.json["meta"]["next_cursor"]
        if cursor is None:
            return codes


@pytest.mark.req("API-04", "RGX-21")
def test_pages_have_fifty_rows_and_two_hundred_at_most(business: Any, admin: Any) -> None:
    make_stores(business, 52)
    first = admin.get("/stores")
    assert (len(first.data), first.json["meta"]["limit"]) == (50, 50)
    assert len(admin.get("/stores?limit=200").data) == 53
    assert admin.get("/stores?limit=200").json["meta"]["next_cursor"] is None
    for limit in ("0", "-1", "201", "1e2", "ten", ""):
        assert admin.get(f"/stores?limit={limit}").status == 400, limit
    assert all_pages(admin, "/stores?limit=7") == sorted(["S1", *(f"P{n:03}" for n in range(52))])


@pytest.mark.req("API-04")
def test_pages_stay_stable_while_rows_are_added(business: Any, admin: Any) -> None:
    make_stores(business, 6, "M")
    first = admin.get("/stores?limit=3")
    make_stores(business, 3, "A")
    make_stores(business, 3, "Z")
    rest = all_pages(admin, f"/stores?limit=3&cursor={first.json['meta']['next_cursor']}")
    assert [row["code"] for row in first.data] == ["M000", "M001", "M002"]
    assert rest == ["M003", "M004", "M005", "S1", "Z000", "Z001", "Z002"]


@pytest.mark.req("API-04")
def test_forged_and_foreign_cursors_are_refused(business: Any, admin: Any) -> None:
    make_stores(business, 3)
    cursor = admin.get("/stores?limit=1").json["meta"]["next_cursor"]
    assert admin.get(f"/stores?limit=1&cursor={cursor}").status == 200
    body, _, signature = cursor.rpartition(".")
    for forged in (body, f"{body}x.{signature}", f"{cursor}x", "e30", "%00", "💰", ""):
        answer = admin.request("GET", f"/stores?cursor={_quoted(forged)}")
        assert answer.status == 400, forged
    assert_problem(admin.get(f"/registers?cursor={cursor}"), 400, "cursor_invalid")


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text)


def test_unknown_parameters_are_refused(admin: Any) -> None:
    assert admin.get("/stores?page=2").paths() == {"page"}
    assert_problem(admin.get("/stores?page=2"), 400, "parameter_invalid")


# -- versions ------------------------------------------------------------------------------------------------------


@pytest.mark.req("DBM-09")
def test_an_edit_needs_the_version_it_changes(business: Any, admin: Any) -> None:
    path = f"/stores/{business.store_id}"
    read = admin.get(path)
    assert read.headers["etag"] == f'"{read.data["version"]}"'
    done = admin.patch(path, {"name": "New"}, read.data["version"])
    assert (done.status, done.headers["etag"]) == (200, f'"{read.data["version"] + 1}"')
    stale = admin.patch(path, {"name": "Old"}, read.data["version"])
    assert_problem(stale, 412, "version_mismatch")
    assert stale.headers["etag"] == done.headers["etag"]
    assert_problem(admin.patch(path, {"name": "Old"}), 412, "version_required")
    assert admin.get(path).data["name"] == "New"
    assert admin.request("GET", path, None, {"If-None-Match": done.headers["etag"]}).status == 304
    weak = admin.request("PATCH", path, {"name": "Weak"}, {"If-Match": "W/" + done.headers["etag"]})
    assert weak.status == 200


@pytest.mark.req("RBC-01")
def test_another_stores_rows_do_not_exist(business: Any, client_as: Callable[..., Any]) -> None:
    other = business.perform("store:create", STORE)
    register = business.perform("register:create", {"store_id": other["id"], "code": "R1", "name": "Far"})
    for role in ("manager", "cashier"):
        client = client_as(role)
        assert_problem(client.get(f"/stores/{other['id']}"), 404, "not_found")
        assert_problem(client.get(f"/registers/{register['id']}"), 404, "not_found")
        assert register["id"] not in {row["id"] for row in client.get("/registers").data}
        assert_problem(client.get(f"/registers?store_id={other['id']}"), 404, "not_found")
        assert client.get(f"/stores/{business.store_id}").status == 200


def test_the_wrong_method_says_which_are_right(admin: Any) -> None:
    answer = admin.request("PUT", "/stores")
    assert_problem(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= {part.strip() for part in answer.headers["allow"].split(",")}


@pytest.mark.req("RUL-06")
def test_a_repeated_request_says_so(admin: Any) -> None:
    body = {**STORE, "id": uuid7()}
    first = admin.request("POST", "/stores", body, {"Idempotency-Key": "k-1"})
    again = admin.request("POST", "/stores", body, {"Idempotency-Key": "k-1"})
    assert (first.status, again.status, again.data) == (201, 201, first.data)
    assert again.json["meta"]["replayed"] is True
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    other = admin.request("POST", "/stores", {**body, "name": "Other"}, {"Idempotency-Key": "k-1"})
    assert_problem(other, 422, "idempotency_key_reused")


@pytest.mark.req("RGX-35")
def test_long_answers_are_compressed_on_request(business: Any, admin: Any) -> None:
    make_stores(business, 20)
    plain = admin.get("/stores")
    packed = admin.get("/stores", **{"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert json.loads(gzip.decompress(packed.raw))["data"] == plain.data
    assert len(packed.raw) < len(plain.raw) / 2
    assert "content-encoding" not in admin.get("/stores?limit=1", **{"Accept-Encoding": "gzip"}).headers


# -- doors that stop the start -------------------------------------------------------------------------------------


class Nothing(Answer):
    id: str = ""


def pack_of(
    *given: Route, permission: Any = "hq:things.use", roots: tuple[str, ...] = ("/things",)
) -> tuple[str, ModuleType]:
    from pos_core import Permission

    python = ModuleType("made_pack")
    python.MANIFEST = Manifest(  # type: ignore[attr-defined]
        name="pack.things",
        version="1",
        roots=roots,
        permissions=(Permission("hq:things.use", "Use things", ("admin",)),),
    )

    @action("thing:make", command=Command, permission=permission)
    def make(ctx: Any, command: Any) -> dict[str, Any]:
        return {}

    @query("thing:list", permission=permission)
    def things(ctx: Any) -> list[Any]:
        return []

    @query("thing:other", permission="hq:things.use")
    def others(ctx: Any) -> list[Any]:
        return []

    @hookimpl
    def register_routes() -> Any:
        return given

    for function in (make, things, others, register_routes):
        function.__module__ = python.__name__
        setattr(python, function.__name__, function)
    return "pack.things", python


MAKE = Route("POST", "/things", action="thing:make", answer=Nothing)
LIST = Route("GET", "/things", query="thing:list", answer=Nothing)


def start(*extra: tuple[str, ModuleType]) -> list[Any]:
    return routes.collect(Kernel(Config(), db=SqliteDatabase(":memory:"), extra=extra))


def test_sound_doors_start() -> None:
    doors = [door for door in start(pack_of(MAKE, LIST)) if door.module == "pack.things"]
    assert {(d.route.method, d.operation_id, d.permissions) for d in doors} == {
        ("POST", "thing_make", ("hq:things.use",)), ("GET", "thing_list", ("hq:things.use",))}  # fmt: skip


@pytest.mark.req("PLT-07", "PLT-15")
@pytest.mark.parametrize(
    ("pack", "said"),
    [
        (pack_of(MAKE, permission=()), "has no permission and is not declared public"),
        (pack_of(MAKE, permission="hq:things.nobody"), "no manifest declares the permission hq:things.nobody"),
        (pack_of(Route("POST", "/things", action="thing:make")), "it has no answer schema"),
        (pack_of(Route("POST", "/other", action="thing:make", answer=Nothing)), "outside the manifest's roots"),
        (pack_of(Route("POST", "/thingsandmore", action="thing:make", answer=Nothing)), "outside the manifest's roots"),
        (pack_of(Route("POST", "/things", action="thing:nothing", answer=Nothing)), "thing:nothing does not exist"),
        (pack_of(Route("POST", "/things", answer=Nothing)), "name either an action or a query"),
        (pack_of(Route("POST", "/things", action="thing:make", query="thing:list", answer=Nothing)), "name either an"),
        (pack_of(Route("GET", "/things", action="thing:make", answer=Nothing)), "GET must not change anything"),
        (pack_of(Route("POST", "/things", query="thing:list", answer=Nothing)), "a query is read with GET"),
        (pack_of(Route("TRACE", "/things", action="thing:make", answer=Nothing)), "the method must be one of"),
        (pack_of(MAKE, MAKE), "has this door already"),
        (pack_of(LIST, Route("GET", "/things/all", query="thing:list", answer=Nothing)), "has a door already"),
        (pack_of(Route("GET", "/things/{id}", query="thing:list", answer=Nothing),
                 Route("GET", "/things/{code}", query="thing:other", answer=Nothing)), "has this door already"),
        (pack_of(Route("GET", "/things/{id}/a", query="thing:list", answer=Nothing),
                 Route("GET", "/things/{code}/b", query="thing:other", answer=Nothing)), "calls {code} what"),
    ],
)  # fmt: skip
def test_a_door_that_is_not_as_it_must_be_stops_the_start(pack: Any, said: str) -> None:
    with pytest.raises(StartError) as caught:
        start(pack)
    assert said in str(caught.value)
    assert "pack.things" in str(caught.value)


def test_all_wrong_doors_are_named_at_once() -> None:
    with pytest.raises(StartError) as caught:
        start(pack_of(Route("GET", "/x", action="thing:make"), Route("POST", "/y", query="thing:list")))
    assert str(caught.value).count("pack.things: ") >= 4


def test_problems_survive_missing_figures(tmp_path: Path) -> None:
    status, content = problems.body(NOT_FOUND("id"), "r", "en")
    assert status == 404
    assert "No {entity} {id} was found." in json.loads(content)["detail"]


def test_page_params_refuse_more_than_they_know() -> None:
    with pytest.raises(ValueError, match="extra_forbidden"):
        PageParams.model_validate({"limit": "5", "offset": "1"}, strict=False)
