"""Reads of customers. Every store of the business knows every customer; the store of origin is a fact, no fence."""

from __future__ import annotations

from typing import Any

from pos_core import clock
from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.statements import statement
from pos_core.rbac import masks
from pos_ops.customers import naming
from pos_ops.customers.models import Customer

READERS = ("hq:customers.view", "store:customers.view", "pos:customers.view")

_FOR_SALE = statement(
    "SELECT id, code, first_name, last_name, company, tax_id, address, email FROM ops_customer "
    "WHERE id = ? AND is_active",
    "uuid",
)


def customer_view(row: Customer) -> dict[str, Any]:
    """A customer as the API shows it."""
    return {
        "id": row.id, "code": row.code, "store_id": row.store_id,
        "name": naming.shown_name(row.first_name, row.last_name, row.company),
        "first_name": row.first_name, "last_name": row.last_name, "company": row.company, "email": row.email,
        "phone": row.phone, "tax_id": row.tax_id, "address": row.address, "notes": row.notes,
        "is_active": row.is_active, "version": row.version,
        "created_at": clock.to_text(row.created_at), "updated_at": clock.to_text(row.updated_at),
    }  # fmt: skip


@query("customer:list", permission=READERS)
def list_customers(
    ctx: Context, *, search: str | None = None, is_active: bool | None = None, limit: int = 50, cursor: Any = None
) -> tuple[list[dict[str, Any]], Any]:
    """Customers by code; `search` takes words of names, codes and mail addresses, or a phone number.

    Where it is hidden how customers are reached it finds names and codes only; a search that can only mean a mail
    address or a phone number is PosError `field_masked`.
    """
    rows = Customer.select()
    reached = masks.sees(ctx, "customer.contact")
    if not reached and naming.means_contact(search or ""):
        raise masks.masked_search("search", "email" if "@" in (search or "") else "phone")
    key = Customer.search_key if reached else Customer.name_key
    if is_active is not None:
        rows = rows.where(Customer.is_active == is_active)
    for term in naming.terms(search or ""):
        rows = rows.where(key.contains(term))
    found, following = records.page(rows, (Customer.code,), cursor, limit)
    return [customer_view(row) for row in found], following


@query("customer:get", permission=READERS)
def get_customer(ctx: Context, *, id: str) -> dict[str, Any]:
    """One customer."""
    return customer_view(records.get(Customer, id, "customer"))


@query("customer:for_sale")
def customer_for_sale(ctx: Context, *, id: str) -> dict[str, str] | None:
    """What a sale keeps of its customer, in one round trip; None when there is none in use of that id."""
    rows = ctx.kernel.db.fetch(_FOR_SALE, (id,))
    if not rows:
        return None
    found_id, code, first_name, last_name, company, tax_id, address, email = rows[0]
    return {
        "id": found_id, "code": code, "name": naming.shown_name(first_name, last_name, company), "company": company,
        "tax_id": tax_id, "address": address, "email": email,
    }  # fmt: skip
