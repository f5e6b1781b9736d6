"""One line per request: method, path template, status, time, request and actor. Nothing where the level is higher.

A request only leaves its figures behind; a thread of its own makes lines of them and writes several at once, because
a write of each line on its own costs a till more than all else about it.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque
from time import perf_counter, time
from typing import Any

from pos_core import clock, logs

log = logging.getLogger("pos.access")

#: How long a line may wait. What is lost with a killed process is at most this much; the audit chain is the record.
WAIT_SECONDS = 0.2


class _Lines:
    """The figures of requests that are not written yet, and the thread that writes them."""

    def __init__(self) -> None:
        self._waiting: deque[dict[str, Any]] = deque()
        self._work = threading.Event()
        self._pid = 0
        self._one_at_a_time = threading.Lock()

    def add(self, fields: dict[str, Any]) -> None:
        self._waiting.append(fields)
        if self._pid != os.getpid():
            self._start()
        if not self._work.is_set():
            self._work.set()

    def _start(self) -> None:
        """Once in each process: threads do not survive a fork."""
        with self._one_at_a_time:
            if self._pid == os.getpid():
                return
            self._pid, self._work = os.getpid(), threading.Event()
            threading.Thread(target=self._run, name="access-lines", daemon=True).start()
            atexit.register(self.flush)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._work.wait()
            pause.wait(WAIT_SECONDS)
            self._work.clear()
            self.flush()

    def flush(self) -> None:
        """Write everything that waits, in the order of the requests' ends."""
        with self._one_at_a_time:
            records = []
            while self._waiting:
                fields = self._waiting.popleft()
                fields["at"] = clock.to_text(clock.from_timestamp(fields["at"]))
                records.append(logging.LogRecord(log.name, logging.INFO, "", 0, "request", fields, None))
            for handler in log.handlers if records else ():
                handler.acquire()
                try:
                    lines = "".join(handler.format(record) + "\n" for record in records)
                    handler.stream.write(lines)  # type: ignore[attr-defined]
                    handler.flush()
                finally:
                    handler.release()


_lines = _Lines()
flush = _lines.flush


class Access:
    """Middleware; stands after the one that gives the request its id. The path is the route's template, never ids."""

    def process_request(self, req: Any, resp: Any) -> None:
        req.context.began = perf_counter()
        logs.request_id.set(req.context.request_id)

    def process_response(self, req: Any, resp: Any, resource: object, req_succeeded: bool) -> None:
        if log.isEnabledFor(logging.INFO):
            _lines.add({
                "at": time(), "method": req.method, "path": req.uri_template or "(none)", "status": resp.status_code,
                "ms": round((perf_counter() - req.context.began) * 1000, 1), "request_id": req.context.request_id,
                "actor": getattr(req.context, "actor_id", None), "ip": req.remote_addr,
            })  # fmt: skip
        logs.request_id.set("")
