"""Discounts by hand and changed prices: permissions, limits, approvals, reasons, and what is told of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_core import PosError, uuid7
from pos_core.approvals.needs import Given
from pos_core.audit.models import AuditEntry
from pos_core.context import Actor
from pos_core.tax import Discount, Line, Rounding, price
from pos_ops.sales.concessions import concessions, percent
from pos_ops.sales.models import SaleLine
from pos_ops.sales.pricing import DraftLine
from pos_ops.sales.schemas import DiscountIn, LineIn


def context(shop: Any, *more: str, ids: tuple[str, ...] = ()) -> Any:
    """The first till's cashier, with further permissions."""
    ctx = shop.business.context("cashier")
    ctx.actor = Actor(ctx.actor.id, ctx.actor.name, ctx.actor.roles, ctx.actor.permissions | set(more))
    ctx.approvals = Given(ids=ids) if ids else None
    return ctx


def sell(shop: Any, body: dict[str, Any], *more: str, ids: tuple[str, ...] = ()) -> dict[str, Any]:
    ctx = context(shop, *more, ids=ids)
    schema = ctx.kernel.action("sale:complete").command
    return dict(ctx.kernel.perform(ctx, "sale:complete", schema.model_validate_json(orjson.dumps(body))).data)


def refused(shop: Any, body: dict[str, Any], *more: str, ids: tuple[str, ...] = ()) -> dict[str, str]:
    """Code by path of what is wrong."""
    with pytest.raises(PosError) as caught:
        sell(shop, body, *more, ids=ids)
    return {v.path: v.code.code for v in caught.value.violations}


def supervisor(shop: Any) -> Any:
    """Somebody else at a till of the store, who may agree."""
    business = shop.business
    made = business.perform("user:create", {"id": uuid7(), "username": "sue", "full_name": "Sue",
                                            "password": "correct-horse-7"})
    business.perform("user:assign", {
        "user_id": made["id"], "role": "shift_supervisor", "store_id": business.store_id})
    ctx = business.context("cashier", 2)
    ctx.actor = Actor(made["id"], "sue", ("shift_supervisor",), frozenset(
        {"pos:approvals.use", "pos:discount.approve", "pos:price_override.approve"}))
    return ctx


def approved(shop: Any, body: dict[str, Any], *more: str, kind: str | None = None) -> str:
    """Ask for the approval of a sale, as the till does, and let somebody else agree; its id."""
    ctx = context(shop, *more)
    asked = ctx.kernel.perform(ctx, "approval:request", {
        "action": "sale:complete", "command": body, "kind": kind}).data
    by = supervisor(shop)
    by.kernel.perform(by, "approval:approve", {"id": asked["id"]})
    return str(asked["id"])


def fact_of(sold: dict[str, Any]) -> dict[str, Any]:
    row = AuditEntry.get(AuditEntry.entity_id == sold["id"], AuditEntry.outcome == "done")
    return dict(orjson.loads(row.payload))


PER_CENT = {"kind": "percent"}
OVERRIDE = "pos:price_override"


@pytest.mark.req("OPX-07", "V2X-36", "RBC-07")
@pytest.mark.parametrize(("line", "cart", "asks"), [
    ([], [], False),
    ([3000], [], False), ([3001], [], True), ([], [3000], False), ([], [3001], True),
    ([2000], [1250], False), ([2000], [1251], True), ([1000, 1000, 1000], [], False), ([2000, 2000], [], True),
])  # fmt: skip
def test_discounts_above_the_limit_need_an_approval(
    shop: Any, line: list[int], cart: list[int], asks: bool
) -> None:
    lines = [{"sku": "A", "quantity": "3"}, {"sku": "B", "quantity": "1"}]
    lines[0]["discounts"] = [{"kind": "percent", "value": str(rate)} for rate in line]  # type: ignore[assignment]
    body = shop.sale(lines=lines, discounts=[{"kind": "percent", "value": str(rate)} for rate in cart],
                     reason="goodwill")
    if asks:
        assert set(refused(shop, body).values()) == {"approval_required"}
    else:
        sell(shop, body)


@pytest.mark.req("OPX-07")
def test_an_amount_counts_as_what_it_takes_off(shop: Any) -> None:
    body = shop.sale(("B", "1"), discounts=[{"kind": "amount", "amount_minor": 76}], reason="goodwill")
    assert refused(shop, body) == {"discounts": "approval_required"}
    sell(shop, shop.sale(("B", "1"), discounts=[{"kind": "amount", "amount_minor": 75}]))


def test_rounding_of_small_prices_is_no_discount(shop: Any) -> None:
    shop.business.perform("setting:change", {"key": "sales.discount_approval_percent", "value": 10})
    sold = sell(shop, shop.sale(("C", "5"), discounts=[{"kind": "percent", "value": "1000"}]))
    assert (sold["gross_minor"], sold["discount_minor"]) in {(1, 0), (1, 1), (0, 0)}


