"""Reading the security log: within the actor's stores, page by page, as CSV, and both logs as one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pos_core import clock, uuid7
from pos_core.audit.models import AuditEntry
from pos_core.errors import PosError
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import NOW, PASSWORD, Business
from tests.security.test_detection import THRESHOLD, sweep, void, watcher


@pytest.fixture
def busy(business: Business, client: Any, client_as: Callable[..., Any]) -> Business:
    """A business with sign-ins, denials and changes at different times."""
    client_as("cashier").post("/stores", {"id": uuid7()})
    business.clock.advance(timedelta(minutes=5))
    client_as("manager")
    for _ in range(3):
        business.clock.advance(timedelta(minutes=5))
        client.post("/auth/login", {"username": "cashier2", "password": "wrong-password", "app_context": "hq"})
    return business


@pytest.mark.req("SEC-01", "SEC-06")
@pytest.mark.parametrize(("filters", "wanted"), [
    ("kind=sign_in&result=refused", 3), ("kind=permission_denied", 1), ("severity=critical", 0),
    ("user_id={cashier2}&kind=sign_in", 3), ("user_id={cashier1}&kind=permission_denied", 1),
    ("device_id={device1}&kind=permission_denied", 1), ("store_id={store}&kind=permission_denied", 1),
    ("ip=127.0.0.1&result=refused", 3), ("ip=10.0.0.1", 0),
    ("kind=sign_in&result=refused&since=2026-03-02T10:12:00Z", 2),
    ("kind=sign_in&result=refused&until=2026-03-02T10:12:00Z", 1),
])  # fmt: skip
def test_events_are_found_by_what_they_say(
    busy: Business, client_as: Callable[..., Any], filters: str, wanted: int
) -> None:
    answer = client_as("admin").get(f"/security/events?limit=200&{filters.format(**busy.ids)}")
    assert answer.status == 200, answer.text
    assert len(answer.data) == wanted


@pytest.mark.req("SEC-06")
def test_pages_are_the_whole_list_the_newest_first(busy: Business, client_as: Callable[..., Any]) -> None:
    admin = client_as("admin")
    whole = [row["id"] for row in admin.get("/security/events?limit=200").data]
    assert len(whole) == SecurityEvent.select().count()
    paged, cursor = [], ""
    while True:
        answer = admin.get(f"/security/events?limit=4{cursor}")
        paged += [row["id"] for row in answer.data]
        if answer.json["meta"]["next_cursor"] is None:
            break
        cursor = "&cursor=" + answer.json["meta"]["next_cursor"]
    assert paged == whole
    times = [row["at"] for row in admin.get("/security/events?limit=200").data]
    assert times == sorted(times, reverse=True)


@pytest.mark.req("SEC-06")
def test_one_request_is_found_in_both_logs(business: Business, client_as: Callable[..., Any], client: Any) -> None:
    body = {"username": "admin", "password": PASSWORD, "app_context": "hq"}
    client.request("POST", "/auth/login", body, {"X-Request-Id": "correlated-request"})
    admin = client_as("admin")
    (event,) = admin.get("/security/events?request_id=correlated-request").data
    entries = admin.get("/security/timeline?request=correlated-request").data
    assert (event["chain_id"], event["seq"]) in [(e["chain_id"], e["seq"]) for e in entries]
    assert {e["request_id"] for e in entries} == {"correlated-request"}


@pytest.mark.req("SEC-06")
def test_a_store_sees_its_own_events_only(busy: Business, client_as: Callable[..., Any]) -> None:
    other = busy.perform("store:create", {"id": uuid7(), "code": "S9", "name": "Other", "time_zone": "UTC"})
    manager = client_as("manager")
    rows = manager.get("/security/events?limit=200").data
    assert rows
    assert {row["store_id"] for row in rows} == {busy.store_id}
    assert manager.get(f"/security/events?store_id={other['id']}").status == 404
    assert manager.get(f"/security/findings?store_id={other['id']}").status == 404
    for user in ("admin", "manager", "cashier1"):
        told = manager.get(f"/security/timeline?user={busy.ids[user]}&to=2026-03-03T00:00:00Z").data
        assert all(busy.store_id in (row["store_id"], *(e["store_id"] for e in row["events"])) for row in told)
        assert [row["action"] for row in told if row["action"] == "session:open"] == ["session:open"] * (
            {"admin": 0, "manager": 2, "cashier1": 1}[user])  # fmt: skip


@pytest.mark.req("SEC-03")
def test_the_export_is_what_the_list_shows(busy: Business, client_as: Callable[..., Any]) -> None:
    admin = client_as("admin")
    shown = admin.get("/security/events?limit=200&kind=sign_in").data
    answer = admin.get("/security/events/export?kind=sign_in")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == [row["id"] for row in shown]
    assert [row["user_id"] for row in rows] == [row["user_id"] or "" for row in shown]


def test_the_export_has_no_formulas(busy: Business, client_as: Callable[..., Any]) -> None:
    busy.perform("user:create", {"id": uuid7(), "username": "eve", "full_name": "E", "password": PASSWORD})
    text = client_as("admin").get("/security/events/export").text
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.req("SEC-06")
def test_the_timeline_of_a_user_is_what_was_done_by_and_to_the_account(
    busy: Business, client_as: Callable[..., Any]
) -> None:
    user = busy.ids["cashier1"]
    admin = client_as("admin")
    rows = admin.get(f"/security/timeline?user={user}&from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z").data
    told = [(row["action"], row["outcome"]) for row in rows]
    assert ("user:create", "done") in told
    assert ("session:open", "done") in told
    assert ("store:create", "denied") in told
    denied = next(row for row in rows if row["action"] == "store:create")
    assert denied["error"]["code"] == "permission_denied"
    assert (denied["actor_id"], denied["store_id"], denied["device_id"]) == (
        user, busy.store_id, busy.ids["device1"])  # fmt: skip
    assert [event["kind"] for event in denied["events"]] == ["permission_denied"]
    keys = [(row["at"], row["chain_id"], row["seq"]) for row in rows]
    assert keys == sorted(keys)


@pytest.mark.req("SEC-06")
def test_failed_sign_ins_stand_in_the_timeline_of_whom_they_tried(
    busy: Business, client_as: Callable[..., Any]
) -> None:
    rows = client_as("admin").get(
        f"/security/timeline?user={busy.ids['cashier2']}&from=2026-03-02T10:01:00Z&to=2026-03-03T00:00:00Z").data
    assert [(row["action"], row["outcome"], row["actor_id"]) for row in rows if row["action"] == "session:open"] == [
        ("session:open", "refused", None)] * 3  # fmt: skip


@pytest.mark.req("SEC-06")
def test_the_timeline_is_complete_over_pages_and_chains(business: Business, client_as: Callable[..., Any]) -> None:
    """Against a plain scan of all entries."""
    cashier = business.ids["cashier1"]
    for number in range(6):
        business.clock.advance(timedelta(minutes=7))
        business.perform("customer:create", {"id": uuid7(), "first_name": "C", "phone": f"+3460011122{number}"},
                         role="cashier")
        business.perform("store:edit", {"id": business.store_id, "name": f"S{number}", "version": number + 1})
    since, until = NOW + timedelta(minutes=14), NOW + timedelta(minutes=35)
    wanted = [
        (row.chain_id, row.seq) for row in AuditEntry.select().where(
            (AuditEntry.actor_id == cashier) | (AuditEntry.entity_id == cashier),
            AuditEntry.at >= since, AuditEntry.at < until,
        ).order_by(AuditEntry.at, AuditEntry.chain_id, AuditEntry.seq)
    ]  # fmt: skip
    assert len(wanted) == 3
    found, cursor, admin = [], "", client_as("admin")
    while True:
        answer = admin.get(f"/security/timeline?user={cashier}&from={clock.to_text(since)}&to={clock.to_text(until)}"
                           f"&limit=1{cursor}")  # fmt: skip
        assert answer.status == 200, answer.text
        found += [(row["chain_id"], row["seq"]) for row in answer.data]
        if answer.json["meta"]["next_cursor"] is None:
            break
        cursor = "&cursor=" + answer.json["meta"]["next_cursor"]
    assert found == wanted


@pytest.mark.req("SEC-06")
@pytest.mark.parametrize(("asked", "code"), [
    ("", "timeline_of_nobody"), ("user={admin}&from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "timeline_too_long"),
    ("user={admin}&from=2025-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "timeline_too_long"),
])  # fmt: skip
def test_a_timeline_of_nobody_or_of_for_ever_is_refused(
    business: Business, client_as: Callable[..., Any], asked: str, code: str
) -> None:
    answer = client_as("admin").get(f"/security/timeline?{asked.format(**business.ids)}")
    assert (answer.status, answer.code) == (422, code)


def test_every_kind_is_listed_in_the_reader_s_language(client_as: Callable[..., Any]) -> None:
    client = client_as("admin")
    english = {row["kind"]: row["sentence"] for row in client.get("/security/kinds").data}
    client.headers["Accept-Language"] = "es"
    spanish = {row["kind"]: row["sentence"] for row in client.get("/security/kinds").data}
    assert english.keys() == spanish.keys() >= {"sign_in", "export", "token_reuse"}
    assert english["sign_in"] != spanish["sign_in"]


# -- findings ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def suspected(make_business: Callable[..., Business], module_of: Callable[..., Any]) -> Business:
    business = make_business(extra=[watcher(module_of)])
    void(business, THRESHOLD)
    sweep(business)
    return business


def the_finding(business: Business, **options: Any) -> dict[str, Any]:
    (found,), following = business.query("finding:list", **options)
    assert following is None
    return dict(found)


@pytest.mark.req("SEC-04")
def test_a_finding_is_decided_on_with_a_note(suspected: Business) -> None:
    found = the_finding(suspected, role="manager")
    command = {"id": found["id"], "version": 1, "note": "Talked to her: a broken scale."}
    done = suspected.perform("finding:acknowledge", command, role="manager")
    assert (done["state"], done["decided_by"], done["version"]) == ("acknowledged", suspected.ids["manager"], 2)
    assert the_finding(suspected, state="acknowledged")["note"] == command["note"]
    assert suspected.query("finding:list", state="open")[0] == []
    done = suspected.perform("finding:dismiss", {**command, "version": 2})
    assert done["state"] == "dismissed"
    refuse(suspected, "transition_refused", {**command, "version": 3}, name="finding:dismiss")


def refuse(business: Business, code: str, command: dict[str, Any], *, name: str = "finding:acknowledge",
           role: str = "manager") -> None:
    with pytest.raises(PosError) as refused:
        business.perform(name, command, role=role)
    assert refused.value.code.code == code


@pytest.mark.req("SEC-04")
def test_a_finding_is_decided_once_by_one_who_has_seen_it(suspected: Business) -> None:
    command = {"id": the_finding(suspected)["id"], "note": "Seen."}
    refuse(suspected, "version_required", command)
    refuse(suspected, "version_mismatch", {**command, "version": 9})
    refuse(suspected, "permission_denied", {**command, "version": 1}, role="cashier")
    refuse(suspected, "not_found", {**command, "id": uuid7(), "version": 1})


@pytest.mark.req("SEC-04", "SEC-02")
def test_nobody_waves_the_own_finding_through(
    make_business: Callable[..., Business], module_of: Callable[..., Any]
) -> None:
    business = make_business(extra=[watcher(module_of, by=("actor",))])
    for _ in range(THRESHOLD):
        business.perform("lab:void", {})
    sweep(business)
    command = {"id": the_finding(business)["id"], "version": 1, "note": "That was me."}
    refuse(business, "finding_about_oneself", command, role="admin")
    assert SecurityEvent.select().where(SecurityEvent.kind == "escalation_attempt").count() == 1


@pytest.mark.req("SEC-04")
def test_findings_of_another_store_do_not_exist(suspected: Business) -> None:
    other = suspected.perform("store:create", {"id": uuid7(), "code": "S9", "name": "Other", "time_zone": "UTC"})
    found, ctx = the_finding(suspected), suspected.context("manager")
    ctx.store_id = other["id"]
    assert suspected.kernel.query(ctx, "finding:list", {})[0] == []
    with pytest.raises(PosError) as refused:
        suspected.kernel.query(ctx, "finding:get", {"id": found["id"]})
    assert refused.value.code.code == "not_found"
    command = suspected.kernel.action("finding:dismiss").command(id=found["id"], version=1, note="Mine?")
    with pytest.raises(PosError) as refused:
        suspected.kernel.perform(ctx, "finding:dismiss", command)
    assert refused.value.code.code == "not_found"
