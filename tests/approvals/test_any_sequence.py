"""Any sequence of what people and the time may do to a request, and two that use it at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_core import PosError, uuid7
from pos_core.approvals.models import Approval, ApprovalDecision
from pos_core.approvals.needs import Given
from pos_core.audit.models import AuditEntry
from tests.approvals.lab import Office, done_things

AMOUNTS = {"lab_one": 500, "lab_two": 2000, "lab_top": 700}
#: Which levels of each kind somebody may decide.
MAY = {
    "sue": {"lab_one": {1}, "lab_two": {1}, "lab_top": {1}}, "mia": {"lab_one": {1}, "lab_two": {1}, "lab_top": {1}},
    "amy": {"lab_two": {2}, "lab_top": {2}}, "kim": {"lab_top": {3}}, "eve": {}, "cashier1": {}, "cashier2": {},
}  # fmt: skip
TOPS = {"lab_one": 1, "lab_two": 2, "lab_top": 3}
NEEDED = {"lab_one": 1, "lab_two": 2, "lab_top": 1}
WAIT = {"lab_one": 0, "lab_two": 20, "lab_top": 20}

PERSON = st.sampled_from(sorted(MAY))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), PERSON, st.sampled_from(["approve", "approve", "approve", "escalate", "reject"])),
        st.tuples(st.just("use"), st.sampled_from(["cashier1", "cashier1", "cashier2"]), st.sampled_from([0, 0, 1])),
        st.tuples(st.just("wait"), st.sampled_from([1, 19, 20, 45]), st.just(None)),
        st.tuples(st.just("sweep"), st.none(), st.none()),
        st.tuples(st.just("withdraw"), st.sampled_from(["cashier1", "cashier2"]), st.none()),
    ),
    max_size=14,
)


class Request:
    """What a request must be like, said once more in the simplest way: the time moves it minute by minute."""

    def __init__(self, kind: str) -> None:
        self.kind, self.state, self.level, self.since, self.age = kind, "pending", 1, 0, 0
        self.deciders: set[str] = set()
        self.agreed: set[int] = set()
        self.used = 0

    def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.age += 1
            if self.age >= 60 and self.state in ("pending", "approved"):
                self.state = "expired"
            if self.state != "pending":
                continue
            self.since += 1
            if WAIT[self.kind] and self.since >= WAIT[self.kind] and self.level < TOPS[self.kind]:
                self.level, self.since = self.level + 1, 0

    def decide(self, person: str, verb: str) -> bool:
        may = self.level in MAY[person].get(self.kind, ()) and person not in self.deciders
        if self.state != "pending" or not may or (verb == "escalate" and self.level == TOPS[self.kind]):
            return False
        self.deciders.add(person)
        if verb == "reject":
            self.state = "rejected"
        elif verb == "approve" and self.level >= NEEDED[self.kind]:
            self.state = "approved"
        else:
            self.level, self.since = self.level + 1, 0
        return True


def attempt(work: Any, *given: Any, **named: Any) -> bool:
    try:
        work(*given, **named)
    except PosError as error:
        if error.code.kind in ("fault", "unavailable"):
            raise
        return False
    return True


@pytest.mark.req("OPX-06", "OPX-07")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(AMOUNTS)), steps=STEPS)
def test_any_sequence_uses_an_approval_once_and_only_as_it_was_decided(
    office: Office, kind: str, steps: list[tuple[str, Any, Any]]
) -> None:
    command = {"id": uuid7(), "amount_minor": AMOUNTS[kind], "kind": kind}
    asked = office.act("cashier1", "approval:request", action="thing:do", command=command)
    model = Request(kind)
    for what, who, how in steps:
        if what == "wait":
            office.business.clock.advance(timedelta(minutes=who))
            model.wait(who)
        elif what == "sweep":
            office.business.perform("approval:sweep", {})
        elif what == "decide":
            more = {} if how == "approve" else {"reason": "figures_wrong"}
            assert attempt(office.act, who, f"approval:{how}", id=asked["id"], **more) == model.decide(who, how)
        elif what == "withdraw":
            fits = who == "cashier1" and model.state in ("pending", "approved")
            assert attempt(office.act, who, "approval:withdraw", id=asked["id"]) == fits
            model.state = "withdrawn" if fits else model.state
        else:
            before = len(done_things)
            sent = {**command, "amount_minor": AMOUNTS[kind] + how}
            repeated = model.used and not how  # the same id and body again, by whomever in the store
            fits = bool(repeated) or (model.state == "approved" and who == "cashier1" and not how)
            assert attempt(office.do, who, Given(ids=(asked["id"],)), **sent) == fits
            assert len(done_things) - before == int(fits and not repeated)
            if fits and not repeated:
                model.state, model.used = "used", model.used + 1
        now = office.get("mia", asked["id"])
        assert (now["state"], now["level"]) == (model.state, model.level) or model.state != "pending"
        assert now["state"] == model.state
        waiting = {who for who in MAY if asked["id"] in office.to_decide(who)}
        assert waiting == {
            who for who in MAY
            if model.state == "pending" and model.level in MAY[who].get(kind, ()) and who not in model.deciders
        }  # fmt: skip
    _check_the_rows(asked["id"], kind)


def _check_the_rows(approval_id: str, kind: str) -> None:
    row = Approval.get_by_id(approval_id)
    decisions = list(ApprovalDecision.select().where(ApprovalDecision.approval == approval_id))
    people = [one.decided_by_id for one in decisions if one.decided_by_id is not None]
    assert len(people) == len(set(people))
    assert row.requester_id not in people
    if row.state in ("approved", "used"):
        levels = sorted(one.level for one in decisions)
        assert levels == list(range(1, levels[-1] + 1))  # each was agreed to or passed over, none left out
        assert levels[-1] >= NEEDED[kind]
        assert [one.decision for one in decisions if one.level == levels[-1]] == ["approved"]
    assert done_things.count(row.entity_id) <= 1


def in_threads(business: Any, works: list[Any]) -> list[Any]:
    """Run them at once, each with a connection of its own; exceptions are answers too."""
    barrier = threading.Barrier(len(works))

    def run(work: Any) -> Any:
        with business.kernel.db.in_use():
            barrier.wait(timeout=20)
            try:
                return work()
            except PosError as error:
                return error
            finally:
                if business.kernel.db.dialect == "sqlite":
                    business.kernel.db.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@pytest.mark.req("OPX-06")
def test_of_several_that_use_an_approval_at_once_one_does(office: Office) -> None:
    for _ in range(5):
        asked = office.act("cashier1", "approval:request", action="thing:again", command={"amount_minor": 500})
        office.approve("sue", asked["id"])
        contexts = [office.context("cashier1", approvals=Given(ids=(asked["id"],))) for _ in range(4)]
        works = [partial(ctx.kernel.perform, ctx, "thing:again", {"amount_minor": 500}) for ctx in contexts]
        found = in_threads(office.business, works)
        assert [one.code.code for one in found if isinstance(one, PosError)] == ["approval_not_usable"] * 3
        used = AuditEntry.select().where(AuditEntry.action == "thing:again", AuditEntry.outcome == "done")
        assert [asked["id"] in str(row.payload) for row in used].count(True) == 1
        assert Approval.get_by_id(asked["id"]).state == "used"


@pytest.mark.req("OPX-06")
def test_of_two_that_decide_a_level_at_once_one_does(office: Office) -> None:
    for _ in range(5):
        asked = office.ask(amount_minor=2000)
        works = [partial(office.approve, who, asked["id"], level=1) for who in ("sue", "sam", "mia")]
        found = in_threads(office.business, works)
        assert len([one for one in found if not isinstance(one, PosError)]) == 1
        assert {one.code.code for one in found if isinstance(one, PosError)} == {"approval_moved_on"}
        decisions = ApprovalDecision.select().where(ApprovalDecision.approval == asked["id"])
        assert [one.level for one in decisions] == [1]
