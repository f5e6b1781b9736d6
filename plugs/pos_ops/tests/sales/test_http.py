"""A till over HTTP: the whole way, and what happens when it asks twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pos_core.audit.models import AuditEntry
from pos_core.ids import uuid7
from pos_core.outbox import Outbox
from pos_core.testing.harness import Business, Client
from pos_ops.sales.models import Sale

SignIn = Callable[..., Client]


def open_till(shop: Any, client_as: SignIn) -> Client:
    """Till 1, whose session the shop has open already."""
    return client_as("cashier")


@pytest.mark.req("API-01")
@pytest.mark.req("SAL-01")
@pytest.mark.req("OPX-42")
def test_a_till_signs_in_sells_and_prints(shop: Any, client_as: SignIn) -> None:
    till = open_till(shop, client_as)
    made = till.post("/sales", shop.sale(("A", "2"), paid=2000))
    assert made.status == 201, made.text
    sale = made.data
    assert till.get(f"/sales/{sale['id']}").data == sale
    text = till.get(f"/sales/{sale['id']}/receipt.txt?lang=en")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert sale["receipt_number"] in text.text
    listed = till.get(f"/sales?cashier_id={sale['cashier_id']}&from_day=2026-03-02&to_day=2026-03-02")
    assert [row["id"] for row in listed.data] == [sale["id"]]
    moves = till.get(f"/stock/moves?product_id={shop.products['A']['id']}").data
    assert [(m["entity_id"], m["quantity"]) for m in moves] == [(sale["id"], "-2")]


@pytest.mark.req("SYN-11")
def test_a_repeat_is_answered_the_same_and_marked(shop: Any, client_as: SignIn) -> None:
    till, body = open_till(shop, client_as), shop.sale(("A", "1"))
    first, again = till.post("/sales", body), till.post("/sales", body)
    assert (first.status, again.status) == (201, 201)
    assert again.data == first.data
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json["meta"]["replayed"] is True
    assert "idempotent-replayed" not in first.headers
    changed = till.post("/sales", {**body, "note": "other"})
    assert (changed.status, changed.code) == (422, "idempotency_key_reused")
    assert Sale.select().count() == 1


@pytest.mark.req("SYN-11")
def test_a_key_of_its_own_is_remembered_beside_the_sales_id(shop: Any, client_as: SignIn) -> None:
    till, key = open_till(shop, client_as), uuid7()
    one, other = shop.sale(("A", "1")), shop.sale(("B", "1"))
    first = till.request("POST", "/sales", one, {"Idempotency-Key": key})
    again = till.request("POST", "/sales", one, {"Idempotency-Key": key})
    assert (first.status, again.data) == (201, first.data)
    taken = till.request("POST", "/sales", other, {"Idempotency-Key": key})
    assert (taken.status, taken.code) == (422, "idempotency_key_reused")
    assert Sale.select().count() == 1


@pytest.mark.req("SYN-11")
def test_a_repeat_is_answered_even_when_the_rules_would_refuse_it_now(shop: Any, client_as: SignIn) -> None:
    """The answer was lost, the register was closed meanwhile: the sale happened all the same."""
    till, body = open_till(shop, client_as), shop.sale(("A", "1"), paid=1000)
    first = till.post("/sales", body)
    shop.business.perform("register_session:close", {
        "id": shop.session_id, "counts": [{"tender": "cash", "counted_minor": 10_999}]}, role="cashier")
    again = till.post("/sales", body)
    assert (again.status, again.data) == (201, first.data)
    fresh = till.post("/sales", shop.sale(("A", "1"), paid=1000))
    assert (fresh.status, fresh.code) == (409, "register_closed")
    assert AuditEntry.select().where(AuditEntry.outcome == "refused", AuditEntry.action == "sale:complete").count() == 1


@pytest.mark.req("SYN-11")
def test_sixteen_at_once_have_one_effect(shop: Any, client_as: SignIn) -> None:
    till, body = open_till(shop, client_as), shop.sale(("A", "1"))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: till.post("/sales", body), range(16)))
    assert {answer.status for answer in answers} == {201}
    assert all(answer.data == answers[0].data for answer in answers)
    assert Sale.select().count() == 1
    assert Outbox.select().where(Outbox.event == "sale:completed").count() == 1
    assert shop.stock("A") == -1000


@pytest.mark.req("REG-01")
def test_a_sale_that_was_prepared_before_a_close_does_not_slip_into_it(shop: Any, client_as: SignIn) -> None:
    """Closing and selling at once, again and again: every session's expected sum is what its sales took."""
    till, business = open_till(shop, client_as), shop.business

    def sell(_: int) -> int:
        return till.post("/sales", shop.sale(("B", "1"), paid=250)).status

    session = shop.session_id
    for _ in range(4):
        with ThreadPoolExecutor(5) as pool:
            sales = pool.map(sell, range(8))
            closed = pool.submit(till.post, f"/register-sessions/{session}/close", {
                "counts": [{"tender": "cash", "counted_minor": 10_000}]})
            assert set(sales) <= {201, 409}
            answer = closed.result()
        assert answer.status == 200, answer.text
        taken = sum(row.payable_minor for row in Sale.select().where(Sale.session_id == session))
        assert answer.data["expected_minor"] == 10_000 + taken
        session = uuid7()
        business.perform("register_session:open", {"id": session, "float_minor": 10_000}, role="cashier")
    numbers = sorted(row.number for row in Sale.select())
    assert numbers == list(range(1, len(numbers) + 1))


