"""Selling: figures, tenders, numbers, stock, audit and what is refused."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_core.audit import verify
from pos_core.audit.models import AuditEntry, Chain
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.outbox import Outbox
from pos_ops.sales.models import Payment, Sale, SaleFlag, SaleLine
from pos_ops.stock.models import StockLevel, StockMove


def refusal(shop: Any, body: dict[str, Any]) -> PosError:
    """The error of a sale that must be refused, and proof that nothing was written."""
    before = [model.select().count() for model in (Sale, SaleLine, Payment, StockMove, Outbox)]
    with pytest.raises(PosError) as caught:
        shop.sell(body)
    assert [model.select().count() for model in (Sale, SaleLine, Payment, StockMove, Outbox)] == before
    return caught.value


def codes(error: PosError) -> set[str]:
    return {v.code.code for v in error.violations} or {error.code.code}


@pytest.mark.req("SAL-01")
@pytest.mark.req("PRC-01")
def test_a_sale_is_priced_taxed_paid_and_numbered(shop: Any) -> None:
    sold = shop.sell(shop.sale(("A", "2"), ("B", "1.5"), paid=5000))
    assert [line["total_minor"] for line in sold["lines"]] == [1998, 375]
    assert [line["tax_minor"] for line in sold["lines"]] == [333, 18]
    assert sold["total_minor"] == 2373 == sold["net_minor"] + sold["tax_minor"]
    assert (sold["paid_minor"], sold["change_minor"], sold["payable_minor"]) == (5000, 2627, 2373)
    assert (sold["number"], sold["receipt_number"], sold["status"]) == (1, "S1-R1-000001", "completed")
    assert {t["code"]: t["amount_minor"] for t in sold["taxes"]} == {"standard": 333, "reduced": 18}


@pytest.mark.req("SAL-01")
def test_a_sale_reads_back_as_it_was_answered(shop: Any) -> None:
    sold = shop.sell(shop.sale(("A", "2"), ("C", "12.345"), note="gift wrapped", discounts=[
        {"kind": "percent", "value": "1000", "reason": "staff"}]))
    assert shop.business.query("sale:get", role="cashier", id=sold["id"]) == sold


@pytest.mark.req("PRC-01")
def test_a_price_below_a_minor_unit_is_a_price_for_many(shop: Any) -> None:
    sold = shop.sell(shop.sale(("C", "155")))
    assert sold["lines"][0]["gross_minor"] == 16  # 15.5 cents, rounded half up
    assert sold["lines"][0]["price_per"] == 1000


@pytest.mark.req("PRC-06")
def test_a_cart_discount_is_shared_out_to_the_cent(shop: Any) -> None:
    sold = shop.sell(shop.sale(("A", "1"), ("B", "1"), ("A", "1"), discounts=[{"kind": "amount", "amount_minor": 100}]))
    assert sum(line["cart_discount_minor"] for line in sold["lines"]) == 100
    assert sold["total_minor"] == 999 + 250 + 999 - 100 == sum(line["total_minor"] for line in sold["lines"])


@pytest.mark.req("PAY-01")
def test_several_tenders_and_change_from_cash_only(shop: Any) -> None:
    sold = shop.sell(shop.sale(("A", "1"), tenders=[
        {"tender": "card", "amount_minor": 500}, {"tender": "cash", "amount_minor": 1000}]))
    assert [(p["tender"], p["amount_minor"], p["change_minor"]) for p in sold["payments"]] == [
        ("card", 500, 0), ("cash", 499, 501)]


@pytest.mark.req("PAY-01")
def test_cash_is_rounded_where_small_coins_are_gone(shop: Any) -> None:
    shop.business.perform("setting:change", {"key": "cash.increment_minor", "value": 5})
    cash = shop.sell(shop.sale(("A", "1"), paid=1000))
    assert (cash["total_minor"], cash["rounding_minor"], cash["payable_minor"]) == (999, 1, 1000)
    card = shop.sell(shop.sale(("A", "1"), paid=999, tender="card"))
    assert (card["rounding_minor"], card["payable_minor"]) == (0, 999)
    split = shop.sell(shop.sale(("A", "1"), tenders=[
        {"tender": "card", "amount_minor": 501}, {"tender": "cash", "amount_minor": 500}]))
    assert (split["rounding_minor"], split["payable_minor"]) == (2, 1001)


@pytest.mark.req("INV-01")
@pytest.mark.req("INV-02")
@pytest.mark.req("RUL-09")
def test_stock_goes_down_by_a_ledger_row_per_line(shop: Any) -> None:
    shop.sell(shop.sale(("A", "2"), ("A", "0.5"), ("B", "1")))
    assert (shop.stock("A"), shop.stock("B")) == (-2500, -1000)
    moves = StockMove.select().where(StockMove.product_id == shop.products["A"]["id"])
    assert sorted(move.quantity for move in moves) == [-2000, -500]


@pytest.mark.req("RUL-08")
def test_a_store_may_refuse_negative_stock(shop: Any) -> None:
    shop.business.perform("setting:change", {"key": "stock.negative", "value": "refuse"})
    adjust = {"product_id": shop.products["A"]["id"], "quantity": "2", "reason": "opening"}
    shop.business.perform("stock:adjust", adjust, role="manager")
    error = refusal(shop, shop.sale(("A", "1"), ("A", "1.5")))
    assert codes(error) == {"stock_policy_conflict"}
    assert {v.path for v in error.violations} == {"lines.0", "lines.1"}
    shop.sell(shop.sale(("A", "2")))
    assert shop.stock("A") == 0


@pytest.mark.req("AUD-02")
@pytest.mark.req("SYN-09")
@pytest.mark.req("SYN-10")
def test_one_entry_and_one_outbox_row_a_sale_on_the_registers_chain(shop: Any) -> None:
    register = shop.business.ids["register1"]
    before = Chain.get_by_id(register).seq
    sold = shop.sell(shop.sale(("A", "1")))
    entry = AuditEntry.get((AuditEntry.chain_id == register) & (AuditEntry.seq == before + 1))
    fact = json.loads(entry.payload)
    assert (entry.action, entry.outcome, entry.entity_id) == ("sale:complete", "done", sold["id"])
    assert fact["after"] == sold
    assert (fact["actor"], fact["roles"]) == (shop.business.ids["cashier1"], ["cashier"])
    row = Outbox.get(Outbox.entity_id == sold["id"])
    assert (row.event, row.status, row.chain_id, row.chain_seq) == ("sale:completed", "pending", register, before + 1)


REFUSED = [
    ({"lines": [{"sku": "NONE", "quantity": "1"}]}, "product_unknown", "lines.0"),
    ({"lines": [{"sku": "OFF", "quantity": "1"}]}, "product_inactive", "lines.0"),
    ({"lines": [{"sku": "O", "quantity": "1"}]}, "price_needed", "lines.0.unit_price_minor"),
    ({"lines": [{"sku": "A", "quantity": "1", "unit_price_minor": 1}]}, "price_differs", "lines.0.unit_price_minor"),
    ({"discounts": [{"kind": "amount", "amount_minor": 1000}]}, "discount_too_large", "discounts"),
    ({"tenders": []}, "tender_short", "tenders"),
    ({"tenders": [{"tender": "cash", "amount_minor": 998}]}, "tender_short", "tenders"),
    ({"tenders": [{"tender": "card", "amount_minor": 1000}]}, "tender_above_total", "tenders"),
    ({"tenders": [{"tender": "shells", "amount_minor": 999}]}, "tender_not_in_use", "tenders.0.tender"),
    ({"customer_id": uuid7()}, "customer_unknown", "customer_id"),
    ({"representative_id": uuid7()}, "representative_unknown", "representative_id"),
    ({"register_id": uuid7()}, "not_found", "register_id"),
    ({"lines": [{"name": "X", "quantity": "1", "unit_price_minor": 5, "tax_group_id": uuid7()}]},
     "tax_group_unknown", "lines.0.tax_group_id"),
    ({"lines": [{"name": "X", "quantity": "999999999", "unit_price_minor": 10**13}]}, "amount_too_large", "lines"),
]  # fmt: skip


def test_a_till_sells_at_its_own_register_only(shop: Any) -> None:
    error = refusal(shop, {**shop.sale(("A", "1")), "register_id": shop.business.ids["register2"]})
    assert (error.code.code, error.path) == ("register_wrong", "register_id")


@pytest.mark.req("OPX-04")
@pytest.mark.req("PRC-07")
@pytest.mark.req("RUL-03")
@pytest.mark.parametrize(("change", "code", "path"), REFUSED, ids=[r[1] + "-" + r[2] for r in REFUSED])
def test_what_is_refused_names_code_and_path_and_writes_nothing(
    shop: Any, change: dict[str, Any], code: str, path: str
) -> None:
    error = refusal(shop, {**shop.sale(("A", "1")), **change})
    found = {(v.code.code, v.path) for v in error.violations} | {(error.code.code, error.path)}
    assert (code, path) in found


@pytest.mark.req("RUL-03")
def test_everything_wrong_is_told_at_once_and_recorded(shop: Any) -> None:
    error = refusal(shop, shop.sale(("NONE", "1"), ("OFF", "1"), paid=0, customer_id=uuid7()))
    assert codes(error) == {"product_unknown", "product_inactive", "tender_short", "customer_unknown"}
    entry = AuditEntry.select().where(AuditEntry.outcome == "refused").order_by(AuditEntry.seq.desc()).get()
    assert {e["code"] for e in json.loads(entry.payload)["error"]["errors"]} == codes(error)


@pytest.mark.req("REG-01")
def test_a_closed_register_sells_nothing(shop: Any) -> None:
    close = {"id": shop.session_id, "counts": [{"tender": "cash", "counted_minor": 10_000}]}
    shop.business.perform("register_session:close", close, role="cashier")
    assert codes(refusal(shop, shop.sale(("A", "1")))) == {"register_closed"}


@pytest.mark.req("RBC-07")
def test_discounts_need_their_permission(shop: Any) -> None:
    ctx = shop.business.context("cashier")
    ctx.actor = type(ctx.actor)(ctx.actor.id, ctx.actor.name, ctx.actor.roles, frozenset({"pos:sell"}))
    schema = shop.business.kernel.action("sale:complete").command
    body = shop.sale(("A", "1"), discounts=[{"kind": "percent", "value": "100"}])
    with pytest.raises(PosError) as caught:
        ctx.perform("sale:complete", schema.model_validate_json(json.dumps(body)))
    assert caught.value.code.code == "permission_denied"


@pytest.mark.req("SAL-03")
def test_the_same_sale_again_is_the_same_answer_and_one_effect(shop: Any) -> None:
    body = shop.sale(("A", "1"))
    kernel, schema = shop.business.kernel, shop.business.kernel.action("sale:complete").command
    command = schema.model_validate_json(json.dumps(body))
    first = kernel.perform(shop.business.context("cashier"), "sale:complete", command)
    again = kernel.perform(shop.business.context("cashier"), "sale:complete", command)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.data == first.data
    assert again.status == first.status == 201
    assert shop.stock("A") == -1000
    other = {**body, "note": "changed"}
    assert codes(refusal(shop, other)) == {"idempotency_key_reused"}


@pytest.mark.req("SAL-03")
def test_many_at_once_have_one_effect_and_numbers_have_no_gaps(shop: Any) -> None:
    bodies = [shop.sale(("A", "1")) for _ in range(12)]
    business, failures = shop.business, []
    schema = business.kernel.action("sale:complete").command
    commands = [schema.model_validate_json(json.dumps(body)) for body in bodies] * 3

    def sell(share: list[Any]) -> None:
        with business.kernel.db.in_use():
            for command in share:
                try:
                    business.kernel.perform(business.context("cashier"), "sale:complete", command)
                except Exception as error:  # noqa: BLE001 - shown below
                    failures.append(error)
        if business.kernel.db.dialect == "sqlite":
            business.kernel.db.close()

    threads = [threading.Thread(target=sell, args=(commands[n::6],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(row.number for row in Sale.select()) == list(range(1, 13))
    assert shop.stock("A") == -12_000


@pytest.mark.req("OFF-03")
def test_an_offline_sale_is_recorded_as_printed_and_flagged(shop: Any) -> None:
    sold_at = shop.business.clock.now() - timedelta(hours=5)
    body = shop.sale(("A", "2"), ("GONE", "1"), tenders=[{"tender": "shells", "amount_minor": 100}], offline={
        "sold_at": sold_at.isoformat(), "total_minor": 2000, "receipt_number": "K-17"}, customer_id=uuid7())
    body["lines"][0] |= {"unit_price_minor": 900, "total_minor": 1750}
    body["lines"][1] |= {"name": "Old thing", "unit_price_minor": 250}
    sold = shop.sell(body)
    assert (sold["total_minor"], sold["printed_number"], sold["offline"]) == (2000, "K-17", True)
    assert [line["total_minor"] for line in sold["lines"]] == [1750, 250]
    assert sold["lines"][0]["net_minor"] + sold["lines"][0]["tax_minor"] == 1750
    assert sold["sold_at"].startswith("2026-03-02T05:00")
    assert {flag["code"] for flag in sold["flags"]} == {
        "product_unknown", "price_differs", "printed_total_differs", "tender_not_in_use", "tender_short",
        "customer_unknown"}  # fmt: skip
    assert SaleFlag.select().count() == len(sold["flags"])
    assert shop.stock("A") == -2000
    listed, _ = shop.business.query("sale_flag:list", role="manager")
    flag = shop.business.perform(
        "sale_flag:review", {"id": listed[0]["id"], "version": 1, "note": "seen"}, role="manager")
    assert flag["reviewed_by"] == shop.business.ids["manager"]


@pytest.mark.req("OFF-03")
def test_an_offline_sale_is_taken_after_the_close_and_below_the_floor(shop: Any) -> None:
    shop.business.perform("setting:change", {"key": "stock.negative", "value": "refuse"})
    shop.business.perform("register_session:close", {
        "id": shop.session_id, "counts": [{"tender": "cash", "counted_minor": 10_000}]}, role="cashier")
    body = shop.sale(("A", "1"), paid=999, offline={
        "sold_at": shop.business.clock.now().isoformat(), "total_minor": 999})
    sold = shop.sell(body)
    assert {flag["code"] for flag in sold["flags"]} == {"register_closed", "stock_policy_conflict"}
    assert sold["session_id"] is None
    assert shop.stock("A") == -1000


@pytest.mark.req("SAL-07")
def test_the_receipt_is_data_and_text_in_the_stores_zone(shop: Any) -> None:
    business = shop.business
    store = business.query("store:get", id=business.store_id)
    business.perform("store:edit", {"id": store["id"], "version": store["version"], "time_zone": "Europe/Madrid"})
    sold = shop.sell(shop.sale(("A", "2"), ("C", "500"), paid=5000))
    text = business.query("sale:receipt_text", role="cashier", id=sold["id"], lang="es")
    assert "Recibo S1-R1-000001" in text
    assert "11:00" in text  # 10:00 UTC in Madrid in winter
    assert all(len(row) <= 42 for row in text.splitlines())
    data = business.query("sale:receipt", role="cashier", id=sold["id"])
    assert (data["sale"]["id"], data["cashier"]) == (sold["id"], "Cashier1")


@pytest.mark.req("REG-01")
def test_a_close_adds_up_what_was_sold(shop: Any) -> None:
    shop.sell(shop.sale(("A", "1"), paid=2000))
    shop.sell(shop.sale(("B", "2"), paid=500, tender="card"))
    closed = shop.business.perform("register_session:close", {
        "id": shop.session_id, "counts": [{"tender": "cash", "counted_minor": 10_990}]}, role="cashier")
    assert (closed["expected_minor"], closed["counted_minor"], closed["over_short_minor"]) == (11_499, 11_490, -9)
    assert closed["sales_count"] == 2


@pytest.mark.req("DBM-17")
def test_lists_filter_and_page(shop: Any) -> None:
    ids = [shop.sell(shop.sale(("B", "1")))["id"] for _ in range(5)]
    first, cursor = shop.business.query("sale:list", role="cashier", limit=3, cashier_id=shop.business.ids["cashier1"])
    rest, end = shop.business.query("sale:list", role="cashier", limit=3, cursor=cursor)
    assert [row["id"] for row in first + rest] == ids
    assert end is None
    assert shop.business.query("sale:list", role="cashier", register_id=shop.business.ids["register2"])[0] == []


def test_an_unknown_sale_and_another_stores_sale_are_the_same_404(shop: Any) -> None:
    sold = shop.sell(shop.sale(("B", "1")))
    business = shop.business
    other = business.perform("store:create", {"id": uuid7(), "code": "S2", "name": "Other", "time_zone": "UTC"})
    ctx = business.context("manager")
    ctx.store_id = other["id"]
    for sale_id in (sold["id"], uuid7()):
        with pytest.raises(PosError) as caught:
            business.kernel.query(ctx, "sale:get", {"id": sale_id})
        assert caught.value.code.code == "not_found"


LIMIT = "sales.discount_approval_percent"
quantities = st.integers(1, 5_000_000).map(lambda n: f"{n // 1000}.{n % 1000:03}")
lines = st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), quantities), min_size=1, max_size=8)


@pytest.mark.req("PRC-06")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=lines, percent=st.integers(0, 10_000), tendered=st.integers(0, 1_000_000))
def test_every_sale_adds_up(shop: Any, lines: list[tuple[str, str]], percent: int, tendered: int) -> None:
    if shop.business.kernel.settings.for_store(None, shop.business.kernel.revision())[LIMIT] < 100:
        shop.business.perform("setting:change", {"key": LIMIT, "value": 100})
    sold = shop.sell(shop.sale(*lines, discounts=[{"kind": "percent", "value": str(percent)}], tenders=[
        {"tender": "cash", "amount_minor": 10**12 + tendered}]))
    assert sum(line["total_minor"] for line in sold["lines"]) == sold["total_minor"]
    assert sum(line["tax_minor"] for line in sold["lines"]) == sold["tax_minor"]
    assert sum(tax["amount_minor"] for tax in sold["taxes"]) == sold["tax_minor"]
    assert sold["gross_minor"] - sold["discount_minor"] == sold["total_minor"]
    assert sum(p["amount_minor"] for p in sold["payments"]) == sold["payable_minor"]
    level = StockLevel.select()
    moves = {m.product_id: 0 for m in level}
    for move in StockMove.select():
        moves[move.product_id] += move.quantity
    assert moves == {row.product_id: row.on_hand for row in level}


@pytest.mark.req("AUD-09")
@pytest.mark.parametrize(("table", "change"), [
    ("ops_sale", ", ".join(f"{name}_minor = {name}_minor + 1" for name in ("total", "payable", "net", "paid"))),
    ("ops_sale", "cashier_id = (SELECT id FROM core_user WHERE username = 'manager')"),
    ("ops_stock_level", None),
])  # fmt: skip
def test_a_sale_that_was_changed_behind_the_products_back_is_named(shop: Any, table: str, change: str | None) -> None:
    for _ in range(3):
        shop.sell(shop.sale(("A", "2"), ("B", "1")))
    kernel = shop.business.kernel
    if change is not None:
        with kernel.db.schema_access():
            kernel.db.execute_sql(f"UPDATE {table} SET {change} WHERE number = 2")
    report = verify.verify(kernel.system_context("tests"))
    found = [finding.message for finding in report.findings]
    if change is None:
        assert found == []
    else:
        assert found
        assert all("S1-R1-000002" in message for message in found)
