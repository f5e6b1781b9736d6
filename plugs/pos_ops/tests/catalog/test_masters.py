"""Departments, categories, brands and vendors."""

from __future__ import annotations

import pytest

from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.testing.harness import Business
from pos_ops.catalog import schemas


def department(business: Business, code: str, parent: str | None = None) -> dict[str, object]:
    return business.perform("department:create", {"code": code, "name": f"Department {code}", "parent_id": parent})


@pytest.mark.req("V2X-13")
@pytest.mark.req("CAT-03")
def test_departments_form_a_tree_with_codes(business: Business) -> None:
    food = department(business, "FOOD")
    dairy = department(business, "FOOD-1", str(food["id"]))
    assert dairy["parent_id"] == food["id"]
    listed, following = business.query("department:list", role="cashier")
    assert [row["code"] for row in listed] == ["FOOD", "FOOD-1"]
    assert following is None
    assert schemas.DepartmentAnswer.model_validate(listed[0])
    with pytest.raises(PosError) as taken:
        department(business, "FOOD")
    assert taken.value.code.code == "already_exists"
    assert taken.value.path == "code"


@pytest.mark.req("V2X-13")
def test_a_department_never_stands_below_itself(business: Business) -> None:
    top = department(business, "A")
    middle = department(business, "B", str(top["id"]))
    low = department(business, "C", str(middle["id"]))
    for parent in (top, middle, low):
        with pytest.raises(PosError) as caught:
            business.perform("department:edit", {"id": top["id"], "version": 1, "parent_id": parent["id"]})
        assert caught.value.code.code == "tree_circle"
    moved = business.perform("department:edit", {"id": low["id"], "version": 1, "parent_id": top["id"], "name": "Low"})
    assert (moved["parent_id"], moved["name"], moved["version"]) == (top["id"], "Low", 2)
    up = business.perform("department:edit", {"id": low["id"], "version": 2, "parent_id": None})
    assert up["parent_id"] is None


def test_a_tree_has_at_most_eight_levels(business: Business) -> None:
    parent = None
    for level in range(8):
        parent = str(department(business, f"L{level}", parent)["id"])
    with pytest.raises(PosError) as caught:
        department(business, "L8", parent)
    assert caught.value.code.code == "tree_too_deep"


def test_an_edit_of_an_old_version_is_refused(business: Business) -> None:
    made = department(business, "A")
    business.perform("department:edit", {"id": made["id"], "version": 1, "is_active": False})
    with pytest.raises(PosError) as caught:
        business.perform("department:edit", {"id": made["id"], "version": 1, "name": "Late"})
    assert caught.value.code.code == "version_mismatch"
    assert business.query("department:list", is_active=True) == ([], None)


def test_categories_belong_to_departments(business: Business) -> None:
    food = department(business, "FOOD")
    made = business.perform("category:create", {"code": "TEA", "name": "Tea", "department_id": food["id"]})
    below = business.perform("category:create", {"code": "GREEN", "name": "Green tea", "parent_id": made["id"]})
    found, _ = business.query("category:list", department_id=food["id"])
    assert [row["id"] for row in found] == [made["id"]]
    assert schemas.CategoryAnswer.model_validate(business.query("category:get", id=below["id"]))
    with pytest.raises(PosError) as caught:
        business.perform("category:create", {"code": "X", "name": "X", "department_id": uuid7()})
    assert caught.value.code.code == "not_found"


@pytest.mark.req("CAT-07")
def test_brands_differ_by_more_than_case(business: Business) -> None:
    business.perform("brand:create", {"name": "Perrido Blue"})
    with pytest.raises(PosError) as caught:
        business.perform("brand:create", {"name": "PERRIDO  blue".replace("  ", " ")})
    assert caught.value.code.code == "already_exists"


@pytest.mark.req("CAT-07")
def test_products_are_found_by_their_brands_new_name(business: Business) -> None:
    brand = business.perform("brand:create", {"name": "Oldname"})
    business.perform("product:create", {"sku": "B1", "name": "Tea", "unit_price_minor": 100, "brand_id": brand["id"]})
    assert [row["sku"] for row in business.query("product:list", search="oldn tea")[0]] == ["B1"]
    business.perform("brand:edit", {"id": brand["id"], "version": 1, "name": "Freshname"})
    assert business.query("product:list", search="oldname") == ([], None)
    (found,) = business.query("product:list", search="fresh")[0]
    assert found["brand"] == found["brand_action"] == "Freshname"


@pytest.mark.req("CAT-05")
def test_vendors_are_the_headquarters_affair(business: Business) -> None:
    made = business.perform(
        "vendor:create", {"code": "V1", "name": "Vendor One", "email": "a@example.com", "phone": "1"}
    )
    assert schemas.VendorAnswer.model_validate(business.query("vendor:get", id=made["id"]))
    with pytest.raises(PosError) as caught:
        business.perform("vendor:create", {"code": "V2", "name": "V"}, role="manager")
    assert caught.value.code.code == "permission_denied"
    edited = business.perform("vendor:edit", {"id": made["id"], "version": 1, "phone": "2"})
    assert (edited["phone"], edited["code"]) == ("2", "V1")


@pytest.mark.req("CAT-05")
def test_a_vendors_contact_enters_the_chain_as_digests_only(business: Business) -> None:
    business.perform(
        "vendor:create", {"code": "V1", "name": "Vendor", "email": "who@example.com", "contact_name": "Ana Real"}
    )
    rows = business.kernel.db.execute_sql(
        "SELECT payload FROM core_audit_entry WHERE action = 'vendor:create'"
    ).fetchall()
    assert len(rows) == 1
    assert "who@example.com" not in rows[0][0]
    assert "Ana Real" not in rows[0][0]
