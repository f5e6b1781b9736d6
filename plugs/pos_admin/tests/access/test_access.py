"""Users and roles over HTTP: made, given a role in a store, switched off, and what each of it changes at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pos_admin.access.routes import ROUTES
from pos_core.ids import uuid7
from pos_core.testing.harness import PASSWORD, Answer, Business, Client

Clients = Callable[..., Client]


def held(method: str, path: str, answer: Answer) -> Any:
    """The answer's data, held against the schema that the route promises."""
    assert answer.status in (200, 201), answer.text
    route = next(route for route in ROUTES if (route.method, route.path) == (method, path))
    assert route.answer is not None
    for item in answer.data if route.paged else [answer.data]:
        route.answer.model_validate(item)
    return answer.data


def new_user(admin: Client, name: str, **given: Any) -> dict[str, Any]:
    body = {"id": uuid7(), "username": name, "full_name": name.title(), "password": PASSWORD, **given}
    return held("POST", "/users", admin.post("/users", body))


def sign_in(client: Client, name: str, password: str = PASSWORD, **place: Any) -> Answer:
    return client.post("/auth/login", {"username": name, "password": password, "app_context": "hq", **place})


@pytest.mark.req("RBC-04")
def test_a_user_is_made_and_signs_in_once_a_role_is_given(
    client_as: Clients, client: Client, business: Business
) -> None:
    admin = client_as("admin")
    user = new_user(admin, "maria", email="maria@example.com")
    assert sign_in(client, "maria", app_context="store", store_id=business.store_id).status in (401, 403)
    given = {"user_id": user["id"], "role": "store_manager", "store_id": business.store_id}
    assert held("POST", "/user-roles", admin.post("/user-roles", given))["role"] == "store_manager"
    answer = sign_in(client, "maria", app_context="store", store_id=business.store_id)
    assert answer.status == 201
    client.token = answer.data["access_token"]
    assert client.get("/stores").status == 200
    read = admin.get(f"/users/{user['id']}")
    shown = held("GET", "/users/{id}", read)
    assert shown["assignments"] == [{"role": "store_manager", "scope": "store", "store_id": business.store_id}]
    assert "password" not in read.text


@pytest.mark.req("RBC-19")
@pytest.mark.parametrize(
    ("role", "at_store", "status", "code"),
    [
        ("cashier", True, 201, ""),
        ("cashier", False, 422, "role_place_wrong"),
        ("auditor", False, 201, ""),
        ("auditor", True, 422, "role_place_wrong"),
        ("nobody_knows", True, 404, "not_found"),
    ],
)
def test_user_role_and_store_are_assigned_together(
    client_as: Clients, business: Business, role: str, at_store: bool, status: int, code: str
) -> None:
    admin = client_as("admin")
    user = new_user(admin, "paul")
    store = {"store_id": business.store_id} if at_store else {}
    answer = admin.post("/user-roles", {"user_id": user["id"], "role": role, **store})
    assert answer.status == status, answer.text
    if code:
        assert answer.code == code
    else:
        again = admin.post("/user-roles", {"user_id": user["id"], "role": role, **store})
        assert (again.status, again.code) == (409, "already_exists")


@pytest.mark.req("RBC-19")
def test_a_role_that_is_taken_away_is_gone_with_the_next_request(
    client_as: Clients, client: Client, business: Business
) -> None:
    admin = client_as("admin")
    user = new_user(admin, "ana")
    place = {"user_id": user["id"], "role": "store_manager", "store_id": business.store_id}
    admin.post("/user-roles", place)
    client.token = sign_in(client, "ana", app_context="store", store_id=business.store_id).data["access_token"]
    assert client.get("/stores").status == 200
    held("POST", "/user-roles/remove", admin.post("/user-roles/remove", place))
    assert client.get("/stores").status in (401, 403)
    assert admin.post("/user-roles/remove", place).status == 404


