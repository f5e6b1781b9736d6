"""ops.tenders: the ways to pay that a shop accepts."""

from __future__ import annotations

from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission
from pos_ops import __version__
from pos_ops.tenders import routes, service

MANIFEST = Manifest(
    name="ops.tenders",
    version=__version__,
    title="Tenders",
    roots=("/tenders",),
    permissions=(
        Permission("hq:tenders.view", "See tenders", ("admin", "accountant", "auditor")),
        Permission("hq:tenders.manage", "Create and change tenders", ("admin",)),
        Permission("store:tenders.view", "See tenders", ("store_manager", "employee")),
        Permission("pos:tenders.view", "See tenders", ("cashier", "shift_supervisor")),
    ),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES


@hookimpl
def first_run(ctx: Context) -> None:
    service.create_baseline(ctx)
