"""ops.sales: the sale, from a till's cart to the receipt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pos_core import Context, Manifest, Permission, hookimpl
from pos_core.http.routes import Route
from pos_ops import __version__
from pos_ops.sales import facts
from pos_ops.sales.models import TRANSITIONS
from pos_ops.sales.routes import ROUTES

MANIFEST = Manifest(
    name="ops.sales",
    version=__version__,
    title="Sales",
    depends=("ops.catalog", "ops.tenders", "ops.registers"),
    extras=("ops.customers", "ops.representatives"),
    roots=("/sales",),
    transitions=TRANSITIONS,
    permissions=(
        Permission("pos:sell", "Sell at a till", ("cashier", "shift_supervisor")),
        Permission("pos:discount", "Give discounts at a till", ("cashier", "shift_supervisor")),
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
def verify_facts(ctx: Context, entries: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return facts.disagreements(ctx, entries)
