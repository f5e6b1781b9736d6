"""ops.stock: the ledger of stock and its levels."""

from __future__ import annotations

from pos_core import ApprovalKind, Context, Manifest, Permission, Setting, hookimpl
from pos_core.business_rules.facts import RuleQuery
from pos_core.http.routes import Route
from pos_core.money import format_quantity
from pos_ops import __version__
from pos_ops.stock import schemas

ADJUSTMENT = ApprovalKind(
    "stock_adjustment", "Stock adjustment above the limit", "Ajuste de existencias por encima del límite",
    (("store:inventory.approve", "hq:inventory.approve"),), expires_minutes=24 * 60, escalates_minutes=0,
)

MANIFEST = Manifest(
    name="ops.stock",
    version=__version__,
    title="Stock",
    depends=("ops.catalog",),
    extras=("ops.sales",),
    roots=("/stock",),
    permissions=(
        Permission("pos:inventory.view", "See the store's stock at a till", ("cashier", "shift_supervisor")),
        Permission("store:inventory.view", "See the store's stock", ("store_manager", "employee")),
        Permission("store:inventory.adjust", "Adjust the store's stock by hand", ("store_manager",)),
        Permission("store:inventory.approve", "Agree to stock adjustments above the limit", ("store_manager",)),
        Permission("hq:inventory.approve", "Agree to stock adjustments above the limit in all stores", ("admin",)),
        Permission("hq:inventory.view", "See the stock of all stores", ("admin", "accountant", "auditor")),
    ),
    approvals=(ADJUSTMENT,),
    settings=(
        Setting("stock.approval_units", "int", 0,
                "Adjusting a product by more than so many units needs somebody else's approval; 0 sets no limit.",
                minimum=0, maximum=10**9),
        Setting("stock.approval_cost_minor", "int", 0,
                "Adjusting by more than this at cost, in minor units, needs somebody else's approval; 0 sets no limit.",
                minimum=0, maximum=10**13),
        *ADJUSTMENT.settings,
        Setting("stock.negative", "choice", "allow",
                "What happens when more is sold than is on hand: allow shows it as oversold, refuse stops the sale.",
                ("allow", "refuse")),
    ),
)  # fmt: skip

ROUTES = (
    Route("GET", "/stock", query="stock:list", params=schemas.LevelParams, answer=schemas.LevelAnswer, paged=True),
    Route("GET", "/stock/moves", query="stock:moves", params=schemas.MoveParams, answer=schemas.MoveAnswer, paged=True),
    Route("POST", "/stock/adjustments", action="stock:adjust", answer=schemas.MoveAnswer),
)



def on_hand(ctx: Context, product_id: str) -> dict[str, str]:
    """What is on hand of one product, for business rules; nothing was ever moved: 0."""
    levels = ctx.query("stock:levels", product_ids=[product_id])
    return {"on_hand": format_quantity(levels.get(product_id, 0))}


@hookimpl
def register_rule_facts() -> tuple[RuleQuery, ...]:
    return (RuleQuery("stock:levels", {"product_id": "id"}, {"on_hand": "decimal"}, on_hand),)


@hookimpl
def register_routes() -> tuple[Route, ...]:
    return ROUTES
