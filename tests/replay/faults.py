"""A door before the server that loses requests and answers, as a bad line does."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What happens to a request: it passes; it is lost before the server; its answer is lost; the door says 503.
PASS, LOST, ANSWER_LOST, UNAVAILABLE = "pass", "lost", "answer lost", "unavailable"


@dataclass
class BadLine:
    """`decide(place, path)` says what happens to the place-th request (from 0) of each path."""

    url: str
    happened: dict[str, int] = field(default_factory=dict)


@contextmanager
def bad_line(host: str, port: int, decide: Callable[[int, str], str]) -> Iterator[BadLine]:
    """A door on a port of its own that passes requests on to host:port, or does worse."""
    lock, counts = threading.Lock(), {}  # type: ignore[var-annotated]
    line = BadLine("")

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0]
            with lock:
                place = counts[path] = counts.get(path, -1) + 1
                fate = decide(place, path)
                line.happened[fate] = line.happened.get(fate, 0) + 1
            if fate == UNAVAILABLE:
                self.send_response(503)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"wait")
                return
            if fate != LOST:
                status, headers, content = self._pass_on(body)
            if fate in (LOST, ANSWER_LOST):
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _pass_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection(host, port, timeout=30)
            try:
                given = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
                connection.request(self.command, self.path, body or None, given)
                answer = connection.getresponse()
                content = answer.read()
                kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in ("connection", "content-length")]
                return answer.status, [*kept, ("Content-Length", str(len(content)))], content
            finally:
                connection.close()

        do_GET = do_POST = do_PUT = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: a test reads `happened`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    line.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield line
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
