"""How often somebody may try: per name, per address, at once, after a restart, and what a lockout is.

Everything holds for both places where attempts are counted: the database, and Redis.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_core import PosError, uuid7
from pos_core.audit.models import AuditEntry
from pos_core.auth import limits
from pos_core.auth.credentials_models import Attempt, Lockout
from pos_core.auth.passwords import SIGN_IN_BUSY
from pos_core.plugins import StartError
from pos_core.testing.harness import PASSWORD, Answer, Business, Client, Server
from pos_core.testing.processes import ServerProcess, run_pos, settle
from tests.auth.people import WRONG, in_threads, redis_server, setting, sign_in, signed_in

Make = Callable[..., Business]


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["database", "redis"])
def shop(request: pytest.FixtureRequest, make_business: Make) -> Business:
    """A business that counts attempts in its database, or in Redis."""
    url = "database" if request.param == "database" else request.getfixturevalue("redis_url")
    made = make_business(auth={"counters": url})
    if request.param == "redis":  # tests share one server and one template: keep their counts apart
        made.kernel.counters._prefix = f"pos:{uuid7()}:"  # type: ignore[attr-defined]
    return made


@pytest.fixture
def door(shop: Business) -> Iterator[Client]:
    server = Server(shop.kernel)
    yield server.client()
    server.close()


def seen(answers: list[Answer]) -> list[tuple[int, str, str | None, str]]:
    """What somebody outside can tell answers apart by; the request's own id left out."""
    return [(a.status, a.code, a.headers.get("retry-after"), a.json["detail"]) for a in answers]


@pytest.mark.req("AUT-04", "AUT-05", "AUT-06", "API-05")
def test_five_failures_lock_the_name_for_thirty_minutes(door: Client, shop: Business) -> None:
    answers = [sign_in(door, "admin", WRONG) for _ in range(6)]
    assert [a.status for a in answers] == [401] * 5 + [429]
    assert (answers[-1].code, answers[-1].headers["retry-after"]) == ("account_locked", "1800")
    shop.clock.advance(timedelta(minutes=29, seconds=59))
    still = sign_in(door, "admin")
    assert (still.code, still.headers["retry-after"]) == ("account_locked", "1")
    shop.clock.advance(timedelta(seconds=1))
    assert sign_in(door, "admin").status == 201


@pytest.mark.req("AUT-06")
def test_an_unknown_name_is_answered_exactly_like_a_known_one(door: Client) -> None:
    known = [sign_in(door, "admin", WRONG) for _ in range(7)]
    unknown = [sign_in(door, "nobody-here", WRONG) for _ in range(7)]
    assert seen(known) == seen(unknown)


def test_names_are_counted_whatever_their_case(door: Client) -> None:
    for name in ("admin", "ADMIN", "Admin", "aDmin", "adMin"):
        assert sign_in(door, name, WRONG).status == 401
    assert sign_in(door, "admIN").code == "account_locked"


@pytest.mark.req("AUT-04")
def test_a_success_forgives_the_name_and_time_does_too(door: Client, shop: Business) -> None:
    for _ in range(3):
        assert [sign_in(door, "admin", WRONG).status for _ in range(4)] == [401] * 4
        assert sign_in(door, "admin").status == 201
    assert [sign_in(door, "admin", WRONG).status for _ in range(4)] == [401] * 4
    shop.clock.advance(timedelta(minutes=15))
    assert [sign_in(door, "admin", WRONG).status for _ in range(4)] == [401] * 4
    assert sign_in(door, "admin").status == 201


@pytest.mark.req("AUT-06")
def test_the_window_speaks_where_it_lasts_longer_than_the_lockout(door: Client, shop: Business) -> None:
    setting(shop, "sign_in.lock_minutes", 5)
    for _ in range(5):
        sign_in(door, "admin", WRONG)
    limited = sign_in(door, "admin")
    assert (limited.status, limited.code, limited.headers["retry-after"]) == (429, "sign_in_limited", "900")
    shop.clock.advance(timedelta(minutes=15))
    assert sign_in(door, "admin").status == 201


