"""The administration's doors to how people come in: every answer is what its route promises, and who may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pos_admin.credentials.routes import ROUTES
from pos_core.testing.harness import PASSWORD, Answer, Business, Client

Clients = Callable[..., Client]


def held(method: str, path: str, answer: Answer) -> Any:
    """The answer's data, held against the schema that the route promises."""
    assert answer.status == 200, answer.text
    route = next(route for route in ROUTES if (route.method, route.path) == (method, path))
    assert route.answer is not None
    route.answer.model_validate(answer.data)
    return answer.data


@pytest.mark.req("AUT-05", "AUT-18", "AUT-19")
@pytest.mark.parametrize("role", ["admin", "manager"])
def test_administration_and_the_stores_manager_answer_as_promised(
    client_as: Clients, business: Business, role: str
) -> None:
    client, user = client_as(role), f"/users/{business.ids['cashier1']}"
    state = held("GET", "/users/{id}/credentials", client.get(f"{user}/credentials"))
    assert (state["username"], state["locked"], state["has_pin"], state["mfa_methods"]) == ("cashier1", [], False, [])
    assert held("POST", "/users/{id}/unlock", client.post(f"{user}/unlock"))["unlocked"] == []
    chosen = held("PUT", "/users/{id}/pin", client.request("PUT", f"{user}/pin", {"pin": "4829"}))
    assert (chosen["must_change"], chosen["pin"]) == (True, None)
    assert client.get(f"{user}/credentials").data["pin_must_change"] is True
    held("POST", "/users/{id}/pin/remove", client.post(f"{user}/pin/remove"))
    assert held("POST", "/users/{id}/mfa/reset", client.post(f"{user}/mfa/reset"))["removed"] == []


@pytest.mark.req("AUT-19", "AUT-03")
def test_a_simple_pin_is_refused_with_its_rules(client_as: Clients, business: Business) -> None:
    answer = client_as("admin").request("PUT", f"/users/{business.ids['cashier1']}/pin", {"pin": "111"})
    assert (answer.status, answer.paths()) == (422, {"pin"})
    assert {item["code"] for item in answer.json["errors"]} == {"pin_length_wrong", "pin_too_simple"}


@pytest.mark.req("RBC-18")
def test_a_cashier_comes_in_nowhere_here(client_as: Clients, business: Business) -> None:
    cashier = client_as("cashier")
    for route in ROUTES:
        path = route.path.replace("{id}", business.ids["cashier2"])
        answer = cashier.request(route.method, path, {} if route.method != "GET" else None)
        assert (answer.status, answer.code) == (403, "permission_denied"), route.path


@pytest.mark.req("MOD-03")
def test_with_the_module_off_its_doors_are_closed_and_pins_still_work(
    make_business: Callable[..., Business],
) -> None:
    from pos_core.testing.harness import Server

    business = make_business(modules={"disabled": ["admin.credentials"]})
    server = Server(business.kernel)
    try:
        client = server.client()
        login = {"username": "admin", "password": PASSWORD, "app_context": "hq", "delivery": "body"}
        client.token = client.post("/auth/login", login).data["access_token"]
        answer = client.post(f"/users/{business.ids['cashier1']}/unlock")
        assert (answer.status, answer.code) == (404, "module_disabled")
        assert client.request("PUT", "/me/pin", {"password": PASSWORD, "pin": "4829"}).status == 200
    finally:
        server.close()
