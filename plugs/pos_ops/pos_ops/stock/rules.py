"""What a sale does to stock, and what stock has to say about a sale. Sales know nothing of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pos_core import Context, Violation, after, before, uuid7
from pos_core.clock import to_text
from pos_core.money import format_quantity
from pos_ops.stock import queries
from pos_ops.stock.errors import STOCK_SHORT
from pos_ops.stock.models import StockLevel, StockMove


@before("sale:complete", priority=60)
def check_on_hand(ctx: Context, draft: Any) -> Iterator[Violation]:
    """Where the store refuses negative stock, every product must be on hand in the quantity sold (RUL-08)."""
    if ctx.settings["stock.negative"] != "refuse":
        return
    wanted: dict[str, int] = defaultdict(int)
    for line in draft.lines:
        if line.product_id is not None:
            wanted[line.product_id] += line.quantity
    on_hand = queries.levels(ctx, product_ids=list(wanted))
    for position, line in enumerate(draft.lines):
        product = line.product_id
        if product is not None and on_hand.get(product, 0) < wanted[product]:
            yield STOCK_SHORT.at(
                f"lines.{position}", product=line.sku, on_hand=format_quantity(on_hand.get(product, 0)),
                wanted=format_quantity(wanted[product]),
            )


@after("sale:complete", priority=60)
def deduct(ctx: Context, command: Any, draft: Any) -> None:
    """Take what was sold out of stock: a ledger row per line, the level moved by the same quantity (RUL-09)."""
    uow, now = ctx.writing, to_text(ctx.at)
    # an offline sale has happened: it may take a level below its floor
    strict = command.offline is None and ctx.settings["stock.negative"] == "refuse"
    for position, line in enumerate(draft.lines, 1):
        if line.product_id is None:
            continue
        uow.insert(StockMove, {
            "id": uuid7(), "store_id": ctx.store_id, "product_id": line.product_id, "quantity": -line.quantity,
            "reason": "sale", "entity_type": "sale", "entity_id": command.id, "position": position, "moved_at": now,
        })  # fmt: skip
        uow.increment(
            StockLevel,
            {"store_id": ctx.store_id, "product_id": line.product_id, "on_hand": -line.quantity,
             "floor": None, "next_floor": 0 if strict else None, "moved_at": now},
            key=("store_id", "product_id"), add=("on_hand",), replace=("floor=next_floor", "moved_at"),
        )  # fmt: skip
