"""The documentation that the server itself shows, without any network: OpenAPI, Swagger UI, the error catalogue."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

import falcon
import orjson

from pos_core.http import catalogue, openapi
from pos_core.http.routes import Door

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from pos_core.kernel import Kernel

#: The only files that are served, by the name they have in the address.
FILES = {
    "swagger-ui-bundle.js": "swagger/swagger-ui-bundle.js",
    "swagger-ui.css": "swagger/swagger-ui.css",
    "docs.js": "docs.js",
    "docs.css": "docs.css",
}  # fmt: skip
_MEDIA = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}

#: Swagger UI sets style attributes and draws its icons from data: addresses; scripts come from files only.
SECURITY_POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data:",
    "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
))  # fmt: skip

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>3PlugPOS: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{swagger_style}">
<link rel="stylesheet" href="{style}">
</head>
<body>
<nav class="bar">
<strong>3PlugPOS</strong> <a href="/docs/errors">Error codes</a> <a href="/openapi.json">openapi.json</a>
</nav>
<div id="api"><noscript>This page needs JavaScript; <a href="/openapi.json">openapi.json</a> does not.</noscript></div>
<script src="{bundle}"></script>
<script src="{script}"></script>
</body>
</html>
"""


@dataclass(frozen=True)
class Content:
    """Bytes to serve, made once when they are first asked for, with their compressed form and ETag."""

    make: Callable[[], bytes]
    media: str
    cache: str

    @cached_property
    def body(self) -> bytes:
        return self.make()

    @cached_property
    def compressed(self) -> bytes:
        return gzip.compress(self.body, compresslevel=6, mtime=0)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()[:20]

    @property
    def etag(self) -> str:
        # weak: the compressed and the plain form share it
        return f'W/"{self.digest}"'

    def send(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with the content, or with 304 where the client has it already."""
        resp.set_header("ETag", self.etag)
        resp.set_header("Cache-Control", self.cache)
        resp.set_header("Vary", "Accept-Encoding")
        resp.set_header("Content-Security-Policy", SECURITY_POLICY)
        resp.set_header("Referrer-Policy", "no-referrer")
        if self.etag in (req.get_header("If-None-Match") or ""):
            resp.status = falcon.HTTP_304
            return
        resp.content_type = self.media
        if "gzip" in (req.get_header("Accept-Encoding") or ""):
            resp.set_header("Content-Encoding", "gzip")
            resp.data = self.compressed
        else:
            resp.data = self.body


class Shown:
    """One address with one content."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._content.send(req, resp)


class Static:
    """The files of FILES by name. No path is ever made of what the client sent."""

    def __init__(self, contents: dict[str, Content]) -> None:
        self._contents = contents

    def on_get(self, req: falcon.Request, resp: falcon.Response, file: str) -> None:
        content = self._contents.get(file)
        if content is None:
            raise falcon.HTTPNotFound
        content.send(req, resp)


class Front:
    """The server's root leads to its documentation."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.status = falcon.HTTP_302
        resp.set_header("Location", "/docs")


def _file(place: str) -> Content:
    found: Traversable = files("pos_core.http").joinpath("static", *place.split("/"))
    return Content(found.read_bytes, _MEDIA[place.rpartition(".")[2]], "public, max-age=86400")


def mount(app: falcon.App, kernel: Kernel, doors: Sequence[Door]) -> None:
    """Put the documentation at /docs, /docs/errors and /openapi.json, and let / lead there. It needs no token."""
    static = {name: _file(place) for name, place in FILES.items()}

    def address(name: str) -> str:
        # the content's digest in the address: after an update no cache shows the old file
        return f"/docs/static/{name}?v={static[name].digest}"

    def start_page() -> bytes:
        return _PAGE.format(
            swagger_style=address("swagger-ui.css"), style=address("docs.css"), bundle=address("swagger-ui-bundle.js"),
            script=address("docs.js"),
        ).encode()  # fmt: skip

    def errors_page() -> bytes:
        return catalogue.page(catalogue.error_codes(kernel), address("docs.css")).encode()

    html = "text/html; charset=utf-8"
    app.add_route("/", Front())
    app.add_route("/docs", Shown(Content(start_page, html, "no-cache")))
    app.add_route("/docs/errors", Shown(Content(errors_page, html, "no-cache")))
    app.add_route("/docs/static/{file}", Static(static))
    app.add_route("/openapi.json", Shown(
        Content(lambda: orjson.dumps(openapi.document(kernel, doors)), "application/json", "no-cache")
    ))  # fmt: skip
