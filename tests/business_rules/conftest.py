"""A shop with an open till, and rules to stand before what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.testing.harness import Business


@dataclass
class Shop:
    """Departments by code, products by SKU: BEER 2.00 and WINE 9.00 in alcohol, TEA 10.00 in food."""

    business: Business
    departments: dict[str, str]
    products: dict[str, str]
    customer: str

    def sale(self, *lines: tuple[str, str], **more: Any) -> dict[str, Any]:
        """A sale's body: (sku, quantity) lines, paid in cash."""
        return {
            "id": uuid7(), "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
            "tenders": [{"tender": "cash", "amount_minor": 10_000_000}], **more,
        }  # fmt: skip

    def sell(self, *lines: tuple[str, str], **more: Any) -> dict[str, Any]:
        return self.business.perform("sale:complete", self.sale(*lines, **more), role="cashier")

    def refused(self, *lines: tuple[str, str], **more: Any) -> PosError:
        """The refusal of a sale that must be refused."""
        with pytest.raises(PosError) as caught:
            self.sell(*lines, **more)
        return caught.value

    def write(self, condition: dict[str, Any], code: str = "rule", **more: Any) -> dict[str, Any]:
        """A new rule before sales, as a draft."""
        body = {
            "id": uuid7(), "code": code, "name": "A rule", "actions": ["sale:complete"], "condition": condition,
            "message_en": "Not like this.", "message_es": "Así no.", **more,
        }  # fmt: skip
        return self.business.perform("business_rule:create", body)

    def activate(self, rule: dict[str, Any], **more: Any) -> dict[str, Any]:
        body = {"id": rule["id"], "version": rule["version"], "reason": "policy_changed", **more}
        return self.business.perform("business_rule:activate", body)

    def rule(self, condition: dict[str, Any], code: str = "rule", **more: Any) -> dict[str, Any]:
        """A new rule before sales that is on."""
        return self.activate(self.write(condition, code, **more))

    def past(self, rule: dict[str, Any], **more: Any) -> dict[str, Any]:
        return dict(self.business.query("business_rule:past", id=rule["id"], **more))


def open_shop(business: Business) -> Shop:
    """Make the catalogue and a customer, and open till 1."""
    departments = {
        code: business.perform("department:create", {"id": uuid7(), "code": code, "name": code.title()})["id"]
        for code in ("alcohol", "food")
    }
    wanted = {"BEER": (200, "alcohol"), "WINE": (900, "alcohol"), "TEA": (1000, "food")}
    products = {
        sku: business.perform("product:create", {
            "id": uuid7(), "sku": sku, "name": sku.title(), "unit_price_minor": price,
            "department_id": departments[department], "cost_price_minor": price // 2,
        })["id"]
        for sku, (price, department) in wanted.items()
    }  # fmt: skip
    ada = {"id": uuid7(), "first_name": "Ada", "last_name": "L", "phone": "600100200"}
    customer = business.perform("customer:create", ada)["id"]
    business.perform("register_session:open", {"id": uuid7(), "float_minor": 10_000}, role="cashier")
    return Shop(business, departments, products, customer)


@pytest.fixture
def shop(business: Business) -> Shop:
    """The shop on each database."""
    return open_shop(business)


def said(error: PosError) -> list[tuple[str, str]]:
    """(code, message) of everything that was wrong."""
    return [(one.code.code, one.message()) for one in error.violations]
