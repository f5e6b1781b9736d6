"""ops.sales: the sale, from a till's cart to the receipt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pos_core import ApprovalKind, Context, Manifest, Permission, Setting, hookimpl
from pos_core.business_rules.facts import RuleFacts
from pos_core.http.routes import Route
from pos_ops import __version__
from pos_ops.sales import facts, past
from pos_ops.sales.models import TRANSITIONS
from pos_ops.sales.routes import ROUTES

#: Who agrees to what a till may not decide alone. The cart may still be paid differently afterwards.
APPROVALS = (
    ApprovalKind("discount", "Discount above the limit", "Descuento por encima del límite",
                 (("pos:discount.approve", "store:discount.approve", "hq:discount.approve"),), exact=False),
    ApprovalKind("price_override", "Changed price above the limit", "Precio cambiado por encima del límite",
                 (("pos:price_override.approve", "store:price_override.approve", "hq:price_override.approve"),),
                 exact=False),
)  # fmt: skip

MANIFEST = Manifest(
    name="ops.sales",
    version=__version__,
    title="Sales",
    depends=("ops.catalog", "ops.tenders", "ops.registers"),
    extras=("ops.customers", "ops.representatives"),
    roots=("/sales",),
    transitions=TRANSITIONS,
    approvals=APPROVALS,
    settings=(
        Setting("sales.discount_approval_percent", "int", 30,
                "Discounts of more than so many percent off any line, line and cart discounts together, need somebody "
                "else's approval; 100 needs none.", minimum=0, maximum=100),
        Setting("sales.price_override_approval_percent", "int", 10,
                "Changed prices that differ by more than so many percent from the list need somebody else's approval.",
                minimum=0, maximum=1000),
        *(setting for kind in APPROVALS for setting in kind.settings),
    ),
    permissions=(
        Permission("pos:sell", "Sell at a till", ("cashier", "shift_supervisor")),
        Permission("pos:discount", "Give discounts at a till", ("cashier", "shift_supervisor")),
        Permission("pos:price_override", "Sell at another price than the list's", ("shift_supervisor",)),
        Permission("pos:discount.approve", "Agree to discounts above the limit", ("shift_supervisor",)),
        Permission("store:discount.approve", "Agree to discounts above the limit", ("store_manager",)),
        Permission("hq:discount.approve", "Agree to discounts above the limit in all stores", ("admin",)),
        Permission("pos:price_override.approve", "Agree to changed prices above the limit", ("shift_supervisor",)),
        Permission("store:price_override.approve", "Agree to changed prices above the limit", ("store_manager",)),
        Permission("hq:price_override.approve", "Agree to changed prices above the limit in all stores", ("admin",)),
        Permission("pos:sales.view", "See the store's sales at a till", ("cashier", "shift_supervisor")),
        Permission("store:sales.view", "See the store's sales", ("store_manager", "employee")),
        Permission("store:sales.review", "Look at what disagreed in offline sales", ("store_manager",)),
        Permission("hq:sales.view", "See the sales of all stores", ("admin", "accountant", "auditor")),
        Permission("hq:sales.review", "Look at what disagreed in offline sales of all stores", ("admin", "accountant")),
    ),
)


@hookimpl
def register_routes() -> tuple[Route, ...]:
    return ROUTES


@hookimpl
def register_rule_facts() -> tuple[RuleFacts, ...]:
    return past.RULE_FACTS


@hookimpl
def verify_facts(ctx: Context, entries: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return facts.disagreements(ctx, entries)
