"""Reads of stock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee as pw

from pos_core import Context, query, scope
from pos_core.clock import to_text
from pos_core.db import records
from pos_core.db.records import reach
from pos_core.money import format_quantity
from pos_ops.stock.models import StockLevel, StockMove

READERS = ("pos:inventory.view", "store:inventory.view", "hq:inventory.view")


@query("stock:levels", permission=READERS)
def levels(ctx: Context, *, product_ids: Sequence[str]) -> dict[str, int]:
    """On-hand quantities (thousandths) by product: of the actor's store, or of all stores at the headquarters."""
    rows = (
        StockLevel.select(StockLevel.product, pw.fn.SUM(StockLevel.on_hand))
        .where(StockLevel.product.in_(list(product_ids)), *reach(ctx, StockLevel.store))
        .group_by(StockLevel.product).tuples()
    )
    return {product: int(on_hand) for product, on_hand in rows}


@query("stock:list", permission=READERS)
def list_levels(
    ctx: Context, *, product_id: str | None = None, store_id: str | None = None, limit: int = 50, cursor: Any = None
) -> Any:
    """Stock levels by store and product."""
    scope.require_store(ctx, store_id)
    rows = StockLevel.select().where(*reach(ctx, StockLevel.store))
    if product_id is not None:
        rows = rows.where(StockLevel.product == product_id)
    if store_id is not None:
        rows = rows.where(StockLevel.store == store_id)
    found, following = records.page(rows, (StockLevel.store, StockLevel.product), cursor, limit)
    return [
        {"store_id": row.store_id, "product_id": row.product_id, "on_hand": format_quantity(row.on_hand),
         "moved_at": to_text(row.moved_at)}
        for row in found
    ], following  # fmt: skip


@query("stock:moves", permission=READERS)
def list_moves(ctx: Context, *, product_id: str, limit: int = 50, cursor: Any = None) -> Any:
    """A product's ledger, newest first."""
    rows = StockMove.select().where(StockMove.product_id == product_id, *reach(ctx, StockMove.store_id))
    found, following = records.page(rows, (StockMove.id,), cursor, limit, descending=True)
    return [move_view(row) for row in found], following


def move_view(row: StockMove) -> dict[str, Any]:
    """A ledger row as the API shows it."""
    return {
        "id": row.id, "store_id": row.store_id, "product_id": row.product_id,
        "quantity": format_quantity(row.quantity), "reason": row.reason, "entity_type": row.entity_type,
        "entity_id": row.entity_id, "position": row.position, "moved_at": to_text(row.moved_at),
    }  # fmt: skip
