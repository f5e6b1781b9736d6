"""Other people's sessions over HTTP: seen and ended by the headquarters, and by a store in the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pos_admin.sessions.routes import ROUTES
from pos_core.auth.models import Session
from pos_core.ids import uuid7
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import Answer, Business, Client

Clients = Callable[..., Client]
WHY = {"reason": "left the company"}


def held(method: str, path: str, answer: Answer) -> Any:
    """The answer's data, held against the schema that the route promises."""
    assert answer.status == 200, answer.text
    route = next(route for route in ROUTES if (route.method, route.path) == (method, path))
    assert route.answer is not None
    for item in answer.data if route.paged else [answer.data]:
        route.answer.model_validate(item)
    return answer.data


def session_of(business: Business, name: str) -> str:
    """The open session of a person."""
    return str(Session.get((Session.user == business.ids[name]) & Session.revoked_at.is_null()).id)


@pytest.fixture
def elsewhere(business: Business) -> Session:
    """A session of the first cashier in another store."""
    store = {"id": uuid7(), "code": "S2", "name": "Two", "time_zone": "Europe/Madrid"}
    business.perform("store:create", store)
    business.perform("user:assign", {"user_id": business.ids["cashier1"], "role": "employee", "store_id": store["id"]})
    at = business.clock.now()
    row = Session(user=business.ids["cashier1"], app_context="store", store=store["id"], last_seen_at=at,
                  expires_at=at + timedelta(hours=1), created_at=at, updated_at=at)  # fmt: skip
    with business.kernel.db.schema_access():
        row.save(force_insert=True)
    return row


@pytest.mark.req("OPX-17", "SES-01")
def test_the_headquarters_sees_who_is_signed_in_and_who_was(client_as: Clients, business: Business) -> None:
    admin = client_as("admin")
    client_as("manager")
    client_as("cashier")
    client_as("cashier")
    listed = held("GET", "/sessions", admin.get("/sessions"))
    assert sorted(row["username"] for row in listed) == ["admin", "cashier1", "manager"]
    signed_in = held("GET", "/sign-ins", admin.get(f"/sign-ins?user_id={business.ids['cashier1']}"))
    assert [row["ended_reason"] for row in signed_in] == [None, "signed in again elsewhere"]
    at_device = held("GET", "/sessions", admin.get(f"/sessions?device_id={business.ids['device1']}"))
    assert [row["username"] for row in at_device] == ["cashier1"]
    assert [row["username"] for row in admin.get("/sessions?app_context=store").data] == ["manager"]
    assert admin.get(f"/sessions?user_id={uuid7()}").status == 404


@pytest.mark.req("OPX-17", "AUT-14")
def test_a_session_is_ended_with_a_reason_and_an_event(client_as: Clients, business: Business) -> None:
    admin, cashier = client_as("admin"), client_as("cashier")
    session = session_of(business, "cashier1")
    assert admin.post(f"/sessions/{session}/end").paths() == {"reason"}
    assert admin.post(f"/sessions/{session}/end", {"reason": ""}).paths() == {"reason"}
    done = held("POST", "/sessions/{id}/end", admin.post(f"/sessions/{session}/end", WHY))
    assert (done["ended"], done["user_id"]) == (1, business.ids["cashier1"])
    assert cashier.get("/me").code == "session_ended"
    assert admin.post(f"/sessions/{session}/end", WHY).data["ended"] == 0
    assert admin.post(f"/sessions/{uuid7()}/end", WHY).status == 404
    event = SecurityEvent.select().where(SecurityEvent.kind == "session_revoked").order_by(SecurityEvent.id).first()
    assert (event.result, event.actor_id) == ("done", business.ids["admin"])


@pytest.mark.req("AUT-14")
def test_all_sessions_of_a_person_or_of_everybody_are_ended(client_as: Clients, business: Business) -> None:
    admin, manager, cashier = client_as("admin"), client_as("manager"), client_as("cashier")
    ended = admin.post("/sessions/end-user", {"user_id": business.ids["manager"], **WHY})
    assert held("POST", "/sessions/end-user", ended)["ended"] == 1
    assert manager.get("/me").code == "session_ended"
    assert cashier.get("/me").status == 200
    wrong = {"since": "2026-03-02T11:00:00Z", "until": "2026-03-02T10:00:00Z", **WHY}
    assert admin.post("/sessions/end-all", wrong).status == 422
    business.clock.advance(timedelta(seconds=1))
    assert held("POST", "/sessions/end-all", admin.post("/sessions/end-all", WHY))["ended"] == 2
    assert [one.get("/me").code for one in (admin, cashier)] == ["session_ended"] * 2
    assert client_as("admin").get("/me").status == 200


@pytest.mark.req("OPX-17", "RBC-20")
def test_a_manager_sees_and_ends_what_is_in_the_own_store(
    client_as: Clients, business: Business, elsewhere: Session
) -> None:
    client_as("admin")
    cashier, manager = client_as("cashier"), client_as("manager")
    assert {row["username"] for row in manager.get("/sessions").data} == {"manager", "cashier1"}
    assert {row["store_id"] for row in manager.get("/sign-ins").data} == {business.store_id}
    for foreign in (session_of(business, "admin"), elsewhere.id):
        assert manager.post(f"/sessions/{foreign}/end", WHY).status == 404
    assert manager.get(f"/sessions?store_id={elsewhere.store_id}").status == 404
    assert manager.post("/sessions/end-user", {"user_id": business.ids["admin"], **WHY}).status == 404
    done = manager.post("/sessions/end-user", {"user_id": business.ids["cashier1"], **WHY})
    assert done.data["ended"] == 1, "the one in the other store goes on"
    assert cashier.get("/me").code == "session_ended"
    assert Session.get_by_id(elsewhere.id).revoked_at is None
    assert manager.post("/sessions/end-all", WHY).status == 403


@pytest.mark.req("AUT-14", "RBC-20")
def test_a_store_s_revocation_leaves_other_places_alone_for_what_is_under_way_too(
    client_as: Clients, business: Business, elsewhere: Session
) -> None:
    from pos_core.auth import revocation

    manager, began = client_as("manager"), business.clock.now()
    business.clock.advance(timedelta(seconds=1))
    assert manager.post("/sessions/end-user", {"user_id": business.ids["cashier1"], **WHY}).status == 200
    kernel, user = business.kernel, business.ids["cashier1"]

    def dead(store: str | None) -> bool:
        return revocation.listed(uuid7(), user, store, began, kernel.revision(), kernel.clock.now())

    assert (dead(business.store_id), dead(elsewhere.store_id), dead(None)) == (True, False, False)


@pytest.mark.req("OPX-17")
def test_a_cashier_sees_and_ends_nobody_s(client_as: Clients, business: Business) -> None:
    client_as("admin")
    cashier = client_as("cashier")
    assert {cashier.get(path).status for path in ("/sessions", "/sign-ins")} == {403}
    session = session_of(business, "admin")
    posted = {cashier.post(path, WHY).status for path in
              (f"/sessions/{session}/end", "/sessions/end-user", "/sessions/end-all")}
    assert posted == {403}
    assert session_of(business, "admin") == session
