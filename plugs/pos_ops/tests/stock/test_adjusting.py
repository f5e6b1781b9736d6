"""Adjusting stock by hand: always with a reason, above a limit with somebody else's approval."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from pos_core import PosError, uuid7
from pos_core.approvals.needs import Given
from pos_core.audit.models import AuditEntry
from pos_ops.stock.models import StockMove


@pytest.fixture
def product(business: Any) -> str:
    """A thing that costs 2.50."""
    made = business.perform("product:create", {
        "id": uuid7(), "sku": "A", "name": "Teapot", "unit_price_minor": 999, "cost_price_minor": 250})
    return str(made["id"])


def codes(business: Any, command: dict[str, Any]) -> set[str]:
    with pytest.raises(PosError) as caught:
        business.perform("stock:adjust", command, role="manager")
    return {v.code.code for v in caught.value.violations}


@pytest.mark.req("AUD-06", "INV-04")
def test_an_adjustment_has_a_reason_that_stands_in_ledger_and_entry(business: Any, product: str) -> None:
    assert codes(business, {"product_id": product, "quantity": "2"}) == {"reason_required"}
    assert codes(business, {"product_id": product, "quantity": "2", "reason": "goodwill"}) == {"reason_unknown"}
    assert codes(business, {"product_id": product, "quantity": "2", "reason": "other"}) == {"reason_note_required"}
    moved = business.perform("stock:adjust", {
        "product_id": product, "quantity": "-2", "reason": "damage", "reason_note": "dropped"}, role="manager")
    assert StockMove.get(StockMove.id == moved["id"]).reason == "damage"
    entry = AuditEntry.get(AuditEntry.action == "stock:adjust", AuditEntry.outcome == "done")
    assert orjson.loads(entry.payload)["notes"] == {"reason": {"code": "damage", "note": "dropped"}}


@pytest.mark.req("OPX-07", "RBC-07")
@pytest.mark.parametrize(("setting", "value", "free", "asks"), [
    ("stock.approval_units", 10, "-10", "10.001"), ("stock.approval_cost_minor", 2500, "10", "-10.01"),
])  # fmt: skip
def test_above_a_limit_somebody_else_agrees(
    business: Any, product: str, setting: str, value: int, free: str, asks: str
) -> None:
    business.perform("setting:change", {"key": setting, "value": value})
    business.perform("stock:adjust", {"product_id": product, "quantity": free, "reason": "opening"}, role="manager")
    command = {"id": uuid7(), "product_id": product, "quantity": asks, "reason": "shrinkage"}
    assert codes(business, command) == {"approval_required"}
    asked = business.perform("approval:request", {"action": "stock:adjust", "command": command}, role="manager")
    assert asked["figures"] == {"product_id": product, "sku": "A", "quantity": asks, "reason": "shrinkage"}
    assert asked["kind"] == "stock_adjustment"
    with pytest.raises(PosError) as caught:
        business.perform("approval:approve", {"id": asked["id"]}, role="manager")
    assert caught.value.code.code == "approval_of_ones_own"
    business.perform("approval:approve", {"id": asked["id"]}, role="admin")
    ctx = business.context("manager")
    ctx.approvals = Given(ids=(asked["id"],))
    with pytest.raises(PosError) as caught:
        ctx.kernel.perform(ctx, "stock:adjust", {**command, "reason": "damage"})
    assert caught.value.code.code == "approval_mismatch"
    ctx.kernel.perform(ctx, "stock:adjust", command)
    assert StockMove.select().where(StockMove.id == command["id"]).count() == 1
