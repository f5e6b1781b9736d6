"""The general limiter of requests: optional, off unless `http.requests_per_minute` says how many a client may send.

A client is a session, or an address where no valid token comes along: a token that nobody signed must not give its
sender a fresh allowance. Each client has a bucket of a minute's requests that fills again evenly, in the memory of the
worker: with several workers a client has that many in each of them. Signing in has limits of its own, always on and
kept in the database.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from pos_core.errors import Kind, PosError, define

if TYPE_CHECKING:
    import falcon

    from pos_core.kernel import Kernel

REQUEST_LIMITED = define(
    "request_limited", Kind.TOO_MANY,
    en="Too many requests: at most {limit} a minute.", es="Demasiadas solicitudes: como máximo {limit} por minuto.",
    cure="Wait as long as Retry-After says (seconds). Whoever runs the server can raise http.requests_per_minute.",
)

#: So many clients are remembered; then those that have their whole allowance again are forgotten.
CLIENTS = 10_000
#: What is limited: the API. Probes and the documentation answer whatever happens.
LIMITED = "/api/"


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Buckets:
    """Allowances by client: `limit` requests, filling again within a minute."""

    def __init__(self, limit: int, now: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._now = limit, now
        self._rate = limit / 60
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, client: str) -> tuple[bool, int, int]:
        """(let in, requests left, seconds until one more is free where none is left, else until all are)."""
        with self._lock:
            now = self._now()
            bucket = self._buckets.get(client)
            if bucket is None:
                self._make_room(now)
                bucket = self._buckets[client] = _Bucket(self._limit, now)
            bucket.left = min(float(self._limit), bucket.left + (now - bucket.at) * self._rate)
            bucket.at = now
            let_in = bucket.left >= 1
            if let_in:
                bucket.left -= 1
            missing = self._limit - bucket.left if let_in else 1 - bucket.left
            return let_in, int(bucket.left), max(1, ceil(missing / self._rate))

    def _make_room(self, now: float) -> None:
        """Forget clients with a whole allowance; where all are busy, the one that was here first."""
        if len(self._buckets) < CLIENTS:
            return
        for client, bucket in list(self._buckets.items()):
            if bucket.left + (now - bucket.at) * self._rate >= self._limit:
                del self._buckets[client]
        while len(self._buckets) >= CLIENTS:
            del self._buckets[next(iter(self._buckets))]


class Limiter:
    """Middleware; stands after those that give a request its id and its access line."""

    def __init__(self, kernel: Kernel, now: Callable[[], float] = time.monotonic) -> None:
        self._kernel = kernel
        self.limit = kernel.config.http.requests_per_minute
        self._buckets = Buckets(self.limit, now)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Count the request; PosError `request_limited` when the client has none left."""
        if not req.path.startswith(LIMITED):
            return
        let_in, left, seconds = self._buckets.take(self._client(req))
        resp.set_header("RateLimit-Policy", f'"requests";q={self.limit};w=60')
        resp.set_header("RateLimit", f'"requests";r={left};t={seconds}')
        if not let_in:
            raise REQUEST_LIMITED(limit=self.limit, retry_after=seconds)

    def _client(self, req: falcon.Request) -> str:
        scheme, _, token = (req.get_header("Authorization") or "").partition(" ")
        if scheme.lower() == "bearer":
            try:
                return f"session {self._kernel.tokens.read(token.strip())}"
            except PosError:  # refused for its token where it is served
                return f"address {req.remote_addr}"
        return f"address {req.remote_addr}"
