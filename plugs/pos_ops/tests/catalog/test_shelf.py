"""Products that a process keeps between two sales: never older than the last committed change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pos_core.context import Context
from pos_core.testing.harness import Business
from pos_ops.catalog import shelf

Make = Callable[..., dict[str, Any]]


def trips(business: Business, ctx: Context, **asked: Any) -> int:
    before = business.kernel.db.pos.round_trips
    ctx.query("catalog:lines", **asked)
    return business.kernel.db.pos.round_trips - before


def test_a_product_is_read_once_until_something_changes(business: Business, product: Make) -> None:
    a, b = product(sku="A", barcodes=["4011"]), product(sku="B")
    ctx = business.context("cashier")
    assert trips(business, ctx, ids=[a["id"]], barcodes=["4011"]) == 1
    assert trips(business, ctx, ids=[a["id"]], barcodes=["4011"]) == 0
    assert trips(business, ctx, ids=[a["id"], b["id"]]) == 1
    assert set(ctx.query("catalog:lines", ids=[a["id"], b["id"]])[0]) == {a["id"], b["id"]}
    assert ctx.query("catalog:lines", ids=[b["id"]]) == (
        {b["id"]: ctx.query("catalog:lines", skus=["B"])[1]["B"]}, {}, {},
    )  # fmt: skip


def test_what_is_missing_is_asked_for_again(business: Business, product: Make) -> None:
    ctx = business.context("cashier")
    assert trips(business, ctx, skus=["A"]) == trips(business, ctx, skus=["A"]) == 1
    product(sku="A")
    assert "A" in ctx.query("catalog:lines", skus=["A"])[1]


@pytest.mark.req("CAT-02")
@pytest.mark.parametrize(
    ("action", "change", "field", "value"),
    [
        ("product:edit", {"unit_price_minor": 777}, "unit_price_minor", 777),
        ("product:deactivate", {}, "is_active", False),
        ("product:edit", {"name": "Other"}, "name", "Other"),
    ],
)
def test_a_change_is_there_at_the_next_request(
    business: Business, product: Make, action: str, change: dict[str, Any], field: str, value: Any
) -> None:
    made = product(sku="A", unit_price_minor=100)
    assert getattr(business.query("catalog:lines", skus=["A"])[1]["A"], field) != value
    business.perform(action, {"id": made["id"], "version": made["version"], **change})
    assert getattr(business.query("catalog:lines", skus=["A"])[1]["A"], field) == value


def test_new_barcodes_are_there_at_the_next_request(business: Business, product: Make) -> None:
    made = product(sku="A", barcodes=["4011"])
    assert business.query("catalog:find_barcode", barcode="4011").sku == "A"
    business.perform("product:set_barcodes", {"id": made["id"], "version": made["version"], "barcodes": ["4012"]})
    assert business.query("catalog:find_barcode", barcode="4011") is None
    assert business.query("catalog:find_barcode", barcode="4012").sku == "A"


def test_an_edit_that_is_rolled_back_leaves_nothing_behind(
    business: Business, product: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = product(sku="A", unit_price_minor=100)
    seen: list[int | None] = []
    from pos_ops.catalog import service

    views_of = service.views.product_views

    def look_and_fail(ctx: Context, rows: Any) -> Any:
        if ctx.uow is not None and rows[0].unit_price_minor == 777:
            ctx.writing.write_pending()
            seen.append(ctx.query("catalog:lines", skus=["A"])[1]["A"].unit_price_minor)
            raise RuntimeError("undone")
        return views_of(ctx, rows)

    monkeypatch.setattr(service.views, "product_views", look_and_fail)
    with pytest.raises(RuntimeError, match="undone"):
        business.perform("product:edit", {"id": made["id"], "version": made["version"], "unit_price_minor": 777})
    assert seen == [777]
    assert business.query("catalog:lines", skus=["A"])[1]["A"].unit_price_minor == 100


def test_it_does_not_grow_for_ever(business: Business, product: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "_MOST", 2)
    made = [product(sku=f"P{n}")["id"] for n in range(4)]
    ctx = business.context("cashier")
    for one in made:
        assert set(ctx.query("catalog:lines", ids=[one])[0]) == {one}
    assert sum(map(len, shelf._shelves[business.kernel].known)) <= 3
