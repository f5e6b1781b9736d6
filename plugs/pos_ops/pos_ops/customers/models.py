"""Customers, and the counter that their codes come from."""

from __future__ import annotations

import peewee as pw

from pos_core.db.fields import BigField, BoolField, TextField
from pos_core.db.model import Record, Table, foreign
from pos_core.stores.models import Store


class Customer(Record):
    """Somebody who buys and wants to be known: a person or a company.

    `store` is where the customer was first entered (none: at the headquarters); every store knows every customer.
    `search_key` holds folded names, code and mail and the phone's digits, for finding only; `name_key` names and code,
    for those from whom it is hidden how a customer is reached.
    """

    code = TextField(unique=True)
    store = foreign(Store, "store_id", null=True)
    first_name = TextField(default="")
    last_name = TextField(default="")
    company = TextField(default="")
    email = TextField(default="")
    phone = TextField(default="")
    tax_id = TextField(default="")
    address = TextField(default="")
    notes = TextField(default="")
    is_active = BoolField(default=True)
    search_key = TextField()
    name_key = TextField()

    class Meta:
        table_name = "ops_customer"
        constraints = (
            pw.SQL("CONSTRAINT ops_customer_named CHECK (first_name <> '' OR last_name <> '' OR company <> '')"),
        )


class Counter(Table):
    """A number that several processes count on; its row is locked by the action until it commits."""

    name = TextField(primary_key=True)
    value = BigField()

    class Meta:
        table_name = "ops_counter"
        constraints = (pw.SQL("CONSTRAINT ops_counter_value CHECK (value > 0)"),)
