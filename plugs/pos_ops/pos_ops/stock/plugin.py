"""ops.stock: the ledger of stock and its levels."""

from __future__ import annotations

from pos_core import Manifest, Permission, Setting, hookimpl
from pos_core.http.routes import Route
from pos_ops import __version__
from pos_ops.stock import schemas

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
        Permission("hq:inventory.view", "See the stock of all stores", ("admin", "accountant", "auditor")),
    ),
    settings=(
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


@hookimpl
def register_routes() -> tuple[Route, ...]:
    return ROUTES