@pytest.mark.req("OPX-07")
def test_the_limit_is_the_stores(shop: Any) -> None:
    body = shop.sale(("A", "1"), discounts=[{"kind": "percent", "value": "3000"}], reason="goodwill")
    key = {"key": "sales.discount_approval_percent", "store_id": shop.business.store_id}
    shop.business.perform("setting:change", {**key, "value": 29})
    assert refused(shop, body) == {"discounts": "approval_required"}
    shop.business.perform("setting:change", {**key, "value": 100})
    sell(shop, {**body, "discounts": [{"kind": "percent", "value": "10000"}]})


@pytest.mark.req("OPX-07", "AUD-06", "AUD-07", "AUD-13")
def test_an_approved_discount_is_sold_with_its_reason_and_told_of(shop: Any) -> None:
    body = shop.sale(("A", "2"), discounts=[{"kind": "percent", "value": "5000"}])
    asked = approved(shop, body)
    assert refused(shop, body, ids=(asked,)) == {"reason": "reason_required"}
    assert refused(shop, {**body, "reason": "opening"}, ids=(asked,)) == {"reason": "reason_unknown"}
    assert refused(shop, {**body, "reason": "other"}, ids=(asked,)) == {"reason_note": "reason_note_required"}
    sold = sell(shop, {**body, "reason": "goodwill", "reason_note": "regular"}, ids=(asked,))
    fact = fact_of(sold)
    assert fact["notes"]["reason"] == {"code": "goodwill", "note": "regular"}
    assert [note["id"] for note in fact["notes"]["approvals"]] == [asked]
    assert fact["notes"]["overrides"] == {
        "price_overrides": 0, "discount_minor": 999, "gross_minor": 1998, "percent": "50.00", "lines": []}


@pytest.mark.req("OPX-07")
def test_an_approved_cart_may_be_paid_otherwise_but_not_changed(shop: Any) -> None:
    body = shop.sale(("A", "2"), discounts=[{"kind": "percent", "value": "5000"}], reason="goodwill")
    asked = approved(shop, {**body, "tenders": []})
    for other in (
        {"lines": [{"sku": "A", "quantity": "3"}]}, {"discounts": [{"kind": "percent", "value": "5100"}]},
        {"lines": [{"sku": "A", "quantity": "2"}, {"sku": "B", "quantity": "1"}]},
    ):
        assert set(refused(shop, {**body, **other}, ids=(asked,)).values()) == {"approval_mismatch"}
    sell(shop, {**body, "tenders": [{"tender": "cash", "amount_minor": 1000}]}, ids=(asked,))


@pytest.mark.req("RBC-07", "OPX-07")
def test_a_changed_price_needs_its_permission_a_reason_and_above_the_limit_an_approval(shop: Any) -> None:
    line = {"sku": "A", "quantity": "1", "unit_price_minor": 900, "price_override": True}
    body = shop.sale(lines=[line], reason="wrong_price")
    assert refused(shop, body) == {"lines.0.price_override": "permission_denied"}
    assert refused(shop, {**body, "reason": None}, OVERRIDE) == {"reason": "reason_required"}
    sold = sell(shop, body, OVERRIDE)
    assert (sold["total_minor"], sold["lines"][0]["price_source"]) == (900, "override")
    assert fact_of(sold)["notes"]["overrides"] == {
        "price_overrides": 1, "discount_minor": 0, "gross_minor": 900, "percent": "9.90",
        "lines": [{"position": 1, "sku": "A", "unit_price_minor": 900, "price_per": 1, "listed_minor": 999,
                   "listed_per": 1}],
    }  # fmt: skip
    assert SaleLine.get(SaleLine.sale == sold["id"]).price_source == "override"
    far = shop.sale(lines=[{**line, "unit_price_minor": 899}], reason="wrong_price")
    assert refused(shop, far, OVERRIDE) == {"lines.0.unit_price_minor": "approval_required"}
    dear = shop.sale(lines=[{**line, "unit_price_minor": 1200}], reason="wrong_price")
    assert refused(shop, dear, OVERRIDE) == {"lines.0.unit_price_minor": "approval_required"}
    sell(shop, far, OVERRIDE, ids=(approved(shop, far, OVERRIDE),))


@pytest.mark.req("PRC-07")
def test_without_the_marker_another_price_is_a_mistake_and_with_the_lists_it_is_none(shop: Any) -> None:
    wrong = shop.sale(lines=[{"sku": "A", "quantity": "1", "unit_price_minor": 900}])
    assert refused(shop, wrong, OVERRIDE) == {"lines.0.unit_price_minor": "price_differs"}
    same = shop.sale(lines=[{"sku": "C", "quantity": "10", "unit_price_minor": 10, "price_per": 100,
                             "price_override": True}])
    sold = sell(shop, same, OVERRIDE)
    assert sold["lines"][0]["price_source"] == "catalog"
    assert "notes" not in fact_of(sold)
    with pytest.raises(ValueError, match="price_override goes with"):
        LineIn.model_validate({"name": "x", "quantity": "1", "unit_price_minor": 1, "price_override": True})


