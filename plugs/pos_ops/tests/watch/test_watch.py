"""What is looked out for at the tills: refunds, voids, drawers without a sale, changed prices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from plugs.pos_ops.tests.sales.conftest import open_shop
from pos_core import Manifest, action, uuid7
from pos_core.schemas import Command, Id, Json
from pos_core.security.detectors import Seen
from pos_core.testing.harness import Business
from pos_ops.watch.detecting import prices_changed


class Do(Command):
    """Stands in for the command of an action that a later module brings."""

    id: Id
    notes: Json | None = None


def later_modules() -> tuple[str, ModuleType]:
    """A module with the actions that refunds, voids and drawers will bring."""
    python = ModuleType("made_lab_later")
    python.MANIFEST = Manifest(name="lab.later", version="1.0")  # type: ignore[attr-defined]
    for number, name in enumerate(("sale:void", "sale:refund", "drawer:open", "register:no_sale")):

        @action(name, command=Do, permission="pos:registers.view")
        def do(ctx: Any, command: Do) -> dict[str, Any]:
            """Do it."""
            ctx.writing.note(**(command.notes or {}))
            return {"id": command.id}

        do.__module__ = python.__name__
        setattr(python, f"do_{number}", do)
    return "lab.later", python


@pytest.fixture
def later(make_business: Callable[..., Business]) -> Business:
    business = make_business(extra=[later_modules()])
    for key, value in (("watch.refunds", 4), ("watch.voids", 3), ("watch.no_sales", 5)):
        business.perform("setting:change", {"key": key, "value": value})
    business.perform("security:detect", {})
    return business


def sweep(business: Business) -> list[dict[str, Any]]:
    made = business.perform("security:detect", {})
    return [business.query("finding:get", id=one) for one in made["findings"]]


@pytest.mark.req("SEC-04")
@pytest.mark.parametrize(("names", "times", "detector"), [
    (("sale:refund",), 4, "sales.refund_spike"), (("sale:void",), 3, "sales.void_spike"),
    (("drawer:open", "register:no_sale"), 5, "sales.no_sale"),
])  # fmt: skip
def test_a_spike_is_found_at_its_threshold(
    later: Business, names: tuple[str, ...], times: int, detector: str
) -> None:
    for number in range(times - 1):
        later.perform(names[number % len(names)], {"id": uuid7()}, role="cashier")
    assert sweep(later) == []
    later.perform(names[-1], {"id": uuid7()}, role="cashier")
    (found,) = sweep(later)
    assert (found["detector"], found["count"], found["threshold"]) == (detector, times, times)
    assert (found["actor_id"], found["store_id"]) == (later.ids["cashier1"], later.store_id)
    assert str(times) in found["message"]


@pytest.mark.req("SEC-04")
def test_each_cashier_is_counted_alone(later: Business) -> None:
    for till in (1, 2, 1, 2):
        later.perform("sale:void", {"id": uuid7()}, role="cashier", till=till)
    assert sweep(later) == []


@pytest.mark.req("SEC-04")
def test_without_the_module_nothing_is_found(make_business: Callable[..., Business]) -> None:
    business = make_business(extra=[later_modules()], modules={"disabled": ["ops.watch"]})
    for _ in range(30):
        business.perform("sale:void", {"id": uuid7()}, role="cashier")
    assert sweep(business) == []


@pytest.mark.req("SEC-04", "AUD-13")
def test_prices_that_one_cashier_changes_add_up(business: Business) -> None:
    shop = open_shop(business)
    supervisor = {"user_id": business.ids["cashier1"], "role": "shift_supervisor", "store_id": business.store_id}
    business.perform("user:assign", supervisor)
    business.perform("setting:change", {"key": "watch.price_overrides", "value": 3})
    business.perform("security:detect", {})
    for skus in (("A", "B"), ("B",), ("A",)):
        lines = [
            {"sku": sku, "quantity": "1", "unit_price_minor": {"A": 950, "B": 240}[sku], "price_override": True}
            for sku in skus
        ]
        shop.sell({**shop.sale(("A", "1")), "lines": lines, "reason": "price_match"})
        shop.sell(shop.sale(("A", "1")))
    (found,) = sweep(business)
    assert (found["detector"], found["count"], found["actor_id"]) == (
        "sales.price_overrides", 4, business.ids["cashier1"])  # fmt: skip
    assert [entry["weight"] for entry in found["entries"]] == [2, 1, 1]


def seen(notes: Any) -> Seen:
    return Seen("c", 1, datetime(2026, 3, 2, tzinfo=UTC), "sale:complete", "done", "a", "s", "r", "d", "", {},
                fact={"notes": notes} if notes is not None else {})  # fmt: skip


@pytest.mark.parametrize(("notes", "weight"), [
    (None, 0), ({}, 0), ({"overrides": {"discount_minor": 500}}, 0), ({"overrides": {"price_overrides": 3}}, 3),
])  # fmt: skip
def test_a_sale_weighs_as_many_prices_as_were_changed(notes: Any, weight: int) -> None:
    assert prices_changed(seen(notes)) == weight
