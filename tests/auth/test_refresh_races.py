"""Two clients with one refresh token, five hundred times each way: the database decides who is first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pos_core.auth.models import RefreshToken, Session
from pos_core.errors import PosError
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import Business
from tests.auth.signing import open_session, use

RACES = 500
pytestmark = pytest.mark.slow
Outcome = tuple[str, str]


def racer(business: Business, start: threading.Barrier) -> Callable[[str, str], Outcome]:
    """A client that begins together with the other: ("", its new token), or (the code it was refused with, "")."""

    def race(token: str, user_agent: str) -> Outcome:
        start.wait(timeout=30)
        try:
            return "", use(business, token, user_agent=user_agent, ip="10.0.0.1")["refresh_token"]
        except PosError as error:
            return error.code.code, ""

    return race


@pytest.fixture
def race(business: Business) -> Any:
    """race(token, agents): what each of two clients at once was answered."""
    start = threading.Barrier(2)
    run = racer(business, start)

    def connected(token: str, user_agent: str) -> Outcome:
        with business.kernel.db.in_use():
            return run(token, user_agent)

    with ThreadPoolExecutor(2) as pool:
        yield lambda token, agents: list(pool.map(connected, [token] * 2, agents))


@pytest.mark.req("AUT-10")
def test_the_same_client_twice_at_once_is_told_one_successor(business: Business, race: Any) -> None:
    """500 races in a row on the tokens of one session: each round begins with what the last one gave."""
    opened = open_session(business)
    token = opened["refresh_token"]
    for round_ in range(RACES):
        outcomes = race(token, ("till", "till"))
        assert [code for code, _ in outcomes] == ["", ""], (round_, outcomes)
        assert outcomes[0] == outcomes[1], round_
        assert outcomes[0][1] != token
        token = outcomes[0][1]
    numbers = [row.number for row in RefreshToken.select().order_by(RefreshToken.number)]
    assert numbers == list(range(1, RACES + 2)), "one successor for each round, no matter who was first"
    assert RefreshToken.select().where(RefreshToken.used_at.is_null()).count() == 1
    assert not SecurityEvent.select().where(SecurityEvent.kind == "token_reuse").exists()


@pytest.mark.req("AUT-10")
def test_a_thief_and_the_owner_at_once_end_the_family_every_time(business: Business, race: Any) -> None:
    business.perform("setting:change", {"key": "auth.concurrency", "value": "unlimited", "version": 0})
    ids = []
    for round_ in range(RACES):
        opened = open_session(business)
        ids.append(opened["id"])
        outcomes = race(opened["refresh_token"], ("till", "thief"))
        winners = [token for code, token in outcomes if not code]
        assert len(winners) <= 1, round_
        assert {code for code, _ in outcomes} <= {"", "refresh_token_reused"}, (round_, outcomes)
    assert Session.select().where(Session.id.in_(ids), Session.revoked_at.is_null()).count() == 0
    reused = Session.select().where(Session.id.in_(ids), Session.revoked_reason == "refresh token reused").count()
    assert reused == RACES, "100 %"
    assert SecurityEvent.select().where(SecurityEvent.kind == "token_reuse").count() >= RACES
