"""What can be wrong with stock."""

from __future__ import annotations

from pos_core import Kind, define

STOCK_SHORT = define(
    "stock_policy_conflict", Kind.CONFLICT,
    en="There is not enough of {product} in stock: {on_hand} on hand, {wanted} wanted.",
    es="No hay suficiente {product} en existencias: hay {on_hand}, se piden {wanted}.",
    cure="Sell less, count the shelf and adjust the stock, or allow negative stock for the store.",
)
