"""Sales and what they are made of. Figures are stored once, with their reasoning, and only ever added up.

Stores, registers and their sessions, devices, users, products, tax rates and tenders are never deleted (the database
refuses it), so a sale names them without a foreign key: its check would lock rows, some of them shared by all tills.
"""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import (
    BigField,
    BoolField,
    DayField,
    IdField,
    IntField,
    JsonField,
    MoneyField,
    QuantityField,
    RateField,
    TextField,
    UtcField,
)  # fmt: skip
from pos_core.db.model import Record, Table, foreign
from pos_core.rbac.models import User

# Foreign-key targets only; what they are like comes from their modules' queries.
from pos_ops.customers.models import Customer
from pos_ops.representatives.models import Representative

#: A completed sale is undone by voiding it or mirrored by refunds; it never goes back to a cart.
TRANSITIONS = {"sale": {"completed": ("voided",), "voided": ()}}


class Sale(Record):
    """A posted sale. `number` is gapless per register; `receipt_number` is how it is printed.

    gross - discount = what the lines cost; net + tax = total; total + rounding = payable; paid - change = payable.
    An offline sale holds what the till printed; what disagreed stands in flags.
    """

    never_deleted = True

    number = BigField()
    receipt_number = TextField()
    status = TextField(default="completed")
    store_id = IdField()
    register_id = IdField()
    session_id = IdField(null=True, index=True)
    cashier_id = IdField()
    device_id = IdField(null=True)
    customer = foreign(Customer, "customer_id", null=True, index=False)
    representative = foreign(Representative, "representative_id", null=True, index=False)
    channel = TextField()
    business_date = DayField()
    sold_at = UtcField()
    currency = TextField()
    line_count = IntField()
    gross_minor = MoneyField()
    discount_minor = MoneyField()
    net_minor = MoneyField()
    tax_minor = MoneyField()
    total_minor = MoneyField()
    rounding_minor = MoneyField()
    payable_minor = MoneyField()
    paid_minor = MoneyField()
    change_minor = MoneyField()
    discounts = JsonField(null=True)
    note = TextField(null=True)
    is_offline = BoolField(default=False)
    printed_number = TextField(null=True)
    printed_total_minor = MoneyField(null=True)
    flag_count = IntField(default=0)
    voided_at = UtcField(null=True)

    class Meta:
        table_name = "ops_sale"
        indexes = (
            (("register_id", "number"), True),
            (("store_id", "business_date", "id"), False),
            (("cashier_id", "id"), False),
        )
        constraints = (
            pw.SQL("CONSTRAINT ops_sale_status CHECK (status IN ('completed', 'voided'))"),
            pw.SQL(
                "CONSTRAINT ops_sale_sums CHECK (is_offline OR (net_minor + tax_minor = total_minor AND "
                "total_minor + rounding_minor = payable_minor AND paid_minor - change_minor = payable_minor))"
            ),
        )


Sale.add_index(Sale.index(Sale.customer, Sale.id, where=pw.SQL("customer_id IS NOT NULL"), name="ops_sale_customer"))
Sale.add_index(Sale.index(Sale.id, where=pw.SQL("flag_count > 0"), name="ops_sale_flagged"))


class SaleLine(Table):
    """A line as it was sold: what, for which price and why, its discounts, and each tax with its base."""

    append_only = True

    sale = foreign(Sale, "sale_id", index=False)
    position = IntField()
    product_id = IdField(null=True)
    sku = TextField(null=True)
    name = TextField()
    department_id = IdField(null=True)
    quantity = QuantityField()
    unit_price_minor = MoneyField()
    price_per = IntField()
    price_source = TextField()
    gross_minor = MoneyField()
    discount_minor = MoneyField()
    cart_discount_minor = MoneyField()
    net_minor = MoneyField()
    tax_minor = MoneyField()
    total_minor = MoneyField()
    cost_price_minor = MoneyField(null=True)
    tax_group_id = IdField(null=True)
    taxes = JsonField()
    discounts = JsonField(null=True)
    note = TextField(null=True)

    class Meta:
        table_name = "ops_sale_line"
        primary_key = pw.CompositeKey("sale", "position")


class SaleTax(Table):
    """One tax over the whole sale: the sum of its lines' figures."""

    append_only = True

    sale = foreign(Sale, "sale_id", index=False)
    position = IntField()
    rate_id = IdField()
    code = TextField()
    rate_value = RateField()
    base_minor = MoneyField()
    amount_minor = MoneyField()
    is_deducted = BoolField(default=False)

    class Meta:
        table_name = "ops_sale_tax"
        primary_key = pw.CompositeKey("sale", "position")


class Payment(Table):
    """What one tender paid: `tendered` was handed over, `change` went back, `amount` is the difference."""

    append_only = True

    sale = foreign(Sale, "sale_id", index=False)
    position = IntField()
    tender_id = IdField(null=True)
    tender_code = TextField()
    amount_minor = MoneyField()
    tendered_minor = MoneyField()
    change_minor = MoneyField()
    reference = TextField(null=True)

    class Meta:
        table_name = "ops_payment"
        primary_key = pw.CompositeKey("sale", "position")


class SaleFlag(Record):
    """Something about an offline sale that disagrees with the rules, for somebody to look at."""

    sale = foreign(Sale, "sale_id")
    code = TextField()
    path = TextField()
    message = TextField()
    rule = TextField()
    reviewed_at = UtcField(null=True)
    reviewed_by = foreign(User, "reviewed_by", null=True, index=False)
    review_note = TextField(null=True)

    class Meta:
        table_name = "ops_sale_flag"


SaleFlag.add_index(SaleFlag.index(SaleFlag.id, where=pw.SQL("reviewed_at IS NULL"), name="ops_sale_flag_open"))
