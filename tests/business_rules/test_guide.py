"""Every example of docs/business-rules.md stops what it says, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pos_core.errors import PosError
from pos_core.ids import uuid7
from tests.business_rules.conftest import Shop, said

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "business-rules.md"
EXAMPLES: dict[str, dict[str, Any]] = {
    rule["code"]: rule for rule in map(json.loads, re.findall(r"```json\n(.*?)```", GUIDE.read_text("utf-8"), re.S))
}
Show = Callable[[Shop, Callable[..., None]], None]
SHOWN: dict[str, Show] = {}


def shows(code: str) -> Callable[[Show], Show]:
    def mark(show: Show) -> Show:
        SHOWN[code] = show
        return show

    return mark


@shows("no-alcohol-at-night")
def _alcohol(shop: Shop, stops: Callable[..., None]) -> None:
    for hour, minute, held in ((21, 59, False), (22, 0, True), (3, 0, True), (5, 59, True), (6, 0, False)):
        shop.business.clock.set(datetime(2026, 3, 10, hour, minute, tzinfo=UTC))
        shop.sell(("TEA", "1"), lines=[{"sku": "TEA", "quantity": "1"},
                                       {"name": "Open", "quantity": "1", "unit_price_minor": 100}])
        if held:
            stops(("TEA", "1"), ("VINO", "1"))
        else:
            shop.sell(("TEA", "1"), ("VINO", "1"))


@shows("large-discount-needs-customer")
def _discount(shop: Shop, stops: Callable[..., None]) -> None:
    fifth, more = ({"discounts": [{"kind": "percent", "value": value}]} for value in ("2000", "2001"))
    shop.sell(("TEA", "1"))
    shop.sell(("TEA", "1"), **fifth)
    stops(("TEA", "1"), **more)
    shop.sell(("TEA", "1"), customer_id=shop.customer, **more)


@shows("three-of-each")
def _three(shop: Shop, stops: Callable[..., None]) -> None:
    shop.sell(("TEA", "3"), ("VINO", "3"))
    shop.sell(("TEA", "1.5"), ("VINO", "2"), ("TEA", "1.5"))
    stops(("TEA", "2"), ("VINO", "1"), ("TEA", "1.001"))
    shop.sell(("TEA", "1"), lines=[{"name": "Open", "quantity": "9", "unit_price_minor": 100}])


@shows("large-cash")
def _cash(shop: Shop, stops: Callable[..., None]) -> None:
    shop.sell(("TEA", "100"))
    shop.sell(("TEA", "101"), tenders=[{"tender": "card", "amount_minor": 101_000}])
    stops(("TEA", "101"))
    stops(("TEA", "101"), tenders=[{"tender": "card", "amount_minor": 100_000},
                                   {"tender": "cash", "amount_minor": 1_000}])


@shows("sunday-reason")
def _sunday(shop: Shop, stops: Callable[..., None]) -> None:
    given = {"discounts": [{"kind": "percent", "value": "500"}]}
    shop.business.clock.set(datetime(2026, 3, 7, 12, 0, tzinfo=UTC))
    shop.sell(("TEA", "1"), **given)
    shop.business.clock.set(datetime(2026, 3, 8, 12, 0, tzinfo=UTC))
    shop.sell(("TEA", "1"))
    stops(("TEA", "1"), **given)
    shop.sell(("TEA", "1"), reason="goodwill", **given)


@shows("no-write-off-below-zero")
def _write_off(shop: Shop, stops: Callable[..., None]) -> None:
    def adjust(quantity: str) -> None:
        shop.business.perform("stock:adjust", {
            "product_id": shop.products["TEA"], "quantity": quantity, "reason": "damage"}, role="manager")

    with pytest.raises(PosError, match="business_rule_refused"):
        adjust("-1")
    adjust("2")
    adjust("-1")
    adjust("-1")
    with pytest.raises(PosError, match="business_rule_refused"):
        adjust("-1")


def test_the_guide_has_examples_and_each_is_shown() -> None:
    assert len(EXAMPLES) >= 6
    assert EXAMPLES.keys() == SHOWN.keys()


@pytest.mark.req("RUL-15")
@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_stops_what_it_says(shop: Shop, code: str) -> None:
    department = shop.business.perform("department:create", {"id": uuid7(), "code": "wine", "name": "Wine"})["id"]
    shop.business.perform("product:create", {
        "id": uuid7(), "sku": "VINO", "name": "Vino", "unit_price_minor": 300, "department_id": department})
    rule = shop.business.perform("business_rule:create", EXAMPLES[code])
    shop.activate(rule)
    effects = {"refuse": "business_rule_refused", "reason": "business_rule_reason", "approval": "approval_required"}

    def stops(*lines: tuple[str, str], **more: Any) -> None:
        assert [found for found, _ in said(shop.refused(*lines, **more))] == [effects[rule["effect"]]]

    SHOWN[code](shop, stops)
