"""One line per request: method, path template, status, time, request and actor. Nothing where the level is higher."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any

from pos_core import clock, logs

log = logging.getLogger("pos.access")


class Access:
    """Middleware; stands after the one that gives the request its id. The path is the route's template, never ids."""

    def process_request(self, req: Any, resp: Any) -> None:
        req.context.began = perf_counter()
        logs.request_id.set(req.context.request_id)

    def process_response(self, req: Any, resp: Any, resource: object, req_succeeded: bool) -> None:
        if log.isEnabledFor(logging.INFO):
            fields: dict[str, Any] = {
                "at": clock.to_text(clock.SystemClock().now()), "method": req.method,
                "path": req.uri_template or "(none)", "status": resp.status_code,
                "ms": round((perf_counter() - req.context.began) * 1000, 1), "request_id": req.context.request_id,
                "actor": getattr(req.context, "actor_id", None), "ip": req.remote_addr,
            }  # fmt: skip
            log.handle(logging.LogRecord(log.name, logging.INFO, "", 0, "request", fields, None))
        logs.request_id.set("")
