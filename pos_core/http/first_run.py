"""The server of a machine without a business: `GET` and `POST /api/v1/setup`, and probes that say so. Loopback only.

It ends when the business is there; then the same process serves it on the same socket, and `/api/v1/setup` is closed
for good.
"""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import falcon
import orjson
from pydantic import ValidationError
from waitress import wasyncore
from waitress.server import create_server

from pos_core import __version__
from pos_core.http import app, bodies, health, problems
from pos_core.http.routes import PREFIX
from pos_core.installer.first_run import SETUP_CLOSED, SETUP_NEEDED, FirstRun, SetUp
from pos_core.plugins import StartError

log = logging.getLogger("pos.http.first_run")

PATH = PREFIX + "/setup"
MAX_BODY_BYTES = 65_536
#: How long the last answer may take to leave.
LINGER_SECONDS = 3.0


class Setup:
    """The two doors of the first run, each wanting the setup code."""

    def __init__(self, first: FirstRun) -> None:
        self._first = first

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._first.require_code(req.get_header("Setup-Code"))
        _answer(req, resp, 200, self._first.state())

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._first.require_code(req.get_header("Setup-Code"))
        raw = app.read_body(req, MAX_BODY_BYTES)
        try:
            bodies.parse(raw)
            command = SetUp.model_validate_json(raw)
        except ValidationError as error:
            raise problems.from_validation(error) from None
        except ValueError as error:
            raise problems.BODY_MALFORMED(reason=str(error)) from None
        answer = self._first.set_up(command)
        log.info("the business was set up", extra={"business": answer["id"]})
        _answer(req, resp, 201, answer)


class Closed:
    """What stands at the same address ever after."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        raise SETUP_CLOSED()

    on_post = on_get


class Waiting:
    """Readiness while there is no business: not ready, and why."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.status = falcon.HTTP_503
        resp.content_type = "application/json"
        resp.data = orjson.dumps({"status": "setup needed", "version": __version__, "reason": f"POST {PATH}"})


def _answer(req: falcon.Request, resp: falcon.Response, status: int, data: dict[str, Any]) -> None:
    app.answer(req, resp, status, orjson.dumps({"data": data, "meta": {"request_id": req.context.request_id}}))


def _not_yet(req: falcon.Request, resp: falcon.Response, **_: str) -> None:
    raise SETUP_NEEDED()


def mount_closed(made: falcon.App) -> None:
    """Put the closed doors into the application of a business."""
    made.add_route(PATH, Closed())


def make_app(first: FirstRun) -> falcon.App:
    """The application of a machine without a business."""
    made = app.bare_app([app.Surroundings()])
    made.add_route(PATH, Setup(first))
    made.add_route("/health/live", health.Live())
    made.add_route("/health/ready", Waiting())
    made.add_sink(_not_yet)
    return made


def require_loopback(listener: socket.socket) -> None:
    """StartError where others could reach the first run over the network."""
    host = listener.getsockname()[0]
    if not ipaddress.ip_address(host).is_loopback:
        raise StartError(f"the first run is served on this machine only, not on {host}: leave --host and http.host "
                         "out, set the business up, then serve it where you like")  # fmt: skip


def serve(first: FirstRun, listener: socket.socket, started: Callable[[], None] = lambda: None) -> bool:
    """Serve the first run on a socket that stays open; whether the business was made (else: a signal came)."""
    stopping: list[int] = []
    before = {number: signal.signal(number, lambda n, _: stopping.append(n)) for number in _SIGNALS}
    server = create_server(
        make_app(first), sockets=[listener.dup()], threads=2, ident=None, clear_untrusted_proxy_headers=True,
        max_request_body_size=MAX_BODY_BYTES, asyncore_use_poll=True,
    )  # fmt: skip
    try:
        started()
        while not stopping and not first.done.is_set():
            wasyncore.loop(timeout=0.1, map=server._map, use_poll=True, count=1)
        _let_go(server)
    finally:
        server.task_dispatcher.shutdown(timeout=LINGER_SECONDS)
        server.close()
        wasyncore.close_all(server._map, ignore_all=True)
        for number, handler in before.items():
            signal.signal(number, handler)
    return first.done.is_set()


_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _let_go(server: Any) -> None:
    """Accept nobody more, and let running answers leave."""
    server.accepting = False
    end = time.monotonic() + LINGER_SECONDS
    while time.monotonic() < end:
        channels = list(server.active_channels.values())
        if not any(c.requests or c.request or c.total_outbufs_len for c in channels):
            return
        wasyncore.loop(timeout=0.05, map=server._map, use_poll=True, count=1)
