"""The business' settings and taxes over HTTP: every answer is what its route promises, and the module can go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pos_admin.business.routes import ROUTES
from pos_core.ids import uuid7
from pos_core.testing.harness import PASSWORD, Answer, Business, Client, Server

Clients = Callable[..., Client]


def held(method: str, path: str, answer: Answer) -> Any:
    """The answer's data, held against the schema that the route promises."""
    assert answer.status in (200, 201), answer.text
    route = next(route for route in ROUTES if (route.method, route.path) == (method, path))
    assert route.answer is not None
    for item in answer.data if route.paged else [answer.data]:
        route.answer.model_validate(item)
    return answer.data


def put(client: Client, key: str, body: dict[str, Any]) -> Answer:
    return client.request("PUT", f"/settings/{key}", body)


@pytest.mark.req("CFG-05")
def test_settings_answer_as_promised(client_as: Clients, business: Business) -> None:
    admin = client_as("admin")
    held("GET", "/business", admin.get("/business"))
    assert len(held("GET", "/settings", admin.get("/settings?limit=200"))) == len(business.kernel.settings.declared)
    held("PUT", "/settings/{key}", put(admin, "receipt.footer", {"value": "Come again"}))
    held("PUT", "/settings/{key}", put(admin, "receipt.footer", {"value": "Hi", "store_id": business.store_id}))
    one = admin.get(f"/settings/receipt.footer?store_id={business.store_id}")
    shown = held("GET", "/settings/{key}", one)
    assert (shown["value"], shown["effective"], len(shown["stores"])) == ("Come again", "Hi", 1)
    held("POST", "/settings/{key}/reset", admin.post("/settings/receipt.footer/reset"))


@pytest.mark.req("CFG-05")
@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        ("no.such", {"value": 1}, 404),
        ("NOSUCH", {"value": 1}, 422),
        ("tax.rounding", {"value": 1.5}, 422),
        ("tax.rounding", {"value": ["line"]}, 422),
        ("tax.rounding", {}, 422),
        ("tax.rounding", {"value": "line", "more": 1}, 422),
        ("tax.rounding", {"value": "line", "key": "receipt.footer"}, 422),
        ("tax.rounding", {"value": "line", "store_id": "S1"}, 422),
        ("receipt.footer", {"value": "x" * 401}, 422),
    ],
)
def test_a_wrong_change_is_a_problem_not_a_fault(
    client_as: Clients, key: str, body: dict[str, Any], status: int
) -> None:
    answer = put(client_as("admin"), key, body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.req("PRC-03")
def test_taxes_answer_as_promised(client_as: Clients) -> None:
    admin = client_as("admin")
    body = {"id": uuid7(), "code": "VAT10", "name": "VAT 10 %", "rate": "1000", "included": True}
    rate = held("POST", "/tax-rates", admin.post("/tax-rates", body))
    fixed = {"id": uuid7(), "code": "BAG", "name": "Bag", "kind": "fixed_per_unit", "amount": "0.10"}
    bag = held("POST", "/tax-rates", admin.post("/tax-rates", fixed))
    assert (bag["rate"], bag["amount"]) == (None, "0.1")
    again = admin.post("/tax-rates", body)
    assert (again.status, again.headers.get("idempotent-replayed")) == (201, "true")
    assert admin.post("/tax-rates", {**body, "rate": "1100"}).code == "idempotency_key_reused"
    held("PATCH", "/tax-rates/{id}", admin.patch(f"/tax-rates/{rate['id']}", {"name": "VAT"}, 1))
    held("GET", "/tax-rates/{id}", admin.get(f"/tax-rates/{rate['id']}"))
    assert len(held("GET", "/tax-rates", admin.get("/tax-rates"))) == 5
    group = {"id": uuid7(), "code": "FOOD", "name": "Food", "rate_ids": [rate["id"], bag["id"]]}
    made = held("POST", "/tax-groups", admin.post("/tax-groups", group))
    assert [tax["code"] for tax in made["rates"]] == ["VAT10", "BAG"]
    edited = admin.patch(f"/tax-groups/{made['id']}", {"rate_ids": [], "is_active": False}, 1)
    assert held("PATCH", "/tax-groups/{id}", edited)["rates"] == []
    held("GET", "/tax-groups/{id}", admin.get(f"/tax-groups/{made['id']}"))
    off = held("GET", "/tax-groups", admin.get("/tax-groups?is_active=false"))
    assert [entry["code"] for entry in off] == ["FOOD"]


@pytest.mark.req("CFG-05")
def test_with_the_module_off_its_doors_are_closed_and_the_rules_still_hold(
    make_business: Callable[..., Business],
) -> None:
    business = make_business(modules={"disabled": ["admin.business"]})
    server = Server(business.kernel)
    try:
        client = server.client()
        login = {"username": "admin", "password": PASSWORD, "app_context": "hq"}
        client.token = client.post("/auth/login", login).data["access_token"]
        answer = client.get("/settings")
        assert (answer.status, answer.code) == (404, "module_disabled")
        assert client.get("/tax-groups").status == 404
        assert client.get("/users").status == 200
    finally:
        server.close()
    assert business.context("cashier").settings["tax.rounding"] == "line"
