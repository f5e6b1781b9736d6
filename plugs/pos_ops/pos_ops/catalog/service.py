"""Changing the catalogue."""

from __future__ import annotations

from typing import Any

from pos_core import money
from pos_core.actions import action
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS, NOT_FOUND
from pos_ops.catalog import errors, schemas, views
from pos_ops.catalog.import_schemas import ImportBatch, ImportProducts
from pos_ops.catalog.importing import writing
from pos_ops.catalog.importing.plan import ImportPlan, make_plan
from pos_ops.catalog.models import (
    Brand,
    Category,
    Department,
    Product,
    ProductBarcode,
    ProductVendor,
    StoreProduct,
    Vendor,
)  # fmt: skip
from pos_ops.catalog.rules import ProductDraft, changes_of, prepare_edit, prepare_new
from pos_ops.catalog.words import barcode_key, name_key, search_text

CREATORS = ("hq:products.create", "store:products.create")
EDITORS = ("hq:products.edit", "store:products.edit")
BARCODE_CONSTRAINT = {"ops_product_barcode.code_key": errors.BARCODE_TAKEN.at("barcodes")}
PRODUCT_CONSTRAINTS = {"ops_product.sku": errors.SKU_TAKEN.at("sku"), **BARCODE_CONSTRAINT}


@action(
    "department:create",
    command=schemas.CreateDepartment,
    permission="hq:departments.manage",
    status=201,
    key_field="id",
    constraints={"ops_department.code": ALREADY_EXISTS.at("code", fields="code")},
)
def create_department(ctx: Context, command: schemas.CreateDepartment) -> dict[str, Any]:
    """Add a department, below another one or at the top."""
    if command.parent_id is not None:
        records.get(Department, command.parent_id, "department")
    row = Department(**command.model_dump())
    records.add(ctx, row)
    ctx.emit("department:created", "department", row.id)
    return views.department_view(row)


@action("department:edit", command=schemas.EditDepartment, permission="hq:departments.manage")
def edit_department(ctx: Context, command: schemas.EditDepartment) -> dict[str, Any]:
    """Rename, move or retire a department; its code stays."""
    row = records.get(Department, command.id, "department")
    if command.parent_id is not None:
        records.get(Department, command.parent_id, "department")
    ctx.writing.was(views.department_view(row))
    records.edit(ctx, row, changes_of(command), "department", command.version)
    ctx.emit("department:updated", "department", row.id)
    return views.department_view(row)


@action(
    "category:create",
    command=schemas.CreateCategory,
    permission="hq:departments.manage",
    status=201,
    key_field="id",
    constraints={"ops_category.code": ALREADY_EXISTS.at("code", fields="code")},
)
def create_category(ctx: Context, command: schemas.CreateCategory) -> dict[str, Any]:
    """Add a category."""
    _require_around(command)
    row = Category(**command.model_dump())
    records.add(ctx, row)
    ctx.emit("category:created", "category", row.id)
    return views.category_view(row)


@action("category:edit", command=schemas.EditCategory, permission="hq:departments.manage")
def edit_category(ctx: Context, command: schemas.EditCategory) -> dict[str, Any]:
    """Rename, move or retire a category; its code stays."""
    row = records.get(Category, command.id, "category")
    _require_around(command)
    ctx.writing.was(views.category_view(row))
    records.edit(ctx, row, changes_of(command), "category", command.version)
    ctx.emit("category:updated", "category", row.id)
    return views.category_view(row)


def _require_around(command: schemas.CreateCategory | schemas.EditCategory) -> None:
    """PosError `not_found` where the category's parent or department is not there."""
    if command.parent_id is not None:
        records.get(Category, command.parent_id, "category")
    if command.department_id is not None:
        records.get(Department, command.department_id, "department")


@action(
    "brand:create",
    command=schemas.CreateBrand,
    permission=CREATORS,
    status=201,
    key_field="id",
    constraints={"ops_brand.name_key": ALREADY_EXISTS.at("name", fields="name")},
)
def create_brand(ctx: Context, command: schemas.CreateBrand) -> dict[str, Any]:
    """Add a brand."""
    row = Brand(**command.model_dump(), name_key=name_key(command.name))
    records.add(ctx, row)
    ctx.emit("brand:created", "brand", row.id)
    return views.brand_view(row)


