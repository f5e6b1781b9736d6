"""The main menu: served per user, in its order, and what is not installed or off is marked."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from pos_admin.tabs.schemas import TabAnswer
from pos_core import Manifest, Tab, hookimpl
from pos_core.ids import uuid7
from pos_core.testing.harness import PASSWORD, Business, Client, Server

Clients = Callable[..., Client]

ADMIN = [
    "Dashboard Administration", "Products", "Customers", "Vendors", "Salesman", "Stock", "Expenses", "Custom Invoice",
    "View Custom Order", "Invoice", "Sales View", "Duplicate Bill", "Refund", "Logout",
]  # fmt: skip
CASHIER = [
    "POS Screen", "Quick Sell", "Cash Drawer", "Shift Close", "Daily Reports", "Duplicate Bill", "Refund", "Logout",
]  # fmt: skip


def tabs(client: Client, **headers: str) -> list[dict[str, Any]]:
    answer = client.get("/tabs", **headers)
    assert answer.status == 200, answer.text
    return [TabAnswer.model_validate(one).model_dump() for one in answer.data]


def labels(client: Client) -> list[str]:
    return [one["label"] for one in tabs(client)]


def sign_in(business: Business, client: Client, role: str, app_context: str) -> Client:
    """Somebody new with one role, signed in."""
    name = f"{role}.x"
    made = business.perform("user:create", {"id": uuid7(), "username": name, "full_name": name, "password": PASSWORD})
    place = {} if app_context == "hq" else {"store_id": business.store_id}
    business.perform("user:assign", {"user_id": made["id"], "role": role, **place})
    body = {"username": name, "password": PASSWORD, "app_context": app_context, "delivery": "body", **place}
    answer = client.post("/auth/login", body)
    assert answer.status == 201, answer.text
    return Client(client.host, client.port, answer.data["access_token"])


@pytest.mark.req("RGX-01", "RGX-02", "RGX-04")
def test_the_fourteen_and_the_employees_and_the_eight(
    client_as: Clients, client: Client, business: Business
) -> None:
    assert labels(sign_in(business, client, "admin", "hq")) == ADMIN
    assert labels(sign_in(business, client, "employee", "store")) == ["Dashboard", *ADMIN[1:]]


@pytest.mark.req("RGX-01", "RGX-03")
def test_a_cashier_has_eight_and_everything_else_is_denied(client_as: Clients) -> None:
    cashier = client_as("cashier")
    assert labels(cashier) == CASHIER
    denied = ("/vendors", "/users", "/settings/none", "/roles", "/audit/entries", "/employees")
    assert {path: cashier.get(path).status for path in denied if path != "/settings/none"} == {
        path: 403 for path in denied if path != "/settings/none"}  # fmt: skip


@pytest.mark.req("RGX-01")
def test_a_tab_that_opens_is_one_whose_first_call_is_answered(client_as: Clients) -> None:
    manager = client_as("manager")
    calls = {"products": "/products", "customers": "/customers", "vendors": "/vendors", "salesman": "/representatives",
             "stock": "/stock", "invoice": "/sales", "sales_view": "/reports"}  # fmt: skip
    shown = {one["code"]: one["available"] for one in tabs(manager)}
    for code, path in calls.items():
        assert shown[code] is True
        assert manager.get(path).status == 200
    for code in ("dashboard", "expenses", "custom_invoice", "view_custom_order"):
        assert shown[code] is False, "not installed"


@pytest.mark.req("RGX-01")
def test_a_tab_is_hidden_without_its_permission(client: Client, business: Business) -> None:
    role = {"id": uuid7(), "code": "clerk", "name": "Clerk", "scope": "hq", "permissions": ["hq:customers.view"]}
    business.perform("role:create", role)
    clerk = sign_in(business, client, "clerk", "hq")
    shown = {one["code"] for one in tabs(clerk)}
    assert "customers" in shown
    assert shown.isdisjoint({"products", "vendors", "salesman", "stock", "invoice", "sales_view", "duplicate_bill"})
    assert clerk.get("/products").status == 403


@pytest.mark.req("RGX-01")
def test_the_labels_come_in_spanish(client_as: Clients) -> None:
    shown = tabs(client_as("cashier"), **{"Accept-Language": "es"})
    assert [one["label"] for one in shown][:2] == ["Pantalla de venta", "Venta rápida"]
    assert all(one["label"] for one in shown)


def test_nobody_who_is_not_signed_in_has_tabs(client: Client) -> None:
    assert client.get("/tabs").code == "token_missing"


def pack() -> tuple[str, ModuleType]:
    python = ModuleType("made_lab_tables")
    python.MANIFEST = Manifest(name="lab.tables", version="1.0", title="Tables")  # type: ignore[attr-defined]

    @hookimpl
    def register_tabs() -> tuple[Tab, ...]:
        return (
            Tab("tables", "Tables", "Mesas", ("pos",), ("sale:complete",), position=15),
            Tab("kitchen", "Kitchen", "Cocina", ("pos", "store"), modules=("lab.tables",)),
        )

    python.register_tabs = register_tabs  # type: ignore[attr-defined]
    return "lab.tables", python


@pytest.mark.req("RGX-01", "RGX-05")
@pytest.mark.parametrize("off", [(), ("ops.customers",), ("lab.tables",)])
def test_packs_add_tabs_and_what_is_off_is_unavailable(
    make_business: Callable[..., Business], off: tuple[str, ...]
) -> None:
    business = make_business(extra=[pack()], modules={"disabled": list(off)})
    server = Server(business.kernel)
    try:
        admin = sign_in(business, server.client(), "employee", "store")
        shown = {one["code"]: one["available"] for one in tabs(admin)}
        assert shown["customers"] is (off != ("ops.customers",))
        assert ("kitchen" in shown) is (off != ("lab.tables",))
        device = {"id": business.ids["device1"], "key": business.keys["device1"]}
        body = {"username": "cashier1", "password": PASSWORD, "app_context": "pos", "device": device}
        till = server.client(server.client().post("/auth/login", body).data["access_token"])
        order = [one["code"] for one in tabs(till)]
        if off != ("lab.tables",):
            assert order[:3] == ["pos_screen", "tables", "quick_sell"]
            assert order[-2:] == ["kitchen", "logout"]
    finally:
        server.close()
