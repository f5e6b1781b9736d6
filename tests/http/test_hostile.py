"""Hostile input: clear 4xx that names the field, never a 500, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_core import uuid7
from pos_core.audit.models import AuditEntry
from pos_core.errors import PosError
from pos_core.http import bodies, routes
from pos_core.stores.models import Store
from tests.http.test_envelope import STORE


def done() -> int:
    return int(AuditEntry.select().where(AuditEntry.outcome == "done").count())


@pytest.fixture
def admin(client_as: Callable[..., Any]) -> Any:
    return client_as("admin")


def text_of(name: str, value: str) -> bytes:
    """STORE as JSON with one raw value, and the field's own key only once."""
    fields = {key: json.dumps(part) for key, part in STORE.items() if key != name} | {name: value}
    return ("{" + ",".join(f'"{key}":{part}' for key, part in fields.items()) + "}").encode()


MALFORMED = {
    "not json": b"{", "trailing": b"{}x", "two values": b"{} {}", "nan": text_of("day_start_minutes", "NaN"),
    "infinity": text_of("day_start_minutes", "Infinity"), "minus infinity": text_of("day_start_minutes", "-Infinity"),
    "beyond a double": text_of("day_start_minutes", "1e999"), "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "not utf-8": b'{"name":"\xff\xfe"}', "bom": b"\xef\xbb\xbf{}",
    "utf-16": '{"name":"x"}'.encode("utf-16"), "raw control": b'{"name":"a\x01b"}',
    "lone surrogate": b'{"name":"\\ud800"}',
    "single quotes": b"{'name':1}", "comment": b"{/* */}", "digits": text_of("day_start_minutes", "9" * 5000),
}  # fmt: skip


@pytest.mark.req("VAL-01", "VAL-07", "RGX-35")
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_malformed_bodies_are_400(business: Any, admin: Any, method: str) -> None:
    before = done()
    path, headers = ("/stores", {}) if method == "POST" else (f"/stores/{business.store_id}", {"If-Match": '"1"'})
    answers = {name: admin.request(method, path, body, headers) for name, body in MALFORMED.items()}
    found = {name: (answer.status, answer.code) for name, answer in answers.items()}
    assert found == dict.fromkeys(MALFORMED, (400, "body_malformed"))
    assert done() == before


INVALID = {
    "huge integer": ("day_start_minutes", "9" * 400), "1e308": ("day_start_minutes", "1e308"),
    "float": ("day_start_minutes", "1.0"), "text number": ("day_start_minutes", '"5"'),
    "negative": ("day_start_minutes", "-1"),
    "boolean number": ("day_start_minutes", "true"), "null": ("name", "null"), "number text": ("name", "5"),
    "object": ("name", "{}"), "list": ("name", "[]"), "empty": ("name", '""'), "nul": ("name", '"a\\u0000b"'),
    "bell": ("name", '"a\\u0007b"'), "newline": ("name", '"a\\nb"'), "override": ("name", '"a\\u202eb"'),
    "blank": ("name", '" "'), "long": ("name", json.dumps("x" * 101)), "bad id": ("id", '"1"'), "uuid4": (
        "id", '"4c1b2f3e-0000-4000-8000-000000000000"'), "id with newline": ("id", json.dumps(uuid7() + "\n")),
    "sql": ("code", json.dumps("'; DROP TABLE core_store; --")),
    "unknown": ("nobody", "1"), "proto": ("__proto__", "{}"),
    "version": ("version", "1"), "bad zone": ("time_zone", '"../../etc/passwd"'),
}  # fmt: skip


