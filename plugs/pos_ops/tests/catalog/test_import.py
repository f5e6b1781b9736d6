"""Imports: all or nothing, or the good rows; a second one changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.testing.harness import Business
from pos_ops.catalog.import_schemas import ImportAnswer

ROWS: list[dict[str, Any]] = [
    {"sku": "A", "barcode": "0400000000107", "name": "Tea", "selling_price": "3.49", "cost_price": "1.80",
     "department_code": "GROCERY", "tax_rate_code": "reduced", "brand": "Perrido", "vendor": "Tolvane Import"},
    {"sku": "B", "name": "Bread", "selling_price": "2.75", "department_code": "BAKERY", "category": "Loaves"},
    {"sku": "C", "name": "Sundries", "open_price": "yes"},
]  # fmt: skip


def run(business: Business, rows: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    return business.perform("catalog:import", {"id": uuid7(), "rows": rows, **options})


def count(business: Business, table: str) -> int:
    return int(business.kernel.db.execute_sql(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.req("V2X-12")
def test_rows_become_products_with_all_they_name(business: Business) -> None:
    done = run(business, ROWS, source="list.csv")
    assert ImportAnswer.model_validate(done)
    assert (done["created"], done["updated"], done["unchanged"], done["bad"]) == (3, 0, 0, [])
    assert (done["departments"], done["categories"], done["brands"], done["vendors"]) == (2, 1, 1, 1)
    tea, bread, sundries = business.query("product:list")[0]
    assert (tea["unit_price_minor"], tea["cost_price_minor"], tea["tax_rate"], tea["brand"]) == (
        349,
        180,
        "500",
        "Perrido",
    )
    assert tea["barcodes"] == ["0400000000107"]
    assert (bread["tax_rate"], bread["category_id"] is not None) == ("2000", True)
    assert (sundries["is_open_price"], sundries["unit_price_minor"]) == (True, None)


@pytest.mark.req("V2X-12")
def test_a_second_import_changes_nothing(business: Business) -> None:
    run(business, ROWS)
    before = business.query("product:list")[0]
    done = run(business, ROWS)
    assert (done["created"], done["updated"], done["unchanged"]) == (0, 0, 3)
    assert business.query("product:list")[0] == before


def test_an_import_updates_by_sku_and_leaves_what_it_does_not_name(business: Business) -> None:
    run(business, ROWS)
    changed = [
        {"sku": "A", "selling_price": "3.99", "barcode": "4011", "brand": "Almwinkel"},
        {"sku": "D", "name": "New", "selling_price": "1"},
    ]
    done = run(business, changed)
    assert (done["created"], done["updated"], done["brands"]) == (1, 1, 1)
    tea = business.query("product:list", sku="A")[0][0]
    assert (tea["unit_price_minor"], tea["name"], tea["brand"], tea["version"]) == (399, "Tea", "Almwinkel", 2)
    assert tea["barcodes"] == ["0400000000107", "4011"]
    assert [p["sku"] for p in business.query("product:list", search="almw tea")[0]] == ["A"]
    assert business.query("product:list", search="perrido") == ([], None)


WRONG = [
    {"sku": "", "name": "No SKU", "selling_price": "1"},
    {"sku": "A", "name": "Twice", "selling_price": "1"},
    {"sku": "E", "name": "Price", "selling_price": "1.234"},
    {"sku": "F", "selling_price": "1"},
    {"sku": "G", "name": "No price"},
    {"sku": "H", "name": "Tax", "selling_price": "1", "tax_rate_code": "nonesuch"},
    {"sku": "I", "name": "Barcode", "selling_price": "1", "barcode": "400000000107"},
]


@pytest.mark.req("V2X-12")
def test_all_or_nothing_and_every_wrong_line_is_named(business: Business) -> None:
    with pytest.raises(PosError) as caught:
        run(business, ROWS + WRONG)
    assert caught.value.code.code == "rules_refused"
    paths = {violation.path for violation in caught.value.violations}
    assert paths == {"rows.3.sku", "rows.4.sku", "rows.5.selling_price", "rows.6.name", "rows.7.selling_price",
                     "rows.8.tax_rate_code", "rows.9.barcode"}  # fmt: skip
    assert "Line 5" in caught.value.violations[1].message("en")
    for table in ("ops_product", "ops_department", "ops_brand", "ops_vendor"):
        assert count(business, table) == 0


@pytest.mark.req("V2X-12")
def test_good_rows_go_in_and_bad_ones_come_back_with_line_and_reason(business: Business) -> None:
    rows = [{**row, "line": number} for number, row in enumerate(ROWS + WRONG, 2)]
    done = run(business, rows, skip_bad=True)
    assert done["created"] == 3
    assert [bad["line"] for bad in done["bad"]] == [5, 6, 7, 8, 9, 10, 11]
    assert all(bad["reason"].startswith(bad["field"]) for bad in done["bad"])
    # What only a wrong row names is not created.
    assert count(business, "ops_department") == 2


def test_a_barcode_of_another_product_is_refused(business: Business) -> None:
    run(business, ROWS)
    done = run(business, [{"sku": "X", "name": "X", "selling_price": "1", "barcode": "0400000000107"}], skip_bad=True)
    assert (done["created"], done["bad"][0]["field"]) == (0, "barcode")
    assert "A" in done["bad"][0]["reason"]


@pytest.mark.req("PRC-01")
def test_decimal_commas_are_an_option(business: Business) -> None:
    run(business, [{"sku": "A", "name": "A", "selling_price": "1.234,50"}], decimal_comma=True)
    assert business.query("product:list")[0][0]["unit_price_minor"] == 123_450


def test_the_audit_entries_hold_the_rows(business: Business) -> None:
    run(business, ROWS)
    run(business, [{"sku": "A", "selling_price": "9.99"}])
    payloads = business.kernel.db.execute_sql(
        "SELECT payload FROM core_audit_entry WHERE action = 'product:import_batch' ORDER BY seq"
    ).fetchall()
    first, second = [json.loads(payload) for (payload,) in payloads]
    assert [row["sku"] for row in first["after"]["rows"]] == ["A", "B", "C"]
    assert second["before"]["rows"][0]["unit_price_minor"] == 349
    assert second["after"]["rows"][0]["unit_price_minor"] == 999
    assert first["parent"] is not None


def test_a_dry_run_says_the_same_and_writes_nothing(business: Business) -> None:
    from pos_ops.catalog.import_schemas import ImportProducts

    command = ImportProducts.model_validate_json(json.dumps({"rows": ROWS + WRONG, "skip_bad": True}))
    plan = business.query("catalog:check_import", command=command)
    assert count(business, "ops_product") == 0
    done = run(business, ROWS + WRONG, skip_bad=True)
    assert plan.summary() == {key: done[key] for key in plan.summary()}


def test_more_than_a_batch_goes_in_whole(business: Business) -> None:
    rows = [
        {"sku": f"S{n:05d}", "name": f"Thing {n}", "selling_price": "1.00", "barcode": f"{n:08d}"}
        for n in range(1, 1202)
    ]
    assert run(business, rows)["created"] == 1201
    for row in rows:
        row["selling_price"] = "2.00"
    assert run(business, rows)["updated"] == 1201
    assert business.query("product:list", sku="S01201")[0][0]["unit_price_minor"] == 200
    assert count(business, "ops_product_barcode") == 1201


def test_only_who_may_create_products_may_import(business: Business) -> None:
    for role in ("manager", "cashier"):
        with pytest.raises(PosError) as caught:
            business.perform("catalog:import", {"rows": ROWS}, role=role)
        assert caught.value.code.code == "permission_denied"