@action(
    "brand:edit",
    command=schemas.EditBrand,
    permission=EDITORS,
    constraints={"ops_brand.name_key": ALREADY_EXISTS.at("name", fields="name")},
)
def edit_brand(ctx: Context, command: schemas.EditBrand) -> dict[str, Any]:
    """Rename or retire a brand; its products are found by the new name at once."""
    row = records.get(Brand, command.id, "brand")
    ctx.writing.was(views.brand_view(row))
    changes = changes_of(command)
    if "name" in changes:
        changes["name_key"] = name_key(changes["name"])
    renamed = "name" in changes and changes["name"] != row.name
    records.edit(ctx, row, changes, "brand", command.version)
    if renamed:
        for product in list(Product.select(Product.id, Product.sku, Product.name).where(Product.brand == row.id)):
            words = search_text(product.sku, product.name, row.name)
            Product.update(search_text=words).where(Product.id == product.id).execute()
    ctx.emit("brand:updated", "brand", row.id)
    return views.brand_view(row)


@action(
    "vendor:create",
    command=schemas.CreateVendor,
    permission="hq:suppliers.manage",
    status=201,
    key_field="id",
    personal=("contact_name", "phone", "email", "address"),
    constraints={"ops_vendor.code": ALREADY_EXISTS.at("code", fields="code")},
)
def create_vendor(ctx: Context, command: schemas.CreateVendor) -> dict[str, Any]:
    """Add a vendor (supplier)."""
    row = Vendor(**command.model_dump())
    records.add(ctx, row)
    ctx.emit("vendor:created", "vendor", row.id)
    return views.vendor_view(row)


@action(
    "vendor:edit",
    command=schemas.EditVendor,
    permission="hq:suppliers.manage",
    personal=("contact_name", "phone", "email", "address"),
)
def edit_vendor(ctx: Context, command: schemas.EditVendor) -> dict[str, Any]:
    """Change a vendor's details or retire it; its code stays."""
    row = records.get(Vendor, command.id, "vendor")
    ctx.writing.was(views.vendor_view(row))
    records.edit(ctx, row, changes_of(command), "vendor", command.version)
    ctx.emit("vendor:updated", "vendor", row.id)
    return views.vendor_view(row)


@action(
    "product:create",
    command=schemas.CreateProduct,
    permission=CREATORS,
    status=201,
    key_field="id",
    prepare=prepare_new,
    constraints=PRODUCT_CONSTRAINTS,
)
def create_product(ctx: Context, command: schemas.CreateProduct, draft: ProductDraft) -> dict[str, Any]:
    """Add a product with its barcodes."""
    ctx.writing.raise_revision()  # a barcode may have stood for a retired product until now
    row = Product(**draft.values)
    records.add(ctx, row)
    _add_barcodes(ctx, row, command.barcodes)
    ctx.emit("product:created", "product", row.id, sku=row.sku)
    return views.product_view(ctx, row, command.barcodes, draft.brand)


@action("product:edit", command=schemas.EditProduct, permission=EDITORS, prepare=prepare_edit)
def edit_product(ctx: Context, command: schemas.EditProduct, draft: ProductDraft) -> dict[str, Any]:
    """Change a product; its SKU stays for ever."""
    row = draft.row
    assert row is not None
    return _edited(ctx, row, dict(draft.values), command.version)


@action(
    "product:activate", command=schemas.SwitchProduct, permission="hq:products.delete", constraints=BARCODE_CONSTRAINT
)
def activate_product(ctx: Context, command: schemas.SwitchProduct) -> dict[str, Any]:
    """Take a product back into the range."""
    return _switched(ctx, command, True)


@action("product:deactivate", command=schemas.SwitchProduct, permission="hq:products.delete")
def deactivate_product(ctx: Context, command: schemas.SwitchProduct) -> dict[str, Any]:
    """Take a product out of the range: it is not sold any more, and its barcodes are free."""
    return _switched(ctx, command, False)


def _switched(ctx: Context, command: schemas.SwitchProduct, is_active: bool) -> dict[str, Any]:
    row = records.get(Product, command.id, "product")
    shown = _edited(ctx, row, {"is_active": is_active}, command.version)
    ProductBarcode.update(is_active=is_active).where(ProductBarcode.product == row.id).execute()
    return shown


def _edited(ctx: Context, row: Product, changes: dict[str, Any], version: int | None) -> dict[str, Any]:
    ctx.writing.raise_revision()
    ctx.writing.was(views.product_views(ctx, [row])[0])
    records.edit(ctx, row, changes, "product", version)
    ctx.emit("product:updated", "product", row.id, sku=row.sku)
    return views.product_views(ctx, [row])[0]


def _add_barcodes(ctx: Context, row: Product, barcodes: list[str]) -> None:
    for place, barcode in enumerate(barcodes):
        records.add(ctx, ProductBarcode(
            product=row.id, barcode=barcode, code_key=barcode_key(barcode), position=place, is_active=row.is_active,
        ))  # fmt: skip


