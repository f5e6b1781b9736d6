"""The till's HTTP: what is tried again, what is not, and for how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import orjson
import pytest

from pos_core.ids import uuid7
from pos_core.replay.errors import Refused, ReplayError, Unreachable
from pos_core.replay.wire import Stopped, Wire
from pos_core.testing.harness import PASSWORD, Server

ADMIN = {"username": "admin", "password": PASSWORD, "app_context": "hq"}


@pytest.fixture
def behind(server: Server, faults: ModuleType) -> Callable[..., Any]:
    """behind(fates): a door before the server whose n-th request to /registers meets the n-th fate, then passes."""

    def make(*fates: str) -> Any:
        def decide(place: int, path: str) -> str:
            return fates[place] if path.endswith("/registers") and place < len(fates) else faults.PASS

        return faults.bad_line(server.host, server.port, decide)

    return make


def test_one_request_is_made_once_through_all_troubles(
    server: Server, behind: Callable[..., Any], faults: ModuleType
) -> None:
    with behind(faults.LOST, faults.UNAVAILABLE, faults.ANSWER_LOST) as line:
        wire = Wire(line.url, 20)
        wire.sign_in(ADMIN)
        store = wire.get("/stores").data[0]["id"]
        body = {"id": uuid7(), "store_id": store, "code": "X9", "name": "Nine"}
        answer = wire.send("POST", "/registers", orjson.dumps(body))
        assert (answer.status, answer.retries) == (201, 3)
        assert answer.data["id"] == body["id"]
        codes = [row["code"] for row in wire.pages("/registers")]
        wire.close()
    assert codes.count("X9") == 1


def test_patience_ends(behind: Callable[..., Any], faults: ModuleType) -> None:
    with behind(*[faults.UNAVAILABLE] * 50) as line:
        wire = Wire(line.url, 1.0)
        wire.sign_in(ADMIN)
        begun = time.monotonic()
        with pytest.raises(Unreachable, match=r"has not answered for 1 s \(http_503\)"):
            wire.get("/registers")
        assert 1.0 <= time.monotonic() - begun < 8
        wire.close()


def test_a_stop_cuts_the_wait_short(behind: Callable[..., Any], faults: ModuleType) -> None:
    stop = threading.Event()
    with behind(*[faults.LOST] * 50) as line:
        wire = Wire(line.url, 60, stop)
        wire.sign_in(ADMIN)
        threading.Timer(0.4, stop.set).start()
        begun = time.monotonic()
        with pytest.raises(Stopped):
            wire.get("/registers")
        assert time.monotonic() - begun < 3
        wire.close()


def test_a_refusal_is_told_once_with_its_fields(server: Server) -> None:
    wire = Wire(f"http://{server.host}:{server.port}", 5)
    with pytest.raises(Refused, match="credentials_wrong") as caught:
        wire.sign_in({**ADMIN, "password": "wrong-password-1"})
    assert caught.value.status == 401
    wire.sign_in(ADMIN)
    with pytest.raises(Refused, match=r"invalid_request: .*; code: ") as caught:
        wire.post("/registers", {"id": uuid7(), "store_id": uuid7(), "code": "bad code!", "name": "Nine"})
    assert caught.value.code == "invalid_request"
    with pytest.raises(Refused, match="route_unknown"):
        wire.get("/no-such-thing")
    wire.close()


def test_lists_are_read_to_their_end(server: Server) -> None:
    wire = Wire(f"http://{server.host}:{server.port}", 5)
    wire.sign_in(ADMIN)
    store = wire.get("/stores").data[0]["id"]
    before = len(list(wire.pages("/registers")))
    for number in range(205):
        wire.post("/registers", {"id": uuid7(), "store_id": store, "code": f"N{number}", "name": "N"})
    rows = list(wire.pages("/registers"))
    assert len({row["id"] for row in rows}) == len(rows) == before + 205
    wire.close()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://shop:port", "http://[::1"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ReplayError, match="is no address"):
        Wire(url, 1)