HOSTILE: list[tuple[str, Any]] = [
    ("lines", []), ("lines", "x"), ("lines", [None]), ("lines", [{"sku": "A"}]), ("lines", {"a": 1}),
    ("lines", [{"sku": "A", "quantity": "-1"}]), ("lines", [{"sku": "A", "quantity": "0"}]),
    ("lines", [{"sku": "A", "quantity": "1e308"}]), ("lines", [{"sku": "A", "quantity": 1}]),
    ("lines", [{"sku": "A", "quantity": "1.0001"}]), ("lines", [{"sku": "A", "quantity": "NaN"}]),
    ("lines", [{"sku": "A", "barcode": "1", "quantity": "1"}]), ("lines", [{"quantity": "1"}]),
    ("lines", [{"sku": "A", "quantity": "1", "unit_price_minor": 1.5}]),
    ("lines", [{"sku": "A", "quantity": "1", "unit_price_minor": 10**30}]),
    ("lines", [{"sku": "A", "quantity": "1"}] * 10_000), ("tenders", [{"tender": "cash", "amount_minor": -1}]),
    ("tenders", [{"tender": "cash", "amount_minor": "999"}]), ("discounts", [{"kind": "percent", "value": "10001"}]),
    ("discounts", [{"kind": "percent", "value": "1", "amount_minor": 1}]), ("id", "x"), ("id", str(uuid7())[:-1]),
    ("id", None), ("note", "a\x07b"), ("customer_id", "' OR 1=1 --"), ("offline", {"sold_at": "yesterday"}),
    ("offline", {"sold_at": "2026-01-01T00:00:00", "total_minor": 1}), ("surprise", {"a": [[[[[{}]]]]]}),
]  # fmt: skip


@pytest.mark.req("VAL-01")
@pytest.mark.req("VAL-03")
@pytest.mark.req("VAL-04")
def test_hostile_sales_are_refused_with_their_field_and_write_nothing(shop: Any, client_as: SignIn) -> None:
    till = open_till(shop, client_as)
    entries = AuditEntry.select().count()
    for field, value in HOSTILE:
        answer = till.post("/sales", {**shop.sale(("A", "1")), field: value})
        assert (answer.status, answer.code) == (422, "invalid_request"), (field, str(value)[:60], answer.text[:300])
        assert all(path.split(".")[0] == field for path in answer.paths()), answer.text
    one = till.post("/sales", {**shop.sale(("A", "1")), "lines": [{"sku": "A", "quantity": "-1"}]})
    assert one.paths() == {"lines.0.quantity"}, "one thing is wrong, so one thing is told"
    for raw in (b"", b"[]", b"{", b"nul", b'{"id": NaN}', b"\xff\xfe", b"[" * 5000, b'{"a":1e400}'):
        assert till.request("POST", "/sales", raw).status in (400, 422), raw[:20]
    assert Sale.select().count() == 0
    assert AuditEntry.select().count() == entries


@pytest.mark.req("RBC-02")
def test_only_a_till_sells(shop: Any, business: Business, client_as: SignIn) -> None:
    body = shop.sale(("A", "1"))
    for role in ("manager", "admin"):
        answer = client_as(role).post("/sales", body)
        assert answer.status in (403, 422), answer.text
    nobody = client_as("cashier")
    nobody.token = None
    assert nobody.post("/sales", body).status == 401
    assert Sale.select().count() == 0
