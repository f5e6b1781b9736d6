"""A shop full of marked values that only some may see, and people with exactly the permissions that a test names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.kernel import Kernel
from pos_core.testing.harness import PASSWORD, Business, Client, Server

#: Figures and texts that occur nowhere else: where one of them is met, a masked field has got out.
COST, VENDOR_COST = 918_273, 564_738
CANARIES = {
    "product.cost_price": (str(COST), "9182.73", str(VENDOR_COST), "5647.38"),
    "customer.contact": ("+1 202 555 0199", "2025550199", "canary@example.org", "Canary Street", "CANARY-TAX-77"),
}


def field_permissions(kernel: Kernel) -> set[str]:
    """The permissions of single fields."""
    return {code for one in kernel.masks.declared for code in (*one.view, *one.edit)}


@dataclass
class Staff:
    """Makes people: each with a role of its own in the store (or, for hq, at the headquarters)."""

    business: Business
    server: Server
    made: int = 0

    def sign_in(self, scope: str, permissions: Iterable[str]) -> Client:
        """Somebody new who holds these permissions of a scope, signed in there."""
        self.made += 1
        name, business = f"person{self.made}", self.business
        role = {"id": uuid7(), "code": f"role_{name}", "name": name, "scope": scope, "permissions": sorted(permissions)}
        business.perform("role:create", role)
        person = {"id": uuid7(), "username": name, "full_name": name.title(), "password": PASSWORD}
        business.perform("user:create", person)
        store = None if scope == "hq" else business.store_id
        business.perform("user:assign", {"user_id": person["id"], "role": role["code"], "store_id": store})
        body: dict[str, Any] = {"username": name, "password": PASSWORD, "app_context": scope}
        if scope == "store":
            body["store_id"] = business.store_id
        if scope == "pos":
            body["device"] = {"id": business.ids["device1"], "key": business.keys["device1"]}
        client = self.server.client()
        answer = client.post("/auth/login", body)
        assert answer.status == 201, answer.text
        client.token = answer.data["access_token"]
        return client

    def permissions(self, scope: str) -> set[str]:
        """Every permission of a scope."""
        return {code for code in self.business.kernel.permissions() if code.startswith(scope + ":")}

    def blind(self, scope: str, *but: str) -> Client:
        """Somebody who may do everything in a scope, but sees and sets no sensitive field except by `but`."""
        return self.sign_in(scope, self.permissions(scope) - field_permissions(self.business.kernel) | {*but})


@dataclass
class Marked:
    """What was entered with marked values, by entity: ids and versions."""

    ids: dict[str, str] = field(default_factory=dict)

    @property
    def canaries(self) -> list[str]:
        return [text for texts in CANARIES.values() for text in texts]


@pytest.fixture
def staff(business: Business, server: Server) -> Staff:
    return Staff(business, server)


def product_body(**more: Any) -> dict[str, Any]:
    """A product with a marked cost."""
    made = uuid7()
    return {"id": made, "sku": f"SKU-{made[-6:]}", "name": "Marked tea", "unit_price_minor": 990_000,
            "cost_price_minor": COST, **more}  # fmt: skip


def customer_body(**more: Any) -> dict[str, Any]:
    """A customer whose contact is marked."""
    return {
        "id": uuid7(), "first_name": "Robin", "last_name": "Marker", "phone": "+1 202 555 0199",
        "email": "canary@example.org", "address": "7 Canary Street", "tax_id": "CANARY-TAX-77", **more,
    }  # fmt: skip


@pytest.fixture
def marked(business: Business) -> Marked:
    """A product with its vendor's cost, a customer, and a sale of one to the other."""
    made = Marked()
    vendor = business.perform("vendor:create", {"id": uuid7(), "code": "V1", "name": "Vendor"})
    product = business.perform("product:create", product_body())
    business.perform("product:set_vendors", {"id": product["id"], "version": product["version"], "vendors": [
        {"vendor_id": vendor["id"], "cost_price_minor": VENDOR_COST}]})  # fmt: skip
    customer = business.perform("customer:create", customer_body(), role="cashier")
    business.perform("register_session:open", {"id": uuid7(), "float_minor": 0}, role="cashier")
    sale = business.perform("sale:complete", {
        "id": uuid7(), "customer_id": customer["id"], "lines": [{"product_id": product["id"], "quantity": "1"}],
        "tenders": [{"tender": "cash", "amount_minor": 990_000}],
    }, role="cashier")  # fmt: skip
    made.ids = {"product": product["id"], "customer": customer["id"], "sale": sale["id"], "vendor": vendor["id"]}
    return made


@pytest.fixture
def version_of(business: Business) -> Callable[[str, str], int]:
    """The version that a product or customer is at."""

    def version(entity: str, row_id: str) -> int:
        return int(business.query(f"{entity}:get", id=row_id)["version"])

    return version
