"""A worker's threads: one of them reads what arrives, and whoever has read a request also answers it.

waitress has a thread that only reads and hands each request to another one. In Python each hand-over costs a wake-up
and a fight for the interpreter's lock while the client waits. Here the reader keeps the request and gives the reading
to another thread, the one that finished last, whose memory is still warm.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger("pos.http.worker")


class Dispatcher:
    """Threads that take turns at reading (`read_once`, never two at a time) and answer what they have read.

    It has what waitress asks of a task dispatcher. `take_reading` gives the reading back to the caller, for the end.
    """

    def __init__(self, threads: int, read_once: Callable[[], None]) -> None:
        self._read_once = read_once
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._idle: list[Any] = []
        self._queue: deque[Any] = deque()
        self._reader: int | None = None
        self._shared = True
        self._ended = False
        self._threads = [
            threading.Thread(target=self._work, name=f"request-{number}", daemon=True) for number in range(threads)
        ]

    def start(self) -> None:
        """Begin to read and answer."""
        for thread in self._threads:
            thread.start()

    def add_task(self, task: Any) -> None:
        """A request that is complete; called by whoever reads, and by a thread that has found a second one.

        The first that a reader finds is its own; for each further one another thread is woken.
        """
        with self._lock:
            self._queue.append(task)
            if len(self._queue) > 1 or self._reader != threading.get_ident():
                self._wake_one()

    def take_reading(self, wake: Callable[[], None]) -> None:
        """From now on only the caller reads; `wake` interrupts the thread that is at it."""
        with self._lock:
            self._shared = False
        wake()
        with self._reading:
            return

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """End the threads; those that are still answering after the timeout are left behind."""
        with self._lock:
            self._ended = True
            self._shared = False
            while self._idle:
                self._idle.pop().release()
        end = time.monotonic() + timeout
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, end - time.monotonic()))
        left = list(self._queue) if cancel_pending else []
        self._queue.clear()
        for task in left:
            task.cancel()
        return bool(left)

    def _wake_one(self) -> None:
        """Wake the thread that went idle last; the lock is held."""
        if self._idle:
            self._idle.pop().release()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                task.service()
            except Exception:
                log.exception("a request could not be answered")

    def _next(self) -> Any:
        """The next request to answer, read by this thread if nobody else reads; None at the end."""
        while True:
            with self._lock:
                if self._queue:
                    task = self._queue.popleft()
                    if self._queue or (self._shared and self._reader is None):
                        self._wake_one()
                    return task
                if self._ended:
                    return None
                reads = self._shared and self._reader is None
                if reads:
                    self._reader = threading.get_ident()
                else:
                    mine = threading.Lock()
                    mine.acquire()
                    self._idle.append(mine)
            if reads:
                self._read()
            else:
                mine.acquire()

    def _read(self) -> None:
        try:
            with self._reading:
                if self._shared:
                    self._read_once()
        except Exception:
            log.exception("reading failed")
        finally:
            with self._lock:
                self._reader = None
