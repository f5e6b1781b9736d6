"""What a client may draw: every action by name, allowed, denied, or allowed after approval."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from pos_core import action
from pos_core.schemas import Command
from pos_core.testing.harness import Business, Client
from tests.core.conftest import module_of, package  # noqa: F401 - fixtures
from tests.rbac.people import person

Clients = Callable[..., Client]


def states(answer: Any) -> dict[str, str]:
    return {one["action"]: one["state"] for one in answer.data["actions"]}


@pytest.mark.req("OPX-08")
@pytest.mark.parametrize("role", ["cashier", "manager", "admin"])
def test_the_states_are_what_the_server_then_does(client_as: Clients, business: Business, role: str) -> None:
    client = client_as(role)
    answer = client.get("/me/authorisations")
    assert answer.status == 200, answer.text
    found = states(answer)
    assert set(found) == {one.name for one in business.kernel.actions()}
    ctx = business.context(role)
    for one in business.kernel.actions():
        may = one.public or ctx.actor.is_super_admin or not ctx.actor.permissions.isdisjoint(one.permissions)
        assert (found[one.name] != "denied") == may, one.name
    assert client.post("/stores", {}).status == (422 if found["store:create"] == "allowed" else 403)


@pytest.mark.req("OPX-08")
def test_without_a_sign_in_there_is_nothing_to_draw(client: Client) -> None:
    answer = client.get("/me/authorisations")
    assert (answer.status, answer.code) == (401, "token_missing")


@pytest.mark.req("OPX-08")
def test_an_action_whose_figures_may_call_for_an_approval_says_so(
    make_business: Callable[..., Business], module_of: Callable[..., tuple[str, ModuleType]]  # noqa: F811
) -> None:
    class Give(Command):
        """Nothing to say."""

    @action("gift:give", command=Give, permission="pos:sell", approval=lambda ctx, command, draft: None)
    def give(ctx: Any, command: Give) -> dict[str, Any]:
        """Give something away."""
        return {"id": None}

    business = make_business(extra=[module_of("lab.gifts", give)])
    admin, till = business.ids["admin"], business.ids["cashier1"]
    seen = business.query("user:authorisations", id=till, store_id=business.store_id)
    assert (seen["user_id"], seen["app_context"], seen["store_id"]) == (till, "pos", business.store_id)
    found = {one["action"]: one["state"] for one in seen["actions"]}
    assert (found["gift:give"], found["store:create"]) == ("approval", "denied")
    manager = business.ids["manager"]
    seen = business.query("user:authorisations", id=manager, store_id=business.store_id)
    assert {one["action"]: one["state"] for one in seen["actions"]}["gift:give"] == "denied"
    assert all(one["state"] != "denied" for one in business.query("user:authorisations", id=admin)["actions"])


@pytest.mark.req("OPX-08", "RBC-18")
def test_who_manages_users_sees_what_others_may_do(client_as: Clients, business: Business) -> None:
    admin, manager = client_as("admin"), business.ids["manager"]
    path = f"/users/{manager}/authorisations"
    here = f"{path}?store_id={business.store_id}&app_context=store"
    assert states(admin.get(here)) == states(client_as("manager").get("/me/authorisations"))
    assert set(states(admin.get(path)).values()) == {"denied", "allowed"}, "public actions are anybody's"
    assert states(admin.get(path))["user:create"] == "denied"
    assert client_as("manager").get(path).status == 403
    assert admin.get(f"{path}?store_id=01a1f91b-8c7f-7538-b252-be546b0ae72d").status == 404
    off = {"id": manager, "version": 1, "is_active": False, "reason": "left_company"}
    business.perform("user:edit", off)
    public = {one.name for one in business.kernel.actions() if one.public}
    assert {name for name, state in states(admin.get(here)).items() if state != "denied"} == public


@pytest.mark.req("OPX-08", "MOD-03")
def test_what_is_off_is_not_there(make_business: Callable[..., Business]) -> None:
    business = make_business(modules={"disabled": ["ops.stock"]})
    seen = business.query("user:authorisations", id=business.ids["admin"])
    assert "stock:adjust" not in {one["action"] for one in seen["actions"]}


@pytest.mark.req("EMP-03")
def test_a_store_sees_its_people_and_changes_none(client_as: Clients, business: Business) -> None:
    person(business, "audrey", "auditor")
    person(business, "pat", "cashier", "employee")
    manager = client_as("manager")
    found = {one["username"]: one["roles"] for one in manager.get("/employees").data}
    assert found == {"manager": ["store_manager"], "cashier1": ["cashier"], "cashier2": ["cashier"],
                     "pat": ["cashier", "employee"]}  # fmt: skip
    first = manager.get("/employees?limit=2")
    rest = manager.get(f"/employees?limit=50&cursor={first.json['meta']['next_cursor']}")
    assert [one["username"] for one in (*first.data, *rest.data)] == sorted(found)
    assert {manager.post("/users", {}).status, manager.post("/user-roles", {}).status} == {403}
    assert client_as("cashier").get("/employees").status == 403
