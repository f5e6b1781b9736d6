"""A business on disk and real `pos` processes over it: for tests of what one process cannot show of itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pos_core.installer import checks
from pos_core.testing.harness import Business, Client

POS = (sys.executable, "-m", "pos_core.cli")


def settle(business: Business, **sections: Mapping[str, Any]) -> Path:
    """Write the business' configuration (test profile, its database, `sections`) into pos.toml and let go of its
    connections, so that other processes find it as a shop; returns its directory."""
    written: dict[str, Mapping[str, Any]] = {
        "database": {"url": business.kernel.config.database.url, "max_connections": 12}, **sections,
    }  # fmt: skip
    lines = ['profile = "test"']
    for name, values in written.items():
        lines.append(f"\n[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    path = business.directory / "pos.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o600)
    checks.close(business.kernel.db)
    return business.directory


def environment(**more: str) -> dict[str, str]:
    """This process' environment without what would configure a shop."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POS_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def run_pos(directory: Path, *arguments: str, timeout: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a `pos` command on a data directory to its end."""
    command = [*POS, "--data-dir", str(directory), *arguments]
    given = environment(**more)
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=given, check=False)


class ServerProcess:
    """`pos serve` (or another command that serves) as a process of its own, on a free port, with its log lines."""

    def __init__(
        self, directory: Path, *arguments: str, command: Sequence[str] = (), variables: Mapping[str, str] | None = None
    ) -> None:
        whole = list(command) or [*POS, "--data-dir", str(directory), "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            whole, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(**(variables or {})),
            start_new_session=True,
        )  # fmt: skip
        self.lines: list[dict[str, Any]] = []
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            try:
                line = json.loads(text)
            except ValueError:
                line = {"event": text.rstrip("\n"), "raw": True}
            with self._arrived:
                self.lines.append(line)
                self._arrived.notify_all()
        with self._arrived:
            self._arrived.notify_all()

    def __enter__(self) -> ServerProcess:
        self.client()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def wait_for(
        self, wanted: Callable[[dict[str, Any]], bool] | str, *, count: int = 1, seconds: float = 30
    ) -> dict[str, Any]:
        """The `count`th log line that is wanted (by a predicate or by its event); AssertionError with the log."""
        matches = wanted if callable(wanted) else lambda line: line["event"] == wanted
        end = time.monotonic() + seconds
        with self._arrived:
            while True:
                found = [line for line in self.lines if matches(line)]
                if len(found) >= count:
                    return found[count - 1]
                left = end - time.monotonic()
                assert left > 0, f"{wanted} did not come:\n{self.text()}"
                assert self._reader.is_alive(), f"the process ended before {wanted}:\n{self.text()}"
                self._arrived.wait(min(left, 0.2))

    def events(self, event: str) -> list[dict[str, Any]]:
        """The log lines of an event so far."""
        with self._arrived:
            return [line for line in self.lines if line["event"] == event]

    def text(self) -> str:
        """Everything written so far."""
        return "\n".join(map(str, self.lines))

    def client(self, token: str | None = None) -> Client:
        """An HTTP client; waits until the server serves."""
        parts = urlsplit(self.wait_for("serving")["url"])
        return Client(parts.hostname or "", parts.port or 0, token)

    def workers(self) -> list[int]:
        """The process ids of the workers that are alive, in the order of their start."""
        return [line["pid"] for line in self.events("worker ready") if _alive(line["pid"])]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float = 30) -> int:
        """Wait for the end; the exit status."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end:\n{self.text()}") from None
        self._reader.join(timeout=5)
        return status

    def kill(self) -> None:
        """End the process and its workers at once, whatever they do."""
        if self.process.poll() is None or any(_alive(pid) for pid in self.workers()):
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                self._reader.join(timeout=5)
        self.process.wait(10)
        self._reader.join(timeout=5)
        if self.process.stdout is not None:
            self.process.stdout.close()


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
