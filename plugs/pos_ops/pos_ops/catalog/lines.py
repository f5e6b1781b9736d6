"""Products for selling: what a sale's lines name, in one round trip and without building SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pos_core.db.model import database
from pos_core.db.statements import Statement
from pos_core.ids import is_uuid7
from pos_ops.catalog.listing import LISTED, listed
from pos_ops.catalog.words import barcode_key


class SaleItem(NamedTuple):
    """What a sale needs of a product. Amounts: minor units for `price_per` units; rate: hundredths of a basis point."""

    id: str
    sku: str
    name: str
    unit_price_minor: int | None
    price_per: int
    tax_group_id: str | None
    department_id: str | None
    category_id: str | None
    brand_id: str | None
    is_open_price: bool
    is_active: bool
    discount_rate: int
    cost_price_minor: int | None


Found = tuple[dict[str, SaleItem], dict[str, SaleItem], dict[str, SaleItem]]

_ITEM = (
    "p.id, p.sku, p.name, p.unit_price_minor, p.price_per, p.tax_group_id, p.department_id, p.category_id, "
    "p.brand_id, p.is_open_price, p.is_active, p.discount_rate, p.cost_price_minor"
)
_PRODUCT = "FROM ops_product p WHERE"
_CODED = "FROM ops_product_barcode b JOIN ops_product p ON p.id = b.product_id WHERE"

_BY_ID = Statement(
    f"SELECT '', {_ITEM} {_PRODUCT} p.id {LISTED}",
    f"SELECT ''::text, {_ITEM} {_PRODUCT} p.id = ANY($1)",
    ("uuid[]",),
)
_BY_ANY = Statement(
    f"SELECT 0, '', 1, {_ITEM} {_PRODUCT} p.id {LISTED} "
    f"UNION ALL SELECT 1, '', 1, {_ITEM} {_PRODUCT} p.sku {LISTED} "
    f"UNION ALL SELECT 2, b.code_key, b.is_active, {_ITEM} {_CODED} b.code_key {LISTED}",
    f"SELECT 0, ''::text, true, {_ITEM} {_PRODUCT} p.id = ANY($1) "
    f"UNION ALL SELECT 1, ''::text, true, {_ITEM} {_PRODUCT} p.sku = ANY($2) "
    f"UNION ALL SELECT 2, b.code_key, b.is_active, {_ITEM} {_CODED} b.code_key = ANY($3)",
    ("uuid[]", "text[]", "text[]"),
)


def _item(row: tuple[object, ...]) -> SaleItem:
    item = SaleItem._make(row)
    # SQLite knows no booleans: the flags come as 0 and 1.
    return (
        item
        if item.is_active is True or item.is_active is False
        else item._replace(is_open_price=bool(item.is_open_price), is_active=bool(item.is_active))
    )


def find_lines(ids: Sequence[str], skus: Sequence[str], barcodes: Sequence[str]) -> Found:
    """The products of ids, SKUs and barcodes: three dicts, each by what was asked; unknown ones are missing.

    Barcodes stand under the text that was asked and under their normalised form. A barcode of an active product wins
    over the same one of a retired product.
    """
    db = database.obj
    known_ids = [i.lower() for i in ids if is_uuid7(i)]
    if not skus and not barcodes:
        rows = db.fetch(_BY_ID, (listed(known_ids, db.dialect),)) if known_ids else []
        return {row[1]: _item(row[1:]) for row in rows}, {}, {}
    keys = {barcode: barcode_key(barcode) for barcode in barcodes}
    lists = (known_ids, skus, set(keys.values()))
    rows = db.fetch(_BY_ANY, tuple(listed(texts, db.dialect) for texts in lists))
    by_id: dict[str, SaleItem] = {}
    by_sku: dict[str, SaleItem] = {}
    by_key: dict[str, SaleItem] = {}
    for kind, key, live, *rest in rows:
        item = _item(tuple(rest))
        if kind == 0:
            by_id[item.id] = item
        elif kind == 1:
            by_sku[item.sku] = item
        elif live or key not in by_key:
            by_key[key] = item
    return by_id, by_sku, by_key | {asked: by_key[key] for asked, key in keys.items() if key in by_key}
