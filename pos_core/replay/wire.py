"""HTTP as a till speaks it: one kept connection, and the patience to wait for a server that restarts."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from pos_core.replay.errors import Refused, ReplayError, Unreachable

#: Answers of a server, or of a proxy before it, that is not ready: the request may be sent again.
WAIT = frozenset({429, 502, 503, 504})
#: A fault inside the server is tried again so many times, not for ever: the same body may fail each time.
FAULTS = 3
TIMEOUT_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status, JSON body (a dict), and how long the last try took in microseconds."""

    status: int
    body: dict[str, Any]
    microseconds: int
    retries: int

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def code(self) -> str:
        return str(self.body.get("code", f"http_{self.status}"))

    @property
    def replayed(self) -> bool:
        return bool(self.body.get("meta", {}).get("replayed"))

    def said(self) -> str:
        """What a problem says: its detail, and the first fields that it names."""
        texts = [str(self.body.get("detail") or self.body.get("title") or "")]
        texts += [
            f"{error['path']}: {error.get('message', '')}" for error in self.body.get("errors", [])[:3]
            if error.get("path") and error.get("message") != texts[0]
        ]
        return "; ".join(text for text in texts if text)

    def require(self) -> Answer:
        """This answer, when it is a success; else Refused with the problem's code and sentences."""
        if self.status < 300:
            return self
        raise Refused(self.status, self.code, self.said())


class Stopped(ReplayError):
    """The run was asked to end while a request waited for the server."""


class Wire:
    """One connection to a server. Not to be shared by threads.

    A request is tried until it is answered: through refused and broken connections, 429 and 5xx, with growing pauses,
    for up to `patience` seconds since the first try. Everything sent must therefore be repeatable (an id, or a key).
    """

    def __init__(self, url: str, patience: float, stop: threading.Event | None = None) -> None:
        try:
            parts = urlsplit(url if "//" in url else f"http://{url}")
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ReplayError(f"{url!r} is no address such as http://127.0.0.1:8080: {error}") from error
        if parts.scheme not in ("http", "https") or not self._host:
            raise ReplayError(f"{url!r} is no address such as http://127.0.0.1:8080")
        self._made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._prefix = parts.path.rstrip("/") + "/api/v1"
        self.patience, self._stop = patience, stop or threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        self._credentials: dict[str, Any] | None = None
        self._token: str | None = None
        self._refresh: str | None = None
        self.url = url

    def sign_in(self, credentials: Mapping[str, Any]) -> dict[str, Any]:
        """Sign in and keep the credentials: whenever a token has run out, the wire refreshes it by itself, or signs in
        again where the session is over.

        Returns the session; raises Refused when the credentials do not fit.
        """
        self._credentials, self._token = {**credentials, "delivery": "body"}, None
        answer = self._try("POST", "/auth/login", orjson.dumps(self._credentials), {})
        self._keep(answer.require())
        return dict(answer.data)

    def _keep(self, answer: Answer) -> None:
        self._token, self._refresh = answer.data["access_token"], answer.data["refresh_token"]

    def _sign_in_again(self) -> None:
        """Refresh, with the device that signed in; where the refresh token is no good either, sign in."""
        assert self._credentials is not None
        if self._refresh is not None:
            body = {"refresh_token": self._refresh, "device": self._credentials.get("device")}
            self._refresh = None
            answer = self._try("POST", "/auth/refresh", orjson.dumps(body), {})
            if answer.status < 300:
                return self._keep(answer)
        self.sign_in(self._credentials)
        return None

    def another(self) -> Wire:
        """A connection of its own to the same server, not signed in."""
        return Wire(self.url, self.patience, self._stop)

    def get(self, path: str, **parameters: Any) -> Answer:
        """Read; raises Refused for anything but a success."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return self.send("GET", f"{path}?{urlencode(given)}" if given else path).require()

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Do; raises Refused for anything but a success. The body must carry an id, so that it can be repeated."""
        return self.send("POST", path, orjson.dumps(body)).require()

    def pages(self, path: str, **parameters: Any) -> Any:
        """Every row of a list, page by page."""
        cursor = None
        while True:
            answer = self.get(path, limit=200, cursor=cursor, **parameters)
            yield from answer.data
            cursor = answer.body["meta"].get("next_cursor")
            if cursor is None:
                return

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request, tried until it is answered. Unreachable when the patience ends, Stopped when the run does."""
        answer = self._try(method, path, body, headers or {})
        if answer.status == 401 and self._credentials is not None:
            self._sign_in_again()
            answer = self._try(method, path, body, headers or {})
        return answer

    def _try(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        begun = time.monotonic()
        pause, retries, faults = _FIRST_PAUSE, 0, 0
        while True:
            if self._stop.is_set():
                raise Stopped("stopped before the next request")
            trouble, wait = "", None
            try:
                answer = self._once(method, path, body, headers, retries)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                trouble = f"{type(error).__name__}: {error}"
            else:
                faults += answer.status >= 500 and answer.status not in WAIT
                if answer.status not in WAIT and (answer.status < 500 or faults >= FAULTS):
                    return answer
                trouble = answer.code
                wait = float(answer.body.get("retry_after_seconds", 0)) or None
            if time.monotonic() - begun > self.patience:
                raise Unreachable(f"{self.url} has not answered for {self.patience:.0f} s ({trouble})")
            retries += 1
            # Spread: tills that were cut off together should not come back in the same instant.
            if self._stop.wait((wait or pause) * (0.5 + random.random())):  # noqa: S311
                raise Stopped("stopped while waiting for the server")
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], retries: int) -> Answer:
        if self._connection is None:
            self._connection = self._made(self._host, self._port, timeout=TIMEOUT_SECONDS)
        sent = dict(headers)
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        begun = time.perf_counter_ns()
        self._connection.request(method, self._prefix + path, body, sent)
        response = self._connection.getresponse()
        raw = response.read()
        took = (time.perf_counter_ns() - begun) // 1000
        return Answer(response.status, _json(raw, response), took, retries)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _json(raw: bytes, response: http.client.HTTPResponse) -> dict[str, Any]:
    """The body as JSON; what is no JSON object (a proxy's page, say) becomes an empty problem."""
    after = response.headers.get("Retry-After", "")
    extra = {"retry_after_seconds": int(after)} if after.isdigit() else {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return extra
    return {**body, **extra} if isinstance(body, dict) else extra