@pytest.mark.req("AUT-05", "AUT-06")
def test_a_lockout_that_is_over_within_the_window_leaves_one_try_at_a_time(door: Client, shop: Business) -> None:
    setting(shop, "sign_in.lock_after", 3)
    setting(shop, "sign_in.lock_minutes", 5)
    assert [sign_in(door, "admin", WRONG).status for _ in range(3)] == [401] * 3
    assert sign_in(door, "admin").code == "account_locked"
    shop.clock.advance(timedelta(minutes=5))
    assert sign_in(door, "admin", WRONG).status == 401
    again = sign_in(door, "admin")
    assert (again.code, again.headers["retry-after"]) == ("account_locked", "300")
    shop.clock.advance(timedelta(minutes=5))
    assert sign_in(door, "admin").status == 201


@pytest.mark.req("AUT-04")
def test_twenty_failures_from_one_address_make_it_wait_and_successes_do_not_count(door: Client) -> None:
    assert {sign_in(door, "admin").status for _ in range(25)} == {201}
    assert {sign_in(door, f"guess{n // 4}", WRONG).status for n in range(20)} == {401}
    refused = sign_in(door, "admin")
    assert (refused.status, refused.code, refused.headers["retry-after"]) == (429, "sign_in_limited", "900")


def test_ones_own_success_does_not_forgive_the_address(door: Client) -> None:
    for n in range(20):
        assert sign_in(door, f"guess{n}", WRONG).status == 401
        if n < 19:
            assert sign_in(door, "admin").status == 201
    assert sign_in(door, "admin").code == "sign_in_limited"


