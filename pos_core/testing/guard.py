"""What hooks must not do while an action runs: talk to the network, start programs, sleep, open databases.

Python tells of these as audit events, whoever imported what and when.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

REFUSED = {
    "socket.connect": "opens a network connection", "socket.bind": "listens on the network",
    "socket.getaddrinfo": "looks up a host", "socket.gethostbyname": "looks up a host",
    "socket.gethostbyaddr": "looks up a host", "socket.sendto": "sends to the network",
    "socket.sendmsg": "sends to the network", "subprocess.Popen": "starts a program",
    "os.system": "starts a program", "os.posix_spawn": "starts a program", "os.exec": "starts a program",
    "time.sleep": "sleeps", "sqlite3.connect": "opens a database of its own",
}  # fmt: skip


class GuardedAgainst(BaseException):
    """What a guarded piece of code tried; no `except Exception` of the code's own can hide it."""


class _State(threading.local):
    on = False
    tried: list[str]


_state = _State()
_installed = threading.Lock()
_hook_is_there = False


_sleep = time.sleep


def _guarded_sleep(seconds: float) -> None:
    _hook("time.sleep", (seconds,))
    _sleep(seconds)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _state.on and event in REFUSED:
        what = f"{REFUSED[event]} ({event})"
        _state.tried.append(what)
        raise GuardedAgainst(what)


@contextmanager
def guarded(tried: list[str]) -> Iterator[None]:
    """Refuse in this thread, for as long as it lasts, what REFUSED lists; what was tried is added to `tried`."""
    global _hook_is_there
    with _installed:
        if not _hook_is_there:
            sys.addaudithook(_hook)  # cannot be taken out again, so there is one and it is quiet unless asked
            if sys.version_info < (3, 13):  # from then on Python tells of a sleep itself
                setattr(time, "sleep", _guarded_sleep)  # noqa: B010 - its type says more than is needed here
            _hook_is_there = True
    before = _state.on
    _state.on, _state.tried = True, tried
    try:
        yield
    finally:
        _state.on = before
