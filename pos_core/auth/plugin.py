"""core.auth: signing in and out."""

from __future__ import annotations

from pos_core import __version__
from pos_core.auth import schemas
from pos_core.hookspecs import hookimpl
from pos_core.http.routes import Route
from pos_core.manifest import Manifest

MANIFEST = Manifest(
    name="core.auth", version=__version__, title="Signing in and out", depends=("core.rbac", "core.stores"),
    roots=("/auth", "/me"),
)

ROUTES = (
    Route("POST", "/auth/login", action="session:open", answer=schemas.SignedIn, tag="auth"),
    Route("POST", "/auth/logout", action="session:close", answer=schemas.SignedOut, tag="auth"),
    Route("GET", "/me", query="session:me", answer=schemas.Me, tag="auth"),
)


@hookimpl
def register_routes() -> tuple[Route, ...]:
    return ROUTES
