"""ops.catalog: what the shop sells."""

from __future__ import annotations

from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission
from pos_ops import __version__
from pos_ops.catalog import demo, routes

MANIFEST = Manifest(
    name="ops.catalog",
    version=__version__,
    title="Catalogue: departments, categories, brands, vendors and products",
    roots=("/departments", "/categories", "/brands", "/vendors", "/products"),
    permissions=(
        Permission("hq:products.view", "See the catalogue with costs and vendors", ("admin", "accountant", "auditor")),
        Permission("hq:products.create", "Create and import products and brands", ("admin",)),
        Permission("hq:products.edit", "Change and retire products and brands", ("admin",)),
        Permission("hq:departments.manage", "Create and change departments and categories", ("admin",)),
        Permission("hq:suppliers.manage", "Create and change vendors and whose goods they deliver", ("admin",)),
        Permission("store:catalog.view", "See the catalogue", ("store_manager", "employee")),
        Permission("store:catalog.targets", "Say how much the store wants to hold of a product", ("store_manager",)),
        Permission("pos:catalog.view", "See the catalogue at the till", ("cashier", "shift_supervisor")),
    ),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES


@hookimpl
def load_demo(ctx: Context) -> None:
    demo.load(ctx)
