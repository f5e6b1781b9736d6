"""Changing stock by hand; what sales do to it stands in the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pos_core import Context, Need, action
from pos_core.clock import to_text
from pos_core.db import records
from pos_core.money import format_quantity, parse_quantity
from pos_ops.catalog.models import Product
from pos_ops.stock.errors import ADJUSTMENT_ABOVE_LIMIT
from pos_ops.stock.models import StockLevel, StockMove
from pos_ops.stock.queries import move_view
from pos_ops.stock.schemas import AdjustStock


@dataclass(frozen=True, slots=True)
class AdjustDraft:
    """What would be moved, in thousandths, and what that cost, in minor units (0 where no cost price is known)."""

    sku: str
    quantity: int
    cost_minor: int


def prepare_adjust(ctx: Context, command: AdjustStock) -> AdjustDraft:
    """Read what the rules and the limits look at."""
    product = records.get(Product, command.product_id, "product")
    quantity = parse_quantity(command.quantity)
    cost = (product.cost_price_minor or 0) * abs(quantity) // (product.price_per * 1000)
    return AdjustDraft(product.sku, quantity, cost)


def above_limit(ctx: Context, command: AdjustStock, draft: AdjustDraft) -> Need | None:
    """More units, or more worth at cost, than one person moves alone in this store; 0 sets no limit."""
    units, worth = ctx.settings["stock.approval_units"], ctx.settings["stock.approval_cost_minor"]
    if not ((units and abs(draft.quantity) > units * 1000) or (worth and draft.cost_minor > worth)):
        return None
    why = ADJUSTMENT_ABOVE_LIMIT.at("quantity", product=draft.sku, quantity=command.quantity)
    return Need("stock_adjustment", why, {
        "product_id": command.product_id, "sku": draft.sku, "quantity": format_quantity(draft.quantity),
        "reason": command.reason,
    })  # fmt: skip


@action("stock:adjust", command=AdjustStock, permission="store:inventory.adjust", entity="stock_move", status=201,
        key_field="id", prepare=prepare_adjust, approval=above_limit, reason=True)
def adjust(ctx: Context, command: AdjustStock, draft: AdjustDraft) -> dict[str, Any]:
    """Add to or take from a product's stock in this store, with a reason."""
    quantity, now = draft.quantity, to_text(ctx.at)
    row = StockMove(
        id=command.id, store_id=ctx.store_id, product_id=command.product_id, quantity=quantity, reason=command.reason,
        entity_type="stock_move", entity_id=command.id, position=1, moved_at=ctx.at,
    )  # fmt: skip
    records.add(ctx, row)
    ctx.writing.increment(
        StockLevel,
        {"store_id": ctx.store_id, "product_id": command.product_id, "on_hand": quantity, "floor": None,
         "next_floor": None, "moved_at": now},
        key=("store_id", "product_id"), add=("on_hand",), replace=("floor", "moved_at"),
    )  # fmt: skip
    ctx.emit("stock:adjusted", "stock_move", row.id)
    return move_view(row)
