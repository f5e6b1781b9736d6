"""Sales representatives: people who sell and do not sign in."""

from __future__ import annotations

import pytest

from pos_core import uuid7
from pos_core.audit.models import AuditEntry
from pos_core.outbox import Outbox

ROSA = {"code": "R-7", "name": "Rosa Vidal", "phone": "+34 600 111 222", "email": "rosa@example.com"}


@pytest.mark.req("V2X-18")
def test_a_representative_is_entered_changed_and_taken_out_of_use(client_as):
    admin = client_as("admin")
    made = admin.post("/representatives", ROSA)
    assert made.status == 201, made.text
    assert made.data == {**ROSA, "id": made.data["id"], "is_active": True, "version": 1}
    path = f"/representatives/{made.data['id']}"
    assert admin.patch(path, {"code": "R-8"}, version=1).paths() == {"code"}
    changed = admin.patch(path, {"phone": "", "is_active": False}, version=1)
    assert changed.data == {**made.data, "phone": "", "is_active": False, "version": 2}
    assert admin.get("/representatives?is_active=true").data == []
    assert admin.get("/representatives").data == [changed.data]
    assert admin.get(path).data == changed.data


@pytest.mark.req("V2X-18")
def test_a_taken_code_is_refused(client_as):
    admin = client_as("admin")
    assert admin.post("/representatives", ROSA).status == 201
    again = admin.post("/representatives", {**ROSA, "name": "Somebody else"})
    assert (again.status, again.paths()) == (409, {"code"})


@pytest.mark.req("V2X-18")
@pytest.mark.parametrize("role", ["manager", "cashier"])
def test_stores_and_tills_see_representatives_and_do_not_change_them(client_as, role):
    assert client_as("admin").post("/representatives", ROSA).status == 201
    client = client_as(role)
    assert [one["code"] for one in client.get("/representatives").data] == ["R-7"]
    assert client.post("/representatives", {**ROSA, "code": "R-8"}).status == 403


@pytest.mark.req("V2X-18")
@pytest.mark.parametrize(
    "field", [{"phone": "no digits"}, {"email": "nobody"}, {"name": " x"}, {"name": ""}, {"code": "a b"}]
)
def test_what_is_no_phone_mail_name_or_code_is_refused(client_as, field):
    answer = client_as("admin").post("/representatives", {**ROSA, **field})
    assert (answer.status, answer.paths()) == (422, set(field))


@pytest.mark.req("V2X-18")
def test_the_directory_is_read_once_per_revision(business):
    made = business.perform("representative:create", ROSA)
    first = business.query("representative:directory")
    assert (first[made["id"]].name, first[made["id"]].is_active) == ("Rosa Vidal", True)
    ctx = business.context("cashier")
    before = business.kernel.db.pos.round_trips
    assert ctx.query("representative:directory") is first
    assert business.kernel.db.pos.round_trips == before
    business.perform("representative:edit", {"id": made["id"], "is_active": False, "version": 1})
    assert not business.query("representative:directory")[made["id"]].is_active
    assert uuid7() not in business.query("representative:directory")


def test_neither_chain_nor_outbox_holds_a_persons_data_in_the_clear(business):
    made = business.perform("representative:create", ROSA)
    business.perform("representative:edit", {"id": made["id"], "name": "Rosa Vidal Mora", "version": 1})
    entries = AuditEntry.select().where(AuditEntry.entity_id == made["id"])
    texts = [entry.payload for entry in entries] + [str(row.data) for row in Outbox.select()]
    assert len(entries) == 2
    for secret in ("Rosa", "600 111 222", "rosa@example.com"):
        assert not any(secret in text for text in texts)
    assert all("hmac-sha256:" in entry.payload for entry in entries)
