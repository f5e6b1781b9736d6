"""How rules and hooks of modules are doing: calls, times and failures, counted where they are called.

Counting costs two readings of a clock and a few additions. A process writes what it counted into the data directory
now and then, so that any other one (`GET /modules/{module}`, `pos modules --why`) can show the sum over all of them.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import GeneratorType
from typing import Any

import orjson

log = logging.getLogger("pos.modules")

#: A subscriber that fails so many times in a row is not called any more.
FAILURES = 5
#: So often a slow handler is named in the log at most.
_NAME_EVERY_S = 60.0
#: So often a process writes what it counted.
WRITE_EVERY_S = 5.0


class Meter:
    """One handler's counts in this process."""

    __slots__ = ("calls", "failures", "handler", "hook", "in_a_row", "last_error", "longest_ns", "module", "named_at",
                 "on_error", "slow", "slow_ns", "spent_ns")  # fmt: skip

    def __init__(self, handler: str, module: str, hook: str, on_error: str, slow_ms: int) -> None:
        self.handler, self.module, self.hook, self.on_error = handler, module, hook, on_error
        self.slow_ns = slow_ms * 1_000_000
        self.calls = self.failures = self.in_a_row = self.slow = self.spent_ns = self.longest_ns = 0
        self.last_error, self.named_at = "", -_NAME_EVERY_S

    def add(self, spent_ns: int) -> None:
        """Count a call that took so long."""
        self.calls += 1
        self.spent_ns += spent_ns
        if spent_ns > self.longest_ns:
            self.longest_ns = spent_ns
        if spent_ns > self.slow_ns:
            self._name_it(spent_ns)

    def failed(self, error: Exception) -> int:
        """Count a failure; how many there were since it last went well."""
        self.failures += 1
        self.in_a_row += 1
        self.last_error = f"{type(error).__name__}: {error}"[:300]
        return self.in_a_row

    def _name_it(self, spent_ns: int) -> None:
        self.slow += 1
        now = time.monotonic()
        if now - self.named_at >= _NAME_EVERY_S:
            self.named_at = now
            log.info("a handler is slow", extra={"handler": self.handler, "hook": self.hook,
                                                 "module_name": self.module, "spent_ms": spent_ns // 1_000_000})

    def told(self) -> dict[str, Any]:
        """The counts as plain data."""
        return {
            "handler": self.handler, "module": self.module, "hook": self.hook, "on_error": self.on_error,
            "calls": self.calls, "failures": self.failures, "slow": self.slow, "spent_ns": self.spent_ns,
            "longest_ns": self.longest_ns, "last_error": self.last_error,
        }  # fmt: skip


class Health:
    """The meters of a process, and those that other processes wrote down."""

    def __init__(self, directory: Path, slow_ms: int) -> None:
        self._directory, self._slow_ms = directory, slow_ms
        self._meters: dict[tuple[str, str], Meter] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def meter(self, handler: str, module: str, hook: str, on_error: str = "") -> Meter:
        """The meter of a handler; the same one whenever it is asked for."""
        known = self._meters.get((handler, hook))
        if known is None:
            known = self._meters[handler, hook] = Meter(handler, module, hook, on_error, self._slow_ms)
        return known

    def told(self, module: str | None = None) -> list[dict[str, Any]]:
        """What all living processes have counted, by handler and hook; of one module or of all."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        own = [meter.told() for meter in list(self._meters.values())]
        for one in (*own, *self._others()):
            if module in (None, one["module"]):
                key = (one["handler"], one["hook"])
                found[key] = _sum(found[key], one) if key in found else dict(one)
        return [found[key] for key in sorted(found)]

    def _others(self) -> Iterable[dict[str, Any]]:
        for path in sorted(self._directory.glob("*.json")) if self._directory.is_dir() else ():
            if path.stem.isdigit() and int(path.stem) != os.getpid() and _lives(int(path.stem)):
                try:
                    yield from orjson.loads(path.read_bytes())
                except (OSError, ValueError) as error:
                    log.warning("counts of another process cannot be read",
                                extra={"file": path.name, "reason": str(error)})  # fmt: skip

    # -- writing it down -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Write the counts down from now on, in a thread of its own."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._keep_writing, name="pos-health", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop writing; the process' file goes."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join(timeout=5)
        self._thread = None
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self._directory / f"{os.getpid()}.json"

    def _keep_writing(self) -> None:
        written = -1
        for path in self._directory.glob("*.json"):
            if path.stem.isdigit() and not _lives(int(path.stem)):
                path.unlink(missing_ok=True)  # of a process that was killed
        while not self._stop.wait(WRITE_EVERY_S):
            calls = sum(meter.calls + meter.failures for meter in list(self._meters.values()))
            if calls == written:
                continue
            try:
                self._write()
                written = calls
            except OSError as error:
                log.warning("counts of handlers cannot be written", extra={"reason": str(error)})

    def _write(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        made = self._file.with_suffix(".new")
        made.write_bytes(orjson.dumps([meter.told() for meter in list(self._meters.values()) if meter.calls]))
        made.replace(self._file)


def _sum(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    added = {name: one[name] + other[name] for name in ("calls", "failures", "slow", "spent_ns")}
    return {**one, **added, "longest_ns": max(one["longest_ns"], other["longest_ns"]),
            "last_error": one["last_error"] or other["last_error"]}  # fmt: skip


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def timed(function: Callable[..., Any], values: Iterable[Any], meter: Meter | None) -> Any:
    """The function's answer, its time counted where there is a meter; a generator's is read within it."""
    if meter is None:
        return function(*values)
    began = time.perf_counter_ns()
    try:
        answered = function(*values)
        return tuple(answered) if type(answered) is GeneratorType else answered
    finally:
        meter.add(time.perf_counter_ns() - began)
