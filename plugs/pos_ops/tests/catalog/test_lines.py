"""What a sale asks of the catalogue: right, complete, and in one round trip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.testing.harness import Business

Make = Callable[..., dict[str, Any]]


@pytest.mark.req("CAT-02")
@pytest.mark.req("DBM-17")
def test_products_come_by_id_sku_and_barcode_in_one_round_trip(
    business: Business, product: Make, tax_group: str
) -> None:
    a = product(sku="A", unit_price_minor=250, tax_group_id=tax_group, cost_price_minor=100, discount="5")
    product(sku='quote"\\back', barcodes=["036000291452", "4011"])
    product(sku="O", unit_price_minor=None, is_open_price=True)
    db = business.kernel.db
    before = db.pos.round_trips
    ids, skus, barcodes = business.query(
        "catalog:lines", ids=[a["id"], uuid7(), "no id"], skus=['quote"\\back', "O", "missing"],
        barcodes=["00036000291452", "4011", "999"],
    )  # fmt: skip
    # One for the test's own context, one for the query.
    assert db.pos.round_trips - before == 2
    assert ids.keys() == {a["id"]}
    item = ids[a["id"]]
    assert (item.sku, item.unit_price_minor, item.cost_price_minor, item.discount_rate) == ("A", 250, 100, 50_000)
    assert (item.tax_group_id, item.price_per, item.is_open_price, item.is_active) == (tax_group, 1, False, True)
    assert skus.keys() == {'quote"\\back', "O"}
    assert skus["O"].unit_price_minor is None
    assert skus["O"].is_open_price is True
    assert barcodes["00036000291452"].sku == barcodes["4011"].sku == 'quote"\\back'
    assert "999" not in barcodes


def test_only_ids_are_one_round_trip_too_and_nothing_is_none(business: Business, product: Make) -> None:
    made = [product(sku=f"P{n}")["id"] for n in range(5)]
    ctx = business.context("cashier")
    before = business.kernel.db.pos.round_trips
    ids, skus, barcodes = ctx.query("catalog:lines", ids=made)
    assert business.kernel.db.pos.round_trips - before == 1
    assert (set(ids), skus, barcodes) == (set(made), {}, {})
    assert ctx.query("catalog:lines") == ({}, {}, {})


@pytest.mark.req("V2X-11")
def test_an_active_products_barcode_wins_over_a_retired_ones(business: Business, product: Make) -> None:
    old = product(sku="OLD", barcodes=["0400000000107"])
    business.perform("product:deactivate", {"id": old["id"], "version": 1})
    retired = business.query("catalog:find_barcode", barcode="400000000107")
    assert (retired.sku, retired.is_active) == ("OLD", False)
    product(sku="NEW", barcodes=["0400000000107"])
    assert business.query("catalog:find_barcode", barcode="00400000000107").sku == "NEW"
    assert business.query("catalog:find_barcode", barcode="1") is None


@pytest.mark.req("DBM-17")
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("ops_product", "sku", "A"), ("ops_product_barcode", "code_key", "00400000000107")],
)
def test_look_ups_go_by_an_index(business: Business, table: str, column: str, value: str) -> None:
    db = business.kernel.db
    if db.dialect == "sqlite":
        plan = db.execute_sql(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {column} = ?", (value,)).fetchall()
        assert all("USING" in row[-1] and "INDEX" in row[-1] for row in plan)
    else:
        db.execute_sql("SET enable_seqscan = off")
        plan = db.execute_sql(f"EXPLAIN SELECT * FROM {table} WHERE {column} = %s", (value,)).fetchall()
        db.execute_sql("RESET enable_seqscan")
        assert any("Index" in row[0] for row in plan)
        assert not any("Seq Scan" in row[0] for row in plan)
