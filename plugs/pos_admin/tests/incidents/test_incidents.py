"""Incidents: staff record them by hand, add to them, and nobody takes anything back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import peewee as pw
import pytest

from pos_admin.incidents.models import Incident, IncidentLink, IncidentNote
from pos_admin.incidents.routes import ROUTES
from pos_core import clock, uuid7
from pos_core.audit.models import AuditEntry
from pos_core.audit.verify import verify
from pos_core.errors import PosError
from pos_core.security.models import SecurityFinding
from pos_core.testing.harness import NOW, Answer, Business, Client
from tests.core.conftest import raw_writes

Clients = Callable[..., Client]
THEN = "2026-03-02T08:15:00+01:00"


def held(method: str, path: str, answer: Answer) -> Any:
    """The answer's data, held against the schema that the route promises."""
    assert answer.status in (200, 201), answer.text
    route = next(route for route in ROUTES if (route.method, route.path) == (method, path))
    assert route.answer is not None
    for item in answer.data if route.paged else [answer.data]:
        route.answer.model_validate(item)
    return answer.data


def record(business: Business, role: str = "manager", **more: Any) -> dict[str, Any]:
    command = {"title": "Drawer left open", "text": "Found it open at eight.", "happened_at": THEN, **more}
    return business.perform("incident:record", command, role=role)


def refuse(business: Business, code: str, name: str, command: dict[str, Any], role: str = "manager") -> PosError:
    with pytest.raises(PosError) as refused:
        business.perform(name, command, role=role)
    assert refused.value.code.code == code
    return refused.value


@pytest.fixture
def finding(business: Business) -> str:
    """A finding in the business' store: names tried, as the core's own detector finds them."""
    with business.kernel.db.schema_access():
        row = SecurityFinding.create(
            id=uuid7(), detector="security.after_hours", subject="x", severity="warning", store_id=business.store_id,
            started_at=NOW, ends_at=NOW + timedelta(hours=1), count=3, threshold=1, created_at=NOW, updated_at=NOW,
        )
    return str(row.id)


@pytest.mark.req("SEC-05")
def test_an_incident_over_http_from_its_record_to_its_close(
    business: Business, client_as: Clients, finding: str
) -> None:
    manager = client_as("manager")
    record(business)
    entry = AuditEntry.select().where(AuditEntry.store_id == business.store_id).get()
    body = {
        "id": uuid7(), "title": "Drawer left open", "text": "Found it open at eight.", "severity": "critical",
        "happened_at": THEN, "links": [
            {"kind": "finding", "finding_id": finding},
            {"kind": "entry", "chain_id": entry.chain_id, "seq": entry.seq},
            {"kind": "entity", "entity_type": "register", "entity_id": business.ids["register1"]},
        ],
    }  # fmt: skip
    made = held("POST", "/incidents", manager.post("/incidents", body))
    assert (made["store_id"], made["recorded_by"]) == (business.store_id, business.ids["manager"])
    assert made["happened_at"] == "2026-03-02T07:15:00.000000Z"
    path = f"/incidents/{made['id']}"
    held("POST", "/incidents/{id}/notes", manager.post(f"{path}/notes", {"text": "The lock is worn."}))
    held("POST", "/incidents/{id}/links", manager.post(
        f"{path}/links", {"kind": "entity", "entity_type": "device", "entity_id": business.ids["device1"]}))
    closed = held("POST", "/incidents/{id}/close", manager.request(
        "POST", f"{path}/close", {"text": "Lock replaced."}, {"If-Match": '"1"'}))
    assert (closed["state"], closed["closed_by"]) == ("closed", business.ids["manager"])
    one = held("GET", "/incidents/{id}", manager.get(path))
    assert [(note["what"], note["text"]) for note in one["notes"]] == [
        ("note", "The lock is worn."), ("closed", "Lock replaced.")]  # fmt: skip
    assert [link["kind"] for link in one["links"]] == ["finding", "entry", "entity", "entity"]
    opened = held("POST", "/incidents/{id}/reopen", manager.request(
        "POST", f"{path}/reopen", {"text": "It is open again."}, {"If-Match": '"2"'}))
    assert (opened["state"], opened["closed_at"], opened["version"]) == ("open", None, 3)
    found = held("GET", "/incidents", manager.get(f"/incidents?linked_id={finding}&state=open"))
    assert [row["id"] for row in found] == [made["id"]]
    assert manager.get(f"/incidents?linked_id={uuid7()}").data == []


