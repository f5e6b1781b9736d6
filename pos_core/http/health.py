"""Liveness without the database, readiness with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import falcon
import orjson
import peewee as pw

from pos_core import __version__
from pos_core.db import migrate
from pos_core.plugins import StartError

if TYPE_CHECKING:
    from pos_core.kernel import Kernel


class Live:
    """200 as long as the process answers; says nothing about the database."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.data = orjson.dumps({"status": "alive", "version": __version__})
        resp.content_type = "application/json"


class Ready:
    """200 when sales can be taken: the database answers and its schema is this version's; else 503 with the reason."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        answer: dict[str, Any] = {"status": "ready", "version": __version__}
        try:
            with self._kernel.db.in_use():
                self._kernel.revision()
                migrate.require_current(self._kernel.db, self._kernel.apart)
        except StartError as error:
            answer |= {"status": "not ready", "reason": str(error)}
        except pw.PeeweeException:
            answer |= {"status": "not ready", "reason": "the database does not answer"}
        resp.status = falcon.HTTP_200 if answer["status"] == "ready" else falcon.HTTP_503
        resp.data = orjson.dumps(answer)
        resp.content_type = "application/json"


def mount(app: falcon.App, kernel: Kernel) -> None:
    """Put both at /health/live and /health/ready, outside the versioned API: probes need no token."""
    app.add_route("/health/live", Live())
    app.add_route("/health/ready", Ready(kernel))
