"""core.reporting: the registry of reports, and the doors to them. Modules bring the reports."""

from __future__ import annotations

from pos_core import __version__
from pos_core.hookspecs import hookimpl
from pos_core.kernel import Kernel
from pos_core.manifest import Manifest, Permission
from pos_core.reporting import registry, routes

MANIFEST = Manifest(
    name="core.reporting",
    version=__version__,
    title="Reports",
    roots=("/reports",),
    permissions=(
        Permission("hq:reports.view", "See reports over all stores", ("admin", "accountant", "auditor")),
        Permission("store:reports.view", "See the store's reports", ("store_manager", "employee")),
        Permission("pos:reports.view", "See the reports meant for the till", ("cashier", "shift_supervisor")),
    ),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES


@hookimpl
def kernel_started(kernel: Kernel) -> None:
    registry.collect(kernel)
