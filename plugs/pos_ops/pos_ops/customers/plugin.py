"""ops.customers: who buys."""

from __future__ import annotations

from pos_core.business_rules.facts import RuleQuery
from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission, SensitiveField, Setting
from pos_ops import __version__
from pos_ops.customers import demo, routes

MANIFEST = Manifest(
    name="ops.customers",
    version=__version__,
    title="Customers",
    roots=("/customers",),
    permissions=(
        Permission("hq:customers.view", "See customers", ("admin", "accountant", "auditor")),
        Permission("hq:customers.create", "Enter customers", ("admin",)),
        Permission("hq:customers.edit", "Change customers", ("admin",)),
        Permission("hq:customers.delete", "Take customers out of use and back", ("admin",)),
        Permission("store:customers.view", "See customers", ("store_manager", "employee")),
        Permission("store:customers.create", "Enter customers", ("store_manager",)),
        Permission("store:customers.edit", "Change customers", ("store_manager", "employee")),
        Permission("store:customers.delete", "Take customers out of use and back", ("store_manager",)),
        Permission("pos:customers.view", "Find customers at the till", ("cashier", "shift_supervisor")),
        Permission("pos:customers.create", "Enter customers at the till", ("cashier", "shift_supervisor")),
        Permission("pos:customers.edit", "Change customers at the till", ("shift_supervisor",)),
        Permission("hq:customers.view.contact", "See how customers are reached, and their tax number",
                   ("admin", "accountant", "auditor")),
        Permission("hq:customers.edit.contact", "Enter how customers are reached", ("admin",)),
        Permission("store:customers.view.contact", "See how customers are reached", ("store_manager",)),
        Permission("store:customers.edit.contact", "Enter how customers are reached", ("store_manager", "employee")),
        Permission("pos:customers.view.contact", "See at the till how customers are reached",
                   ("cashier", "shift_supervisor")),
        Permission("pos:customers.edit.contact", "Enter at the till how customers are reached",
                   ("cashier", "shift_supervisor")),
    ),
    fields=(
        SensitiveField(
            "customer", "contact", ("phone", "email", "address", "tax_id"),
            "How a customer is reached: phone, mail, address; and the tax number.",
            view=("hq:customers.view.contact", "store:customers.view.contact", "pos:customers.view.contact"),
            edit=("hq:customers.edit.contact", "store:customers.edit.contact", "pos:customers.edit.contact"),
            blind=True,
        ),
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
def register_rule_facts() -> tuple[RuleQuery, ...]:
    return (RuleQuery("customer:get", {"id": "id"}, {"code": "text", "is_active": "boolean", "store_id": "id"}),)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES


@hookimpl
def load_demo(ctx: Context) -> None:
    demo.load(ctx)
