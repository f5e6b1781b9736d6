"""A supervisor types name and PIN at somebody else's till: asked, decided and used in one; and over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from pos_core import PosError, uuid7
from pos_core.approvals.models import Approval, ApprovalDecision
from pos_core.approvals.needs import Given
from pos_core.audit.models import AuditEntry
from pos_core.audit.verify import verify
from pos_core.auth.credentials_models import Attempt
from pos_core.idempotency import Idempotency
from pos_core.testing.harness import PASSWORD, Server
from tests.approvals.lab import Office, done_things
from tests.approvals.test_approvals import last_entry, refused

PIN = "739152"


@pytest.mark.req("OPX-07", "AUD-07")
def test_a_supervisor_agrees_by_pin_for_this_one_action(office: Office) -> None:
    given = office.set_pin("sue", PIN)
    done = office.do(given=given, amount_minor=500)
    row = Approval.get()
    assert (row.state, row.entity_id, row.requester_id, row.is_at_till) == (
        "used", done["id"], office.users["cashier1"], True)
    decision = ApprovalDecision.get()
    assert (decision.decided_by_id, decision.way, decision.decision) == (office.users["sue"], "till", "approved")
    (noted,) = last_entry("thing:do")["notes"]["approvals"]
    assert (noted["id"], noted["decisions"][0]["by"]) == (row.id, office.users["sue"])
    assert verify(office.business.context()).ok


@pytest.mark.req("OPX-07")
def test_without_a_need_the_supervisor_leaves_no_approval(office: Office) -> None:
    office.do(given=office.set_pin("sue", PIN), amount_minor=50)
    assert Approval.select().count() == 0


@pytest.mark.req("OPX-07")
def test_a_wrong_pin_somebody_without_the_right_and_oneself_are_refused(office: Office) -> None:
    office.set_pin("sue", PIN)
    wrong = Given(username="sue", pin=SecretStr("111222"))
    assert refused(office.do, given=wrong, amount_minor=500) == {"pin_wrong"}
    assert refused(office.do, given=office.set_pin("eve", "402817"), amount_minor=500) == {"approval_not_yours"}
    assert refused(office.do, given=office.set_pin("cashier1", "918273"), amount_minor=500) == {
        "approval_of_ones_own"}
    assert refused(office.do, given=office.set_pin("sue", PIN), amount_minor=2000) == {"approval_needs_more_levels"}
    assert done_things == []
    assert Approval.select().count() == 0


@pytest.mark.req("OPX-07", "AUT-19")
def test_a_pin_agrees_at_an_enrolled_device_alone(office: Office) -> None:
    """Whoever only holds a token cannot try a manager's four digits from anywhere."""
    given = office.set_pin("sue", PIN)
    ctx = office.context("cashier1", approvals=given, device_id=None)
    schema = ctx.kernel.action("thing:do").command
    with pytest.raises(PosError) as found:
        ctx.kernel.perform(ctx, "thing:do", schema.model_validate({"amount_minor": 500}))
    assert (found.value.code.code, found.value.path) == ("approval_pin_elsewhere", "approval.pin")
    assert (done_things, Attempt.select().where(Attempt.kind == "approval").count()) == ([], 0)
    happened = ctx.kernel.perform(ctx, "thing:do", schema.model_validate({"amount_minor": 500, "offline": True}))
    assert happened.data["flags"] == ["approval_required"], "what happened already is recorded without it"


@pytest.mark.req("OPX-07")
def test_a_manager_of_another_store_is_nobody_here(office: Office) -> None:
    business = office.business
    other = business.perform("store:create", {"id": uuid7(), "code": "S9", "name": "S9", "time_zone": "UTC"})["id"]
    given = office.set_pin("mia", PIN)
    place = {"user_id": office.users["mia"], "role": "store_manager"}
    business.perform("user:unassign", {**place, "store_id": business.store_id})
    business.perform("user:assign", {**place, "store_id": other})
    assert refused(office.do, given=given, amount_minor=500) == {"approval_not_yours"}


def test_what_has_happened_is_recorded_with_what_was_missing(office: Office) -> None:
    wrong = Given(username="sue", pin=SecretStr("111222"))
    done = office.do(given=wrong, amount_minor=500, offline=True)
    assert done["flags"] == ["approval_required"]
    assert office.do(given=office.set_pin("sue", PIN), amount_minor=500, offline=True)["flags"] == []


@pytest.mark.req("OPX-07")
def test_guessing_pins_locks(office: Office) -> None:
    given = office.set_pin("sue", PIN)
    for guess in range(5):
        wrong = Given(username="sue", pin=SecretStr(f"50271{guess}"))
        assert refused(office.do, given=wrong, amount_minor=500) == {"pin_wrong"}
    assert refused(office.do, given=given, amount_minor=500) != set()
    assert done_things == []


