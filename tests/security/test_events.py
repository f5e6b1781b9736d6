"""The security log: an event beside every audit entry that bears on who may do what, in one transaction."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any

import peewee as pw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_core import Kind, action, define, hookimpl, uuid7
from pos_core.audit.models import AuditEntry
from pos_core.audit.verify import verify
from pos_core.errors import PERMISSION_DENIED, PosError
from pos_core.security import define_kind, note
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import PASSWORD, Business
from tests.core.lab import DO, Write, row_of

TRICKED = define("lab_tricked", Kind.CONFLICT, en="No trick.", es="Sin trucos.", cure="None.",
                 security="escalation_attempt")
define_kind("lab_opened", en="A lab was opened.", es="Se abrió un laboratorio.", severity="info", otherwise="critical")


def events(**equal: Any) -> list[SecurityEvent]:
    """Events in the order of their writing."""
    rows = SecurityEvent.select()
    for name, value in equal.items():
        rows = rows.where(getattr(SecurityEvent, name) == value)
    return list(rows.order_by(SecurityEvent.chain_id, SecurityEvent.seq))


def entry_of(event: SecurityEvent) -> dict[str, Any]:
    row = AuditEntry.get((AuditEntry.chain_id == event.chain_id) & (AuditEntry.seq == event.seq))
    return dict(json.loads(row.payload))


def lab_with(**options: Any) -> Any:
    """lab:open, an action that is itself a security event."""

    @action("lab:open", command=Write, permission="hq:settings.manage", security="lab_opened", **options)
    def lab_open(ctx: Any, command: Write) -> dict[str, Any]:
        """Open the lab."""
        if command.text == "trick":
            raise TRICKED()
        if command.text == "bug":
            raise ZeroDivisionError
        return row_of(ctx, command)

    return lab_open


@pytest.fixture
def opened(make_lab: Callable[..., Business], module_of: Callable[..., Any]) -> Business:
    return make_lab(module_of("lab.open", lab_with()))


@pytest.mark.req("SEC-01", "AUD-13", "AUD-14")
def test_a_sign_in_stands_in_both_logs_with_one_request(business: Business, client: Any) -> None:
    headers = {"X-Request-Id": "sign-in-request-1"}
    body = {"username": "admin", "password": PASSWORD, "app_context": "hq"}
    answer = client.request("POST", "/auth/login", body, headers)
    assert answer.status == 201
    (found,) = events(kind="sign_in", request_id="sign-in-request-1")
    fact = entry_of(found)
    assert (found.result, found.severity, found.action) == ("done", "info", "session:open")
    assert (found.user_id, found.session_id) == (business.ids["admin"], answer.data["id"])
    assert (fact["request"], fact["action"], fact["outcome"]) == ("sign-in-request-1", "session:open", "done")
    assert [made["id"] for made in fact["security"]] == [found.id]
    assert answer.data["access_token"] not in json.dumps(fact)


@pytest.mark.req("SEC-01", "AUD-13")
def test_a_failed_sign_in_says_whose_account_where_and_from_which_machine(business: Business, client: Any) -> None:
    device = {"id": business.ids["device1"], "key": business.keys["device1"]}
    body = {"username": "Cashier1", "password": "not-the-password", "app_context": "pos", "device": device}
    assert client.post("/auth/login", body).status == 401
    (found,) = events(kind="sign_in")
    assert (found.result, found.severity) == ("refused", "warning")
    assert (found.user_id, found.actor_id, found.name_digest) == (business.ids["cashier1"], None, None)
    place = (found.store_id, found.register_id, found.device_id)
    assert place == (business.store_id, business.ids["register1"], business.ids["device1"])
    assert found.ip == "127.0.0.1"
    assert "not-the-password" not in AuditEntry.get(AuditEntry.seq == found.seq,
                                                    AuditEntry.chain_id == found.chain_id).payload


@pytest.mark.req("SEC-01")
def test_a_name_that_nobody_has_is_kept_as_a_digest_only(business: Business, client: Any) -> None:
    """People type their password where the name belongs."""
    for name in ("hunter2-my-password", "HUNTER2-my-password", "another"):
        client.post("/auth/login", {"username": name, "password": PASSWORD, "app_context": "hq"})
    first, second, third = [event.name_digest for event in events(kind="sign_in")]
    assert first == second != third
    assert str(first).startswith("hmac-sha256:")
    everything = "".join(row.payload for row in AuditEntry.select()).lower()
    assert "hunter2" not in everything
    assert all(event.user_id is None for event in events(kind="sign_in"))


@pytest.mark.req("SEC-01")
def test_signing_out_is_about_who_does_it(business: Business, client_as: Any) -> None:
    assert client_as("cashier").post("/auth/logout").status == 200
    (found,) = events(kind="sign_out")
    assert (found.user_id, found.actor_id) == (business.ids["cashier1"], business.ids["cashier1"])
    assert (found.store_id, found.device_id) == (business.store_id, business.ids["device1"])


@pytest.mark.req("SEC-02")
def test_the_name_of_an_account_that_was_not_made_is_told(business: Business) -> None:
    with pytest.raises(PosError):
        business.perform("user:create", {"id": uuid7(), "username": "Admin", "full_name": "Other"})
    (found,) = events(kind="privilege_change", result="refused")
    assert found.name_digest is None
    assert entry_of(found)["command"]["username"] == "Admin"


@pytest.mark.req("SEC-02", "AUD-13")
def test_a_denied_action_and_a_denied_read_are_events(client_as: Any, business: Business) -> None:
    cashier = client_as("cashier")
    assert cashier.post("/stores", {"id": uuid7(), "code": "X", "name": "X", "time_zone": "UTC"}).status == 403
    assert cashier.get("/security/events").status == 403
    first, second = sorted(events(kind="permission_denied"), key=lambda event: event.seq)
    assert (first.action, first.result, first.actor_id) == ("store:create", "denied", business.ids["cashier1"])
    assert (second.action, second.result, second.severity) == ("security_event:list", "denied", "warning")
    assert (second.store_id, second.device_id) == (business.store_id, business.ids["device1"])
    assert entry_of(second)["outcome"] == "denied"
    assert entry_of(second)["error"]["code"] == "permission_denied"


@pytest.mark.req("SEC-02")
def test_a_denial_from_within_an_action_is_an_event_too(lab: Business) -> None:
    def deny(ctx: Any, command: Any) -> None:
        raise PERMISSION_DENIED(permission="hq:everything")

    DO["deny"] = deny
    with pytest.raises(PosError):
        lab.perform("note:do", {"text": "deny"})
    (found,) = events(kind="permission_denied")
    assert (found.action, found.result) == ("note:do", "refused")


@pytest.mark.req("SEC-02", "SEC-06")
def test_what_an_action_declares_is_an_event_whatever_comes_of_it(opened: Business) -> None:
    opened.perform("lab:open", {"text": "fine"})
    with pytest.raises(PosError):
        opened.perform("lab:open", {"text": "trick"})
    with pytest.raises(ZeroDivisionError):
        opened.perform("lab:open", {"text": "bug"})
    with pytest.raises(PosError):
        opened.perform("lab:open", {"text": "fine"}, role="cashier")
    told = {(e.kind, e.result, e.severity) for e in events(action="lab:open")}
    assert told == {
        ("lab_opened", "done", "info"), ("lab_opened", "refused", "critical"),
        ("escalation_attempt", "refused", "critical"), ("lab_opened", "failed", "critical"),
        ("lab_opened", "denied", "critical"), ("permission_denied", "denied", "warning"),
    }  # fmt: skip


@pytest.mark.req("SEC-06")
def test_a_note_is_written_and_undone_with_its_action(lab: Business) -> None:
    def noted(ctx: Any, command: Any) -> None:
        note(ctx, "token_reuse", result="revoked", user_id=lab.ids["cashier1"],
             details={"family": "f1", "refresh_token": "abc", "ended": 3})

    def undone(ctx: Any, command: Any) -> None:
        noted(ctx, command)
        raise TRICKED()

    DO.update(noted=noted, undone=undone)
    lab.perform("note:do", {"text": "noted"})
    with pytest.raises(PosError):
        lab.perform("note:do", {"text": "undone"})
    (found,) = events(kind="token_reuse")
    assert (found.result, found.severity, found.user_id) == ("revoked", "critical", lab.ids["cashier1"])
    assert found.actor_id == lab.ids["admin"]
    assert found.details == {"family": "f1", "refresh_token": "***", "ended": 3}
    assert entry_of(found)["security"][0]["details"] == found.details


def test_a_note_outside_an_action_is_a_bug(business: Business) -> None:
    with pytest.raises(RuntimeError, match="unit of work"):
        note(business.context(), "token_reuse")


@pytest.mark.req("SEC-06", "AUD-14")
def test_parts_of_an_action_have_events_of_their_own(opened: Business) -> None:
    def both(ctx: Any, command: Any) -> None:
        ctx.perform("lab:open", {"text": "inner"})
        note(ctx, "key_rotation")

    DO["both"] = both
    opened.perform("note:do", {"text": "both"})
    inner, outer = events(kind="lab_opened"), events(kind="key_rotation")
    assert len(inner) == len(outer) == 1
    assert inner[0].request_id == outer[0].request_id
    assert entry_of(inner[0])["parent"] == outer[0].seq
    assert inner[0].seq == outer[0].seq + 1


@pytest.mark.req("SEC-06")
def test_nothing_is_written_when_the_transaction_fails_at_the_end(opened: Business, monkeypatch: Any) -> None:
    count = SecurityEvent.select().count()

    @hookimpl
    def audit_event(ctx: Any, entry: Any) -> None:
        if entry["outcome"] == "done":
            raise TRICKED()

    opened.kernel.manager.register(type("Veto", (), {"audit_event": staticmethod(audit_event)})(), name="core.audit2")
    monkeypatch.setattr(opened.kernel, "_plans", {})
    monkeypatch.setattr(opened.kernel, "_hooks", {})
    with monkeypatch.context() as patched:
        enabled = opened.kernel.registry.enabled_set(None) | {"core.audit2"}
        patched.setattr(opened.kernel.registry, "enabled_set", lambda *_: enabled)
        with pytest.raises(PosError):
            opened.perform("lab:open", {"text": "fine"})
    assert [e.result for e in events(kind="lab_opened")] == ["refused"]
    assert SecurityEvent.select().count() == count + 2


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize("key", ["sign_in.lock_after", "password.minimum_length", "auth.refresh_days",
                                 "sales.discount_approval_percent"])
def test_settings_of_sign_ins_and_approvals_guard_the_system(business: Business, key: str) -> None:
    value = business.query("setting:get", key=key)["value"] + 1
    business.perform("setting:change", {"key": key, "value": value})
    assert [event.details for event in events(kind="security_setting")] == [{"setting": key, "value": value}]


STEPS = st.lists(st.sampled_from([
    ("fine", "admin"), ("trick", "admin"), ("bug", "admin"), ("fine", "cashier"), ("noted", "admin"),
    ("undone", "admin"), ("both", "admin"),
]), max_size=12)  # fmt: skip


@pytest.mark.req("SEC-06", "AUD-14")
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_the_two_logs_agree_whatever_was_tried(opened: Business, steps: list[tuple[str, str]]) -> None:
    def both(ctx: Any, command: Any) -> None:
        ctx.perform("lab:open", {"text": "inner"})
        note(ctx, "key_rotation")

    def undone(ctx: Any, command: Any) -> None:
        both(ctx, command)
        raise TRICKED()

    DO.update(both=both, undone=undone, noted=lambda ctx, command: note(ctx, "pin_set", details={"digits": 4}))
    for text, role in steps:
        name = "note:do" if text in DO else "lab:open"
        with contextlib.suppress(PosError, ZeroDivisionError):
            opened.perform(name, {"text": text}, role=role)
    said = {
        made["id"]: (row.chain_id, row.seq, made["kind"], made["result"])
        for row in AuditEntry.select() for made in json.loads(row.payload).get("security", ())
    }  # fmt: skip
    assert said == {e.id: (e.chain_id, e.seq, e.kind, e.result) for e in events()}
    assert [f for f in verify(opened.context()).findings if "security event" in f.message] == []


@pytest.mark.req("SEC-03")
def test_an_export_is_an_event(business: Business, client_as: Any) -> None:
    assert client_as("admin").get("/security/events/export?kind=sign_in").status == 200
    (found,) = events(kind="export")
    assert (found.action, found.result, found.actor_id) == ("security_event:export", "done", business.ids["admin"])
    assert found.details["arguments"]["kind"] == "sign_in"
    assert entry_of(found)["security"][0]["id"] == found.id


@pytest.mark.req("SEC-02")
def test_settings_that_guard_the_system_are_events(business: Business) -> None:
    business.perform("setting:change", {"key": "security.names_tried", "value": 3})
    business.perform("setting:change", {"key": "receipt.footer", "value": "Bye"})
    business.perform("setting:reset", {"key": "security.names_tried", "version": 1})
    changed, reset = events(kind="security_setting")
    assert changed.details == {"setting": "security.names_tried", "value": 3}
    assert reset.details == {"setting": "security.names_tried", "value": 5}


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize(("kind", "name"), [
    ("privilege_change", "user:create"), ("privilege_change", "user:assign"), ("device_enrolled", "device:enrol"),
    ("first_run", "business:initialise"),
])  # fmt: skip
def test_the_first_run_left_its_traces(business: Business, kind: str, name: str) -> None:
    assert events(kind=kind, action=name)


@pytest.mark.req("SEC-06", "SEC-01")
def test_events_are_never_changed_nor_deleted(business: Business) -> None:
    event = events()[0]
    with business.kernel.db.schema_access():
        for statement in (SecurityEvent.update(severity="info"), SecurityEvent.delete()):
            with pytest.raises(pw.DatabaseError, match="append-only"):
                statement.where(SecurityEvent.id == event.id).execute()


def test_a_sale_pays_nothing_for_it(business: Business) -> None:
    chosen = business.kernel.action("sale:complete")
    assert chosen.security == ""


@pytest.mark.req("MOD-07")
def test_the_security_log_cannot_be_switched_off(make_business: Callable[..., Business]) -> None:
    with pytest.raises(Exception, match=r"core\.security"):
        make_business(modules={"disabled": ["core.security"]})


@pytest.mark.req("SEC-01")
def test_each_event_is_a_line_in_the_log_after_its_commit(
    opened: Business, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="pos.security"):
        opened.perform("lab:open", {"text": "fine"})
        with pytest.raises(PosError):
            opened.perform("lab:open", {"text": "trick"})
    lines = [(r.levelname, r.kind, r.result) for r in caplog.records if r.name == "pos.security"]  # type: ignore[attr-defined]
    assert lines == [
        ("INFO", "lab_opened", "done"), ("ERROR", "lab_opened", "refused"),
        ("ERROR", "escalation_attempt", "refused"),
    ]  # fmt: skip