@action(
    "product:set_barcodes", command=schemas.SetBarcodes, permission=EDITORS, constraints=BARCODE_CONSTRAINT
)
def set_barcodes(ctx: Context, command: schemas.SetBarcodes) -> dict[str, Any]:
    """Replace all barcodes of a product; the first is the main one."""
    ctx.writing.raise_revision()
    row = records.get(Product, command.id, "product")
    before = views.product_views(ctx, [row])[0]
    ctx.writing.was(before)
    records.edit(ctx, row, {}, "product", command.version)
    ProductBarcode.delete().where(ProductBarcode.product == row.id).execute()
    _add_barcodes(ctx, row, command.barcodes)
    ctx.emit("product:updated", "product", row.id, sku=row.sku)
    ctx.writing.write_pending()
    return views.product_views(ctx, [row])[0]


@action("product:set_vendors", command=schemas.SetVendors, permission="hq:suppliers.manage")
def set_vendors(ctx: Context, command: schemas.SetVendors) -> dict[str, Any]:
    """Replace all vendors of a product with their codes and costs; the first is the main one."""
    row = records.get(Product, command.id, "product")
    for line in command.vendors:
        records.get(Vendor, line.vendor_id, "vendor")
    ctx.writing.was(views.product_vendors_view(ctx, row))
    main = command.vendors[0].vendor_id if command.vendors else None
    records.edit(ctx, row, {"vendor_id": main}, "product", command.version)
    ProductVendor.delete().where(ProductVendor.product == row.id).execute()
    for place, line in enumerate(command.vendors):
        records.add(ctx, ProductVendor(product=row.id, position=place, **line.model_dump()))
    ctx.emit("product:updated", "product", row.id, sku=row.sku)
    ctx.writing.write_pending()
    return views.product_vendors_view(ctx, row)


@action("product:set_target", command=schemas.SetTarget, permission=("hq:products.edit", "store:catalog.targets"))
def set_target(ctx: Context, command: schemas.SetTarget) -> dict[str, Any]:
    """Say how much of a product a store wants to hold; it feeds reports and never blocks a sale."""
    store_id = ctx.store_id or command.store_id
    if store_id is None or command.store_id not in (None, store_id):
        raise NOT_FOUND("store_id", entity="store", id=command.store_id)
    ctx.kernel.stores.get(store_id, ctx.revision)
    records.get(Product, command.id, "product")
    before = StoreProduct.get_or_none((StoreProduct.store == store_id) & (StoreProduct.product == command.id))
    ctx.writing.was(
        {"id": command.id, "store_id": store_id, "limited_qty": _quantity(before and before.target_quantity)}
    )
    target = None if command.limited_qty is None else money.parse_quantity(command.limited_qty)
    StoreProduct.insert(store=store_id, product=command.id, target_quantity=target).on_conflict(
        conflict_target=[StoreProduct.store, StoreProduct.product], preserve=[StoreProduct.target_quantity]
    ).execute()
    ctx.emit("product:target_set", "product", command.id, store=store_id)
    return {"id": command.id, "store_id": store_id, "limited_qty": _quantity(target)}


def _quantity(thousandths: int | None) -> str | None:
    return None if thousandths is None else money.format_quantity(thousandths)


@action("product:import_batch", command=ImportBatch, permission="hq:products.import", constraints=PRODUCT_CONSTRAINTS)
def import_batch(ctx: Context, command: ImportBatch) -> dict[str, Any]:
    """Write some hundred products of an import; the audit entry holds each of them before and after."""
    ctx.writing.raise_revision()
    ctx.writing.was({"rows": [row.before for row in command.rows if row.before is not None]})
    return writing.write_batch(ctx, command)


@action(
    "catalog:import",
    command=ImportProducts,
    permission="hq:products.import",
    key_field="id",
    entity="import",
    prepare=make_plan,
    constraints=PRODUCT_CONSTRAINTS,
)
def import_products(ctx: Context, command: ImportProducts, draft: ImportPlan) -> dict[str, Any]:
    """Create and update products from a file's rows: all of them, or all but the wrong ones."""
    for name, made in draft.masters:
        ctx.perform(name, made)
    # Changed products may refer to a brand that is new: those rows must be there first.
    ctx.writing.write_pending()
    for batch in draft.batches():
        ctx.perform("product:import_batch", batch)
    ctx.emit("catalog:imported", "import", command.id, created=draft.created, updated=draft.updated)
    return {"id": command.id, "source": command.source, "rows": len(command.rows), **draft.summary()}
