"""Changing customers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pos_core.actions import action
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.statements import statement
from pos_core.stores.service import changes_of
from pos_ops.customers import naming, queries, schemas
from pos_ops.customers.models import Customer

PERSONAL = ("name", "first_name", "last_name", "company", "email", "phone", "tax_id", "address", "notes")
CREATORS = ("hq:customers.create", "store:customers.create", "pos:customers.create")
EDITORS = ("hq:customers.edit", "store:customers.edit", "pos:customers.edit")
SWITCHERS = ("hq:customers.delete", "store:customers.delete")

# Counts and locks in one statement: whoever else creates a customer waits for this commit, no code is given twice.
_COUNT = statement(
    "INSERT INTO ops_counter (name, value) VALUES (?, 1) "
    "ON CONFLICT (name) DO UPDATE SET value = ops_counter.value + 1 RETURNING value",
    "text",
)


def _next_code(ctx: Context) -> str:
    prefix = ctx.settings["customers.code_prefix"]
    return naming.code_of(prefix, ctx.kernel.db.fetch(_COUNT, (f"customer:{prefix}",))[0][0])


def _keys(row: Customer) -> dict[str, str]:
    names = (row.code, row.first_name, row.last_name, row.company)
    return {"search_key": naming.search_key(*names, row.email, row.phone), "name_key": naming.name_key(*names)}


@action("customer:create", command=schemas.CreateCustomer, permission=CREATORS, status=201, key_field="id",
        personal=PERSONAL)
def create_customer(ctx: Context, command: schemas.CreateCustomer) -> dict[str, Any]:
    """Enter a customer; the code is made here and stays."""
    row = Customer(**command.model_dump(), code=_next_code(ctx), store=ctx.store_id)
    for name, key in _keys(row).items():
        setattr(row, name, key)
    records.add(ctx, row)
    ctx.emit("customer:created", "customer", row.id, code=row.code)
    return queries.customer_view(row)


def prepare_edit(ctx: Context, command: schemas.EditCustomer) -> Mapping[str, Any]:
    """The customer as it is, for the rules."""
    return MappingProxyType(queries.get_customer(ctx, id=command.id))


@action("customer:edit", command=schemas.EditCustomer, permission=EDITORS, personal=PERSONAL, prepare=prepare_edit)
def edit_customer(ctx: Context, command: schemas.EditCustomer, draft: Mapping[str, Any]) -> dict[str, Any]:
    """Change a customer's details; code and store of origin stay."""
    ctx.writing.was(draft)
    row = records.get(Customer, command.id, "customer")
    changes = changes_of(command)
    for name, value in changes.items():
        setattr(row, name, value)
    records.edit(ctx, row, {**changes, **_keys(row)}, "customer", command.version)
    ctx.emit("customer:updated", "customer", row.id, code=row.code)
    return queries.customer_view(row)


def _switch(ctx: Context, command: schemas.SwitchCustomer, is_active: bool) -> dict[str, Any]:
    row = records.get(Customer, command.id, "customer")
    ctx.writing.was(queries.customer_view(row))
    records.edit(ctx, row, {"is_active": is_active}, "customer", command.version)
    name = "customer:activated" if is_active else "customer:deactivated"
    ctx.emit(name, "customer", row.id, code=row.code)
    return queries.customer_view(row)


@action("customer:deactivate", command=schemas.SwitchCustomer, permission=SWITCHERS, personal=PERSONAL)
def deactivate_customer(ctx: Context, command: schemas.SwitchCustomer) -> dict[str, Any]:
    """Take a customer out of use: no new sale names them, old ones keep them."""
    return _switch(ctx, command, is_active=False)


@action("customer:activate", command=schemas.SwitchCustomer, permission=SWITCHERS, personal=PERSONAL)
def activate_customer(ctx: Context, command: schemas.SwitchCustomer) -> dict[str, Any]:
    """Bring a customer back into use."""
    return _switch(ctx, command, is_active=True)