@pytest.mark.req("RBC-04")
def test_disabling_a_user_takes_effect_on_the_next_request(
    client_as: Clients, business: Business
) -> None:
    admin, manager = client_as("admin"), client_as("manager")
    assert manager.get("/me").status == 200
    manager_id = business.ids["manager"]
    version = admin.get(f"/users/{manager_id}").data["version"]
    off = held("PATCH", "/users/{id}", admin.patch(
        f"/users/{manager_id}", {"is_active": False, "reason": "left_company"}, version))
    assert off["is_active"] is False
    assert manager.get("/me").status == 401
    on = admin.patch(f"/users/{manager_id}", {"is_active": True}, off["version"])
    assert on.data["is_active"] is True
    listed = held("GET", "/users", admin.get("/users?is_active=true&limit=2"))
    assert len(listed) == 2


@pytest.mark.req("RBC-04")
def test_an_edit_needs_the_version_that_it_changes(client_as: Clients, business: Business) -> None:
    admin, path = client_as("admin"), f"/users/{business.ids['manager']}"
    assert admin.patch(path, {"full_name": "No version"}).code == "version_required"
    version = admin.get(path).data["version"]
    assert admin.patch(path, {"full_name": "First"}, version).status == 200
    late = admin.patch(path, {"full_name": "Second"}, version)
    assert (late.status, late.code) == (412, "version_mismatch")
    assert admin.get(path).data["full_name"] == "First"


@pytest.mark.req("RBC-04")
def test_a_new_password_is_shown_once_and_the_old_one_ends(
    client_as: Clients, client: Client, business: Business
) -> None:
    admin = client_as("admin")
    user = new_user(admin, "leo")
    admin.post("/user-roles", {"user_id": user["id"], "role": "auditor"})
    old = client_for(client, "leo", PASSWORD)
    path = f"/users/{user['id']}/password"
    version = admin.get(f"/users/{user['id']}").data["version"]
    changed = admin.request("POST", path, {"reason": "forgotten"}, {"If-Match": f'"{version}"'})
    made = held("POST", "/users/{id}/password", changed)
    assert len(made["password"]) >= 10
    assert old.get("/me").status == 401
    assert sign_in(client, "leo").status == 401
    assert sign_in(client, "leo", made["password"]).status == 201


def client_for(client: Client, name: str, password: str) -> Client:
    answer = sign_in(client, name, password)
    assert answer.status == 201, answer.text
    return Client(client.host, client.port, answer.data["access_token"])


@pytest.mark.req("RBC-04")
def test_roles_are_listed_with_what_they_may_and_custom_ones_are_made(client_as: Clients) -> None:
    admin = client_as("admin")
    roles = {role["code"]: role for role in held("GET", "/roles", admin.get("/roles"))}
    assert {"admin", "accountant", "auditor", "store_manager", "employee", "cashier", "shift_supervisor"} <= set(roles)
    assert all(p.startswith(f"{role['scope']}:") for role in roles.values() for p in role["permissions"])
    body = {"id": uuid7(), "code": "tax_clerk", "name": "Tax clerk", "scope": "hq", "permissions": ["hq:taxes.view"]}
    assert held("POST", "/roles", admin.post("/roles", body))["permissions"] == ["hq:taxes.view"]
    mixed = {**body, "id": uuid7(), "code": "mixed", "permissions": ["hq:taxes.view", "pos:taxes.view"]}
    answer = admin.post("/roles", mixed)
    assert (answer.status, answer.code, answer.paths()) == (422, "permission_unknown", {"permissions.1"})


@pytest.mark.req("RBC-04")
@pytest.mark.parametrize("role", ["manager", "cashier"])
def test_nobody_but_the_administration_comes_in_here(client_as: Clients, business: Business, role: str) -> None:
    client = client_as(role)
    user = f"/users/{business.ids['admin']}"
    assert {client.get(path).status for path in ("/users", user, "/roles")} == {403}
    posted = {client.post(path, {}).status for path in ("/users", "/user-roles", "/user-roles/remove", "/roles")}
    assert posted == {403}
    assert client.patch(user, {"is_active": False}, 1).status == 403
    assert client.request("POST", f"{user}/password", {}, {"If-Match": '"1"'}).status == 403


