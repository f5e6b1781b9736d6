"""ops.catalog: what the shop sells."""

from __future__ import annotations

from pos_core.business_rules.facts import RuleQuery
from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission, SensitiveField
from pos_ops import __version__
from pos_ops.catalog import demo, routes

MANIFEST = Manifest(
    name="ops.catalog",
    version=__version__,
    title="Catalogue: departments, categories, brands, vendors and products",
    roots=("/departments", "/categories", "/brands", "/vendors", "/products"),
    permissions=(
        Permission("hq:products.view", "See the catalogue", ("admin", "accountant", "auditor")),
        Permission("hq:products.create", "Create products and brands", ("admin",)),
        Permission("hq:products.edit", "Change products and brands", ("admin",)),
        Permission("hq:products.delete", "Take products out of the range and back", ("admin",)),
        Permission("hq:products.import", "Import products from files", ("admin",)),
        Permission("hq:departments.manage", "Create and change departments and categories", ("admin",)),
        Permission("hq:suppliers.view", "See vendors", ("admin", "accountant", "auditor")),
        Permission("hq:suppliers.manage", "Create and change vendors and whose goods they deliver", ("admin",)),
        Permission("store:products.create", "Create products and brands from a store", ("store_manager", "employee")),
        Permission("store:products.edit", "Change products and brands from a store", ("store_manager", "employee")),
        Permission("store:suppliers.view", "See vendors", ("store_manager", "employee")),
        Permission("store:catalog.view", "See the catalogue", ("store_manager", "employee")),
        Permission("store:catalog.targets", "Say how much the store wants to hold of a product", ("store_manager",)),
        Permission("pos:catalog.view", "See the catalogue at the till", ("cashier", "shift_supervisor")),
        Permission("hq:products.view.cost_price", "See costs and margins", ("admin", "accountant", "auditor")),
        Permission("hq:products.edit.cost_price", "Set costs", ("admin",)),
        Permission("store:products.view.cost_price", "See costs and margins in a store", ("store_manager",)),
        Permission("store:products.edit.cost_price", "Set costs from a store", ("store_manager",)),
    ),
    fields=(
        SensitiveField(
            "product", "cost_price",
            ("cost_price_minor", "cost_price", "cost_minor", "total_cost_minor", "margin_minor", "margin",
             "margin_percent", "profit_minor", "profit", "markup"),
            "What goods cost, and every figure that tells it: margin, profit, markup.",
            view=("hq:products.view.cost_price", "store:products.view.cost_price"),
            edit=("hq:products.edit.cost_price", "store:products.edit.cost_price"),
            everywhere=True,
        ),
    ),
)


#: What business rules may ask of what is sold.
RULE_QUERIES = (
    RuleQuery("department:get", {"id": "id"},
              {"code": "text", "name": "text", "parent_id": "id", "is_active": "boolean"}),
    RuleQuery("category:get", {"id": "id"},
              {"code": "text", "name": "text", "department_id": "id", "parent_id": "id", "is_active": "boolean"}),
    RuleQuery("brand:get", {"id": "id"}, {"name": "text", "is_active": "boolean"}),
    RuleQuery("product:get", {"id": "id"}, {
        "sku": "text", "name": "text", "department_id": "id", "category_id": "id", "brand_id": "id",
        "is_active": "boolean", "sold_by_weight": "boolean", "unit_price_minor": "integer",
    }),
)  # fmt: skip


@hookimpl
def register_rule_facts() -> tuple[RuleQuery, ...]:
    return RULE_QUERIES


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES


@hookimpl
def load_demo(ctx: Context) -> None:
    demo.load(ctx)
