"""The body of a sale: the same at each start, exact to the minor unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core.ids import is_uuid7
from pos_core.replay.reading import Discount, Receipt, SoldLine
from pos_core.replay.selling import Seller, customer_id

AT = datetime(2011, 3, 4, 9, 30, tzinfo=UTC)


def line(total: int, **figures: object) -> SoldLine:
    given = {
        "sku": "A", "name": "Apple", "department": "", "quantity": 1000, "unit_price_minor": total, "price_per": 1,
        "discounts": (), "coupon_minor": 0, "total_minor": total, **figures,
    }  # fmt: skip
    return SoldLine(**given)  # type: ignore[arg-type]


def receipt(number: str = "536365", *lines: SoldLine, customer: str = "", tender: str = "") -> Receipt:
    return Receipt(number, AT, customer, tender, list(lines or (line(250),)))


@pytest.mark.req("SYN-11")
def test_a_receipt_makes_the_same_bytes_at_each_start() -> None:
    first = Seller("a.csv", 8, "GBP").sale(receipt())
    assert first == Seller("a.csv", 8, "GBP").sale(receipt())
    assert is_uuid7(first.id)
    body = orjson.loads(first.body)
    assert body["id"] == first.id
    assert body["offline"] == {
        "sold_at": "2011-03-04T09:30:00.000000Z", "total_minor": 250, "receipt_number": "536365",
    }  # fmt: skip


@given(st.sets(st.tuples(st.sampled_from(["a.csv", "b.csv"]), st.text(min_size=1, max_size=12), st.integers(0, 3))))
def test_other_files_numbers_and_moments_are_other_sales(keys: set[tuple[str, str, int]]) -> None:
    made = {
        Seller(source, 4, "GBP").sale(Receipt(number, AT + timedelta(seconds=after), "", "", [line(1)])).id
        for source, number, after in keys
    }
    assert len(made) == len(keys)


@given(number=st.text(min_size=1, max_size=20), tills=st.integers(1, 99))
def test_a_receipt_belongs_to_one_of_the_tills(number: str, tills: int) -> None:
    assert 0 <= Seller("a.csv", tills, "GBP").till_of(number) < tills


def test_receipts_are_spread_over_all_tills() -> None:
    seller = Seller("a.csv", 8, "GBP")
    counts = [0] * 8
    for number in range(8000):
        counts[seller.till_of(str(number))] += 1
    assert min(counts) > 850


@given(
    totals=st.lists(st.integers(0, 10**7), min_size=1, max_size=5), coupon=st.integers(0, 10**6),
    currency=st.sampled_from(["GBP", "CHF", "JPY"]), tender=st.sampled_from(["mixed", "cash", "card"]),
)  # fmt: skip
def test_tenders_pay_the_total_exactly(totals: list[int], coupon: int, currency: str, tender: str) -> None:
    lines = [line(total) for total in totals[1:]] + [line(totals[0], coupon_minor=coupon)]
    body = orjson.loads(Seller("a.csv", 2, currency, tender=tender).sale(receipt("1", *lines)).body)
    assert sum(tender["amount_minor"] for tender in body["tenders"]) == sum(totals) == body["offline"]["total_minor"]
    assert all(tender["amount_minor"] > 0 for tender in body["tenders"])
    if currency == "CHF" and tender == "mixed" and sum(totals) % 5:
        assert "cash" not in {tender["tender"] for tender in body["tenders"]}, "no coin pays this exactly"


def test_a_line_says_price_discounts_and_choices() -> None:
    sold = line(1000, quantity=3000, unit_price_minor=1125, price_per=3, choices="Rice, Beans " * 30,
                discounts=(Discount("retail_disc", 100), Discount("coupon_match_disc", 25)))  # fmt: skip
    (sent,) = orjson.loads(Seller("g.csv", 1, "USD").sale(receipt("7", sold)).body)["lines"]
    assert sent["note"].startswith("Rice, Beans")
    assert len(sent.pop("note")) <= 200
    assert sent == {
        "sku": "A", "quantity": "3", "unit_price_minor": 1125, "price_per": 3, "total_minor": 1000,
        "discounts": [{"kind": "amount", "amount_minor": 100, "reason": "retail_disc"},
                      {"kind": "amount", "amount_minor": 25, "reason": "coupon_match_disc"}],
    }  # fmt: skip


def test_customers_are_named_only_when_they_were_made() -> None:
    known = receipt(customer="17850")
    assert "customer_id" not in orjson.loads(Seller("a.csv", 1, "GBP").sale(known).body)
    body = orjson.loads(Seller("a.csv", 1, "GBP", customers=True).sale(known).body)
    assert body["customer_id"] == customer_id("a.csv", "17850")
    assert "customer_id" not in orjson.loads(Seller("a.csv", 1, "GBP", customers=True).sale(receipt()).body)


def test_a_receipt_that_says_how_it_was_paid_is_paid_so() -> None:
    for tender in ("cash", "card"):
        body = orjson.loads(Seller("a.csv", 1, "GBP").sale(receipt(tender=tender)).body)
        assert body["tenders"] == [{"tender": tender, "amount_minor": 250}]
