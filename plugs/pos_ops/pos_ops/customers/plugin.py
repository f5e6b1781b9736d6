"""ops.customers: who buys."""

from __future__ import annotations

from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission, Setting
from pos_ops import __version__
from pos_ops.customers import demo, routes

MANIFEST = Manifest(
    name="ops.customers",
    version=__version__,
    title="Customers",
    roots=("/customers",),
    permissions=(
        Permission("hq:customers.view", "See customers", ("admin", "accountant", "auditor")),
        Permission("hq:customers.manage", "Enter, change and deactivate customers", ("admin",)),
        Permission("store:customers.view", "See customers", ("store_manager", "employee")),
        Permission("store:customers.manage", "Enter, change and deactivate customers", ("store_manager",)),
        Permission("pos:customers.view", "Find customers at the till", ("cashier", "shift_supervisor")),
        Permission("pos:customers.manage", "Enter and change customers at the till", ("cashier", "shift_supervisor")),
    ),
    settings=(
        Setting(
            "customers.code_prefix", "text", "CUST-",
            "What customer codes begin with; stores with servers of their own need one each, or codes meet.",
            maximum=12,
        ),
    ),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES


@hookimpl
def load_demo(ctx: Context) -> None:
    demo.load(ctx)
