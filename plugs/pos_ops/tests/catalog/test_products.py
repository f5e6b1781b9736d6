"""Products: what they carry, who sees what, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.testing.harness import Business
from pos_ops.catalog import schemas

Make = Callable[..., dict[str, Any]]


def refused(business: Business, action: str, command: dict[str, Any], role: str = "admin") -> PosError:
    with pytest.raises(PosError) as caught:
        business.perform(action, command, role=role)
    return caught.value


@pytest.mark.req("CAT-01")
@pytest.mark.req("CAT-04")
@pytest.mark.req("PRC-02")
def test_a_product_carries_what_the_sources_name(business: Business, product: Make, tax_group: str) -> None:
    brand = business.perform("brand:create", {"name": "Perrido"})
    vendor = business.perform("vendor:create", {"code": "V1", "name": "Vendor"})
    made = product(
        sku="TEA-1", name="Green tea", description="Loose", unit_price_minor=349, cost_price_minor=180, discount="12.5",
        tax_group_id=tax_group, vendor_id=vendor["id"], brand_id=brand["id"], barcodes=["0400000000107", "4011"],
        attributes={"origin": "hills", "grams": 100},
    )  # fmt: skip
    read = business.query("product:get", id=made["id"])
    assert schemas.ProductAnswer.model_validate(read)
    assert read == made | {"stock_level": read["stock_level"]}
    assert (read["unit_price_minor"], read["cost_price_minor"], read["discount"]) == (349, 180, "12.5")
    assert read["tax_rate"] == "2000"
    assert read["supplier_id"] == read["vendor_id"] == vendor["id"]
    assert read["brand"] == read["brand_action"] == "Perrido"
    assert (read["barcode"], read["barcodes"]) == ("0400000000107", ["0400000000107", "4011"])
    assert read["attributes"] == {"origin": "hills", "grams": 100}
    assert (read["branch"], read["limited_qty"]) == (None, None)


@pytest.mark.req("CAT-01")
@pytest.mark.parametrize(
    "values",
    [{"sku": "x" * 51}, {"sku": ""}, {"sku": " A"}, {"name": "n" * 101}, {"unit_price_minor": 0},
     {"cost_price_minor": 0},
     {"unit_price_minor": -1}, {"discount": "100.01"}, {"discount": "1.234"}, {"barcodes": ["9" * 51]},
     {"barcodes": ["a b"]}, {"price_per": 0}, {"attributes": {"picture": "x" * 20_000}}, {"unit_price_minor": 1.5}],
)  # fmt: skip
def test_limits_hold(values: dict[str, Any]) -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError):
        schemas.CreateProduct(**{"sku": "A", "name": "A", "unit_price_minor": 1, **values})


def test_a_sku_belongs_to_one_product_for_ever(business: Business, product: Make) -> None:
    made = product(sku="A")
    business.perform("product:deactivate", {"id": made["id"], "version": 1})
    error = refused(business, "product:create", {"id": uuid7(), "sku": "A", "name": "B", "unit_price_minor": 1})
    assert (error.code.code, error.path) == ("sku_taken", "sku")


@pytest.mark.req("V2X-11")
def test_the_sku_cannot_change(business: Business) -> None:
    assert "sku" not in schemas.EditProduct.model_fields
    assert not any(action.name == "product:delete" for action in business.kernel.actions())


@pytest.mark.req("V2X-11")
def test_products_are_deactivated_and_come_back(business: Business, product: Make) -> None:
    made = product(sku="A", barcodes=["0400000000107"])
    off = business.perform("product:deactivate", {"id": made["id"], "version": 1})
    assert (off["is_active"], off["version"]) == (False, 2)
    assert business.query("product:list", role="cashier") == ([], None)
    assert [row["id"] for row in business.query("product:list", is_active=False)[0]] == [made["id"]]
    other = product(sku="B", barcodes=["400000000107"])
    error = refused(business, "product:activate", {"id": made["id"], "version": 2})
    assert error.code.code == "barcode_taken"
    business.perform("product:set_barcodes", {"id": other["id"], "version": 1, "barcodes": []})
    assert business.perform("product:activate", {"id": made["id"], "version": 2})["is_active"] is True


@pytest.mark.req("V2X-11")
def test_a_barcode_belongs_to_one_active_product_in_all_its_forms(business: Business, product: Make) -> None:
    product(sku="A", barcodes=["036000291452"])
    for form in ("036000291452", "0036000291452", "00036000291452", "36000291452"):
        error = refused(business, "product:create", {
            "id": uuid7(), "sku": f"B{len(form)}", "name": "B", "unit_price_minor": 1, "barcodes": [form]})  # fmt: skip
        assert error.code.code == "barcode_taken"
        (found,) = business.query("product:list", barcode=form)[0]
        assert found["sku"] == "A"
    error = refused(business, "product:create", {
        "id": uuid7(), "sku": "C", "name": "C", "unit_price_minor": 1,
        "barcodes": ["0400000000107", "400000000107"]})  # fmt: skip
    assert (error.code.code, error.path) == ("barcode_twice", "barcodes.1")


@pytest.mark.req("PRC-01")
def test_a_price_is_there_unless_the_till_asks_for_it(business: Business, product: Make) -> None:
    command = {"id": uuid7(), "sku": "A", "name": "A"}
    assert refused(business, "product:create", command).code.code == "price_missing"
    both = {**command, "unit_price_minor": 1, "is_open_price": True}
    assert refused(business, "product:create", both).code.code == "price_not_open"
    made = product(sku="O", unit_price_minor=None, is_open_price=True)
    assert (
        refused(business, "product:edit", {"id": made["id"], "version": 1, "is_open_price": False}).code.code
        == "price_missing"
    )
    fixed = business.perform(
        "product:edit", {"id": made["id"], "version": 1, "is_open_price": False, "unit_price_minor": 250}
    )
    assert (fixed["unit_price_minor"], fixed["is_open_price"]) == (250, False)


def test_an_edit_changes_what_it_names_and_a_null_empties(business: Business, product: Make) -> None:
    brand = business.perform("brand:create", {"name": "Perrido"})
    made = product(sku="A", name="Tea", brand_id=brand["id"], cost_price_minor=50, attributes={"a": 1}, price_per=1000)
    edited = business.perform(
        "product:edit",
        {"id": made["id"], "version": 1, "name": "Coffee", "brand_id": None, "attributes": None, "discount": "5"},
    )
    assert (edited["name"], edited["brand"], edited["attributes"], edited["discount"]) == ("Coffee", None, None, "5")
    assert (edited["unit_price_minor"], edited["cost_price_minor"], edited["price_per"]) == (100, 50, 1000)
    assert business.query("product:list", search="tea") == ([], None)
    assert [row["sku"] for row in business.query("product:list", search="coffee")[0]] == ["A"]
    assert refused(business, "product:edit", {"id": made["id"], "name": "X"}).code.code == "version_required"


def test_what_a_product_names_must_be_there(business: Business) -> None:
    for column in ("tax_group_id", "vendor_id", "department_id", "category_id", "brand_id"):
        command = {"id": uuid7(), "sku": "A", "name": "A", "unit_price_minor": 1, column: uuid7()}
        assert refused(business, "product:create", command).code.code == "not_found"


@pytest.mark.req("RBC-09")
def test_stores_and_tills_see_their_branch_and_tills_change_nothing(business: Business, product: Make) -> None:
    made = product(sku="A")
    for role in ("manager", "cashier"):
        assert business.query("product:get", role=role, id=made["id"])["branch"] is not None
    edit = {"id": made["id"], "version": 1, "name": "X"}
    assert refused(business, "product:edit", edit, "cashier").code.code == "permission_denied"
    command = {"id": uuid7(), "sku": "B", "name": "B", "unit_price_minor": 1}
    assert refused(business, "product:create", command, "cashier").code.code == "permission_denied"


@pytest.mark.req("CAT-07")
def test_limited_qty_is_what_a_store_wants_to_hold(business: Business, product: Make) -> None:
    made = product(sku="A")
    assert refused(business, "product:set_target", {"id": made["id"], "limited_qty": "5"}).code.code == "store_needed"
    done = business.perform("product:set_target", {"id": made["id"], "limited_qty": "12.5"}, role="manager")
    assert done == {"id": made["id"], "store_id": business.store_id, "limited_qty": "12.5"}
    assert business.query("product:get", role="cashier", id=made["id"])["limited_qty"] == "12.5"
    assert business.query("product:get", id=made["id"])["limited_qty"] is None
    assert business.query("catalog:targets", store_id=business.store_id) == {made["id"]: 12_500}
    error = refused(
        business, "product:set_target", {"id": made["id"], "store_id": uuid7(), "limited_qty": "1"}, "manager"
    )
    assert error.code.code == "not_found"
    business.perform("product:set_target", {"id": made["id"], "store_id": business.store_id, "limited_qty": None})
    assert business.query("product:get", role="cashier", id=made["id"])["limited_qty"] is None


@pytest.mark.req("V2X-11")
def test_a_product_has_several_vendors_with_their_costs(business: Business, product: Make) -> None:
    made = product(sku="A")
    first = business.perform("vendor:create", {"code": "V1", "name": "One"})
    second = business.perform("vendor:create", {"code": "V2", "name": "Two"})
    lines = [{"vendor_id": second["id"], "vendor_sku": "X-9", "cost_price_minor": 70}, {"vendor_id": first["id"]}]
    done = business.perform("product:set_vendors", {"id": made["id"], "version": 1, "vendors": lines})
    assert schemas.ProductVendorsAnswer.model_validate(done)
    assert [(v["code"], v["vendor_sku"], v["cost_price_minor"]) for v in done["vendors"]] == [
        ("V2", "X-9", 70),
        ("V1", "", None),
    ]
    assert business.query("product:vendors", id=made["id"]) == done
    assert business.query("product:get", id=made["id"])["vendor_id"] == second["id"]
    error = refused(business, "product:set_vendors", {"id": made["id"], "version": 2, "vendors": [lines[0], lines[0]]})
    assert (error.code.code, error.path) == ("vendor_twice", "vendors.1.vendor_id")


@pytest.mark.req("CAT-06")
def test_stock_level_cannot_be_written() -> None:
    for schema in (schemas.CreateProduct, schemas.EditProduct):
        assert not {"stock_level", "tax_rate"} & schema.model_fields.keys()


@pytest.mark.req("CAT-03")
def test_a_department_filter_takes_in_what_is_below(business: Business, product: Make) -> None:
    top = business.perform("department:create", {"code": "T", "name": "Top"})
    low = business.perform("department:create", {"code": "L", "name": "Low", "parent_id": top["id"]})
    product(sku="A", department_id=top["id"])
    product(sku="B", department_id=low["id"])
    product(sku="C")
    assert [p["sku"] for p in business.query("product:list", department_id=top["id"])[0]] == ["A", "B"]
    assert [p["sku"] for p in business.query("product:list", department_id=low["id"], search="product")[0]] == ["B"]
    assert business.query("product:list", department_id=uuid7()) == ([], None)


def test_lists_and_searches_page_through_everything_once(business: Business, product: Make) -> None:
    wanted = [product(sku=f"P{number:02d}", name=f"Shared word {number}")["sku"] for number in range(7)]
    for arguments in ({}, {"search": "shar wor"}):
        seen: list[str] = []
        cursor = None
        while True:
            rows, cursor = business.query("product:list", limit=3, cursor=cursor, **arguments)
            assert len(rows) <= 3
            seen += [row["sku"] for row in rows]
            if cursor is None:
                break
        assert seen == wanted


@pytest.mark.req("CAT-02")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text("abcé ß-Ł1", min_size=1, max_size=12).map(str.strip).filter(bool), min_size=1, max_size=6)
)
def test_search_finds_exactly_the_products_with_such_words(business: Business, product: Make, names: list[str]) -> None:
    from pos_ops.catalog.words import words_of

    mark = "z" + uuid7().replace("-", "")[-12:]
    made = {product(sku=uuid7(), name=f"{mark} {name}")["id"]: words_of(f"{mark} {name}") for name in names}
    for name in names:
        wanted = words_of(mark, name)
        expected = {i for i, words in made.items() if all(any(w.startswith(p) for w in words) for p in wanted)}
        # The SKU's hexadecimal words could begin with one of the letters, so those products may come too.
        found = {row["id"] for row in business.query("product:list", search=f"{mark} {name}")[0]}
        assert expected <= found <= set(made)
    assert business.query("product:list", search="!!") == ([], None)


def test_the_audit_entry_of_an_edit_shows_before_and_after(business: Business, product: Make) -> None:
    import json

    made = product(sku="A", unit_price_minor=100)
    business.perform("product:edit", {"id": made["id"], "version": 1, "unit_price_minor": 120})
    ((payload,),) = business.kernel.db.execute_sql(
        "SELECT payload FROM core_audit_entry WHERE action = 'product:edit'"
    ).fetchall()
    fact = json.loads(payload)
    assert (fact["before"]["unit_price_minor"], fact["after"]["unit_price_minor"]) == (100, 120)


def test_two_creations_with_one_id_are_one(business: Business) -> None:
    command = {"id": uuid7(), "sku": "A", "name": "A", "unit_price_minor": 1}
    assert business.perform("product:create", command) == business.perform("product:create", command)
    error = refused(business, "product:create", {**command, "name": "B"})
    assert error.code.code == "idempotency_key_reused"
