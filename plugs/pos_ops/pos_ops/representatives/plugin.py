"""ops.representatives: who sells, beyond the cashier."""

from __future__ import annotations

from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission
from pos_ops import __version__
from pos_ops.representatives import routes

MANIFEST = Manifest(
    name="ops.representatives",
    version=__version__,
    title="Sales representatives",
    roots=("/representatives",),
    permissions=(
        Permission("hq:representatives.view", "See sales representatives", ("admin", "accountant", "auditor")),
        Permission("hq:representatives.manage", "Create and change sales representatives", ("admin",)),
        Permission("store:representatives.view", "See sales representatives", ("store_manager", "employee")),
        Permission("pos:representatives.view", "See sales representatives", ("cashier", "shift_supervisor")),
    ),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
