"""The catalogue of permissions and the templates of roles: what is shipped, and the levels that a code works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

#: Marks an account that may do everything; the role of the name documents it and is never handed out.
SUPER_ADMIN = "super_admin"


@dataclass(frozen=True, slots=True)
class Template:
    """A role that every business has from its first run on."""

    code: str
    name: str
    scope: str
    description: str


TEMPLATES = (
    Template(SUPER_ADMIN, "Super administrator", "hq",
             "Everything everywhere, by a mark on the account and not by permissions; nobody is given this role."),
    Template("admin", "Administrator", "hq", "Runs the business: people, roles, stores, catalogue, taxes, settings."),
    Template("accountant", "Accountant", "hq", "Reads figures and documents; changes no master data."),
    Template("auditor", "Auditor", "hq", "Reads everything, the audit too; changes nothing."),
    Template("store_manager", "Manager", "store", "Runs one store: its people's day, its stock, its customers."),
    Template("employee", "Employee", "store",
             "Works in a store's back office: catalogue, customers, documents; takes nothing out of use."),
    Template("cashier", "Cashier", "pos", "Sells at a till and counts the own drawer."),
    Template("shift_supervisor", "Shift supervisor", "pos",
             "A cashier who also overrides prices, closes others' drawers and helps out."),
)  # fmt: skip


class Level(NamedTuple):
    """Where in the product a permission works: a plug's module, in it a submodule, an action, at last a field."""

    plug: str
    module: str
    submodule: str
    action: str
    field: str


def level_of(code: str, module: str) -> Level:
    """The level of `scope:submodule.action.field` as a module declares it; `scope:action` has no submodule.

    >>> level_of("hq:products.view.cost_price", "ops.catalog")
    Level(plug='ops', module='ops.catalog', submodule='products', action='view', field='cost_price')
    >>> level_of("pos:sell", "ops.sales").submodule
    ''
    """
    parts = code.partition(":")[2].split(".")
    submodule = parts.pop(0) if len(parts) > 1 else ""
    return Level(module.partition(".")[0], module, submodule, parts[0], ".".join(parts[1:]))
