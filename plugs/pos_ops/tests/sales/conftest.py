"""A till that is open, with products to sell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.testing.harness import Business


@dataclass
class Shop:
    """An open register and a few products by SKU: A 9.99, B 2.50, C 0.05 a gram-like thing at 1.00 per 1000."""

    business: Business
    products: dict[str, dict[str, Any]]
    session_id: str

    def sale(
        self, *lines: tuple[str, str], paid: int | None = None, tender: str = "cash", **more: Any
    ) -> dict[str, Any]:
        """A sale's body: (sku, quantity) lines, paid exactly by one tender unless said otherwise."""
        body: dict[str, Any] = {"id": uuid7(), "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]}
        body |= more
        if "tenders" not in body:
            body["tenders"] = [{"tender": tender, "amount_minor": 10_000_000 if paid is None else paid}]
        return body

    def sell(self, body: dict[str, Any], *, till: int = 1) -> dict[str, Any]:
        return self.business.perform("sale:complete", body, role="cashier", till=till)

    def stock(self, sku: str) -> int:
        product = self.products[sku]["id"]
        return self.business.query("stock:levels", role="cashier", product_ids=[product]).get(product, 0)


def open_shop(business: Business) -> Shop:
    """Open till 1 and create the products."""
    session = uuid7()
    business.perform("register_session:open", {"id": session, "float_minor": 10_000}, role="cashier")
    standard = business.query("tax_group:by_code", code="standard")["id"]
    reduced = business.query("tax_group:by_code", code="reduced")["id"]
    wanted = {
        "A": {"name": "Teapot", "unit_price_minor": 999, "tax_group_id": standard, "cost_price_minor": 400},
        "B": {"name": "Bread", "unit_price_minor": 250, "tax_group_id": reduced},
        "C": {"name": "Screws", "unit_price_minor": 100, "price_per": 1000, "tax_group_id": standard},
        "O": {"name": "Flowers", "is_open_price": True, "tax_group_id": standard},
        "OFF": {"name": "Retired", "unit_price_minor": 100},
    }
    products = {
        sku: business.perform("product:create", {"id": uuid7(), "sku": sku, **fields}) for sku, fields in wanted.items()
    }
    business.perform("product:deactivate", {"id": products["OFF"]["id"], "version": products["OFF"]["version"]})
    return Shop(business, products, session)


@pytest.fixture
def shop(business: Business) -> Shop:
    """An open shop on each database."""
    return open_shop(business)
