"""The WSGI application: a door per route, the same few steps at each of them.

    request id -> token, session, context -> module on? -> permission -> schema -> perform or query -> envelope
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import falcon
import orjson
from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import ValidationError

from pos_core import actions
from pos_core.audit.chain import plain
from pos_core.auth.sessions import context_of
from pos_core.auth.tokens import TOKEN_MISSING
from pos_core.context import Context
from pos_core.errors import NOT_FOUND, Kind, PosError
from pos_core.http import bodies, cookies, problems, routes
from pos_core.http.limiter import Limiter
from pos_core.http.masking import DoorMask
from pos_core.http.routes import PREFIX, Door
from pos_core.ids import is_uuid7, uuid7
from pos_core.logs.access import Access

if TYPE_CHECKING:
    from pos_core.kernel import Kernel

log = logging.getLogger("pos.http")

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
_KEY = re.compile(r"^[\x21-\x7e]{1,100}$")
_ETAG = re.compile(r'^(?:W/)?"(\d{1,18})"$')
_COMPRESS_FROM = 1400
_JSON = "application/json"
_OUTPUT = orjson.OPT_PASSTHROUGH_DATETIME


class Cursors:
    """Cursors of lists: signed, so that only what a list gave comes back to it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def _signer(self, query: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            list(self._kernel.secrets.token_keys), salt=f"pos.cursor.{query}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def write(self, query: str, key: tuple[Any, ...]) -> str:
        return str(self._signer(query).dumps(list(key)))

    def read(self, query: str, text: str) -> tuple[Any, ...]:
        """The key to go on from; PosError `cursor_invalid`."""
        try:
            return tuple(self._signer(query).loads(text))
        except BadSignature:
            raise problems.CURSOR_INVALID("cursor") from None


class Endpoint:
    """All doors of one path: Falcon calls `on_get` and so on."""

    def __init__(self, kernel: Kernel, doors: Mapping[str, Door]) -> None:
        self._kernel = kernel
        self._cursors = Cursors(kernel)
        for method, door in doors.items():
            setattr(self, f"on_{method.lower()}", self._responder(door))

    def _responder(self, door: Door) -> Any:
        serve = self._serve_action if door.is_action else self._serve_query
        mask = DoorMask(self._kernel.masks, door)

        def respond(req: falcon.Request, resp: falcon.Response, **variables: str) -> None:
            kernel = self._kernel
            with kernel.db.in_use():
                ctx = context_for(kernel, req, public=door.does.public, token=door.route.token)
                req.context.actor_id = ctx.actor.id or None
                kernel.require_enabled(door.module, ctx.store_id, ctx.revision)
                try:
                    serve(door, mask, ctx, req, resp, variables)
                except PosError as error:
                    if not door.is_action and error.code.kind is Kind.DENIED:  # an action records its own attempts
                        actions.record(kernel, ctx, door.does, None, "denied", error)
                    raise

        return respond

    def _serve_action(
        self, door: Door, mask: DoorMask, ctx: Context, req: falcon.Request, resp: falcon.Response,
        variables: dict[str, str],
    ) -> None:
        kernel, key = self._kernel, _idempotency_key(req)
        if door.route.cookie:  # its secrets are told once: a refresh has a way of its own of being repeated
            key = None
        command = self._command(door, ctx, req, variables) if ctx.actor.is_super_admin or _may(ctx, door) else None
        outcome = kernel.perform(ctx, door.does.name, command, key=key)
        told = outcome.data
        if door.route.cookie:
            told = cookies.give(req, resp, kernel.config.http, door.route.cookie, told)
        data, masked = mask.cover(ctx.actor, told)  # a repeat's too: rights may have been withdrawn since
        meta = _meta(ctx, masked)
        if outcome.replayed:
            meta["replayed"] = True
            resp.set_header("Idempotent-Replayed", "true")
        if "version" in data:
            resp.set_header("ETag", _etag(data["version"], masked))
        answer(req, resp, outcome.status if not door.route.status else door.route.status,
               orjson.dumps({"data": data, "meta": meta}, default=plain, option=_OUTPUT))

    def _command(self, door: Door, ctx: Context, req: falcon.Request, variables: dict[str, str]) -> Any:
        """The request's body, path and If-Match as the action's frozen command."""
        config = self._kernel.config.http
        limit = config.max_upload_bytes if door.route.upload else config.max_body_bytes
        cookie = door.route.cookie
        raw = read_body(req, limit) if cookie != "beacon" else b"{}"
        schema = door.does.command  # type: ignore[union-attr]
        version = _if_match(req) if door.route.edits else None
        try:
            body = bodies.parse(raw)
            if door.does.approval is not None:  # type: ignore[union-attr]
                ctx.approvals = bodies.lift_approval(body)
            if not variables and version is None and not cookie and ctx.approvals is None:
                return schema.model_validate_json(raw)
            if isinstance(body, dict):
                for name in variables.keys() & body.keys():
                    raise problems.IN_PATH(name, field=name)
                body.update(variables)
                if cookie:
                    cookies.take(req, config, cookie, body, variables)
                if version is not None:
                    body["version"] = version
            return schema.model_validate_json(json.dumps(body))
        except ValidationError as error:
            raise problems.from_validation(error) from None
        except ValueError as error:
            raise problems.BODY_MALFORMED(reason=str(error)) from None

    def _serve_query(
        self, door: Door, mask: DoorMask, ctx: Context, req: falcon.Request, resp: falcon.Response,
        variables: dict[str, str],
    ) -> None:
        route, name = door.route, door.does.name
        actions.require_permission(ctx, door.permissions, door.does.public)
        for variable, value in variables.items():
            if variable.endswith("id") and not is_uuid7(value):
                raise NOT_FOUND(variable, entity=route.path.strip("/").partition("/")[0], id=value[:50])
            variables[variable] = value.lower() if variable.endswith("id") else bodies.without_nul(variable, value)
        given: dict[str, Any] = {**variables, **self._parameters(door, req)}
        if route.paged and given.get("cursor") is not None:
            given["cursor"] = self._cursors.read(name, given["cursor"])
        mask.require_askable(ctx.actor, given)
        found = self._kernel.query(ctx, name, given)
        if route.media and not isinstance(found, (dict, list, tuple)):
            content = found.encode() if isinstance(found, str) else found
            if ctx.masked:
                resp.set_header("Masked-Fields", ", ".join(ctx.masked))
            answer(req, resp, 200, content, f"{route.media}; charset=utf-8")
            return
        following = None
        if route.paged:
            found, following = found
        if mask.tells(ctx.actor, given):
            actions.record_read(self._kernel, ctx, door.does, given)  # type: ignore[arg-type]
        found, masked = mask.cover(ctx.actor, found)
        meta = _meta(ctx, sorted({*masked, *ctx.masked}))
        if route.paged:
            meta["next_cursor"] = self._cursors.write(name, following) if following is not None else None
            meta["limit"] = given.get("limit")
        elif isinstance(found, dict) and "version" in found:
            etag = _etag(found["version"], masked)
            resp.set_header("ETag", etag)
            if not masked and req.get_header("If-None-Match") == etag:
                resp.status = falcon.HTTP_304
                return
        answer(req, resp, 200, orjson.dumps({"data": found, "meta": meta}, default=plain, option=_OUTPUT))

    def _parameters(self, door: Door, req: falcon.Request) -> dict[str, Any]:
        schema = door.route.params
        if schema is None:
            if req.params:
                name = next(iter(req.params))
                raise problems.PARAMETER_INVALID(name)
            return {}
        raw = {name: value[-1] if isinstance(value, list) else value for name, value in req.params.items()}
        for name, value in raw.items():
            bodies.without_nul(name, value)
        try:
            parsed = schema.model_validate(raw, strict=False)
        except ValidationError as error:
            raise problems.from_validation(error, in_query=True) from None
        return {name: getattr(parsed, name) for name in schema.model_fields}


def _may(ctx: Context, door: Door) -> bool:
    """Whether the body is worth reading: a denied request is refused (and recorded) before its body is looked at."""
    return door.does.public or not ctx.actor.permissions.isdisjoint(door.permissions)


def _meta(ctx: Context, masked: list[str]) -> dict[str, Any]:
    return {"request_id": ctx.request_id, "masked": masked} if masked else {"request_id": ctx.request_id}


def _etag(version: int, masked: list[str]) -> str:
    """The version's tag; a weak one where something is masked: the same version, but not all of it."""
    return f'W/"{version}"' if masked else f'"{version}"'


def context_for(kernel: Kernel, req: falcon.Request, *, public: bool, token: str = "read") -> Context:
    """The context of a request: from its token; anonymous at a public door without one.

    token "ignored": no access token is looked at; "lenient": one that is no good any more counts as none.
    """
    request: dict[str, Any] = {
        "request_id": req.context.request_id, "ip": req.remote_addr or "", "language": req.context.language,
        "user_agent": (req.user_agent or "")[:200],
    }  # fmt: skip
    header = req.get_header("Authorization") if token != "ignored" else None
    if header is None:
        if not public:
            raise TOKEN_MISSING()
        return Context(kernel, app_context="public", revision=kernel.revision(), **request)
    scheme, _, given = header.partition(" ")
    try:
        if scheme.lower() != "bearer" or not given:
            raise TOKEN_MISSING()
        return context_of(kernel, kernel.tokens.read(given.strip()), **request)
    except PosError:
        if token != "lenient":
            raise
        return Context(kernel, app_context="public", revision=kernel.revision(), **request)


def _idempotency_key(req: falcon.Request) -> str | None:
    key = req.get_header("Idempotency-Key")
    if key is not None and not _KEY.match(key):
        raise problems.KEY_MALFORMED()
    return key


def _if_match(req: falcon.Request) -> int | None:
    header = req.get_header("If-Match")
    if header is None:
        return None
    match = _ETAG.match(header.strip())
    if match is None:
        raise problems.IF_MATCH_MALFORMED()
    return int(match[1])


def read_body(req: falcon.Request, limit: int) -> bytes:
    """The body, within the limit; an empty one is an empty object."""
    length = req.content_length
    if length is not None and length > limit:
        raise problems.BODY_TOO_LARGE(limit=limit)
    raw = req.bounded_stream.read(limit + 1)
    if len(raw) > limit:
        raise problems.BODY_TOO_LARGE(limit=limit)
    if not raw.strip():
        return b"{}"
    content_type = (req.content_type or "").partition(";")[0].strip().lower()
    if content_type != _JSON:
        raise problems.MEDIA_UNSUPPORTED(given=content_type or "nothing")
    return bytes(raw)


def answer(req: falcon.Request, resp: falcon.Response, status: int, body: bytes, media: str = _JSON) -> None:
    resp.status = status
    resp.content_type = media
    if len(body) >= _COMPRESS_FROM and "gzip" in (req.get_header("Accept-Encoding") or ""):
        body = gzip.compress(body, compresslevel=4)
        resp.set_header("Content-Encoding", "gzip")
        resp.append_header("Vary", "Accept-Encoding")
    resp.data = body


class Surroundings:
    """Middleware: a request id and a language in, safe headers out."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        given = req.get_header("X-Request-Id")
        req.context.request_id = given if given and _REQUEST_ID.match(given) else uuid7()
        accepted = (req.get_header("Accept-Language") or "").lower()
        req.context.language = "es" if accepted.startswith("es") else "en"

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        resp.set_header("X-Request-Id", req.context.request_id)
        resp.set_header("X-Content-Type-Options", "nosniff")
        if "Cache-Control" not in resp.headers and "cache-control" not in resp.headers:
            resp.set_header("Cache-Control", "no-store")


def _problem(req: falcon.Request, resp: falcon.Response, error: PosError) -> None:
    status, content = problems.body(error, req.context.request_id, req.context.language)
    if status == 401:
        resp.set_header("WWW-Authenticate", 'Bearer realm="pos"')
    if status in (429, 503):
        resp.set_header("Retry-After", str(error.params.get("retry_after", 2)))
    if current := error.params.get("current"):
        resp.set_header("ETag", f'"{current}"')
    answer(req, resp, status, content, "application/problem+json")


def _on_pos_error(req: falcon.Request, resp: falcon.Response, error: PosError, _: Any) -> None:
    if error.code.kind == "fault":
        log.error("a fault", exc_info=error, extra={"request_id": req.context.request_id})
    _problem(req, resp, error)


def _on_http_error(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _: Any) -> None:
    for name, value in dict(error.headers or {}).items():
        resp.set_header(name, value)
    if error.status_code == 404:
        return _problem(req, resp, problems.ROUTE_UNKNOWN(method=req.method, path=req.path[:100]))
    if error.status_code == 405:
        return _problem(req, resp, problems.METHOD_NOT_ALLOWED(method=req.method, path=req.path[:100]))
    if error.status_code == 413:
        return _problem(req, resp, problems.BODY_TOO_LARGE(limit="the allowed number of"))
    return _problem(req, resp, problems.BODY_MALFORMED(reason=str(error.title)))


def _on_bug(req: falcon.Request, resp: falcon.Response, error: Exception, _: Any) -> None:
    log.error("a bug", exc_info=error, extra={"request_id": req.context.request_id, "path": req.path})
    _problem(req, resp, problems.INTERNAL())


def bare_app(middleware: list[Any]) -> falcon.App:
    """An application without doors, whose errors are problems."""
    app = falcon.App(middleware=middleware)
    app.req_options.strip_url_path_trailing_slash = False
    app.req_options.keep_blank_qs_values = True
    app.add_error_handler(Exception, _on_bug)
    app.add_error_handler(falcon.HTTPError, _on_http_error)
    app.add_error_handler(PosError, _on_pos_error)
    return app


def make_app(kernel: Kernel) -> falcon.App:
    """The WSGI application of a kernel. StartError when a route is not as it must be."""
    from pos_core.http import docs, first_run, health

    middleware: list[Any] = [Surroundings(), Access()]
    if kernel.config.http.requests_per_minute:
        middleware.append(Limiter(kernel))
    app = bare_app(middleware)
    doors = routes.collect(kernel)
    paths: dict[str, dict[str, Door]] = {}
    for door in doors:
        paths.setdefault(door.route.path, {})[door.route.method] = door
    for path, by_method in paths.items():
        app.add_route(PREFIX + path, Endpoint(kernel, by_method))
    health.mount(app, kernel)
    docs.mount(app, kernel, doors)
    first_run.mount_closed(app)
    return app
