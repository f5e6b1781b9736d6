"""Changing stock by hand; what sales do to it stands in the rules."""

from __future__ import annotations

from typing import Any

from pos_core import Context, action
from pos_core.clock import to_text
from pos_core.db import records
from pos_core.money import parse_quantity
from pos_ops.catalog.models import Product
from pos_ops.stock.models import StockLevel, StockMove
from pos_ops.stock.queries import move_view
from pos_ops.stock.schemas import AdjustStock


@action("stock:adjust", command=AdjustStock, permission="store:inventory.adjust", entity="stock_move", status=201,
        key_field="id")
def adjust(ctx: Context, command: AdjustStock) -> dict[str, Any]:
    """Add to or take from a product's stock in this store, with a reason."""
    records.get(Product, command.product_id, "product")
    quantity, now = parse_quantity(command.quantity), to_text(ctx.at)
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
    if command.note:
        ctx.writing.note(reason=command.note)
    ctx.emit("stock:adjusted", "stock_move", row.id)
    return move_view(row)
