"""Whoever hammers the door cannot fill the disk, and what was not recorded one by one is recorded as a number."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core.audit.models import AuditEntry
from pos_core.context import Actor, Context
from pos_core.errors import PosError
from pos_core.security.floods import TOGETHER, Floods
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import Business, Client

LIMIT = 3


@pytest.fixture
def small(make_business: Callable[..., Business]) -> Business:
    """A business that records three failed attempts a minute one by one."""
    business = make_business()
    for key in ("security.recorded_attempts_anonymous", "security.recorded_attempts_signed_in"):
        business.perform("setting:change", {"key": key, "value": LIMIT})
    return business


def stranger(business: Business, ip: str) -> Context:
    return Context(business.kernel, app_context="public", ip=ip, revision=business.kernel.revision())


def knock(business: Business, ip: str, times: int = 1) -> None:
    """Denied attempts from an address."""
    for _ in range(times):
        with pytest.raises(PosError):
            business.kernel.perform(stranger(business, ip), "store:create", None)


def denials() -> int:
    return int(SecurityEvent.select().where(SecurityEvent.kind == "permission_denied").count())


def gathered() -> list[SecurityEvent]:
    return list(SecurityEvent.select().where(SecurityEvent.kind == "attempts_gathered").order_by(SecurityEvent.seq))


@pytest.mark.req("SEC-02", "AUD-13")
def test_beyond_the_limit_attempts_are_counted_and_the_count_is_recorded(small: Business) -> None:
    before = AuditEntry.select().count()
    knock(small, "203.0.113.9", 10)
    assert denials() == LIMIT
    assert AuditEntry.select().count() == before + LIMIT
    small.clock.advance(timedelta(seconds=61))
    knock(small, "198.51.100.1")
    (told,) = gathered()
    assert (told.count, told.result, told.severity) == (7, "counted", "critical")
    assert told.details["origin"] == "ip:203.0.113.9"
    assert told.details["recorded"] == LIMIT
    assert denials() == LIMIT + 1
    small.clock.advance(timedelta(seconds=61))
    knock(small, "203.0.113.9")
    assert len(gathered()) == 1
    assert denials() == LIMIT + 2


def test_one_customer_of_ipv6_is_one_origin(small: Business) -> None:
    for number in range(6):
        knock(small, f"2001:db8:0:1::{number + 1:x}")
    knock(small, "2001:db8:0:2::1")
    assert denials() == LIMIT + 1


def test_many_addresses_share_a_limit(small: Business) -> None:
    for number in range(TOGETHER * LIMIT + 5):
        knock(small, f"10.0.{number}.1")
    assert denials() == TOGETHER * LIMIT


def test_the_command_line_is_not_bounded(small: Business) -> None:
    ctx = Context(small.kernel, actor=Actor("", "job"), revision=small.kernel.revision())
    for _ in range(LIMIT + 4):
        with pytest.raises(PosError):
            small.kernel.perform(ctx, "store:create", None)
    assert denials() == LIMIT + 4


def test_somebody_signed_in_is_bounded_by_the_session(small: Business) -> None:
    ctx = small.context("cashier")
    ctx.session_id = "01980000-0000-7000-8000-00000000abcd"
    for _ in range(LIMIT + 2):
        with pytest.raises(PosError):
            small.kernel.perform(ctx, "store:create", None)
    assert denials() == LIMIT


def test_the_count_is_not_lost_at_the_end(small: Business) -> None:
    knock(small, "203.0.113.9", LIMIT + 2)
    for handler in small.kernel.handlers("kernel_stopping", None):
        if handler.module == "core.security":
            handler.call({"kernel": small.kernel})
    assert [event.count for event in gathered()] == [2]
    assert not small.kernel.floods.holds


def test_a_security_event_that_was_done_brings_the_count_too(small: Business) -> None:
    knock(small, "203.0.113.9", LIMIT + 5)
    small.clock.advance(timedelta(seconds=90))
    small.perform("setting:change", {"key": "security.names_tried", "value": 4})
    assert [event.count for event in gathered()] == [5]


@pytest.mark.req("SEC-01", "AUT-04")
def test_guessing_passwords_over_http_fills_no_disk(business: Business, client: Client) -> None:
    """What a whole minute of guessing writes is bounded, and the attempts beyond it are a number."""
    before = AuditEntry.select().count()
    for number in range(150):
        client.post("/auth/login", {"username": f"name{number % 40}", "password": "a-wrong-guess", "app_context": "hq"})
    written = AuditEntry.select().count() - before
    default = business.kernel.settings.declared["security.recorded_attempts_anonymous"].default
    refused = SecurityEvent.select().where(SecurityEvent.kind == "sign_in").count()
    assert refused == default
    assert written < 3 * default
    business.clock.advance(timedelta(minutes=1))
    client.post("/auth/login", {"username": "name1", "password": "a-wrong-guess", "app_context": "hq"})
    assert [event.count for event in gathered()] == [150 - default]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.booleans()), max_size=120))
def test_every_attempt_is_recorded_or_counted(steps: list[tuple[int, int, bool]]) -> None:
    """No order of addresses and pauses loses an attempt, and no minute of one address records more than the limit."""
    class Ctx:
        session_id = None
        settings = {"security.recorded_attempts_anonymous": LIMIT}
        ip = ""
        at = datetime(2026, 3, 2, tzinfo=UTC)

    floods, recorded, counted = Floods(), 0, 0
    for address, pause, settled in steps:
        Ctx.ip, Ctx.at = f"10.0.0.{address + 1}", Ctx.at + timedelta(seconds=pause)
        if settled:
            counted += sum(flood.held for flood in floods.due(Ctx.at))
        recorded += floods.admit(Ctx())  # type: ignore[arg-type]
    over = floods.due(None)
    assert all(flood.recorded <= LIMIT * (TOGETHER if flood.origin == "everybody" else 1) for flood in over)
    assert recorded + counted + sum(flood.held for flood in over) == len(steps)
    assert not floods.holds


def test_threads_do_not_record_more_than_the_limit(small: Business) -> None:
    floods, ctx, admitted = Floods(), stranger(small, "203.0.113.9"), []

    def hammer() -> None:
        admitted.extend(floods.admit(ctx) for _ in range(50))

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) == LIMIT
    assert sum(flood.held for flood in floods.due(None)) == 400 - LIMIT
