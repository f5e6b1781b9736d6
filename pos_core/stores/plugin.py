"""core.stores: stores, registers and devices."""

from __future__ import annotations

from pos_core import __version__
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission
from pos_core.stores import routes

MANIFEST = Manifest(
    name="core.stores",
    version=__version__,
    title="Stores, registers and devices",
    roots=("/stores", "/registers", "/devices"),
    permissions=(
        Permission("hq:stores.view", "See stores and registers", ("admin", "accountant", "auditor")),
        Permission("hq:stores.manage", "Create and change stores and registers", ("admin",)),
        Permission("hq:devices.manage", "Enrol and block devices", ("admin",)),
        Permission("store:registers.view", "See the store's registers and devices", ("store_manager", "employee")),
        Permission("pos:registers.view", "See the store's registers", ("cashier", "shift_supervisor")),
    ),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
