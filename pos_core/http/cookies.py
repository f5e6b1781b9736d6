"""The refresh token's cookie: how a browser keeps what none of its scripts may read, and who may use it.

The cookie is httpOnly, SameSite=Strict, sent to /api/v1/auth only and without an age, so that closing the browser ends
it. Each application (hq, store, pos) has a cookie of its own, because one browser may hold a session in each. It is
Secure, and then named __Secure-..., where the request came by https or `http.secure_cookies` says that a proxy before
this server ends TLS. Access tokens are never in a cookie: everything but the routes here is out of reach of a request
that another site makes a browser send.

What the cookie does authenticate (refresh, logout, leaving) is guarded in three ways, any one of which would do:

- SameSite=Strict: the browser does not send the cookie with what another site starts.
- Fetch metadata: where `Sec-Fetch-Site` stands it must be `same-origin`; where it does not, `Origin` must name this
  host, if it stands.
- The header `X-Requested-With` must stand (any value). A form cannot set it, and a script of another site would have to
  ask first (CORS), which this server answers to nobody.

`navigator.sendBeacon` can set no header: for leaving, one of Sec-Fetch-Site and Origin must stand and fit. All that a
forged one could do is to sign somebody out.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pos_core import clock
from pos_core.config.loader import HttpConfig
from pos_core.errors import Kind, define

PATH = "/api/v1/auth"
_LONG_AGO = clock.from_timestamp(0)
CONTEXTS = ("hq", "store", "pos")

CROSS_SITE = define(
    "cross_site_refused", Kind.DENIED,
    en="This request did not come from the application's own page.",
    es="Esta petición no procede de la propia página de la aplicación.",
    cure="Send the header X-Requested-With from a page that this server's own address delivered.",
    security="permission_denied",
)
WHICH_SESSION = define(
    "session_ambiguous", Kind.INVALID,
    en="This browser holds sessions of {contexts}: say which is meant.",
    es="Este navegador tiene sesiones de {contexts}: indique cuál.",
    cure="Send `app_context`: hq, store or pos.",
)


def secure(req: Any, config: HttpConfig) -> bool:
    """Whether the browser reached the server by https, here or at a proxy before it."""
    return bool(config.secure_cookies or req.scheme == "https")


def name_of(app_context: str, by_https: bool) -> str:
    """The cookie's name for an application."""
    return f"{'__Secure-' if by_https else ''}pos_refresh_{app_context}"


def take(req: Any, config: HttpConfig, how: str, body: Any, variables: dict[str, str]) -> None:
    """Put the cookie's token into the body of a request that brings none itself. PosError `cross_site_refused`."""
    if how == "give" or not isinstance(body, dict) or "refresh_token" in body:
        return
    by_https = secure(req, config)
    held = {c: req.cookies[name] for c in CONTEXTS if (name := name_of(c, by_https)) in req.cookies}
    if not held:
        return
    signed_in = req.get_header("Authorization") is not None and how != "exchange"
    if not _own_page(req, how):
        if signed_in:  # the access token says who it is; the cookie is not needed, so it is not believed
            return
        raise CROSS_SITE()
    wanted = variables.get("app_context") or body.get("app_context")
    if wanted is None and len(held) > 1:
        if signed_in:
            return
        raise WHICH_SESSION("app_context", contexts=", ".join(held))
    token = held.get(wanted, "") if wanted is not None else next(iter(held.values()))
    if token:
        body["refresh_token"] = token


def _own_page(req: Any, how: str) -> bool:
    site, origin = req.get_header("Sec-Fetch-Site"), req.get_header("Origin")
    if site is not None:
        own = site.lower() == "same-origin"
    elif origin is not None:
        own = _place_of(origin) == (req.get_header("Host") or "").lower()
    else:
        own = how != "beacon"
    return own and (how == "beacon" or req.get_header("X-Requested-With") is not None)


def _place_of(origin: str) -> str | None:
    """The host and port of an origin; None of "null" and of what is no address."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def give(req: Any, resp: Any, config: HttpConfig, how: str, data: dict[str, Any]) -> dict[str, Any]:
    """The answer as it may be told: a browser's refresh token goes into its cookie, and a signed out one's away."""
    by_https = secure(req, config)
    if how in ("end", "beacon"):
        name = name_of(data["app_context"], by_https)
        if name not in req.cookies:
            return data
        resp.set_cookie(name, "", expires=_LONG_AGO, path=PATH, secure=by_https, http_only=True, same_site="Strict")
        return data
    token = data.get("refresh_token")
    if token is None or data["delivery"] != "cookie":
        return data
    name = name_of(data["app_context"], by_https)
    resp.set_cookie(name, token, path=PATH, secure=by_https, http_only=True, same_site="Strict")
    return {**data, "refresh_token": None}