@pytest.mark.req("SEC-05")
def test_what_was_told_is_never_changed(business: Business, finding: str) -> None:
    made = record(business, links=[{"kind": "finding", "finding_id": finding}])
    business.perform("incident:add_note", {"id": made["id"], "text": "More."}, role="manager")
    with business.kernel.db.schema_access():
        for model in (IncidentNote, IncidentLink):
            for statement in (model.update(author_id=None), model.delete()):
                with pytest.raises(pw.DatabaseError, match="append-only"):
                    statement.execute()
        with pytest.raises(pw.DatabaseError, match="never deleted"):
            Incident.delete().execute()


@pytest.mark.req("SEC-05")
def test_every_step_is_an_audit_entry(business: Business) -> None:
    made = record(business)
    business.perform("incident:add_note", {"id": made["id"], "text": "More."}, role="manager")
    business.perform("incident:close", {"id": made["id"], "version": 1, "text": "Done."}, role="manager")
    rows = AuditEntry.select(AuditEntry.action).where(AuditEntry.entity_type == "incident").order_by(AuditEntry.seq)
    assert [row.action for row in rows] == ["incident:record", "incident:add_note", "incident:close"]


@pytest.mark.req("SEC-05")
def test_recording_twice_with_one_id_is_one_incident(business: Business) -> None:
    incident_id = uuid7()
    first, second = record(business, id=incident_id), record(business, id=incident_id)
    assert first == second
    assert Incident.select().count() == 1


@pytest.mark.req("SEC-05")
def test_another_store_s_incidents_do_not_exist(business: Business) -> None:
    other = business.perform("store:create", {"id": uuid7(), "code": "S9", "name": "Other", "time_zone": "UTC"})
    theirs = record(business, role="admin", store_id=other["id"])
    everywhere = record(business, role="admin")
    ours = record(business, role="manager")
    assert [row["id"] for row in business.query("incident:list", role="manager")[0]] == [ours["id"]]
    assert len(business.query("incident:list")[0]) == 3
    refuse(business, "not_found", "incident:record", {
        "title": "Not ours", "text": "Elsewhere.", "happened_at": THEN, "store_id": other["id"]})
    for incident_id in (theirs["id"], everywhere["id"], uuid7()):
        with pytest.raises(PosError) as refused:
            business.query("incident:get", role="manager", id=incident_id)
        assert refused.value.code.code == "not_found"
        refuse(business, "not_found", "incident:add_note", {"id": incident_id, "text": "Hello."})
        refuse(business, "not_found", "incident:close", {"id": incident_id, "version": 1, "text": "Hello."})


@pytest.mark.req("SEC-05")
def test_links_lead_to_what_the_actor_can_see(business: Business, finding: str) -> None:
    foreign = AuditEntry.select().where(AuditEntry.store_id.is_null()).get()
    wrong = [
        ({"kind": "finding", "finding_id": uuid7()}, "links.0.finding_id"),
        ({"kind": "entry", "chain_id": foreign.chain_id, "seq": foreign.seq}, "links.0.seq"),
        ({"kind": "entry", "chain_id": business.ids["register1"], "seq": 10_000}, "links.0.seq"),
    ]  # fmt: skip
    for link, path in wrong:
        error = refuse(business, "not_found", "incident:record", {
            "title": "Linked", "text": "To nothing.", "happened_at": THEN, "links": [link]})
        assert error.path == path
    assert Incident.select().count() == 0
    made = record(business, links=[{"kind": "finding", "finding_id": finding}])
    refuse(business, "incident_linked_already", "incident:link", {
        "id": made["id"], "kind": "finding", "finding_id": finding})


