"""Reads of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pos_core import money
from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import NOT_FOUND
from pos_ops.catalog import search, shelf, trees, views
from pos_ops.catalog.import_schemas import ImportProducts
from pos_ops.catalog.importing import template
from pos_ops.catalog.importing.plan import ImportPlan, make_plan
from pos_ops.catalog.importing.profiles import Reading, read_rows
from pos_ops.catalog.lines import Found, SaleItem
from pos_ops.catalog.models import Brand, Category, Department, Product, ProductBarcode, StoreProduct, Vendor
from pos_ops.catalog.words import barcode_key

READERS = ("hq:products.view", "store:catalog.view", "pos:catalog.view")
VENDOR_READERS = ("hq:suppliers.view", "store:suppliers.view")


def _matching(rows: Any, model: Any, is_active: bool | None) -> Any:
    return rows if is_active is None else rows.where(model.is_active == is_active)


@query("department:list", permission=READERS)
def list_departments(ctx: Context, *, is_active: bool | None = None, limit: int = 50, cursor: Any = None) -> Any:
    """Departments by code."""
    rows, following = records.page(
        _matching(Department.select(), Department, is_active), (Department.code,), cursor, limit
    )
    return [views.department_view(row) for row in rows], following


@query("department:get", permission=READERS)
def get_department(ctx: Context, *, id: str) -> dict[str, Any]:
    """One department."""
    return views.department_view(records.get(Department, id, "department"))


@query("category:list", permission=READERS)
def list_categories(
    ctx: Context,
    *,
    department_id: str | None = None,
    is_active: bool | None = None,
    limit: int = 50,
    cursor: Any = None,
) -> Any:
    """Categories by code."""
    rows = _matching(Category.select(), Category, is_active)
    if department_id is not None:
        rows = rows.where(Category.department == department_id)
    found, following = records.page(rows, (Category.code,), cursor, limit)
    return [views.category_view(row) for row in found], following


@query("category:get", permission=READERS)
def get_category(ctx: Context, *, id: str) -> dict[str, Any]:
    """One category."""
    return views.category_view(records.get(Category, id, "category"))


@query("brand:list", permission=READERS)
def list_brands(ctx: Context, *, is_active: bool | None = None, limit: int = 50, cursor: Any = None) -> Any:
    """Brands by name."""
    rows, following = records.page(_matching(Brand.select(), Brand, is_active), (Brand.name_key,), cursor, limit)
    return [views.brand_view(row) for row in rows], following


@query("brand:get", permission=READERS)
def get_brand(ctx: Context, *, id: str) -> dict[str, Any]:
    """One brand."""
    return views.brand_view(records.get(Brand, id, "brand"))


@query("vendor:list", permission=VENDOR_READERS)
def list_vendors(ctx: Context, *, is_active: bool | None = None, limit: int = 50, cursor: Any = None) -> Any:
    """Vendors (suppliers) by code."""
    rows, following = records.page(_matching(Vendor.select(), Vendor, is_active), (Vendor.code,), cursor, limit)
    return [views.vendor_view(row) for row in rows], following


@query("vendor:get", permission=VENDOR_READERS)
def get_vendor(ctx: Context, *, id: str) -> dict[str, Any]:
    """One vendor (supplier)."""
    return views.vendor_view(records.get(Vendor, id, "vendor"))


@query("product:get", permission=READERS)
def get_product(ctx: Context, *, id: str) -> dict[str, Any]:
    """One product."""
    return views.product_views(ctx, [records.get(Product, id, "product")])[0]


@query("product:vendors", permission="hq:products.view")
def list_product_vendors(ctx: Context, *, id: str) -> dict[str, Any]:
    """The vendors of a product with their codes and costs, the main one first."""
    return views.product_vendors_view(ctx, records.get(Product, id, "product"))


@query("product:list", permission=READERS)
def list_products(
    ctx: Context,
    *,
    search: str | None = None,
    sku: str | None = None,
    barcode: str | None = None,
    department_id: str | None = None,
    category_id: str | None = None,
    vendor_id: str | None = None,
    brand_id: str | None = None,
    is_active: bool | None = None,
    limit: int = 50,
    cursor: Any = None,
) -> Any:
    """Products by SKU; with `search` those that have words that begin so, in the order they were created."""
    equal: dict[str, Sequence[Any]] = {}
    if is_active is None and ctx.app_context == "pos" and not (sku or barcode):
        is_active = True
    if department_id is not None:
        equal["department_id"] = trees.below(trees.parents_of(Department), department_id)
    if category_id is not None:
        equal["category_id"] = trees.below(trees.parents_of(Category), category_id)
    given = {"vendor_id": vendor_id, "brand_id": brand_id, "sku": sku, "is_active": is_active}
    equal |= {column: (value,) for column, value in given.items() if value is not None}
    if search is not None and search.strip():
        return _searched(ctx, search, equal, barcode, cursor, limit)
    rows = Product.select()
    for column, values in equal.items():
        field = getattr(Product, column)
        rows = rows.where(field == values[0] if len(values) == 1 else field.in_(values))
    if barcode is not None:
        rows = rows.where(Product.id.in_(_ids_with(barcode)))
    found, following = records.page(rows, (Product.sku,), cursor, limit)
    return views.product_views(ctx, found), following


def _ids_with(barcode: str) -> list[str]:
    rows = ProductBarcode.select(ProductBarcode.product).where(ProductBarcode.code_key == barcode_key(barcode))
    return [str(product_id) for (product_id,) in rows.tuples()]


def _searched(
    ctx: Context, text: str, equal: dict[str, Sequence[Any]], barcode: str | None, cursor: Any, limit: int
) -> Any:
    if barcode is not None:
        equal["id"] = _ids_with(barcode)
        if not equal["id"]:
            return [], None
    ids, following = search.find_ids(text, equal, cursor, limit)
    rows = {row.id: row for row in Product.select().where(Product.id.in_(ids))} if ids else {}
    return views.product_views(ctx, [rows[i] for i in ids if i in rows]), following


@query("catalog:lines")
def find_lines(
    ctx: Context, *, ids: Sequence[str] = (), skus: Sequence[str] = (), barcodes: Sequence[str] = ()
) -> Found:
    """What a sale's lines name, in at most one round trip: `SaleItem`s by id, SKU and barcode, without unknown ones."""
    return shelf.take(ctx, ids, skus, barcodes)