@pytest.mark.req("RBC-04", "RBC-05")
def test_a_role_is_copied_changed_and_taken_out_of_use_over_http(client_as: Clients) -> None:
    admin = client_as("admin")
    body = {"id": uuid7(), "code": "night", "name": "Night", "scope": "pos", "copy_of": "cashier",
            "levels": [{"module": "ops.registers"}]}  # fmt: skip
    made = held("POST", "/roles", admin.post("/roles", body))
    assert {"pos:sell", "pos:register.force_close"} <= set(made["permissions"])
    read = admin.get(f"/roles/{made['id']}")
    assert held("GET", "/roles/{id}", read) == made
    assert admin.patch(f"/roles/{made['id']}", {"name": "No version"}).code == "version_required"
    changed = admin.patch(f"/roles/{made['id']}", {"permissions": ["pos:sell"]}, 1)
    assert held("PATCH", "/roles/{id}", changed)["permissions"] == ["pos:sell"]
    assert admin.patch(f"/roles/{made['id']}", {"name": "Late"}, 1).code == "version_mismatch"
    off = admin.request("POST", f"/roles/{made['id']}/deactivate", {}, {"If-Match": '"2"'})
    assert held("POST", "/roles/{id}/deactivate", off)["is_active"] is False
    assert "night" not in {row["code"] for row in admin.get("/roles?scope=pos&is_active=true").data}
    on = admin.request("POST", f"/roles/{made['id']}/activate", {}, {"If-Match": '"3"'})
    assert held("POST", "/roles/{id}/activate", on)["is_active"] is True
    assert admin.get(f"/roles/{uuid7()}").status == 404


@pytest.mark.req("RBC-16", "RBC-10", "V2X-45")
def test_the_catalogue_of_permissions_is_grouped_by_plug_and_module(client_as: Clients) -> None:
    admin = client_as("admin")
    answer = admin.get("/permissions")
    route = next(route for route in ROUTES if route.path == "/permissions")
    for group in answer.data:
        assert route.answer is not None
        route.answer.model_validate(group)
        assert {one["module"] for one in group["permissions"]} == {group["module"]}
    listed = [one for group in answer.data for one in group["permissions"]]
    assert len(listed) == len({one["code"] for one in listed}) >= 65
    assert [group["plug"] for group in answer.data] == sorted(group["plug"] for group in answer.data)
    cost = next(one for one in listed if one["field"] == "cost_price" and one["scope"] == "hq")
    assert (cost["plug"], cost["submodule"], "admin" in cost["roles"]) == ("ops", "products", True)
    some = admin.get("/permissions?scope=pos&plug=ops&submodule=register").data
    codes = {one["code"] for group in some for one in group["permissions"]}
    assert {"pos:register.open", "pos:register.close", "pos:register.force_close"} <= codes
    assert all(code.startswith("pos:register.") for code in codes)
    assert client_as("manager").get("/permissions").status == 403


@pytest.mark.req("RBC-19", "OPX-20")
def test_several_roles_are_given_at_once_with_their_warnings(client_as: Clients, business: Business) -> None:
    admin = client_as("admin")
    user = new_user(admin, "paula")
    body = {"user_id": user["id"], "assignments": [{"role": "auditor"}, {"role": "cashier", "all_stores": True}]}
    made = held("POST", "/user-roles", admin.post("/user-roles", body, **{"Accept-Language": "es"}))
    assert [(one["role"], one["store_id"]) for one in made["assignments"]] == [
        ("auditor", None), ("cashier", business.store_id)]  # fmt: skip
    assert [warning["code"] for warning in made["warnings"]] == ["duties_separated"]
    assert "auditor" in made["warnings"][0]["message"]
    assert made["warnings"][0]["message"].startswith("Una persona")


@pytest.mark.req("RBC-15")
def test_the_last_super_admin_is_not_demoted_over_http(client_as: Clients, business: Business) -> None:
    admin, path = client_as("admin"), f"/users/{business.ids['admin']}/demotion"
    version = admin.get(f"/users/{business.ids['admin']}").data["version"]
    answer = admin.request("POST", path, {}, {"If-Match": f'"{version}"'})
    assert (answer.status, answer.code) == (409, "own_account")
    assert client_as("manager").request("POST", path, {}, {"If-Match": f'"{version}"'}).status == 403
