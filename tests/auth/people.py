"""Signing in, and what the tests of it share."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pos_core.testing.harness import PASSWORD, Answer, Business, Client

WRONG = "wrong-password-1"


def sign_in(client: Client, name: str = "admin", password: str = PASSWORD, **more: Any) -> Answer:
    """Sign in at the headquarters, tokens in the body."""
    body = {"username": name, "password": password, "app_context": "hq", "delivery": "body", **more}
    return client.post("/auth/login", body)


def signed_in(client: Client, answer: Answer) -> Client:
    """A client that goes on with the session that was answered."""
    assert answer.status == 201, answer.text
    return Client(client.host, client.port, answer.data["access_token"])


def device(business: Business, till: int = 1) -> dict[str, str]:
    """A till's proof of itself."""
    return {"id": business.ids[f"device{till}"], "key": business.keys[f"device{till}"]}


def setting(business: Business, key: str, value: Any) -> None:
    business.perform("setting:change", {"key": key, "value": value})


def in_threads(business: Business, count: int, work: Callable[[int], Any]) -> list[Any]:
    """work(n) in `count` threads at once, each with a connection of its own; exceptions are answers too."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        with business.kernel.db.in_use():
            barrier.wait(timeout=20)
            try:
                return work(number)
            except Exception as error:  # noqa: BLE001 - the caller looks at it
                return error
            finally:
                if business.kernel.db.dialect == "sqlite":
                    business.kernel.db.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """The URL of a Redis of one's own, on a socket; the test is skipped where there is no redis-server."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on this machine (Debian: apt install redis-server)")
    socket = directory / "redis.sock"
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir",
         str(directory)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + 10
        while not socket.exists() and time.monotonic() < end:
            time.sleep(0.01)
        yield f"unix://{socket}"
    finally:
        process.kill()
        process.wait(10)
