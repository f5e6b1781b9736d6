"""A drawer's day with real sales: what the close expects is what the sales stored."""

from __future__ import annotations

import pytest

from pos_core import PosError, uuid7


@pytest.fixture
def business(make_business):
    """A business without the tests' stand-in for sales."""
    return make_business()


@pytest.mark.req("REG-01")
@pytest.mark.req("V2X-17")
def test_the_close_expects_the_float_and_what_was_sold_for_cash_net_of_change(business):
    product = business.perform("product:create", {"sku": "A-1", "name": "Apple", "unit_price_minor": 350})
    customer = business.perform("customer:create", {"first_name": "Ana", "phone": "600100200"}, role="cashier")

    def sell(*tenders):
        lines = [{"product_id": product["id"], "quantity": "2"}]
        paid = [{"tender": tender, "amount_minor": amount} for tender, amount in tenders]
        sale = {"id": uuid7(), "customer_id": customer["id"], "lines": lines, "tenders": paid}
        return business.perform("sale:complete", sale, role="cashier")

    with pytest.raises(PosError) as refused:
        sell(("cash", 700))
    assert refused.value.code.code == "register_closed"
    session = business.perform("register_session:open", {"float_minor": 10_000}, role="cashier")
    assert sell(("cash", 1_000))["session_id"] == session["id"]
    sell(("card", 500), ("cash", 200))
    counts = [{"tender": "cash", "counted_minor": 10_890}]
    shut = business.perform("register_session:close", {"id": session["id"], "counts": counts}, role="cashier")
    assert shut["sales_count"] == 2
    found = [(count["tender"], count["expected_minor"], count["over_short_minor"]) for count in shut["counts"]]
    assert found == [("cash", 10_900, -10), ("card", 500, 0)]
    with pytest.raises(PosError) as refused:
        sell(("cash", 700))
    assert refused.value.code.code == "register_closed"
