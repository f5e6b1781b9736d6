"""The catalogue's tables."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BoolField, IdField, IntField, JsonField, MoneyField, QuantityField, RateField, TextField
from pos_core.db.model import Record, Table, foreign
from pos_core.ids import uuid7
from pos_core.stores.models import Store
from pos_core.taxes.models import TaxGroup


class Department(Record):
    """A part of the shop; departments form a tree."""

    code = TextField(unique=True)
    name = TextField()
    parent = foreign("self", "parent_id", null=True)
    is_active = BoolField(default=True)

    class Meta:
        table_name = "ops_department"
        constraints = (pw.SQL("CONSTRAINT ops_department_parent CHECK (parent_id IS NULL OR parent_id <> id)"),)


class Category(Record):
    """A kind of goods: a tree of its own, whose nodes may belong to a department."""

    code = TextField(unique=True)
    name = TextField()
    department = foreign(Department, "department_id", null=True)
    parent = foreign("self", "parent_id", null=True)
    is_active = BoolField(default=True)

    class Meta:
        table_name = "ops_category"
        constraints = (pw.SQL("CONSTRAINT ops_category_parent CHECK (parent_id IS NULL OR parent_id <> id)"),)


class Brand(Record):
    """A brand. `name_key`: the name as brands are told apart, without case and with single blanks."""

    name = TextField()
    name_key = TextField(unique=True)
    is_active = BoolField(default=True)

    class Meta:
        table_name = "ops_brand"


class Vendor(Record):
    """Who goods are bought from; Regal says vendor, V2 says supplier."""

    code = TextField(unique=True)
    name = TextField()
    contact_name = TextField(default="")
    phone = TextField(default="")
    email = TextField(default="")
    address = TextField(default="")
    tax_number = TextField(default="")
    is_active = BoolField(default=True)

    class Meta:
        table_name = "ops_vendor"


class Product(Record):
    """Something that is sold.

    `unit_price_minor`: minor units for `price_per` units (1000 screws); None exactly where `is_open_price`, because
    then the till asks. `discount_rate`: a standing discount in hundredths of a basis point. `search_text`: what it is
    found by, see `words.search_text`. A product is never deleted, only deactivated: its SKU stays taken.
    """

    never_deleted = True

    sku = TextField(unique=True)
    name = TextField()
    description = TextField(default="")
    unit_price_minor = MoneyField(null=True)
    price_per = IntField(default=1)
    cost_price_minor = MoneyField(null=True)
    tax_group = foreign(TaxGroup, "tax_group_id", null=True)
    vendor = foreign(Vendor, "vendor_id", null=True, index=False)
    department = foreign(Department, "department_id", null=True, index=False)
    category = foreign(Category, "category_id", null=True, index=False)
    brand = foreign(Brand, "brand_id", null=True, index=False)
    discount_rate = RateField(default=0)
    attributes = JsonField(null=True)
    is_open_price = BoolField(default=False)
    sold_by_weight = BoolField(default=False)
    is_active = BoolField(default=True)
    search_text = TextField()

    class Meta:
        table_name = "ops_product"
        # A filtered list goes on in the order of the SKU, so each filter's index carries it.
        indexes = (
            (("vendor", "sku"), False),
            (("department", "sku"), False),
            (("category", "sku"), False),
            (("brand", "sku"), False),
            (("is_active", "sku"), False),
        )
        constraints = (
            pw.SQL("CONSTRAINT ops_product_sku CHECK (length(sku) BETWEEN 1 AND 50)"),
            pw.SQL("CONSTRAINT ops_product_name CHECK (length(name) BETWEEN 1 AND 100)"),
            pw.SQL("CONSTRAINT ops_product_price CHECK (unit_price_minor > 0)"),
            pw.SQL("CONSTRAINT ops_product_open_price CHECK ((unit_price_minor IS NULL) = is_open_price)"),
            pw.SQL("CONSTRAINT ops_product_price_per CHECK (price_per > 0)"),
            pw.SQL("CONSTRAINT ops_product_cost CHECK (cost_price_minor > 0)"),
            pw.SQL("CONSTRAINT ops_product_discount CHECK (discount_rate BETWEEN 0 AND 1000000)"),
        )


class ProductBarcode(Table):
    """A barcode of a product. `code_key`: the form it is compared in; unique among active products.

    `is_active` follows the product's, so that a retired product's barcode can be given to another one.
    """

    id = IdField(primary_key=True, default=uuid7)
    product = foreign(Product, "product_id", on_delete="CASCADE")
    barcode = TextField()
    code_key = TextField(index=True)
    position = IntField(default=0)
    is_active = BoolField(default=True)

    class Meta:
        table_name = "ops_product_barcode"
        constraints = (pw.SQL("CONSTRAINT ops_product_barcode_length CHECK (length(barcode) BETWEEN 1 AND 50)"),)


ProductBarcode.add_index(
    ProductBarcode.index(
        ProductBarcode.code_key, unique=True, where=pw.SQL("is_active"), name="ops_product_barcode_live"
    )
)


class ProductVendor(Table):
    """One of the vendors a product can be bought from, with that vendor's code and cost."""

    id = IdField(primary_key=True, default=uuid7)
    product = foreign(Product, "product_id", on_delete="CASCADE", index=False)
    vendor = foreign(Vendor, "vendor_id")
    vendor_sku = TextField(default="")
    cost_price_minor = MoneyField(null=True)
    position = IntField(default=0)

    class Meta:
        table_name = "ops_product_vendor"
        indexes = ((("product", "vendor"), True),)
        constraints = (pw.SQL("CONSTRAINT ops_product_vendor_cost CHECK (cost_price_minor > 0)"),)


class StoreProduct(Table):
    """What one store has decided about a product. `target_quantity`: how much it wants to hold (None: not said)."""

    store = foreign(Store, "store_id", index=False)
    product = foreign(Product, "product_id", on_delete="CASCADE")
    target_quantity = QuantityField(null=True)

    class Meta:
        table_name = "ops_store_product"
        primary_key = pw.CompositeKey("store", "product")
        constraints = (pw.SQL("CONSTRAINT ops_store_product_target CHECK (target_quantity >= 0)"),)
