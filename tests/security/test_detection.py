"""Detectors: each entry is counted once, a burst is one finding, and what is off watches nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_core import Setting, action, hookimpl, uuid7
from pos_core.audit.models import AuditEntry
from pos_core.context import Context
from pos_core.errors import PosError
from pos_core.plugins import StartError
from pos_core.security import sweeping
from pos_core.security.detectors import Detector, collect, threshold, window
from pos_core.security.models import SecurityEvent, SecurityFinding, Sighting
from pos_core.testing.harness import Business
from tests.core.lab import Write

WINDOW, THRESHOLD = 30, 3
CHANGE = "setting:change"


def watcher(module_of: Callable[..., Any], **options: Any) -> Any:
    """lab.watch: finds three `lab:void` of one person within half an hour suspicious."""

    @action("lab:void", command=Write, permission=("pos:registers.view", "hq:settings.manage"))
    def void(ctx: Any, command: Write) -> dict[str, Any]:
        """Void something."""
        return {"id": command.id, "text": command.text}

    @hookimpl
    def register_detectors() -> Any:
        return (
            Detector("lab.void_spike", actions=("lab:void",), threshold="lab.voids", window="lab.minutes",
                     en="{count} voids in {minutes} minutes, {threshold} allowed.",
                     es="{count} anulaciones en {minutes} minutos, {threshold} permitidas.", **options),
        )  # fmt: skip

    manifest = {"settings": (
        threshold("lab.voids", THRESHOLD, "Voids that raise a finding."),
        window("lab.minutes", WINDOW, "Minutes in which they are counted."),
    )}  # fmt: skip
    return module_of("lab.watch", void, manifest=manifest, register_detectors=register_detectors)


@pytest.fixture
def watched(make_business: Callable[..., Business], module_of: Callable[..., Any]) -> Business:
    business = make_business(extra=[watcher(module_of)])
    sweep(business)
    return business


def sweep(business: Business) -> list[str]:
    found: list[str] = []
    while True:
        done = business.perform("security:detect", {})
        found += done["findings"]
        if not done["more"]:
            return found


def void(business: Business, times: int = 1, till: int = 1, minutes: int = 0) -> None:
    for _ in range(times):
        business.perform("lab:void", {}, role="cashier", till=till)
        business.clock.advance(timedelta(minutes=minutes))


def findings() -> list[SecurityFinding]:
    return list(SecurityFinding.select().order_by(SecurityFinding.started_at, SecurityFinding.id))


@pytest.mark.req("SEC-04")
def test_reaching_the_threshold_is_one_finding_with_its_entries(watched: Business) -> None:
    void(watched, 2)
    assert sweep(watched) == []
    void(watched, 1)
    (found_id,) = sweep(watched)
    found = watched.query("finding:get", id=found_id)
    assert (found["detector"], found["count"], found["threshold"], found["state"]) == (
        "lab.void_spike", 3, THRESHOLD, "open")  # fmt: skip
    assert found["message"] == "3 voids in 30 minutes, 3 allowed."
    assert (found["actor_id"], found["store_id"]) == (watched.ids["cashier1"], watched.store_id)
    told = [(e["chain_id"], e["seq"]) for e in found["entries"]]
    rows = AuditEntry.select().where(AuditEntry.action == "lab:void").order_by(AuditEntry.seq)
    assert told == [(row.chain_id, row.seq) for row in rows]


@pytest.mark.req("SEC-04")
def test_a_burst_stays_one_finding_however_often_it_is_swept(watched: Business) -> None:
    for _ in range(8):
        void(watched, minutes=2)
        sweep(watched)
    (found,) = findings()
    assert found.count == 8
    assert found.version == 1


@pytest.mark.req("SEC-04")
def test_the_next_window_begins_anew(watched: Business) -> None:
    void(watched, 4)
    sweep(watched)
    watched.clock.advance(timedelta(minutes=WINDOW))
    void(watched, 2)
    sweep(watched)
    assert [found.count for found in findings()] == [4]
    void(watched, 1)
    sweep(watched)
    assert [found.count for found in findings()] == [4, 3]


@pytest.mark.req("SEC-04")
def test_slowly_is_not_suspicious_and_persons_are_told_apart(watched: Business) -> None:
    void(watched, 6, minutes=WINDOW // 2)
    watched.clock.advance(timedelta(minutes=WINDOW))
    void(watched, 2, till=1)
    void(watched, 2, till=2)
    watched.clock.advance(timedelta(minutes=WINDOW))
    void(watched, 2, till=2)
    assert sweep(watched) == []


@pytest.mark.req("SEC-04")
def test_what_was_refused_does_not_count(watched: Business) -> None:
    for _ in range(5):
        with pytest.raises(PosError):
            watched.perform("lab:void", {}, role="manager")
    assert sweep(watched) == []


@pytest.mark.req("SEC-04")
def test_thresholds_are_settings_of_the_store_and_zero_watches_nothing(watched: Business) -> None:
    watched.perform(CHANGE, {"key": "lab.voids", "value": 0})
    void(watched, 5)
    assert sweep(watched) == []
    assert Sighting.select().count() == 0
    watched.perform(CHANGE, {"key": "lab.voids", "value": 2, "store_id": watched.store_id})
    void(watched, 2)
    assert len(sweep(watched)) == 1


@pytest.mark.req("SEC-04", "MOD-07")
def test_a_module_that_is_off_detects_nothing(
    make_business: Callable[..., Business], module_of: Callable[..., Any]
) -> None:
    business = make_business(extra=[watcher(module_of)])
    void(business, 5)
    business.perform("module:disable", {"module": "lab.watch", "reason": "not_in_use"})
    assert sweep(business) == []
    assert Sighting.select().count() == 0
    business.perform("module:enable", {"module": "lab.watch"})
    void(business, 3)
    assert len(sweep(business)) == 1


@pytest.mark.req("SEC-04")
def test_a_weight_counts_for_more_and_nothing_is_not_seen(
    make_business: Callable[..., Business], module_of: Callable[..., Any]
) -> None:
    business = make_business(extra=[watcher(module_of, weigh=lambda seen: int(seen.fact["after"]["text"]))])
    for text in ("0", "0", "0", "2"):
        business.perform("lab:void", {"text": text}, role="cashier")
    assert sweep(business) == []
    business.perform("lab:void", {"text": "5"}, role="cashier")
    sweep(business)
    assert [found.count for found in findings()] == [7]
    assert Sighting.select().count() == 2


@pytest.mark.req("SEC-04", "SEC-02")
def test_a_finding_is_told_in_the_security_log_and_to_subscribers(watched: Business) -> None:
    void(watched, 3)
    heard: list[Any] = []
    original = watched.kernel.publish
    watched.kernel.publish = lambda ctx, event: heard.append(event)  # type: ignore[method-assign]
    (found,) = sweep(watched)
    watched.kernel.publish = original  # type: ignore[method-assign]
    event = SecurityEvent.get(SecurityEvent.kind == "suspicion")
    assert (event.user_id, event.store_id, event.details["finding"]) == (
        watched.ids["cashier1"], watched.store_id, found)  # fmt: skip
    assert [(e.name, e.entity_id) for e in heard] == [("security:suspected", found)]


@pytest.mark.req("SEC-04")
def test_more_than_one_sweep_takes_is_left_for_the_next(watched: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 2)
    void(watched, 5)
    first = watched.perform("security:detect", {})
    assert first["more"]
    assert first["entries"] < 5
    assert len(sweep(watched)) == 1
    assert findings()[0].count == 5


@pytest.mark.req("SEC-04")
def test_sweeps_at_the_same_time_count_each_entry_once(watched: Business) -> None:
    void(watched, 7, till=1)
    void(watched, 7, till=2)

    def run(_: int) -> list[str]:
        with watched.kernel.db.in_use():
            return sweep(watched)

    with ThreadPoolExecutor(6) as pool:
        made = [one for found in pool.map(run, range(6)) for one in found]
    assert len(made) == len(set(made)) == 2
    assert [found.count for found in findings()] == [7, 7]
    assert Sighting.select().count() == 14


@pytest.mark.req("SEC-04")
def test_a_sweep_is_due_only_when_something_happened(watched: Business) -> None:
    sweep(watched)
    assert not sweeping.is_due(watched.context())
    void(watched, 1)
    assert sweeping.is_due(watched.context())
    sweep(watched)
    assert not sweeping.is_due(watched.context())


@pytest.mark.req("SEC-04")
def test_what_came_to_nothing_is_forgotten_after_a_while(watched: Business) -> None:
    void(watched, 2)
    sweep(watched)
    watched.clock.advance(sweeping.KEPT + timedelta(days=1))
    void(watched, 1)
    sweep(watched)
    assert Sighting.select().count() == 1


STEPS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=25)


@pytest.mark.req("SEC-04")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STEPS)
def test_when_it_is_swept_makes_no_difference(watched: Business, steps: list[tuple[int, bool]]) -> None:
    """Findings follow from what happened when, not from when somebody looked."""
    watched.clock.advance(timedelta(days=1))
    known, began = {found.id for found in findings()}, watched.clock.now()
    times = []
    for pause, swept in steps:
        watched.clock.advance(timedelta(minutes=pause))
        void(watched)
        times.append(int((watched.clock.now() - began).total_seconds() // 60))
        if swept:
            sweep(watched)
    sweep(watched)
    made = [
        (int((found.started_at - began).total_seconds() // 60), found.count)
        for found in findings() if found.id not in known
    ]
    assert made == expected(times)


def expected(times: list[int]) -> list[tuple[int, int]]:
    """The findings of voids at these minutes, worked out plainly."""
    made: list[tuple[int, int]] = []
    loose: list[int] = []
    for minute in times:
        if made and minute < made[-1][0] + WINDOW:
            made[-1] = (made[-1][0], made[-1][1] + 1)
            continue
        loose = [t for t in loose if t > minute - WINDOW] + [minute]
        if len(loose) >= THRESHOLD:
            made.append((loose[0], len(loose)))
            loose = []
    return made


@pytest.mark.req("SEC-04")
@pytest.mark.parametrize(("wrong", "problem"), [
    ({"threshold": "lab.nothing"}, "no manifest declares"), ({"by": ("weather",)}, "its subject is made of"),
    ({"actions": ()}, "either actions or kinds"), ({"severity": "loud"}, "its severity"),
])  # fmt: skip
def test_a_detector_that_is_wrong_stops_the_start(
    make_business: Callable[..., Business], module_of: Callable[..., Any], wrong: dict[str, Any], problem: str
) -> None:
    given: dict[str, Any] = {"threshold": "security.names_tried", "window": "security.names_tried_minutes",
                             "actions": ("lab:void",), "en": "x", "es": "y", **wrong}

    @hookimpl
    def register_detectors() -> Any:
        return (Detector("lab.bad", **given),)

    business = make_business(extra=[module_of("lab.bad", register_detectors=register_detectors)])
    with pytest.raises(StartError, match=problem):
        collect(business.kernel)


@pytest.mark.req("SEC-04")
def test_a_sweep_can_be_asked_for_over_http(business: Business, client_as: Callable[..., Any]) -> None:
    assert client_as("manager").post("/security/sweeps").status == 403
    assert Sighting.select().count() == SecurityFinding.select().count() == 0
    answer = client_as("admin").post("/security/sweeps")
    assert (answer.status, answer.data["findings"], answer.data["more"]) == (200, [], False)
    assert answer.data["entries"] > 10


# -- the core's own ----------------------------------------------------------------------------------------------------


@pytest.mark.req("SEC-04")
def test_edits_outside_the_opening_hours_are_found(business: Business) -> None:
    sweep(business)
    business.perform(CHANGE, {"key": "security.hours_monday", "value": "09:00-18:00", "store_id": business.store_id})
    business.clock.set(datetime.fromisoformat("2026-03-02T12:00:00+00:00"))
    adjust(business)
    assert sweep(business) == []
    business.clock.set(datetime.fromisoformat("2026-03-02T22:00:00+00:00"))
    adjust(business)
    (found,) = [business.query("finding:get", id=one) for one in sweep(business)]
    assert found["detector"] == "security.after_hours"
    assert (found["actor_id"], found["store_id"]) == (business.ids["manager"], business.store_id)


def adjust(business: Business) -> None:
    """An edit in the store's back office."""
    business.perform("customer:create", {"id": uuid7(), "first_name": "Ann", "phone": "+34600111222"}, role="manager")


