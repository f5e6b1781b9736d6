"""admin.rules: the administration's doors to business rules. The core keeps them and works them out."""

from __future__ import annotations

from pos_admin import __version__
from pos_admin.rules import routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest

MANIFEST = Manifest(
    name="admin.rules",
    version=__version__,
    title="Business rules",
    depends=("core.business_rules",),
    roots=("/business-rules",),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