@pytest.mark.req("AUT-05")
def test_guesses_at_once_are_compared_five_times_at_most(shop: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    verify = shop.kernel.passwords.verify

    def counting(password: str, stored: str | None) -> bool:
        compared.append(password)
        return verify(password, stored)

    monkeypatch.setattr(shop.kernel.passwords, "verify", counting)
    command = shop.kernel.action("session:open").command

    def guess(number: int) -> Any:
        given = {"username": "manager", "password": f"guess-number-{number}", "app_context": "hq"}
        ctx = shop.kernel.system_context("", ip=f"10.0.0.{number}")
        return shop.kernel.perform(ctx, "session:open", command.model_validate(given))

    answers = [a for _ in range(3) for a in in_threads(shop, 16, guess)]
    codes = [a.code.code for a in answers if isinstance(a, PosError)]
    assert len(codes) == 48
    assert len(compared) == codes.count("credentials_wrong") == 5
    assert set(codes) <= {"credentials_wrong", "sign_in_pending", "account_locked"}
    assert codes.count("account_locked") > 0


@pytest.mark.req("AUT-04")
def test_an_address_waits_for_what_failed_and_comes_again_for_what_is_under_way(shop: Business) -> None:
    """Thirty tills that sign in at eight o'clock: those beyond twenty at once are asked to come again in seconds."""
    ctx = shop.kernel.system_context("", ip="10.1.1.1")
    under_way = [limits.reserve(ctx, f"till{number}", "password") for number in range(20)]
    with pytest.raises(PosError) as again:
        limits.reserve(ctx, "till20", "password")
    assert (again.value.code, again.value.params["retry_after"]) == (limits.SIGN_IN_PENDING, 2)
    for attempt in under_way:
        limits.settle(ctx, attempt, "succeeded")
    for number in range(20, 30):
        limits.settle(ctx, limits.reserve(ctx, f"till{number}", "password"), "succeeded")


@pytest.mark.req("AUT-05")
def test_a_check_that_could_not_be_made_counts_for_nothing(
    shop: Business, door: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(password: str, stored: str | None) -> bool:
        raise SIGN_IN_BUSY()

    with monkeypatch.context() as patch:
        patch.setattr(shop.kernel.passwords, "verify", busy)
        assert {sign_in(door, "admin").code for _ in range(8)} == {"sign_in_busy"}
    assert sign_in(door, "admin").status == 201


def test_a_try_that_died_with_its_process_counts_as_failed_after_a_minute(shop: Business) -> None:
    ctx = shop.kernel.system_context("", ip="10.2.2.2")
    for _ in range(5):
        limits.reserve(ctx, "manager", "password")
    with pytest.raises(PosError) as pending:
        limits.reserve(ctx, "manager", "password")
    assert pending.value.code is limits.SIGN_IN_PENDING
    shop.clock.advance(timedelta(seconds=limits.PENDING_S))
    with pytest.raises(PosError) as limited:
        limits.reserve(ctx, "manager", "password")
    assert limited.value.code is limits.SIGN_IN_LIMITED


def test_an_attempt_inside_an_action_is_refused(business: Business) -> None:
    ctx = business.context()
    ctx.uow = object()  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="beforehand"):
        limits.reserve(ctx, "manager", "password")


STEPS = st.lists(
    st.tuples(st.sampled_from(["try", "fail", "succeed", "withdraw", "wait"]), st.integers(0, 1), st.integers(1, 900)),
    max_size=40,
)


@pytest.mark.req("AUT-04", "AUT-05")
@given(steps=STEPS)
@settings(
    max_examples=30, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_order_of_tries_gets_past_the_limits(shop: Business, steps: list[tuple[str, int, int]]) -> None:
    """Tries, endings and time in any order, for two names: never more than 5 unsettled or failed in 15 minutes, and
    none for 30 minutes after the failure that locked."""
    ctx, run = shop.kernel.system_context(""), uuid7()
    held: list[list[limits.Attempt]] = [[], []]
    bad: list[list[datetime]] = [[], []]
    locked: list[datetime | None] = [None, None]
    for what, who, seconds in steps:
        now = shop.clock.now()
        if what == "wait":
            shop.clock.advance(timedelta(seconds=seconds))
        elif what == "try":
            counted = [at for at in bad[who] if at > now - timedelta(minutes=15)]
            counted += [a.at for a in held[who] if a.at > now - timedelta(minutes=15)]
            until = locked[who]
            free = len(counted) < 5 and (until is None or until <= now)
            try:
                held[who].append(limits.reserve(ctx, f"{run}-{who}", "password"))
                taken = True
            except PosError:
                taken = False
            assert taken == free, (counted, until)
        elif held[who]:
            attempt = held[who].pop(0)
            outcome = {"fail": "failed", "succeed": "succeeded", "withdraw": "withdrawn"}[what]
            limits.settle(ctx, attempt, outcome)  # type: ignore[arg-type]
            if outcome == "succeeded":
                bad[who] = []
            if outcome == "failed":
                bad[who].append(attempt.at)
                died = now - timedelta(seconds=limits.PENDING_S)
                failed = [at for at in bad[who] if at > now - timedelta(minutes=15)]
                failed += [a.at for a in held[who] if now - timedelta(minutes=15) < a.at <= died]
                until = locked[who]
                if len(failed) >= 5 and (until is None or until <= now):
                    locked[who] = now + timedelta(minutes=30)


@pytest.mark.req("AUT-05", "RBC-15")
def test_an_administrator_unlocks_and_the_machines_own_command_does(business: Business, tmp_path: Path) -> None:
    server = Server(business.kernel)
    try:
        client = server.client()
        admin = signed_in(client, sign_in(client))
        manager = business.ids["manager"]
        for _ in range(5):
            sign_in(client, "manager", WRONG)
        state = admin.get(f"/users/{manager}/credentials").data
        assert (state["locked"], state["locked_until"][:16]) == (["password"], "2026-03-02T10:30")
        assert admin.post(f"/users/{manager}/unlock").data == {"id": manager, "unlocked": ["password"]}
        assert admin.post(f"/users/{manager}/unlock").data["unlocked"] == []
        place = {"app_context": "store", "store_id": business.store_id}
        assert sign_in(client, "manager", WRONG, **place).status == 401
        assert sign_in(client, "manager", **place).status == 201
        for _ in range(5):
            sign_in(client, "admin", WRONG)
        assert sign_in(client, "admin").code == "account_locked"
    finally:
        server.close()
    directory = settle(business)
    done = run_pos(directory, "user", "unlock", "admin")
    assert (done.returncode, "every failed attempt is forgiven" in done.stdout) == (0, True), done.stderr
    with business.kernel.db.in_use():
        assert Lockout.select().count() == 0
    assert run_pos(directory, "user", "unlock", "nobody").returncode == 2


@pytest.mark.req("AUT-05")
def test_a_stores_manager_unlocks_the_stores_people_and_nobody_else(
    client_as: Callable[..., Client], business: Business
) -> None:
    manager, cashier = client_as("manager"), client_as("cashier")
    assert manager.post(f"/users/{business.ids['cashier1']}/unlock").status == 200
    assert manager.post(f"/users/{business.ids['admin']}/unlock").status == 404
    assert manager.post(f"/users/{uuid7()}/unlock").status == 404
    assert cashier.post(f"/users/{business.ids['cashier1']}/unlock").status == 403


@pytest.mark.req("SEC-01")
def test_every_try_and_the_lockout_stand_in_the_audit_without_names_or_passwords(
    client: Client, business: Business
) -> None:
    for _ in range(5):
        sign_in(client, "not-a-user-but-a-secret", WRONG)
    entries = list(AuditEntry.select().where(AuditEntry.action.in_(["attempt:reserve", "attempt:settle"])))
    assert len(entries) == 10
    assert not any("secret" in entry.payload or WRONG in entry.payload for entry in entries)
    assert AuditEntry.select().where(AuditEntry.action == "account:lock").count() == 1
    assert not any(WRONG in entry.payload for entry in AuditEntry.select())


def test_what_counts_no_longer_is_cleared_away(business: Business) -> None:
    ctx = business.kernel.system_context("", ip="10.0.0.1")
    for n in range(12):
        for _ in range(5):
            there = business.kernel.system_context("", ip=f"10.0.1.{n}")
            limits.settle(there, limits.reserve(there, f"n{n}", "password"), "failed")
    assert (Attempt.select().count(), Lockout.select().count()) == (60, 12)
    business.clock.advance(timedelta(days=3))
    limits.settle(ctx, limits.reserve(ctx, "late", "password"), "failed")
    ctx.perform("attempt:purge", {})
    assert (Attempt.select().count(), Lockout.select().count()) == (1, 0)


@pytest.mark.req("AUT-04", "AUT-05")
def test_several_processes_count_together_and_a_restart_forgets_nothing(business: Business) -> None:
    directory = settle(business, http={"workers": 2 if business.kernel.db.dialect == "postgresql" else 1})
    with ServerProcess(directory) as served:
        client = served.client()
        answers = [sign_in(client, "manager", WRONG) for _ in range(8)]
        assert [a.status for a in answers] == [401] * 5 + [429] * 3
    with ServerProcess(directory) as served:
        assert sign_in(served.client(), "manager", PASSWORD).code == "account_locked"


@pytest.mark.req("API-05")
def test_without_its_redis_nobody_signs_in(make_business: Make, tmp_path: Path) -> None:
    with redis_server(tmp_path) as url:
        shop = make_business(auth={"counters": url})
        server = Server(shop.kernel)
    try:
        answer = sign_in(server.client())
        assert (answer.status, answer.code) == (503, "sign_in_counters_down")
    finally:
        server.close()


def test_a_server_that_cannot_count_does_not_start(
    make_business: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make_business(auth={"counters": "redis://127.0.0.1:1/0"})
    monkeypatch.setitem(sys.modules, "pos_core.auth.redis_counters", None)
    with pytest.raises(StartError, match=r"pip install 'pos-core\[redis\]'"):
        shop.kernel.start()


@pytest.mark.parametrize(("key", "value"), [("sign_in.attempts_per_name", 0), ("sign_in.lock_after", 0),
                                            ("sign_in.attempts_per_address", 0), ("sign_in.lock_minutes", 0)])
@pytest.mark.req("API-05")
def test_the_limits_cannot_be_switched_off(business: Business, key: str, value: int) -> None:
    with pytest.raises(PosError) as refused:
        setting(business, key, value)
    assert refused.value.code.code == "setting_invalid"
