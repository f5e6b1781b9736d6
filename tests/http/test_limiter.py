"""The general limiter: off unless configured, per session or else per address, and never in the way of a probe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core.http import limiter
from pos_core.http.limiter import Buckets
from pos_core.testing.harness import PASSWORD, Answer, Business, Client, Server


@pytest.fixture
def limited(make_business: Callable[..., Business]) -> Iterator[Callable[[int], Server]]:
    """A server of a business that lets each client send so many requests a minute."""
    running: list[Server] = []

    def start(limit: int) -> Server:
        running.append(Server(make_business(http={"requests_per_minute": limit}).kernel))
        return running[-1]

    yield start
    for server in running:
        server.close()


def signed_in(server: Server, name: str = "admin", **place: str) -> Client:
    client = server.client()
    body = {"username": name, "password": PASSWORD, "app_context": "store" if place else "hq", **place}
    client.token = client.post("/auth/login", body).data["access_token"]
    return client


def store_of(server: Server) -> str:
    kernel = server.kernel
    return str(kernel.stores.all(kernel.revision())[0].id)


def figures(answer: Answer) -> tuple[int, int, int, int]:
    """(allowance, seconds of it, left, seconds to wait) of an answer's headers."""
    policy = re.fullmatch(r'"requests";q=(\d+);w=(\d+)', answer.headers["ratelimit-policy"])
    state = re.fullmatch(r'"requests";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert policy
    assert state
    return int(policy[1]), int(policy[2]), int(state[1]), int(state[2])


@pytest.mark.req("API-05")
def test_no_limit_unless_it_is_configured(client_as: Callable[..., Client]) -> None:
    admin = client_as("admin")
    for _ in range(30):
        answer = admin.get("/me")
        assert answer.status == 200
        assert "ratelimit" not in answer.headers


@pytest.mark.req("API-05")
def test_a_session_that_sends_too_much_is_told_to_wait(limited: Callable[[int], Server]) -> None:
    server = limited(5)
    admin = signed_in(server)
    answers = [admin.get("/me") for _ in range(7)]
    assert [a.status for a in answers] == [200] * 5 + [429] * 2
    assert [figures(a)[:3] for a in answers[:6]] == [(5, 60, left) for left in (4, 3, 2, 1, 0, 0)]
    refused = answers[-1]
    assert refused.code == "request_limited"
    assert refused.json["class"] == "system_fault"
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert int(refused.headers["retry-after"]) == figures(refused)[3]
    assert refused.headers["x-request-id"] == refused.json["request_id"]


@pytest.mark.req("API-05")
def test_each_session_has_an_allowance_of_its_own_and_invented_tokens_have_none(
    limited: Callable[[int], Server]
) -> None:
    server = limited(6)
    # to sign in is a request without a token, of the address that both have
    first, second = signed_in(server), signed_in(server, "manager", store_id=store_of(server))
    for _ in range(6):
        assert first.get("/me").status == 200
    assert first.get("/me").status == 429
    assert second.get("/me").status == 200
    statuses = [server.client(f"invented.{n}").get("/me").status for n in range(6)]
    assert statuses == [401] * 4 + [429] * 2, "whoever invents tokens is counted by address"


@pytest.mark.req("API-05")
def test_probes_and_documentation_are_never_limited(limited: Callable[[int], Server]) -> None:
    client = limited(2).client()
    for _ in range(5):
        assert client.get("/health/live").status == 200
        assert client.get("/health/ready").status == 200
        assert client.get("/docs/errors").status == 200
    assert [client.get("/me").status for _ in range(3)] == [401, 401, 429]


def test_an_allowance_fills_again_evenly() -> None:
    now = [1000.0]
    buckets = Buckets(60, lambda: now[0])
    assert all(buckets.take("a")[0] for _ in range(60))
    assert buckets.take("a") == (False, 0, 1)
    now[0] += 2.5
    assert [buckets.take("a")[0] for _ in range(3)] == [True, True, False]
    now[0] += 3600
    assert buckets.take("a") == (True, 59, 1)


@given(
    limit=st.integers(1, 1000),
    steps=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 200)), min_size=1, max_size=20),
)
def test_nobody_gets_more_than_a_minutes_requests_and_what_fills_since(limit: int, steps: Any) -> None:
    now = [0.0]
    buckets = Buckets(limit, lambda: now[0])
    let_in = 0
    for pause, burst in steps:
        now[0] += pause
        let_in += sum(buckets.take("a")[0] for _ in range(burst))
        assert let_in <= limit + now[0] * limit / 60 + 1e-6


@given(limit=st.integers(1, 600), burst=st.integers(1, 1200))
def test_who_waits_as_long_as_was_said_is_let_in(limit: int, burst: int) -> None:
    now = [0.0]
    buckets = Buckets(limit, lambda: now[0])
    for _ in range(burst):
        let_in, _, seconds = buckets.take("a")
    if not let_in:
        now[0] += seconds
        assert buckets.take("a")[0]


def test_clients_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "CLIENTS", 100)
    now = [0.0]
    buckets = Buckets(10, lambda: now[0])
    for n in range(1000):
        buckets.take(f"idle {n}")
        now[0] += 0.01
    assert len(buckets._buckets) <= 100
    now[0] += 60
    buckets.take("busy")
    assert len(buckets._buckets) == 1, "who has the whole allowance again is nobody special"
