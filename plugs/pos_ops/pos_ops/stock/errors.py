"""What can be wrong with stock."""

from __future__ import annotations

from pos_core import Kind, define

STOCK_SHORT = define(
    "stock_policy_conflict", Kind.CONFLICT,
    en="There is not enough of {product} in stock: {on_hand} on hand, {wanted} wanted.",
    es="No hay suficiente {product} en existencias: hay {on_hand}, se piden {wanted}.",
    cure="Sell less, count the shelf and adjust the stock, or allow negative stock for the store.",
)
ADJUSTMENT_ABOVE_LIMIT = define(
    "stock_adjustment_above_limit", Kind.RULE,
    en="Moving {quantity} of {product} is more than one person does alone.",
    es="Mover {quantity} de {product} es más de lo que una persona hace por sí sola.",
    cure="Let somebody agree: the settings stock.approval_units and stock.approval_cost_minor.",
)
