"""What a test needs before it can begin: an open till, products, customers, sales. All through public actions.

The names here are those of the actions' answers; every value may be overridden by name.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from pos_core.ids import uuid7

if TYPE_CHECKING:
    from pos_core.testing.harness import Business


class Shop:
    """Makes things in a business as its people would.

    Amounts are minor units, quantities decimal text. What an action refuses is raised as it is: PosError.
    """

    def __init__(self, business: Business) -> None:
        self.business = business
        self._count = count(1)

    def new_id(self) -> str:
        """An id for something that is about to be made: UUIDv7, as clients make them."""
        return uuid7()

    @property
    def tax_group_id(self) -> str:
        """The standard tax group."""
        return str(self.business.query("tax_group:by_code", code="standard")["id"])

    def product(self, sku: str = "", **values: Any) -> dict[str, Any]:
        """A product of 1.00 that is taxed at the standard rate: product("WINE", unit_price_minor=1250)."""
        sku = sku or f"P{next(self._count):04}"
        given = {"id": uuid7(), "sku": sku, "name": f"Product {sku}", "unit_price_minor": 100, **values}
        if "tax_group_id" not in given:
            given["tax_group_id"] = self.tax_group_id
        return self.business.perform("product:create", given)

    def customer(self, last_name: str = "", **values: Any) -> dict[str, Any]:
        """A customer of the store."""
        last_name = last_name or f"Customer {next(self._count)}"
        given = {"id": uuid7(), "first_name": "Ada", "last_name": last_name, "phone": "+34 600 000 000", **values}
        return self.business.perform("customer:create", given, role="manager")

    def open_register(self, till: int = 1, float_minor: int = 10_000) -> dict[str, Any]:
        """An open session of a till's register, by its cashier."""
        command = {"id": uuid7(), "float_minor": float_minor}
        return self.business.perform("register_session:open", command, role="cashier", till=till)

    def sale_body(self, *lines: tuple[str, str], tender: str = "cash", **more: Any) -> dict[str, Any]:
        """What a till sends for a sale of (sku, quantity) lines, paid by one tender with more than enough."""
        body: dict[str, Any] = {"id": uuid7(), "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]}
        return {**body, "tenders": [{"tender": tender, "amount_minor": 10_000_000}], **more}

    def sale(self, *lines: tuple[str, str], till: int = 1, **more: Any) -> dict[str, Any]:
        """A sale: sale(("WINE", "2")). The till must be open; without lines a new product is sold."""
        body = self.sale_body(*(lines or ((str(self.product()["sku"]), "1"),)), **more)
        return self.business.perform("sale:complete", body, role="cashier", till=till)
