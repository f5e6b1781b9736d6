"""The doors to approvals over HTTP, and how the API's document describes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pos_core import uuid7
from pos_core.approvals.schemas import ApprovalAnswer, DeputyAnswer, Swept
from pos_core.testing.harness import Business, Client


@pytest.fixture
def asked(business: Business, client_as: Any) -> tuple[Client, dict[str, Any]]:
    """A manager who asked to adjust more stock than one person does, and the command."""
    business.perform("setting:change", {"key": "stock.approval_units", "value": 10})
    product = business.perform("product:create", {
        "id": uuid7(), "sku": "A", "name": "Teapot", "unit_price_minor": 999})
    command = {"id": uuid7(), "product_id": product["id"], "quantity": "11", "reason": "physical_count"}
    return client_as("manager"), command


def request(manager: Client, command: dict[str, Any]) -> Any:
    answer = manager.post("/approvals", {"id": uuid7(), "action": "stock:adjust", "command": command, "why": "moved"})
    assert answer.status == 201, answer.text
    return ApprovalAnswer.model_validate(answer.data)


@pytest.mark.req("OPX-06")
def test_asked_found_approved_and_used(asked: Any, client_as: Any) -> None:
    manager, command = asked
    admin = client_as("admin")
    told = manager.post("/stock/adjustments", command)
    assert (told.status, told.code) == (422, "approval_required")
    made = request(manager, command)
    assert [row["id"] for row in admin.get("/approvals?to_decide=true").data] == [made.id]
    assert manager.get("/approvals?to_decide=true").data == []
    assert [row["id"] for row in manager.get("/approvals?mine=true&state=pending").data] == [made.id]
    assert manager.post(f"/approvals/{made.id}/approve").status == 403
    decided = ApprovalAnswer.model_validate(admin.post(f"/approvals/{made.id}/approve", {"level": 1}).data)
    assert (decided.state, decided.next[0].action) == ("approved", "stock:adjust")
    done = manager.post("/stock/adjustments", {**command, "approval": {"ids": [made.id]}})
    assert done.status == 201, done.text
    again = manager.post("/stock/adjustments", {**command, "id": uuid7(), "approval": {"ids": [made.id]}})
    assert again.code == "approval_mismatch"
    assert admin.get(f"/approvals/{made.id}").data["state"] == "used"


@pytest.mark.req("OPX-06", "AUD-06")
def test_rejecting_over_http_needs_a_reason(asked: Any, client_as: Any) -> None:
    manager, command = asked
    admin = client_as("admin")
    made = request(manager, command)
    bare = admin.post(f"/approvals/{made.id}/reject")
    assert (bare.status, bare.code, bare.paths()) == (422, "reason_required", {"reason"})
    top = admin.post(f"/approvals/{made.id}/escalate", {"reason": "above_my_limit"})
    assert (top.status, top.code) == (409, "approval_at_the_top")
    gone = admin.post(f"/approvals/{made.id}/reject", {"reason": "other", "reason_note": "count again"})
    decision = ApprovalAnswer.model_validate(gone.data).decisions[0]
    assert (gone.data["state"], decision.reason, decision.note) == ("rejected", "other", "count again")
    used = manager.post("/stock/adjustments", {**command, "approval": {"ids": [made.id]}})
    assert (used.status, used.code) == (409, "approval_not_usable")


def test_withdrawing_and_sweeping(asked: Any, client_as: Any, business: Business) -> None:
    manager, command = asked
    first, second = request(manager, command), request(manager, {**command, "id": uuid7()})
    assert manager.post(f"/approvals/{first.id}/withdraw").data["state"] == "withdrawn"
    assert manager.post("/approvals/sweep").status == 403
    business.clock.advance(timedelta(days=2))
    swept = Swept.model_validate(client_as("admin").post("/approvals/sweep").data)
    assert (swept.expired, swept.escalated) == ([second.id], [])


def test_deputies_over_http(business: Business, client_as: Any) -> None:
    manager = client_as("manager")
    now = business.clock.now()
    body = {"id": uuid7(), "deputy_id": business.ids["cashier1"], "begins_at": now.isoformat(),
            "ends_at": (now + timedelta(days=1)).isoformat()}
    made = manager.post("/approval-deputies", body)
    assert made.status == 201, made.text
    DeputyAnswer.model_validate(made.data)
    assert [row["id"] for row in client_as("cashier").get("/approval-deputies?active=true").data] == [body["id"]]
    assert client_as("cashier").post(f"/approval-deputies/{body['id']}/end").status == 404
    assert manager.post(f"/approval-deputies/{body['id']}/end").data["ended_at"] is not None
    assert manager.get("/approval-deputies?active=true").data == []
    unknown = manager.post("/approval-deputies", {**body, "id": uuid7(), "deputy_id": uuid7()})
    assert (unknown.status, unknown.paths()) == (404, {"deputy_id"})


@pytest.mark.req("API-05", "OPX-07")
def test_the_document_shows_the_member_where_it_is_taken(client: Client) -> None:
    paths = client.get("/openapi.json").json["paths"]

    def properties(path: str) -> dict[str, Any]:
        schema = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        return dict(schema.get("properties", {}))

    assert properties("/sales")["approval"] == {"$ref": "#/components/schemas/ApprovalIn"}
    assert "approval" in properties("/stock/adjustments")
    assert "approval" not in properties("/customers")
    assert "approval_required" in paths["/sales"]["post"]["description"]
