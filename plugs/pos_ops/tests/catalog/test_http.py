"""The catalogue over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.testing.harness import Client

SignIn = Callable[..., Client]


def made(client: Client, **values: Any) -> dict[str, Any]:
    body = {"id": uuid7(), "sku": "TEA-1", "name": "Green tea", "unit_price_minor": 349, **values}
    answer = client.post("/products", body)
    assert answer.status == 201, answer.text
    return dict(answer.data)


@pytest.mark.req("CAT-01")
@pytest.mark.req("CAT-02")
def test_a_product_is_created_found_and_changed(client_as: SignIn) -> None:
    admin = client_as("admin")
    product = made(admin, barcodes=["036000291452"])
    for query in ("sku=TEA-1", "barcode=0036000291452", "search=gre+te", "is_active=true&search=tea"):
        found = admin.get(f"/products?{query}")
        assert found.status == 200, found.text
        assert [row["id"] for row in found.data] == [product["id"]], query
    edited = admin.patch(f"/products/{product['id']}", {"name": "Black tea"}, version=1)
    assert (edited.status, edited.data["name"], edited.data["version"]) == (200, "Black tea", 2)
    assert admin.patch(f"/products/{product['id']}", {"name": "Old"}, version=1).status == 412
    assert admin.patch(f"/products/{product['id']}", {"sku": "X"}, version=2).status == 422
    assert admin.get(f"/products/{uuid7()}").status == 404


@pytest.mark.req("V2X-11")
def test_barcodes_vendors_and_the_switch_have_doors(client_as: SignIn) -> None:
    admin = client_as("admin")
    product = made(admin)
    path = f"/products/{product['id']}"
    answer = admin.request("PUT", f"{path}/barcodes", {"barcodes": ["0400000000107"]}, {"If-Match": '"1"'})
    assert (answer.status, answer.data["barcode"]) == (200, "0400000000107")
    vendor = admin.post("/vendors", {"id": uuid7(), "code": "V1", "name": "Vendor"}).data
    lines = {"vendors": [{"vendor_id": vendor["id"], "cost_price_minor": 90}]}
    answer = admin.request("PUT", f"{path}/vendors", lines, {"If-Match": '"2"'})
    assert answer.status == 200, answer.text
    assert admin.get(f"{path}/vendors").data["vendors"][0]["supplier_id"] == vendor["id"]
    answer = admin.request("POST", f"{path}/deactivate", {}, {"If-Match": '"3"'})
    assert (answer.status, answer.data["is_active"]) == (200, False)
    answer = admin.request("POST", f"{path}/activate", {}, {"If-Match": '"4"'})
    assert (answer.status, answer.data["is_active"]) == (200, True)


@pytest.mark.req("RBC-09")
def test_a_till_reads_and_does_not_write(client_as: SignIn) -> None:
    admin, cashier, manager = client_as("admin"), client_as("cashier"), client_as("manager")
    product = made(admin, cost_price_minor=100)
    seen = cashier.get(f"/products/{product['id']}")
    assert (seen.status, seen.data["cost_price_minor"], seen.data["name"]) == (200, None, "Green tea")
    assert cashier.get("/departments").status == 200
    assert cashier.get("/vendors").status == 403
    assert cashier.post("/products", {"id": uuid7(), "sku": "B", "name": "B", "unit_price_minor": 1}).status == 403
    target = manager.request("PUT", f"/products/{product['id']}/target", {"limited_qty": "3"})
    assert (target.status, target.data["limited_qty"]) == (200, "3")


@pytest.mark.req("V2X-12")
def test_imports_and_their_template(client_as: SignIn) -> None:
    admin = client_as("admin")
    template = admin.get("/products/import-template")
    assert template.status == 200
    assert template.text.startswith("sku,barcode,name,selling_price,cost_price,department_code,tax_rate_code")
    rows = [{"sku": "A", "name": "Tea", "selling_price": "3.49"}, {"sku": "B", "name": "Bread", "selling_price": "x"}]
    refused = admin.post("/products/import", {"id": uuid7(), "rows": rows})
    assert refused.status in (409, 422), refused.text
    assert refused.paths() == {"rows.1.selling_price"}
    done = admin.post("/products/import", {"id": uuid7(), "rows": rows, "skip_bad": True})
    assert (done.status, done.data["created"], done.data["bad"][0]["line"]) == (200, 1, 2)


@pytest.mark.req("RGX-35")
def test_an_upload_of_more_than_ten_megabytes_is_refused(client_as: SignIn) -> None:
    admin = client_as("admin")
    row = {"sku": "A", "name": "Tea", "selling_price": "3.49", "description": "x" * 3_000}
    large = {"id": uuid7(), "rows": [{**row, "sku": f"S{n}"} for n in range(1_000)]}
    answer = admin.post("/products/import", large)
    assert (answer.status, answer.data["created"]) == (200, 1_000)
    too_large = {"id": uuid7(), "rows": [{**row, "sku": f"T{n}"} for n in range(3_600)]}
    assert admin.post("/products/import", too_large).status == 413
