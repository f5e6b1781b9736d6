"""Totals are stored figures added up, whatever the dimension."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pos_core.errors import PosError


@pytest.mark.req("RPT-01")
def test_totals_by_every_dimension_add_up_to_the_same(shop: Any) -> None:
    for n in range(4):
        shop.business.clock.advance(timedelta(days=20 * n))
        shop.sell(shop.sale(("A", "2"), ("B", "1"), ("C", "15"), discounts=[{"kind": "percent", "value": "1000"}]))
    shop.sell(shop.sale(("A", "1"), tenders=[
        {"tender": "card", "amount_minor": 99}, {"tender": "cash", "amount_minor": 1000}]))
    whole = {"gross_minor": 4 * 2250 + 999, "sales": 5, "lines": 13}
    for by in ("month", "day", "cashier", "register", "store"):
        rows = shop.business.query("sale:totals", by=by)
        for name, wanted in whole.items():
            assert sum(row[name] for row in rows) == wanted, (by, name)
        assert all(row["gross_minor"] - row["discount_minor"] == row["total_minor"] for row in rows)
        assert all(row["net_minor"] + row["tax_minor"] == row["total_minor"] for row in rows)
    total = sum(row["total_minor"] for row in shop.business.query("sale:totals", by="month"))
    for by in ("product", "department", "tender"):
        assert sum(row["total_minor"] for row in shop.business.query("sale:totals", by=by)) == total, by
    assert [row["key"] for row in shop.business.query("sale:totals", by="month")] == ["2026-03", "2026-05", "2026-06"]


@pytest.mark.req("PRC-01")
def test_the_exact_gross_shows_what_rounding_did(shop: Any) -> None:
    shop.sell(shop.sale(("C", "15")))  # 15 screws at 1.00 per 1000: 1.5 cents
    (row,) = shop.business.query("sale:totals", by="month")
    assert (row["gross_minor"], row["exact_gross"]) == (2, "1.5")


@pytest.mark.req("RPT-02")
def test_totals_between_days_and_of_a_store(shop: Any) -> None:
    shop.sell(shop.sale(("A", "1")))
    today = shop.business.clock.now().date()
    assert shop.business.query("sale:totals", by="day", first=today, last=today)[0]["sales"] == 1
    assert shop.business.query("sale:totals", by="day", first=today + timedelta(days=1)) == []
    assert shop.business.query("sale:totals", by="day", store_id=shop.business.store_id)[0]["sales"] == 1
    with pytest.raises(PosError, match="not_found"):
        shop.business.query("sale:totals", by="day", store_id=shop.business.ids["admin"])
