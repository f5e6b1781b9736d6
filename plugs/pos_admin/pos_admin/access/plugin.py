"""admin.access: the administration's doors to users, roles and permissions. The core keeps, checks and audits them."""

from __future__ import annotations

from pos_admin import __version__
from pos_admin.access import routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest

MANIFEST = Manifest(
    name="admin.access",
    version=__version__,
    title="Users, roles and permissions",
    depends=("core.rbac",),
    roots=("/users", "/user-roles", "/roles", "/employees", "/permissions"),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
