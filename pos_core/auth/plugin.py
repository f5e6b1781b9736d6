"""core.auth: signing in and out, refreshing, one's own sessions and password."""

from __future__ import annotations

from pos_core import __version__
from pos_core.auth import schemas
from pos_core.hookspecs import hookimpl
from pos_core.http.routes import Route
from pos_core.manifest import Manifest, Permission, Setting
from pos_core.schemas import PageParams

#: More files of this package that hold actions and queries.
PARTS = ("account", "keys", "offline")

_CONTEXTS = (("hq", "the headquarters'"), ("store", "a store's back office"), ("pos", "a till's"))

SETTINGS = (
    Setting("auth.refresh_days", "int", 7,
            "How many days a refresh token lives: whoever does not come back by then signs in again.",
            minimum=1, maximum=30),
    Setting("auth.concurrency", "choice", "replace",
            "What a sign-in does while the same person is signed in to the same application elsewhere: it ends the "
            "other session (replace), is refused (refuse), or both go on (unlimited).",
            ("replace", "refuse", "unlimited")),
    *(Setting(f"auth.session_hours_{context}", "int", 720,
              f"After how many hours {owner} session ends, however often it was refreshed.", minimum=1, maximum=720)
      for context, owner in _CONTEXTS),
    *(Setting(f"auth.idle_minutes_{context}", "int", 0,
              f"After how many minutes of rest {owner} session ends, counted from the end of its last access token; "
              "0: rest does not end it before the refresh token does.", minimum=0, maximum=43_200)
      for context, owner in _CONTEXTS),
    Setting("auth.offline_hours", "int", 72,
            "How many hours a store that is linked to a headquarters may go on signing people in while the "
            "headquarters is silent; 0: without a limit.", minimum=0, maximum=8_760),
)  # fmt: skip

MANIFEST = Manifest(
    name="core.auth", version=__version__, title="Signing in and out", depends=("core.rbac", "core.stores"),
    roots=("/auth", "/me"), settings=SETTINGS,
    permissions=(
        Permission("hq:sessions.manage", "Rotate the keys that sign tokens, and note that the headquarters is there"),
    ),
)

ROUTES = (
    Route("POST", "/auth/login", action="session:open", answer=schemas.SignedIn, tag="auth", token="ignored",
          cookie="give"),
    Route("POST", "/auth/refresh", action="session:refresh", answer=schemas.Tokens, tag="auth", token="ignored",
          cookie="exchange"),
    Route("POST", "/auth/logout", action="session:close", answer=schemas.SignedOut, tag="auth", token="lenient",
          cookie="end"),
    Route("POST", "/auth/leave/{app_context}", action="session:leave", answer=schemas.SignedOut, tag="auth",
          token="lenient", cookie="beacon"),
    Route("POST", "/auth/logout-everywhere", action="session:close_all", answer=schemas.Ended, tag="auth"),
    Route("POST", "/auth/revoke", action="session:revoke", answer=schemas.Ended, tag="auth", token="lenient"),
    Route("GET", "/auth/sessions", query="session:own", params=PageParams, answer=schemas.SessionAnswer, paged=True,
          tag="auth"),
    Route("POST", "/auth/sessions/{id}/end", action="session:end_own", answer=schemas.Ended, tag="auth"),
    Route("GET", "/auth/history", query="session:history", params=PageParams, answer=schemas.SessionAnswer, paged=True,
          tag="auth"),
    Route("POST", "/auth/password", action="password:change", answer=schemas.PasswordChanged, tag="auth"),
    Route("GET", "/me", query="session:me", answer=schemas.Me, tag="auth"),
)


@hookimpl
def register_routes() -> tuple[Route, ...]:
    return ROUTES