# -- over HTTP -----------------------------------------------------------------------------------------------------


@pytest.fixture
def till(office: Office) -> Any:
    """Sales at the first till over HTTP, with the supervisor's PIN set."""
    business = office.business
    product = business.perform("product:create", {
        "id": uuid7(), "sku": "T", "name": "Teapot", "unit_price_minor": 1000})
    business.perform("register_session:open", {"id": uuid7(), "float_minor": 0}, role="cashier")
    office.set_pin("sue", PIN)
    server = Server(business.kernel)
    client = server.client()
    device = {"id": business.ids["device1"], "key": business.keys["device1"]}
    answer = client.post("/auth/login", {"username": "cashier1", "password": PASSWORD, "app_context": "pos",
                                         "device": device, "delivery": "body"})
    client.token = answer.data["access_token"]
    yield client, product
    server.close()


def sale(percent: int, **more: Any) -> dict[str, Any]:
    return {
        "id": uuid7(), "lines": [{"sku": "T", "quantity": "1"}], "reason": "goodwill",
        "discounts": [{"kind": "percent", "value": str(percent * 100)}],
        "tenders": [{"tender": "cash", "amount_minor": 5000}], **more,
    }  # fmt: skip


@pytest.mark.req("OPX-07", "V2X-36")
def test_a_discount_above_the_limit_over_http(office: Office, till: Any) -> None:
    client, _ = till
    body = sale(50)
    told = client.post("/sales", body)
    assert (told.status, told.code) == (422, "approval_required")
    (item,) = told.json["errors"]
    assert (item["path"], item["approval"]["kind"], item["approval"]["figures"]["percent"]) == (
        "discounts", "discount", "50.00")
    sold = client.post("/sales", {**body, "approval": {"username": "sue", "pin": PIN}})
    assert (sold.status, sold.data["discount_minor"]) == (201, 500)
    again = client.post("/sales", {**body, "approval": {"username": "sue", "pin": PIN}})
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")
    assert Approval.select().count() == 1


@pytest.mark.req("OPX-06", "OPX-07")
def test_asked_for_at_the_till_decided_in_the_office_used_at_the_till(office: Office, till: Any) -> None:
    client, _ = till
    body = sale(40)
    asked = client.post("/approvals", {"id": uuid7(), "action": "sale:complete", "why": "old customer",
                                       "command": {**body, "tenders": []}})
    assert (asked.status, asked.data["kind"], asked.data["entity_id"]) == (201, "discount", body["id"])
    sue = office.context("sue")
    sue.kernel.perform(sue, "approval:approve", {"id": asked.data["id"]})
    assert client.get(f"/approvals/{asked.data['id']}").data["state"] == "approved"
    using = {"approval": {"ids": [asked.data["id"]]}}
    more = client.post("/sales", {**body, "lines": [{"sku": "T", "quantity": "2"}], **using})
    assert more.code == "approval_mismatch"
    assert client.post("/sales", {**body, **using}).status == 201
    assert client.post("/sales", {**sale(40), **using}).code == "approval_mismatch"


@pytest.mark.req("OPX-07", "VAL-03")
@pytest.mark.parametrize(("given", "path"), [
    ({}, "approval"), ({"username": "sue"}, "approval"), ({"ids": ["x"]}, "approval.ids.0"), ("sue", "approval"),
    ({"username": "sue", "pin": PIN, "more": 1}, "approval.more"), (None, "approval"), ([], "approval"),
])  # fmt: skip
def test_what_is_no_approval_is_named(till: Any, given: Any, path: str) -> None:
    client, _ = till
    answer = client.post("/sales", {**sale(50), "approval": given})
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert answer.paths() == {path}


def test_an_action_that_asks_for_none_takes_none(till: Any) -> None:
    client, _ = till
    answer = client.post("/auth/logout", {"approval": {"username": "sue", "pin": PIN}})
    assert answer.paths() == {"approval"}


@pytest.mark.req("SEC-02", "OPX-07")
def test_the_pin_stands_nowhere(office: Office, till: Any, caplog: pytest.LogCaptureFixture) -> None:
    client, _ = till
    body = sale(50)
    given = {"approval": {"username": "sue", "pin": PIN}}
    client.post("/sales", {**body, **given, "tenders": []})  # refused: recorded with its command
    client.post("/sales", {**body, **given}, **{"Idempotency-Key": "once"})
    kept = [str(row.payload).encode() for row in AuditEntry.select()]
    kept += [repr(row.__data__).encode() for model in (Idempotency, Approval, ApprovalDecision)
             for row in model.select()]
    assert Approval.select().count() == 1
    assert [text for text in kept if PIN.encode() in text] == []
    assert PIN not in caplog.text
    assert PIN not in repr(office.set_pin("sue", PIN))
