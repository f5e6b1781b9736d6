"""What waitress answers by itself (a body or header that is too large, bytes that are no HTTP) as problems, too."""

from __future__ import annotations

from typing import Any

import orjson
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask

from pos_core.errors import ErrorCode, Kind, PosError, define
from pos_core.http import problems
from pos_core.ids import uuid7

REQUEST_MALFORMED = define(
    "request_malformed", Kind.MALFORMED,
    en="This is not a valid HTTP request.", es="Esto no es una petición HTTP válida.",
    cure="Use an HTTP/1.1 client; a chunked body must be well formed.",
)
HEADERS_TOO_LARGE = define(
    "headers_too_large", Kind.TOO_LARGE,
    en="The request's headers are larger than {limit} bytes.", es="Las cabeceras superan {limit} bytes.",
    cure="Send fewer or shorter headers (status 431).",
)


class ProblemTask(ErrorTask):  # type: ignore[misc]
    """Answers a request that never reached the application."""

    def execute(self) -> None:
        error, limits = self.request.error, self.channel.adj
        codes: dict[int, tuple[ErrorCode, dict[str, Any]]] = {
            413: (problems.BODY_TOO_LARGE, {"limit": limits.max_request_body_size}),
            431: (HEADERS_TOO_LARGE, {"limit": limits.max_request_header_size}),
            500: (problems.INTERNAL, {}),
        }
        code, params = codes.get(error.code, (REQUEST_MALFORMED, {}))
        request_id = uuid7()
        accepted = self.request.headers.get("ACCEPT_LANGUAGE", "").lower()
        _, raw = problems.body(PosError(code, params=params), request_id, "es" if accepted.startswith("es") else "en")
        body = orjson.dumps({**orjson.loads(raw), "status": error.code})
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [
            ("Content-Type", "application/problem+json"), ("X-Request-Id", request_id), ("Cache-Control", "no-store"),
        ]  # fmt: skip
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class LastingTask(WSGITask):  # type: ignore[misc]
    """Tells the client to come back on a new connection when this worker is about to stop; answers in one piece."""

    wrote_header: bool

    def write(self, data: bytes) -> None:
        """waitress sends the headers and the body by themselves: two system calls, and a client that wakes twice."""
        whole = not self.wrote_header and self.complete and self.has_body and len(data) == self.content_length
        if not whole or not data:
            super().write(data)
            return
        self.channel.write_soon(self.build_response_header() + data)
        self.wrote_header = True
        self.content_bytes_written += len(data)

    def build_response_header(self) -> bytes:
        if getattr(self.channel.server, "draining", False):
            self.set_close_on_finish()
        return bytes(super().build_response_header())


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection whose errors are problems."""

    task_class = LastingTask
    error_task_class = ProblemTask

    def add_channel(self, map: Any = None) -> None:
        super().add_channel(map)
        self.server.share.hold(len(self.server.active_channels))

    def del_channel(self, map: Any = None) -> None:
        super().del_channel(map)
        self.server.share.hold(len(self.server.active_channels))
