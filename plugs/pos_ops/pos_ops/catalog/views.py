"""How the catalogue's rows are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pos_core import clock, money
from pos_core.context import Context
from pos_core.db.statements import Statement
from pos_core.tax.types import PERCENT
from pos_ops.catalog.listing import LISTED, rows_of
from pos_ops.catalog.models import (
    Brand,
    Category,
    Department,
    Product,
    ProductVendor,
    Vendor,
)  # fmt: skip

#: A discount is stored in hundredths of a basis point and shown as a percentage with two decimals.
PERCENT_STEP = 100


def department_view(row: Department) -> dict[str, Any]:
    """A department as the API shows it."""
    return {"id": row.id, "code": row.code, "name": row.name, "parent_id": row.parent_id,
            "is_active": row.is_active, "version": row.version}  # fmt: skip


def category_view(row: Category) -> dict[str, Any]:
    """A category as the API shows it."""
    return {"id": row.id, "code": row.code, "name": row.name, "department_id": row.department_id,
            "parent_id": row.parent_id, "is_active": row.is_active, "version": row.version}  # fmt: skip


def brand_view(row: Brand) -> dict[str, Any]:
    """A brand as the API shows it."""
    return {"id": row.id, "name": row.name, "is_active": row.is_active, "version": row.version}


def vendor_view(row: Vendor) -> dict[str, Any]:
    """A vendor as the API shows it."""
    return {
        "id": row.id, "code": row.code, "name": row.name, "contact_name": row.contact_name, "phone": row.phone,
        "email": row.email, "address": row.address, "tax_number": row.tax_number, "is_active": row.is_active,
        "version": row.version,
    }  # fmt: skip


def format_percent(rate: int) -> str:
    """A discount's stored rate as percentage text: 125000 gives "12.5"."""
    return money.format_scaled(rate // PERCENT_STEP, 2)


def parse_percent(text: str) -> int:
    """Percentage text with up to two decimals as the stored rate: "12.5" gives 125000."""
    return money.parse_scaled(text, 2, "percentage") * PERCENT_STEP


def tax_rate(ctx: Context, tax_group_id: str | None) -> str:
    """The sum of a group's percentages in basis points, as text."""
    taxes = ctx.kernel.taxes.group(tax_group_id, ctx.revision)
    return money.format_basis_points(sum(tax.rate for tax in taxes if tax.kind == PERCENT))


_BARCODES = Statement(
    f"SELECT product_id, barcode FROM ops_product_barcode WHERE product_id {LISTED} ORDER BY product_id, position, id",
    "SELECT product_id, barcode FROM ops_product_barcode WHERE product_id = ANY($1) ORDER BY product_id, position, id",
    ("uuid[]",),
)
_BRANDS = Statement(
    f"SELECT id, name FROM ops_brand WHERE id {LISTED}",
    "SELECT id, name FROM ops_brand WHERE id = ANY($1)",
    ("uuid[]",),
)
_TARGETS = Statement(
    "SELECT product_id, target_quantity FROM ops_store_product "
    f"WHERE product_id {LISTED} AND store_id = ? AND target_quantity IS NOT NULL",
    "SELECT product_id, target_quantity FROM ops_store_product "
    "WHERE product_id = ANY($1) AND store_id = $2 AND target_quantity IS NOT NULL",
    ("uuid[]", "uuid"),
)


def barcodes_of(product_ids: Sequence[str]) -> dict[str, list[str]]:
    """The barcodes of some products, the main one first."""
    found: dict[str, list[str]] = {}
    for product_id, barcode in rows_of(_BARCODES, product_ids):
        found.setdefault(product_id, []).append(barcode)
    return found


def _targets(ctx: Context, product_ids: Sequence[str]) -> dict[str, int]:
    return dict(rows_of(_TARGETS, product_ids, ctx.store_id)) if ctx.store_id is not None else {}


def _levels(ctx: Context, product_ids: Sequence[str]) -> Mapping[str, int]:
    if not ctx.has("stock:levels"):
        return {}
    levels: Mapping[str, int] = ctx.query("stock:levels", product_ids=product_ids)
    return levels


def product_views(ctx: Context, rows: Iterable[Product]) -> list[dict[str, Any]]:
    """Products as the API shows them: one read each for barcodes, brands, targets and levels, however many rows."""
    products = list(rows)
    if not products:
        return []
    ids = [row.id for row in products]
    barcodes = barcodes_of(ids)
    brands = dict(rows_of(_BRANDS, [*{row.brand_id for row in products if row.brand_id}]))
    targets, levels = _targets(ctx, ids), _levels(ctx, ids)
    return [
        product_view(
            ctx, row, barcodes.get(row.id, []), brands.get(row.brand_id), targets.get(row.id), levels.get(row.id)
        )
        for row in products
    ]


def product_view(
    ctx: Context,
    row: Product,
    barcodes: list[str],
    brand: str | None,
    target: int | None = None,
    level: int | None = None,
) -> dict[str, Any]:
    """One product; `target` and `level` in thousandths."""
    store = ctx.kernel.stores.get(ctx.store_id, ctx.revision) if ctx.store_id is not None else None
    return {
        "id": row.id, "sku": row.sku, "name": row.name, "description": row.description,
        "unit_price_minor": row.unit_price_minor, "price_per": row.price_per,
        "cost_price_minor": row.cost_price_minor,
        "tax_group_id": row.tax_group_id, "tax_rate": tax_rate(ctx, row.tax_group_id),
        "vendor_id": row.vendor_id, "supplier_id": row.vendor_id,
        "stock_level": None if level is None else money.format_quantity(level),
        "attributes": row.attributes, "barcode": barcodes[0] if barcodes else None, "barcodes": barcodes,
        "discount": format_percent(row.discount_rate), "department_id": row.department_id,
        "category_id": row.category_id, "branch": store.code if store is not None else None,
        "limited_qty": None if target is None else money.format_quantity(target),
        "brand_id": row.brand_id, "brand": brand, "brand_action": brand, "is_open_price": row.is_open_price,
        "sold_by_weight": row.sold_by_weight, "is_active": row.is_active, "version": row.version,
        "created_at": clock.to_text(row.created_at), "updated_at": clock.to_text(row.updated_at),
    }  # fmt: skip


def product_vendors_view(ctx: Context, row: Product) -> dict[str, Any]:
    """A product's vendors with their codes and costs."""
    lines = (
        ProductVendor.select(ProductVendor, Vendor)
        .join(Vendor)
        .where(ProductVendor.product == row.id)
        .order_by(ProductVendor.position)
    )
    return {
        "id": row.id, "version": row.version,
        "vendors": [
            {"vendor_id": line.vendor_id, "supplier_id": line.vendor_id, "code": line.vendor.code,
             "name": line.vendor.name, "vendor_sku": line.vendor_sku,
             "cost_price_minor": line.cost_price_minor}
            for line in lines
        ],
    }  # fmt: skip