@pytest.mark.req("VAL-01", "VAL-02", "VAL-07", "RGX-35")
def test_invalid_values_are_422_and_name_their_field(business: Any, admin: Any) -> None:
    before = done(), Store.select().count()
    answers = {case: admin.request("POST", "/stores", text_of(*given)) for case, given in INVALID.items()}
    found = {case: (answer.status, answer.code, answer.paths()) for case, answer in answers.items()}
    assert found == {case: (422, "invalid_request", {name}) for case, (name, _) in INVALID.items()}
    assert (done(), Store.select().count()) == before


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_field_that_stands_twice_is_named(business: Any, admin: Any, method: str) -> None:
    path, headers = ("/stores", {}) if method == "POST" else (f"/stores/{business.store_id}", {"If-Match": '"1"'})
    answer = admin.request(method, path, b'{"name":"one","code":"S7","name":"two"}', headers)
    assert (answer.status, answer.code, answer.paths()) == (422, "field_given_twice", {"name"})


def test_a_body_that_is_no_object(admin: Any) -> None:
    for body in (b"[]", b'"x"', b"null", b"1", b"true"):
        answer = admin.request("POST", "/stores", body)
        assert (answer.status, answer.paths()) == (422, {""}), body


PATHS = (
    "/stores/%00", "/stores/%0a", "/stores/%ff%fe", "/stores/..%2f..%2fetc", "/stores?cursor=%00", "/stores?limit=%00",
    "/audit/entries?action=%00", "/audit/entries?entity_id=%27", "/audit/entries?since=yesterday",
    "/audit/entries?since=2026-01-01T00:00:00", "/audit/entries?module=%00", "/stores?limit=1&limit=%00", "/%00",
    "/stores?%00=1", "/audit/integrity?newest=0", "/audit/integrity?chain=x",
)  # fmt: skip


def test_hostile_paths_and_parameters(admin: Any) -> None:
    for path in PATHS:
        answer = admin.get(path)
        assert 400 <= answer.status < 500, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


HOSTILE: list[Any] = [
    b"{", b"[]", b'{"a":1,"a":2}', {"id": "x", "name": "\x00", "amount_minor": 1e308, "lines": {"a": []}},
    {"id": None, "code": ["x"], "quantity": "1e5", "total_minor": -1, "version": 2**70}, {"\x00": "\x00"},
    dict.fromkeys(("id", "name", "code", "amount_minor", "version", "lines", "username", "password", "value"), 10**400),
    dict.fromkeys(("id", "name", "code", "reason", "username"), "\ud800"),
    {key: [] for key in ("id", "name", "code", "lines", "payments", "username", "password", "device")},
]  # fmt: skip


@pytest.mark.req("VAL-01", "VAL-07", "TST-03")
def test_no_door_answers_hostile_bodies_with_a_500_or_a_write(business: Any, admin: Any) -> None:
    """Every changing door of every installed module."""
    tried = 0
    for door in routes.collect(business.kernel):
        if not door.is_action or door.does.public:
            continue
        path = door.route.path
        for variable in door.route.variables:
            path = path.replace(f"{{{variable}}}", uuid7())
        for body in HOSTILE:
            before = done()
            answer = admin.request(door.route.method, path, body, {"If-Match": '"1"'} if door.route.edits else {})
            assert answer.status < 500, (door.route.method, path, body, answer.text)
            if answer.status >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert done() == before, (door.route.method, path, body)
            tried += 1
    assert tried > 100


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3), max_leaves=8,
)  # fmt: skip


@pytest.mark.req("VAL-01")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*STORE, "id", "day_start_minutes", "phone", "is_active"]), _JSON, max_size=6))
def test_any_json_at_all(admin: Any, body: dict[str, Any]) -> None:
    answer = admin.request("POST", "/stores", json.dumps(body).encode())
    assert answer.status in (201, 400, 409, 422), answer.text


@settings(max_examples=200)
@given(_JSON.filter(lambda value: "\\u0000" not in json.dumps(value)))
def test_what_python_writes_is_read_as_it_was_unless_it_is_no_json(value: Any) -> None:
    text = json.dumps(value)
    if any(word in text for word in ("NaN", "Infinity")):
        return
    assert bodies.parse(text.encode()) == value


@settings(max_examples=200)
@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_a_refusal(raw: bytes) -> None:
    try:
        bodies.parse(raw)
    except PosError as error:
        refused = error.code.code
    else:
        return
    assert refused in ("body_malformed", "field_given_twice", "invalid_request")
