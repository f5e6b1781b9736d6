"""Customers for the demonstration shop: invented people, mail in domains and numbers that belong to nobody."""

from __future__ import annotations

from pos_core.context import Context

PEOPLE = (
    {"first_name": "Marta", "last_name": "Olmedo", "phone": "+1 202 555 0101", "email": "marta.olmedo@example.com"},
    {"first_name": "Jürgen", "last_name": "Wellmann", "phone": "+1 202 555 0102", "email": "j.wellmann@example.org"},
    {"first_name": "Aiko", "last_name": "Tanabe", "phone": "+1 202 555 0103", "email": "aiko@example.net"},
    {"first_name": "Pedro", "last_name": "Núñez", "phone": "+1 202 555 0104"},
    {"company": "Harbour Street Bakery", "tax_id": "EX-100200", "email": "orders@bakery.example.com",
     "address": "7 Harbour Street"},
    {"company": "Example School Canteen", "tax_id": "EX-300400", "phone": "+1 202 555 0106",
     "address": "1 Schoolyard", "notes": "Invoices at the end of the month."},
)  # fmt: skip


def load(ctx: Context) -> None:
    """Enter the demonstration customers."""
    for person in PEOPLE:
        ctx.perform("customer:create", person)
