"""A worker: waitress on the supervisor's socket until it is told to stop, then every running request to its end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from pos_core.http.dispatch import Dispatcher
from pos_core.http.protocol import Channel
from pos_core.http.shares import Share
from pos_core.installer import checks
from pos_core.logs import access

if TYPE_CHECKING:
    from pos_core.kernel import Kernel

log = logging.getLogger("pos.http.worker")

#: How long a stopping worker still listens to open connections: what is in their buffers was sent in good faith.
LINGER_SECONDS = 0.15


class _Lifeline(wasyncore.file_dispatcher):  # type: ignore[misc]
    """The read end of a pipe whose write end only the supervisor has: its end is the supervisor's end."""

    def __init__(self, fd: int, gone: Callable[[], None], map: dict[int, Any]) -> None:
        super().__init__(fd, map=map)
        self._gone = gone

    def writable(self) -> bool:
        return False

    def handle_read(self) -> None:
        if not os.read(self.fileno(), 1):
            self.handle_close()

    def handle_expt(self) -> None:
        self.handle_close()

    def handle_close(self) -> None:
        self.del_channel()
        self._gone()


class _Server(TcpWSGIServer):  # type: ignore[misc]
    """waitress' server on a socket that other workers listen to as well."""

    share: Share

    def handle_accept(self) -> None:
        self.share.let_others_first()
        super().handle_accept()


class Worker:
    """One process' server. `ready` is called when requests are being answered."""

    def __init__(self, kernel: Kernel, app: Any, listener: socket.socket, lifeline: int, share: Share) -> None:
        config = kernel.config.http
        self._kernel = kernel
        self._grace = config.drain_seconds
        self._stopping = False
        self._told, self._tell = os.pipe()
        adjustments = Adjustments(
            sockets=[listener], threads=config.threads, connection_limit=config.connection_limit,
            max_request_body_size=max(config.max_body_bytes, config.max_upload_bytes),
            max_request_header_size=config.max_header_bytes, asyncore_use_poll=True, ident=None,
            clear_untrusted_proxy_headers=True,
        )  # fmt: skip
        self._threads = Dispatcher(config.threads, lambda: self._loop(30))
        place = (listener.family, listener.type, listener.proto, listener.getsockname())
        self._server: Any = _Server(
            app, {}, _sock=listener, dispatcher=self._threads, adj=adjustments, bind_socket=False, sockinfo=place
        )
        self._server.channel_class = Channel
        self._server.share = self._share = share
        _Lifeline(lifeline, self._orphaned, self._server._map)

    def run(self, ready: Callable[[], None]) -> int:
        """Serve until stopped; returns the exit status."""
        kernel = self._kernel
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        with kernel.db.in_use():
            kernel.start()
        log.info("worker ready", extra={"threads": kernel.config.http.threads})
        self._share.open()
        ready()
        self._threads.start()
        os.read(self._told, 1)  # until `stop`
        self._threads.take_reading(self._server.pull_trigger)
        complete = self._drain()
        access.flush()
        with kernel.db.in_use():
            kernel.stop()
        checks.close(kernel.db)
        log.info("worker stopped", extra={"drained": complete})
        return 0

    def stop(self) -> None:
        """Begin to stop; safe in a signal handler."""
        self._stopping = True
        os.write(self._tell, b"s")

    def _orphaned(self) -> None:
        if not self._stopping:
            log.error("the supervisor is gone: stopping")
            self.stop()

    def _loop(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, map=self._server._map, use_poll=True, count=1)

    def _drain(self) -> bool:
        """Take no new connection, finish what was sent, then end the threads; whether all of it was finished."""
        server = self._server
        self._share.leave()
        self._accept_waiting()
        server.draining = True
        server.del_channel()
        server.socket.close()
        began = time.monotonic()
        end = began + self._grace
        while (self._busy() or time.monotonic() < began + LINGER_SECONDS) and time.monotonic() < end:
            self._loop(0.05)
        complete = not self._busy()
        if not complete:
            log.warning("some requests were not finished in time", extra={"drain_seconds": self._grace})
        server.task_dispatcher.shutdown(timeout=max(0.1, end - time.monotonic()) if complete else 0.1)
        return complete

    def _accept_waiting(self) -> None:
        """Take the connections that the system has accepted already: their clients believe that we answer."""
        for _ in range(self._server.adj.backlog):
            before = len(self._server._map)
            self._server.handle_accept()
            if len(self._server._map) == before:
                return

    def _busy(self) -> bool:
        channels = list(self._server.active_channels.values())
        return any(c.requests or c.request or c.total_outbufs_len for c in channels)