@pytest.mark.req("SEC-05")
@pytest.mark.parametrize(("body", "path"), [
    ({"links": [{"kind": "finding"}]}, "links.0"), ({"links": [{"kind": "entry", "seq": 1}]}, "links.0"),
    ({"links": [{"kind": "entity", "entity_type": "sale", "entity_id": uuid7(), "seq": 1}]}, "links.0"),
    ({"title": ""}, "title"), ({"text": "x"}, "text"), ({"severity": "loud"}, "severity"),
    ({"happened_at": "2026-03-02T08:00:00"}, "happened_at"), ({"state": "closed"}, "state"),
])  # fmt: skip
def test_a_wrong_record_is_told_by_field(client_as: Clients, body: dict[str, Any], path: str) -> None:
    given = {"title": "Title", "text": "Some text.", "happened_at": THEN, **body}
    answer = client_as("manager").post("/incidents", given)
    assert answer.status == 422, answer.text
    assert answer.paths() == {path}


@pytest.mark.req("SEC-05")
def test_states_and_times_that_cannot_be_are_refused(business: Business) -> None:
    refuse(business, "incident_in_future", "incident:record", {
        "title": "Tomorrow", "text": "It will happen.", "happened_at": clock.to_text(NOW + timedelta(seconds=1))})
    made = record(business)
    refuse(business, "transition_refused", "incident:reopen", {"id": made["id"], "version": 1, "text": "Why."})
    refuse(business, "version_required", "incident:close", {"id": made["id"], "text": "Why."})
    refuse(business, "version_mismatch", "incident:close", {"id": made["id"], "version": 7, "text": "Why."})


@pytest.mark.req("SEC-05", "RBC-04")
def test_who_may_only_record_does_not_read_nor_close(business: Business) -> None:
    made = record(business)
    command = {"id": made["id"], "version": 1, "text": "Done."}
    refuse(business, "permission_denied", "incident:close", command, role="cashier")
    refuse(business, "permission_denied", "incident:record", {
        "title": "At the till", "text": "Something.", "happened_at": THEN}, role="cashier")
    assert business.kernel.permissions()["pos:incidents.record"].roles == ("shift_supervisor",)


@pytest.mark.req("SEC-05", "AUD-08")
@pytest.mark.parametrize(("table", "column", "what"), [
    ("admin_incident", "text", "incident"), ("admin_incident_note", "text", "note"),
    ("admin_incident_link", "entity_type", "link"),
])  # fmt: skip
def test_what_was_rewritten_or_taken_away_is_named(
    business: Business, finding: str, table: str, column: str, what: str
) -> None:
    thing = {"kind": "entity", "entity_type": "device", "entity_id": business.ids["device1"]}
    made = record(business, links=[{"kind": "finding", "finding_id": finding}])
    business.perform("incident:add_note", {"id": made["id"], "text": "More."}, role="manager")
    business.perform("incident:link", {"id": made["id"], **thing}, role="manager")
    assert told(business) == []
    with raw_writes(business.kernel.db) as execute:
        execute(f"UPDATE {table} SET {column} = 'changed' WHERE entity_type = 'device'" if what == "link"
                else f"UPDATE {table} SET {column} = 'changed'")
    (sentence,) = told(business)
    assert f": {column} is 'changed', entry " in sentence
    with raw_writes(business.kernel.db) as execute:
        for name in ("admin_incident_note", "admin_incident_link", "admin_incident"):
            execute(f"DELETE FROM {name}")
    assert len(told(business)) == 4
    assert all("is gone" in sentence for sentence in told(business))


def told(business: Business) -> list[str]:
    return [f.message for f in verify(business.context()).findings if f.message.startswith("admin.incidents")]


def test_the_module_can_be_switched_off(make_business: Callable[..., Business]) -> None:
    business = make_business(modules={"disabled": ["admin.incidents"]})
    refuse(business, "module_disabled", "incident:record", {"title": "Off", "text": "Off.", "happened_at": THEN})
