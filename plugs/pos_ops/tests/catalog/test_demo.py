"""The demonstration shop's range."""

from __future__ import annotations

import pytest
from stdnum import ean

from pos_core.testing.harness import Business
from pos_ops.catalog import demo


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_the_range_is_the_same_at_every_run(currency: str) -> None:
    first, second = list(demo.rows(currency)), list(demo.rows(currency))
    assert first == second
    assert 150 <= len(first) <= 250
    assert len({row.sku for row in first}) == len(first)
    codes = [row.barcode for row in first if row.barcode]
    assert all(ean.is_valid(code) for code in codes)
    assert len(set(codes)) == len(codes)


def test_the_range_fills_a_shop(business: Business) -> None:
    ctx = business.context("admin")
    demo.load(ctx)
    products, cursor = [], None
    while True:
        rows, cursor = ctx.query("product:list", limit=200, cursor=cursor)
        products += rows
        if cursor is None:
            break
    assert len(products) == len(list(demo.rows("EUR")))
    assert len({product["department_id"] for product in products}) >= 8
    assert {product["tax_rate"] for product in products} == {"2000", "500", "0"}
    assert {product["price_per"] for product in products} == {1, 1000}
    assert any(product["sold_by_weight"] for product in products)
    assert [product["sku"] for product in products if product["is_open_price"]] == ["OPEN-1"]
