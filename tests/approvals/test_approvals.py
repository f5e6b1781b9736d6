"""Approvals: asked for with figures, decided level by level by others, used once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from pos_core import PosError, uuid7
from pos_core.approvals.models import Approval, ApprovalDecision
from pos_core.approvals.needs import Given
from pos_core.audit.models import AuditEntry
from pos_core.audit.verify import verify
from tests.approvals.lab import Office, breaks, done_things


def codes(caught: Any) -> set[str]:
    found = caught.value.violations
    return {v.code.code for v in found} if found else {caught.value.code.code}


def refused(work: Any, *given: Any, **named: Any) -> set[str]:
    with pytest.raises(PosError) as caught:
        work(*given, **named)
    return codes(caught)


def last_entry(action: str, outcome: str = "done") -> dict[str, Any]:
    row = AuditEntry.select().where(AuditEntry.action == action, AuditEntry.outcome == outcome)
    return dict(orjson.loads(row.order_by(AuditEntry.seq.desc()).get().payload))


def state(approval: dict[str, Any]) -> str:
    return str(Approval.get_by_id(approval["id"]).state)


@pytest.mark.req("OPX-06", "OPX-07")
def test_without_a_need_nothing_is_asked(office: Office) -> None:
    office.do(amount_minor=100)
    assert Approval.select().count() == 0
    assert "notes" not in last_entry("thing:do")


@pytest.mark.req("OPX-06")
def test_the_refusal_says_what_to_ask_for_and_nothing_is_done(office: Office) -> None:
    wanted = uuid7()
    with pytest.raises(PosError) as caught:
        office.do(id=wanted, amount_minor=500)
    (told,) = caught.value.violations
    assert (told.code.code, told.path) == ("approval_required", "amount_minor")
    assert told.message("en").endswith("500 is too much.")
    assert told.message("es").endswith("500 es demasiado.")
    assert told.params["approval"] == {
        "kind": "lab_one", "action": "thing:do", "entity_type": "thing", "entity_id": wanted,
        "figures": {"amount_minor": 500}, "levels": 1,
        "deciders": [{"level": 1, "permissions": ["pos:lab.one", "store:lab.one"]}],
    }  # fmt: skip
    assert done_things == []
    assert Approval.select().count() == 0
    assert last_entry("thing:do", "refused")["error"]["code"] == "approval_required"


@pytest.mark.req("OPX-06", "AUD-07")
def test_what_was_approved_is_done_once_and_its_entry_names_the_approval(office: Office) -> None:
    asked = office.ask(amount_minor=500)
    assert (asked["state"], asked["figures"], asked["requester_name"]) == (
        "pending", {"amount_minor": 500}, "Cashier1")
    assert {step["action"] for step in asked["next"]} == {"approval:approve", "approval:reject", "approval:withdraw"}
    given = Given(ids=(asked["id"],))
    assert refused(office.do, given=given, id=asked["entity_id"], amount_minor=500) == {"approval_pending"}
    decided = office.approve("sue", asked["id"])
    assert (decided["state"], decided["decisions"][0]["decided_by_name"]) == ("approved", "Sue")
    assert decided["next"][0] == {"action": "thing:do", "level": None, "permissions": []}
    office.do(given=given, id=asked["entity_id"], amount_minor=500)
    assert done_things == [asked["entity_id"]]
    (noted,) = last_entry("thing:do")["notes"]["approvals"]
    assert (noted["id"], noted["kind"]) == (asked["id"], "lab_one")
    assert [(d["by"], d["decision"], d["way"]) for d in noted["decisions"]] == [
        (office.users["sue"], "approved", "session")]
    assert state(asked) == "used"
    office.do(given=given, id=asked["entity_id"], amount_minor=500)  # the same request again: its stored answer
    assert done_things == [asked["entity_id"]]
    assert verify(office.business.context()).ok


@pytest.mark.req("OPX-06")
def test_it_holds_for_the_same_figures_thing_person_and_store_only(office: Office) -> None:
    asked = office.ask(amount_minor=500)
    office.approve("sue", asked["id"])
    given = Given(ids=(asked["id"],))
    for name, command in (
        ("cashier1", {"id": asked["entity_id"], "amount_minor": 501}),
        ("cashier1", {"id": uuid7(), "amount_minor": 500}),
        ("cashier2", {"id": asked["entity_id"], "amount_minor": 500}),
    ):
        assert refused(office.do, name, given=given, **command) == {"approval_mismatch"}
    assert state(asked) == "approved"
    office.do(given=given, id=asked["entity_id"], amount_minor=500, note="paid otherwise")  # not among the figures


@pytest.mark.req("OPX-06")
def test_a_strict_kind_holds_for_the_very_same_request_only(office: Office) -> None:
    asked = office.ask(amount_minor=2000)
    office.approve("sue", asked["id"])
    office.approve("amy", asked["id"])
    given = Given(ids=(asked["id"],))
    same = {"id": asked["entity_id"], "amount_minor": 2000}
    assert refused(office.do, given=given, **same, note="another") == {"approval_mismatch"}
    office.do(given=given, **same)
    assert done_things == [asked["entity_id"]]


def test_an_approval_of_another_kind_does_not_help_and_an_unknown_one_is_not_found(office: Office) -> None:
    asked = office.ask(amount_minor=500)
    office.approve("sue", asked["id"])
    both = {"id": asked["entity_id"], "amount_minor": 2000, "also": True}
    assert refused(office.do, given=Given(ids=(asked["id"],)), **both) == {"approval_required", "approval_mismatch"}
    assert refused(office.do, given=Given(ids=(uuid7(),)), id=uuid7(), amount_minor=500) == {
        "not_found", "approval_required"}
    assert state(asked) == "approved"


def test_several_needs_are_told_together_and_asked_for_one_by_one(office: Office) -> None:
    both = {"id": uuid7(), "amount_minor": 2000, "also": True}
    with pytest.raises(PosError) as caught:
        office.do(**both)
    assert sorted(v.params["approval"]["kind"] for v in caught.value.violations) == ["lab_one", "lab_two"]
    assert refused(office.ask, **both) == {"approval_kind_needed"}
    one, two = office.ask(kind="lab_one", **both), office.ask(kind="lab_two", **both)
    office.approve("sue", one["id"])
    office.approve("sam", two["id"])
    office.approve("amy", two["id"])
    office.do(given=Given(ids=(one["id"], two["id"])), **both)
    assert {note["kind"] for note in last_entry("thing:do")["notes"]["approvals"]} == {"lab_one", "lab_two"}


def test_only_what_needs_an_approval_is_asked_for(office: Office) -> None:
    assert refused(office.ask, amount_minor=50) == {"approval_not_needed"}
    assert refused(office.ask, kind="lab_two", amount_minor=500) == {"approval_not_needed"}
    with pytest.raises(PosError) as caught:
        office.ask(amount="500")
    assert {v.path for v in caught.value.violations} == {"command.amount", "command.amount_minor"}
    assert refused(office.act, "cashier1", "approval:request", action="thing:undo", command={}) == {
        "unknown_operation"}
    assert refused(office.act, "cashier1", "approval:request", action="session:close", command={}) == {
        "approval_not_needed"}
    assert refused(office.ask, "eve", amount_minor=500) == {"permission_denied"}


@pytest.mark.req("OPX-07")
def test_nobody_approves_their_own_and_each_level_is_another_person(office: Office) -> None:
    asked = office.ask(amount_minor=2000)
    supervising = office.context("cashier1")
    supervising.actor = type(supervising.actor)(
        supervising.actor.id, "cashier1", (), supervising.actor.permissions | {"pos:lab.one"})
    with pytest.raises(PosError) as caught:
        supervising.kernel.perform(supervising, "approval:approve", {"id": asked["id"]})
    assert codes(caught) == {"approval_of_ones_own"}
    assert refused(office.approve, "eve", asked["id"]) == {"not_found"}  # not hers to see
    assert refused(office.approve, "amy", asked["id"]) == {"approval_not_yours"}  # level two's, not yet
    first = office.approve("mia", asked["id"], level=1)
    assert (first["state"], first["level"]) == ("pending", 2)
    both_levels = office.context("mia")
    both_levels.actor = type(both_levels.actor)(
        both_levels.actor.id, "mia", (), both_levels.actor.permissions | {"store:lab.two"})
    with pytest.raises(PosError) as caught:
        both_levels.kernel.perform(both_levels, "approval:approve", {"id": asked["id"]})
    assert codes(caught) == {"approval_decided_by_you"}
    assert refused(office.approve, "amy", asked["id"], level=1) == {"approval_moved_on"}
    assert office.approve("amy", asked["id"], level=2)["state"] == "approved"
    assert refused(office.approve, "ann", asked["id"]) == {"approval_decided"}


@pytest.mark.req("OPX-06", "AUD-06")
def test_rejecting_and_escalating_need_a_reason(office: Office) -> None:
    asked = office.ask(amount_minor=2000)
    assert refused(office.refuse, "sue", "escalate", asked["id"], None) == {"reason_required"}
    assert refused(office.refuse, "sue", "reject", asked["id"], "damage") == {"reason_unknown"}
    raised = office.refuse("sue", "escalate", asked["id"], "above_my_limit")
    assert (raised["level"], raised["state"]) == (2, "pending")
    assert refused(office.refuse, "amy", "escalate", asked["id"]) == {"approval_at_the_top"}
    gone = office.refuse("amy", "reject", asked["id"], "not_justified")
    assert (gone["state"], gone["next"]) == ("rejected", [])
    assert [(d["decision"], d["reason"]) for d in gone["decisions"]] == [
        ("escalated", "above_my_limit"), ("rejected", "not_justified")]
    assert last_entry("approval:reject")["notes"]["reason"] == {"code": "not_justified"}
    given = Given(ids=(asked["id"],))
    assert refused(office.do, given=given, id=asked["entity_id"], amount_minor=2000) == {"approval_not_usable"}


@pytest.mark.req("OPX-06")
def test_handing_up_passes_over_a_level_which_may_decide_no_more(office: Office) -> None:
    asked = office.act("cashier1", "approval:request", action="thing:do",
                       command={"id": uuid7(), "amount_minor": 500, "kind": "lab_top"})
    assert asked["levels"] == 1
    office.refuse("sue", "escalate", asked["id"])
    assert refused(office.approve, "mia", asked["id"]) == {"approval_not_yours"}
    office.refuse("amy", "escalate", asked["id"])
    assert office.approve("kim", asked["id"])["state"] == "approved"


@pytest.mark.req("OPX-06")
def test_what_is_overdue_moves_up_and_what_is_stale_expires_swept_or_not(office: Office) -> None:
    clock = office.business.clock
    asked = office.ask(amount_minor=2000)
    assert (office.to_decide("sue"), office.to_decide("amy")) == ({asked["id"]}, set())
    clock.advance(timedelta(minutes=19, seconds=59))
    assert office.get("cashier1", asked["id"])["level"] == 1
    clock.advance(timedelta(seconds=1))
    assert office.get("cashier1", asked["id"])["level"] == 2
    assert (office.to_decide("sue"), office.to_decide("amy")) == (set(), {asked["id"]})
    assert refused(office.approve, "sue", asked["id"]) == {"approval_not_yours"}
    decided = office.approve("amy", asked["id"])
    assert [(d["level"], d["decision"], d["way"]) for d in decided["decisions"]] == [
        (1, "escalated", "timer"), (2, "approved", "session")]
    clock.advance(timedelta(minutes=41))
    assert office.get("cashier1", asked["id"])["state"] == "expired"
    assert state(asked) == "approved"  # nobody has swept
    given = Given(ids=(asked["id"],))
    assert refused(office.do, given=given, id=asked["entity_id"], amount_minor=2000) == {"approval_not_usable"}
    swept = office.business.perform("approval:sweep", {})
    assert swept == {"expired": [asked["id"]], "escalated": [], "more": False}
    assert state(asked) == "expired"


@pytest.mark.req("OPX-06")
def test_a_sweep_writes_down_what_the_time_decided_and_changes_nothing_of_it(office: Office) -> None:
    asked = office.act("cashier1", "approval:request", action="thing:do",
                       command={"id": uuid7(), "amount_minor": 500, "kind": "lab_top"})
    office.business.clock.advance(timedelta(minutes=45))  # two levels late, five minutes into the third
    before = office.get("cashier1", asked["id"])
    assert (before["level"], before["decisions"]) == (3, [])
    assert office.to_decide("kim") == {asked["id"]}
    assert office.business.perform("approval:sweep", {})["escalated"] == [asked["id"]]
    after = office.get("cashier1", asked["id"])
    assert (after["level"], [d["level"] for d in after["decisions"]]) == (3, [1, 2])
    assert Approval.get_by_id(asked["id"]).level_since == office.business.clock.now() - timedelta(minutes=5)
    assert office.to_decide("kim") == {asked["id"]}
    assert office.business.perform("approval:sweep", {})["escalated"] == []


def test_minutes_are_settings(office: Office) -> None:
    for key, value in (("approvals.lab_two_escalates_minutes", 0), ("approvals.lab_two_expires_minutes", 500)):
        office.business.perform("setting:change", {"key": key, "value": value})
    asked = office.ask(amount_minor=2000)
    office.business.clock.advance(timedelta(minutes=499))
    assert (office.get("cashier1", asked["id"])["state"], office.get("cashier1", asked["id"])["level"]) == (
        "pending", 1)
    assert office.to_decide("sue") == {asked["id"]}
    office.business.clock.advance(timedelta(minutes=1))
    assert office.get("cashier1", asked["id"])["state"] == "expired"
    assert office.to_decide("sue") == set()


@pytest.mark.req("OPX-06")
def test_a_deputy_decides_with_the_permissions_of_who_named_them(office: Office) -> None:
    now = office.business.clock.now()
    period = {"begins_at": now, "ends_at": now + timedelta(days=2)}
    asked = office.ask(amount_minor=500)
    assert refused(office.approve, "eve", asked["id"]) == {"not_found"}
    named = office.act("mia", "approval_deputy:name", deputy_id=office.users["eve"], **period)
    assert office.to_decide("eve") == {asked["id"]}
    decided = office.approve("eve", asked["id"])
    (decision,) = decided["decisions"]
    assert (decision["decided_by"], decision["decided_for"]) == (office.users["eve"], office.users["mia"])
    office.do(given=Given(ids=(asked["id"],)), id=asked["entity_id"], amount_minor=500)
    (noted,) = last_entry("thing:do")["notes"]["approvals"]
    assert noted["decisions"][0]["for"] == office.users["mia"]
    office.act("mia", "approval_deputy:end", id=named["id"])
    other = office.ask(amount_minor=600)
    assert refused(office.approve, "eve", other["id"]) == {"not_found"}


def test_a_deputy_does_not_let_one_person_decide_twice_nor_for_the_requester(office: Office) -> None:
    now = office.business.clock.now()
    period = {"begins_at": now, "ends_at": now + timedelta(days=2)}
    office.act("amy", "approval_deputy:name", deputy_id=office.users["mia"], **period)
    asked = office.ask(amount_minor=2000)
    office.approve("mia", asked["id"])
    assert refused(office.approve, "mia", asked["id"]) == {"approval_decided_by_you"}
    assert office.to_decide("mia") == set()
    # who decided level one by a deputy does not decide level two in person
    office.act("kim", "approval_deputy:name", deputy_id=office.users["ann"], **period)
    other = office.act("cashier1", "approval:request", action="thing:do",
                       command={"id": uuid7(), "amount_minor": 500, "kind": "lab_top"})
    office.refuse("sue", "escalate", other["id"])
    office.refuse("amy", "escalate", other["id"])
    assert office.approve("ann", other["id"])["decisions"][-1]["decided_for"] == office.users["kim"]


def test_a_deputy_decides_in_the_period_only_and_is_somebody_else(office: Office) -> None:
    now = office.business.clock.now()
    name = lambda who, **period: office.act("mia", "approval_deputy:name", deputy_id=office.users[who], **period)  # noqa: E731
    day = timedelta(days=1)
    assert refused(name, "mia", begins_at=now, ends_at=now + day) == {"deputy_of_oneself"}
    assert refused(name, "eve", begins_at=now, ends_at=now) == {"deputy_period_wrong"}
    assert refused(name, "eve", begins_at=now - 2 * day, ends_at=now - day) == {"deputy_period_wrong"}
    name("eve", begins_at=now + day, ends_at=now + 2 * day)
    office.business.perform("setting:change", {"key": "approvals.lab_one_expires_minutes", "value": 10_000})
    asked = office.ask(amount_minor=500)
    assert office.to_decide("eve") == set()
    office.business.clock.advance(day)
    assert office.to_decide("eve") == {asked["id"]}
    office.business.clock.advance(day)
    assert refused(office.approve, "eve", asked["id"]) == {"not_found"}


def test_who_lost_the_permission_or_the_account_is_no_delegator(office: Office) -> None:
    now = office.business.clock.now()
    office.act("mia", "approval_deputy:name", deputy_id=office.users["eve"], begins_at=now,
               ends_at=now + timedelta(days=2))
    asked = office.ask(amount_minor=500)
    assert office.to_decide("eve") == {asked["id"]}
    office.business.perform("user:unassign", {
        "user_id": office.users["mia"], "role": "store_manager", "store_id": office.business.store_id})
    assert office.to_decide("eve") == set()
    assert refused(office.approve, "eve", asked["id"]) == {"not_found"}


def test_a_request_is_withdrawn_by_who_made_it(office: Office) -> None:
    asked = office.ask(amount_minor=500)
    assert refused(office.act, "sue", "approval:withdraw", id=asked["id"]) == {"not_found"}
    office.approve("sue", asked["id"])
    assert office.act("cashier1", "approval:withdraw", id=asked["id"])["state"] == "withdrawn"
    assert refused(office.act, "cashier1", "approval:withdraw", id=asked["id"]) == {"approval_decided"}
    given = Given(ids=(asked["id"],))
    assert refused(office.do, given=given, id=asked["entity_id"], amount_minor=500) == {"approval_not_usable"}


@pytest.mark.req("OPX-06")
def test_what_failed_leaves_its_approval_usable(office: Office) -> None:
    asked = office.ask(amount_minor=500)
    office.approve("sue", asked["id"])
    given = Given(ids=(asked["id"],))
    breaks.append(True)
    assert refused(office.do, given=given, id=asked["entity_id"], amount_minor=500) == {"lab_broken"}
    assert state(asked) == "approved"
    breaks.clear()
    office.do(given=given, id=asked["entity_id"], amount_minor=500)
    assert state(asked) == "used"


def test_lists_are_of_ones_own_or_for_who_may_see_all(office: Office) -> None:
    mine, others = office.ask(amount_minor=500), office.ask("cashier2", amount_minor=500)

    def listed(name: str, **filters: Any) -> set[str]:
        ctx = office.context(name)
        return {row["id"] for row in ctx.kernel.query(ctx, "approval:list", filters)[0]}

    assert listed("cashier1") == {mine["id"]}
    assert refused(office.get, "cashier1", others["id"]) == {"not_found"}
    assert listed("mia") == listed("sue") == listed("kim") == {mine["id"], others["id"]}
    assert listed("eve") == set()
    office.approve("sue", others["id"])
    assert listed("mia", state="approved") == {others["id"]}
    assert listed("mia", state="pending", kind="lab_one", action="thing:do") == {mine["id"]}
    assert listed("cashier2", mine=True, state="expired") == set()
    office.business.clock.advance(timedelta(hours=2))
    assert listed("cashier2", mine=True, state="expired") == {others["id"]}
    assert listed("mia", state="pending") == listed("mia", state="approved") == set()


@pytest.mark.req("OPX-06")
def test_another_stores_approvals_do_not_exist(office: Office) -> None:
    asked = office.ask(amount_minor=500)
    elsewhere = office.business.perform("store:create", {
        "id": uuid7(), "code": "S9", "name": "Elsewhere", "time_zone": "UTC"})["id"]
    for name in ("sue", "mia"):
        ctx = office.context(name, store_id=elsewhere)
        for verb, extra in (("approve", {}), ("reject", {"reason": "other", "reason_note": "x"})):
            with pytest.raises(PosError) as caught:
                ctx.kernel.perform(ctx, f"approval:{verb}", {"id": asked["id"], **extra})
            assert caught.value.code.code == "not_found"
        with pytest.raises(PosError) as caught:
            ctx.kernel.query(ctx, "approval:get", {"id": asked["id"]})
        assert caught.value.code.code == "not_found"
    assert ApprovalDecision.select().count() == 0