def test_a_changed_price_and_a_discount_add_up(shop: Any) -> None:
    """Nine percent off the price and a quarter off the rest is more than thirty percent off the list."""
    line = {"sku": "A", "quantity": "1", "unit_price_minor": 910, "price_override": True}
    body = shop.sale(lines=[line], discounts=[{"kind": "percent", "value": "2500"}], reason="goodwill")
    assert refused(shop, body, OVERRIDE) == {"discounts": "approval_required"}


def test_a_products_own_discount_is_no_concession(shop: Any) -> None:
    product = shop.business.perform("product:create", {
        "id": uuid7(), "sku": "SALE", "name": "On sale", "unit_price_minor": 1000, "discount": "50"})
    assert product["sku"] == "SALE"
    sold = sell(shop, shop.sale(("SALE", "1")))
    assert sold["total_minor"] == 500
    assert "notes" not in fact_of(sold)
    body = shop.sale(lines=[{"sku": "SALE", "quantity": "1", "discounts": [{"kind": "percent", "value": "3000"}]}])
    assert fact_of(sell(shop, body))["notes"]["overrides"]["discount_minor"] == 150


@pytest.mark.req("SAL-04", "OPX-07")
def test_what_was_sold_offline_is_flagged_not_refused(shop: Any) -> None:
    now = shop.business.clock.now().isoformat()
    line = {"sku": "A", "quantity": "1", "unit_price_minor": 500, "price_override": True}
    body = shop.sale(lines=[line], offline={"sold_at": now, "total_minor": 500}, paid=500)
    sold = sell(shop, body)
    assert {flag["code"] for flag in sold["flags"]} == {"permission_denied", "approval_required", "reason_required"}


def test_the_event_tells_of_concessions(shop: Any) -> None:
    told: list[Any] = []
    shop.business.kernel.publish = lambda ctx, event: told.append(event)
    sell(shop, shop.sale(("A", "1")))
    sell(shop, shop.sale(("A", "1"), discounts=[{"kind": "percent", "value": "1000"}]))
    assert [dict(event.data) for event in told if event.name == "sale:completed"] == [
        {}, {"price_overrides": 0, "discount_minor": 100, "gross_minor": 999}]


# -- the figures ---------------------------------------------------------------------------------------------------


def drafted(unit: int, quantity: int, listed: int | None, rates: list[int]) -> DraftLine:
    asked = LineIn(sku="X", quantity="1", discounts=tuple(
        DiscountIn(kind="percent", value=str(rate // 100)) for rate in rates))
    return DraftLine(
        asked, None, "X", "x", None, quantity, unit, 1, "catalog", None, (),
        tuple(Discount("percent", rate, "") for rate in rates), None, None if listed is None else (listed, 1),
    )  # fmt: skip


rates = st.lists(st.integers(0, 10_000).map(lambda n: n * 100), max_size=3)


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6), rates), min_size=1, max_size=5), cart=rates,
)  # fmt: skip
def test_the_share_of_percentages_is_exact_whatever_is_rounded(
    lines: list[tuple[int, int, list[int]]], cart: list[int]
) -> None:
    drafts = [drafted(unit, quantity, None, line) for unit, quantity, line in lines]
    whole = tuple(Discount("percent", rate, "") for rate in cart)
    sold = [Line(d.unit_price_minor, 1, d.quantity, (), d.discounts) for d in drafts]
    priced = price(sold, cart_discounts=whole, rounding=Rounding())
    made = concessions(drafts, whole, priced, "half_up")
    if not cart and not any(line for _, _, line in lines):
        assert made is None
        return

    def kept(given_rates: list[int]) -> Fraction:
        left = Fraction(1)
        for rate in given_rates:
            left *= 1 - Fraction(rate, 10**6)
        return left

    assert made is not None
    everything_gone = all(kept(line) == 0 for _, _, line in lines)
    wanted = max(1 - kept(line) * (1 if everything_gone else kept(cart)) for _, _, line in lines)
    assert made.discount == wanted
    assert made.discount_minor == priced.discount_minor
    assert 0 <= made.discount <= 1


@given(share=st.fractions(0, 1))
def test_percent_is_cut_not_rounded(share: Fraction) -> None:
    whole, _, rest = percent(share).partition(".")
    shown = Fraction(int(whole) * 100 + int(rest), 10_000)
    assert shown <= share < shown + Fraction(1, 10_000)