@pytest.mark.req("SEC-04", "SEC-01")
def test_names_tried_from_one_address_are_found(business: Business) -> None:
    sweep(business)
    names = ["ann", "bob", "cashier1", "manager", "ann", "zoe"]
    for name in names:
        fail_to_sign_in(business, name, "203.0.113.7")
    for _ in range(9):
        fail_to_sign_in(business, "ann", "203.0.113.8")
    (found,) = [business.query("finding:get", id=one) for one in sweep(business)]
    assert (found["detector"], found["severity"], found["ip"], found["count"]) == (
        "security.names_tried", "critical", "203.0.113.7", 5)  # fmt: skip
    assert len(found["entries"]) == len(names)


def fail_to_sign_in(business: Business, name: str, ip: str) -> None:
    ctx = Context(business.kernel, app_context="public", ip=ip, revision=business.kernel.revision())
    command = business.kernel.action("session:open").command.model_validate_json(
        f'{{"username": "{name}", "password": "wrong-password-9", "app_context": "hq"}}'
    )
    with pytest.raises(PosError):
        business.kernel.perform(ctx, "session:open", command)


def test_settings_of_detectors_are_declared_and_described(business: Business) -> None:
    declared = business.kernel.declared_settings()
    for one in collect(business.kernel).values():
        for key in (one.threshold, one.window):
            assert isinstance(declared[key], Setting)
            assert declared[key].security
        assert one.message("en", count=1, threshold=1, minutes=1) != one.message("es", count=1, threshold=1, minutes=1)
