"""Switches and failures across real worker processes of a running server."""

from __future__ import annotations

import threading
import time

import pytest

from pos_core.testing.harness import PASSWORD, Business, Client
from pos_core.testing.processes import ServerProcess, run_pos, settle

pytestmark = pytest.mark.slow


@pytest.mark.req("MOD-02", "MOD-05")
def test_every_worker_follows_a_switch_from_its_next_request_on(business: Business) -> None:
    """Two workers, four clients that never stop asking, and a switch from outside while they do."""
    directory = settle(business)
    with ServerProcess(directory, "--workers", "2", "--threads", "2") as server:
        server.wait_for("worker ready", count=2)
        client = server.client()
        body = {"username": "admin", "password": PASSWORD, "app_context": "hq"}
        client.token = client.post("/auth/login", body).data["access_token"]
        asking, seen = Asking(client), {}
        for turn, state in ((0, "on"), (1, "off"), (2, "on")):
            if turn:
                verb = "disable" if state == "off" else "enable"
                done = run_pos(directory, "modules", verb, "admin.incidents", "--reason", "not_in_use")
                assert done.returncode == 0, done.stdout + done.stderr
            seen[turn] = asking.after_now(40)
        asking.end()
        assert seen == {0: {200}, 1: {404}, 2: {200}}
        assert asking.statuses == {200, 404}, "nothing else was ever answered"
        assert server.stop() == 0


class Asking:
    """Threads that ask for a module's list again and again, each request on a connection of its own."""

    def __init__(self, client: Client) -> None:
        self._client, self._stop = client, threading.Event()
        self._told: list[tuple[float, int]] = []
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self._told.append((began, self._client.get("/incidents").status))

    def after_now(self, count: int) -> set[int]:
        """The answers to so many requests that begin from now on."""
        now = time.monotonic()
        until = now + 60
        while time.monotonic() < until:
            found = [status for began, status in list(self._told) if began > now]
            if len(found) >= count:
                return set(found)
            time.sleep(0.02)
        raise AssertionError("the server does not answer any more")

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    @property
    def statuses(self) -> set[int]:
        return {status for _, status in self._told}


