"""admin.credentials: unlocking accounts, giving PINs, removing lost second factors. The core keeps and audits them."""

from __future__ import annotations

from pos_admin import __version__
from pos_admin.credentials import routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest

MANIFEST = Manifest(
    name="admin.credentials",
    version=__version__,
    title="Unlocking accounts, PINs and second factors",
    depends=("core.credentials", "core.mfa"),
    roots=("/users",),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