@query("catalog:find_barcode")
def find_barcode(ctx: Context, *, barcode: str) -> SaleItem | None:
    """The product of a barcode, None where there is none; an active product wins over a retired one."""
    return shelf.take(ctx, barcodes=(barcode,))[2].get(barcode)


@query("catalog:targets")
def list_targets(ctx: Context, *, store_id: str, product_ids: Sequence[str] | None = None) -> dict[str, int]:
    """The quantities (thousandths) a store wants to hold, by product id; products without one are missing."""
    if ctx.store_id is not None and store_id != ctx.store_id:
        raise NOT_FOUND("store_id", entity="store", id=store_id)
    rows = StoreProduct.select(StoreProduct.product, StoreProduct.target_quantity).where(
        StoreProduct.store == store_id, StoreProduct.target_quantity.is_null(False)
    )
    if product_ids is not None:
        rows = rows.where(StoreProduct.product.in_(list(product_ids)))
    return {str(product_id): quantity for product_id, quantity in rows.tuples()}


@query("product:import_template", permission="hq:products.import")
def import_template(ctx: Context) -> str:
    """A CSV file to fill in for an import, with two example lines."""
    return template.text(money.currency_decimals(ctx.kernel.currency))


@query("catalog:read_import")
def read_import(ctx: Context, *, reading: Reading) -> Any:
    """A file's rows as rows of `catalog:import`, by a profile or a mapping of columns; wrong lines apart."""
    return read_rows(ctx, reading)


@query("catalog:check_import")
def check_import(ctx: Context, *, command: ImportProducts) -> ImportPlan:
    """What an import would do, without doing it."""
    return make_plan(ctx, command)
