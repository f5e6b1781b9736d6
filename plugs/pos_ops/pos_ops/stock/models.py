"""Stock: moves are the ledger, a level is their sum, moved in the same transaction."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import IdField, IntField, QuantityField, TextField, UtcField
from pos_core.db.model import Table, foreign
from pos_core.ids import uuid7
from pos_core.stores.models import Store
from pos_ops.catalog.models import Product


class StockLevel(Table):
    """How much of a product a store has on hand, in thousandths.

    `floor` is what the level may not fall below (null: it may fall below zero): the database itself keeps it, so two
    tills at once cannot both take the last piece. It is set from `next_floor` when an existing level moves; a CHECK
    would already refuse the difference that a move hands in as a new row.
    """

    start_over_on = frozenset({"ops_stock_level_floor"})

    store = foreign(Store, "store_id", index=False)
    product = foreign(Product, "product_id")
    on_hand = QuantityField()
    floor = QuantityField(null=True)
    next_floor = QuantityField(null=True)
    moved_at = UtcField()

    class Meta:
        table_name = "ops_stock_level"
        primary_key = pw.CompositeKey("store", "product")
        constraints = (pw.SQL("CONSTRAINT ops_stock_level_floor CHECK (floor IS NULL OR on_hand >= floor)"),)


class StockMove(Table):
    """One change of stock: how much, why, and by which document; never changed.

    The product and the store exist because the level that moves with it has foreign keys to them.
    """

    append_only = True

    product_id = IdField()
    store_id = IdField()
    id = IdField(default=uuid7)
    quantity = QuantityField()
    reason = TextField()
    entity_type = TextField()
    entity_id = IdField()
    position = IntField()
    moved_at = UtcField()

    class Meta:
        table_name = "ops_stock_move"
        # the ledger is read per product: its key is the order that it is read in
        primary_key = pw.CompositeKey("product_id", "store_id", "id")
