"""What must hold in the catalogue, and values worked out before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import Violation
from pos_core.rules import before
from pos_ops.catalog import errors, trees
from pos_ops.catalog.importing.plan import ImportPlan
from pos_ops.catalog.models import Brand, Category, Department, Product, Vendor
from pos_ops.catalog.schemas import CreateProduct, EditProduct
from pos_ops.catalog.views import parse_percent
from pos_ops.catalog.words import barcode_key, search_text

#: What a null empties; a null elsewhere says nothing.
NULLABLE = frozenset(
    {"unit_price_minor", "cost_price_minor", "tax_group_id", "vendor_id", "department_id", "category_id", "brand_id",
     "attributes", "parent_id"}
)  # fmt: skip
#: At most so many wrong lines of a file are named in a refusal.
SHOWN_LINES = 100


@dataclass(frozen=True, slots=True)
class ProductDraft:
    """A product as it is to be: the changed columns, the row they change (None: a new one), and its brand's name."""

    values: Mapping[str, Any]
    row: Product | None
    brand: str | None

    def get(self, column: str) -> Any:
        """The column's value after the action."""
        return self.values[column] if column in self.values else getattr(self.row, column)


def changes_of(command: Any) -> dict[str, Any]:
    """The fields of an edit that were given, without id and version; a null only where it empties something."""
    found = {name: getattr(command, name) for name in command.model_fields_set if name not in ("id", "version")}
    return {name: value for name, value in found.items() if value is not None or name in NULLABLE}


def prepare_new(ctx: Context, command: CreateProduct) -> ProductDraft:
    """A new product's columns; PosError `not_found` where it names something that is not there."""
    values = command.model_dump(exclude={"discount", "barcodes"})
    values["discount_rate"] = parse_percent(command.discount)
    brand = _named(ctx, values)
    values["search_text"] = search_text(command.sku, command.name, brand)
    return ProductDraft(values, None, brand)


def prepare_edit(ctx: Context, command: EditProduct) -> ProductDraft:
    """An edited product's changed columns; PosError `not_found`."""
    row = records.get(Product, command.id, "product")
    values = changes_of(command)
    if "discount" in values:
        values["discount_rate"] = parse_percent(values.pop("discount"))
    brand_id = values.get("brand_id", row.brand_id)
    brand = _named(ctx, {**values, "brand_id": brand_id})
    words = search_text(row.sku, values.get("name", row.name), brand)
    if words != row.search_text:
        values["search_text"] = words
    return ProductDraft(values, row, brand)


def _named(ctx: Context, values: Mapping[str, Any]) -> str | None:
    """Check that everything a product names exists; the brand's name."""
    ctx.kernel.taxes.group(values.get("tax_group_id"), ctx.revision)
    for column, model in (("vendor_id", Vendor), ("department_id", Department), ("category_id", Category)):
        if values.get(column) is not None:
            records.get(model, values[column], column.removesuffix("_id"))
    return records.get(Brand, values["brand_id"], "brand").name if values.get("brand_id") is not None else None


@before("product:create")
def check_new_price(draft: ProductDraft) -> Violation | None:
    """PRC: a price, unless the till asks for it."""
    return _price(draft)


@before("product:edit")
def check_edited_price(draft: ProductDraft) -> Violation | None:
    """PRC: a price, unless the till asks for it."""
    return _price(draft)


def _price(draft: ProductDraft) -> Violation | None:
    price, is_open = draft.get("unit_price_minor"), draft.get("is_open_price")
    if price is None and not is_open:
        return errors.PRICE_MISSING.at("unit_price_minor")
    return errors.PRICE_NOT_OPEN.at("unit_price_minor") if price is not None and is_open else None


@before("product:create")
def check_new_barcodes(command: Any) -> Iterable[Violation]:
    """Each barcode of a product once, in whichever of its forms."""
    return _doubles(command.barcodes)


@before("product:set_barcodes")
def check_barcodes(command: Any) -> Iterable[Violation]:
    """Each barcode of a product once, in whichever of its forms."""
    return _doubles(command.barcodes)


def _doubles(barcodes: list[str]) -> list[Violation]:
    keys = [barcode_key(barcode) for barcode in barcodes]
    return [
        errors.BARCODE_TWICE.at(f"barcodes.{place}", barcode=barcodes[place])
        for place, key in enumerate(keys)
        if key in keys[:place]
    ]


@before("product:set_vendors")
def check_vendors(command: Any) -> Iterable[Violation]:
    """Each vendor of a product once."""
    ids = [line.vendor_id for line in command.vendors]
    return [errors.VENDOR_TWICE.at(f"vendors.{place}.vendor_id") for place, one in enumerate(ids) if one in ids[:place]]


@before("product:set_target")
def check_target_store(ctx: Context, command: Any) -> Violation | None:
    """A target quantity is one store's."""
    return errors.STORE_NEEDED.at("store_id") if (ctx.store_id or command.store_id) is None else None


@before("department:create")
def check_new_department(command: Any) -> Violation | None:
    """No department deeper than the tree may be."""
    return _place(Department, None, command.parent_id, "Department")


@before("department:edit")
def check_department(command: Any) -> Violation | None:
    """No department below itself."""
    return _place(Department, command.id, command.parent_id, "Department")


@before("category:create")
def check_new_category(command: Any) -> Violation | None:
    """No category deeper than the tree may be."""
    return _place(Category, None, command.parent_id, "Category")


@before("category:edit")
def check_category(command: Any) -> Violation | None:
    """No category below itself."""
    return _place(Category, command.id, command.parent_id, "Category")


def _place(model: Any, node: str | None, parent: str | None, entity: str) -> Violation | None:
    if parent is None:
        return None
    parents = trees.parents_of(model)
    above = trees.path_up(parents, parent)
    if node is not None and node in above:
        return errors.TREE_CIRCLE.at("parent_id", entity=entity)
    levels = len(above) + (trees.height(parents, node) if node is not None and node in parents else 1)
    return errors.TREE_TOO_DEEP.at("parent_id", limit=trees.MAX_LEVELS) if levels > trees.MAX_LEVELS else None


@before("catalog:import")
def check_rows(command: Any, draft: ImportPlan) -> Iterable[Violation]:
    """All lines of a file are right, or the wrong ones are wanted left out."""
    if command.skip_bad:
        return []
    found = [
        errors.ROW_INVALID.at(
            f"rows.{bad.place}.{bad.field}" if bad.field else f"rows.{bad.place}", line=bad.line, reason=bad.reason
        )
        for bad in draft.bad[:SHOWN_LINES]
    ]
    if len(draft.bad) > SHOWN_LINES:
        found.append(errors.ROWS_INVALID_MORE.at("rows", count=len(draft.bad) - SHOWN_LINES))
    return found
