"""Rows become receipts: grouped, priced to the minor unit, nothing lost on the way."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core.replay.errors import ReplayError
from pos_core.replay.profiles import PROFILES, Profile
from pos_core.replay.reading import Reader, Receipt, code_of, header_of

SHARED = Path(os.environ.get("POS_SHARED", Path(__file__).parents[3] / "shared"))
HEADER = "receipt,time,sku,name,quantity,unit_price"


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def read(path: Path, profile: Profile | None = None) -> list[Receipt]:
    return list(Reader(path, profile or PROFILES["plain"]).receipts())


def test_adjacent_rows_of_one_number_are_one_receipt(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.csv",
        "1,2024-01-02 10:00:00,A,Apple,2,0.50", "1,2024-01-02 10:01:00,B,Bread,1,2.05",
        "2,2024-01-02 11:00:00,A,Apple,1,0.50",
    )
    first, second = read(file)
    assert [line.sku for line in first.lines] == ["A", "B"]
    assert first.sold_at.isoformat() == "2024-01-02T10:00:00+00:00", "the first row's time is the receipt's"
    assert (first.total_minor, second.total_minor) == (305, 50)


def test_rows_that_are_no_sales_are_counted_by_the_reason(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.csv", "1,2024-01-02,A,Apple,2,0.50", "1,2024-01-02,A,Apple,-2,0.50", "2,2024-01-02,A,Apple,0,1"
    )
    reader = Reader(file, PROFILES["plain"])
    assert len(list(reader.receipts())) == 1
    assert reader.skipped.rows == Counter({"not quantity > 0": 2})
    assert reader.skipped.read == 3


def test_a_receipt_in_two_places_is_refused_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "1,2024-01-02,A,,1,1", "2,2024-01-02,A,,1,1", "1,2024-01-02,A,,1,1")
    with pytest.raises(ReplayError, match=r"a\.csv line 4: receipt 1 appears a second time"):
        read(file)
    joined = PROFILES["plain"].adapted(["receipt=receipt+time"])
    with pytest.raises(ReplayError, match="receipt 1-2024-01-02"):
        read(file, joined)


def test_limit_reads_no_further_than_it_must(tmp_path: Path) -> None:
    rows = ("1,2024-01-02,A,,1,1", "1,2024-01-02,B,,1,1", "2,2024-01-02,A,,1,1", "3,never,A,,1,1")
    file = write(tmp_path / "a.csv", *rows)
    found = list(Reader(file, PROFILES["plain"]).receipts(2))
    assert [(receipt.number, len(receipt.lines)) for receipt in found] == [("1", 2), ("2", 1)]


@pytest.mark.parametrize(("row", "said"), [
    ("1,2024-01-02,A,Apple,x,1", "quantity"), ("1,2024-01-02,A,Apple,1.0005,1", "3 decimals"),
    ("1,2024-01-02,A,Apple,1,a pound", "unit_price"), ("1,2024-01-02,A,Apple,1,-1", "no price"),
    ("1,2024-01-02,A,Apple,1,0.000000001", "no price"), ("1,2nd of May,A,Apple,1,1", "no time"),
    ("1,2024-01-02,,,1,1", "neither a code nor a name"), (",2024-01-02,A,Apple,1,1", "no number"),
    ("1,2024-01-02,A,Apple,1", "6 fields"), ("1,2024-01-02,A,Apple,1,Infinity", "no amount"),
])  # fmt: skip
def test_a_row_that_cannot_be_read_is_named_by_its_line(tmp_path: Path, row: str, said: str) -> None:
    everything = PROFILES["plain"].adapted(where=["quantity ~ ."])
    with pytest.raises(ReplayError, match=rf"a\.csv line 3: .*{said}"):
        read(write(tmp_path / "a.csv", "0,2024-01-02,A,Apple,1,1", row), everything)


def test_files_that_are_none_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + b"\n1,2024-01-02,A,Caf\xe9,1,1\n")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(HEADER.encode() * 1000)[:40])
    for name in ("empty.csv", "latin.csv", "cut.csv.gz", "absent.csv"):
        with pytest.raises(ReplayError, match=name):
            read(tmp_path / name)
    with pytest.raises(ReplayError, match=r"a\.csv has no column time"):
        read(write(tmp_path / "a.csv", header="receipt,sku,name,quantity,unit_price"))


def test_a_packed_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", "1,2024-01-02,A,Apple,2,0.50")
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + plain.read_bytes()))
    assert header_of(packed) == HEADER.split(",")
    assert read(packed) == read(plain)


@given(
    price=st.decimals(min_value=0, max_value=10**6, places=4), quantity=st.integers(min_value=1, max_value=10**8),
)  # fmt: skip
def test_a_line_is_rounded_half_up_once(
    tmp_path_factory: pytest.TempPathFactory, price: Decimal, quantity: int
) -> None:
    amount = Decimal(quantity).scaleb(-3)
    file = write(tmp_path_factory.mktemp("r") / "a.csv", f"1,2024-01-02,A,Apple,{amount:f},{price:f}")
    (receipt,) = read(file)
    line = receipt.lines[0]
    exact = amount * price * 100
    assert line.total_minor == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    assert Decimal(line.unit_price_minor) / line.price_per == price * 100, "the price itself is never rounded"
    assert line.quantity == quantity


def test_a_price_below_the_penny_is_the_price_of_more_units(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "1,2024-01-02,PADS,Pads,1,0.001", "1,2024-01-02,X,X,500,0.001")
    (receipt,) = read(file)
    figures = [(line.unit_price_minor, line.price_per, line.total_minor) for line in receipt.lines]
    assert figures == [(1, 10, 0), (1, 10, 50)]


GROCERY = (
    "basket_id,transaction_ts,household_id,product_id,quantity,sales_value,retail_disc,coupon_disc,coupon_match_disc"
)


def test_a_shelf_value_is_discounted_to_what_the_shop_received(tmp_path: Path) -> None:
    file = write(
        tmp_path / "g.csv",
        "7,2017-01-01 07:30:27,906,55,3,10.01,1.00,0.75,0.25", "7,2017-01-01 07:30:27,906,56,2,4.00,0,0,0",
        "7,2017-01-01 07:30:27,906,57,0,0,0,0.5,0", "7,2017-01-01 07:30:27,906,58,1,0.00,0,0,0.00", header=GROCERY,
    )
    reader = Reader(file, PROFILES["grocery"])
    (receipt,) = reader.receipts()
    first, second = receipt.lines
    assert (first.unit_price_minor, first.price_per, first.quantity) == (1126, 3, 3000), "no thirds of a cent"
    assert [(d.source, d.amount_minor) for d in first.discounts] == [("retail_disc", 100), ("coupon_match_disc", 25)]
    assert (first.total_minor, first.coupon_minor) == (1001, 75)
    assert (second.unit_price_minor, second.price_per, second.discounts) == (200, 1, ())
    assert receipt.sold_at.isoformat() == "2017-01-01T12:30:27+00:00"
    assert reader.skipped.rows == Counter({"not quantity > 0": 1, "worth nothing before discounts": 1})


def test_products_take_names_and_departments_from_the_file_beside(tmp_path: Path) -> None:
    file = write(tmp_path / "g.csv", "7,2017-01-01 07:30:27,906,55,1,1.00,0,0,0", header=GROCERY)
    assert read(file, PROFILES["grocery"])[0].lines[0].name == ""
    (tmp_path / "grocery_products.csv.gz").write_bytes(
        gzip.compress(b"product_id,department,product_type,package_size\n55,MEAT,LEAN  HAM,1 LB\n")
    )
    line = read(file, PROFILES["grocery"])[0].lines[0]
    assert (line.name, line.department) == ("LEAN HAM 1 LB", "MEAT")


def test_the_hour_that_comes_twice_is_taken_the_first_time(tmp_path: Path) -> None:
    london = PROFILES["plain"].adapted(zone="Europe/London")
    times = ("2011-10-30 01:30:00", "2011-07-01 12:00:00", "2011-07-01T12:00:00+05:00")
    file = write(tmp_path / "a.csv", *(f"{number},{time},A,,1,1" for number, time in enumerate(times)))
    assert [r.sold_at.isoformat() for r in read(file, london)] == [
        "2011-10-30T00:30:00+00:00", "2011-07-01T11:00:00+00:00", "2011-07-01T07:00:00+00:00",
    ]  # fmt: skip


@given(st.lists(st.text(min_size=1, max_size=80), min_size=2, max_size=6, unique_by=lambda name: name.upper()))
def test_two_names_have_two_codes(names: list[str]) -> None:
    codes = [code_of(name) for name in names]
    assert len(set(codes)) == len(names)
    assert all(1 <= len(code) <= 50 for code in codes)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    rows = (f"{n // 3},2024-01-02 10:00:00,SKU{n % 50},Article {n % 50},1,1.00" for n in range(60_000))
    write(file, *rows)
    reader = Reader(file, PROFILES["plain"])
    tracemalloc.start()
    try:
        assert sum(1 for _ in reader.receipts()) == 20_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000, "more than the marks of receipts was kept"


# -- the real files ---------------------------------------------------------------------------------------------------


def _expected() -> dict[str, Any]:
    path = SHARED / "data" / "expected_aggregates.json"
    if not path.exists():
        pytest.skip(f"the sample data is not here ({path}); POS_SHARED says where it is")
    return dict(json.loads(path.read_text()))


def _by_month(receipts: Iterable[Receipt], zone: str) -> tuple[Counter[str], Counter[str]]:
    money: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for receipt in receipts:
        month = receipt.sold_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m")
        money[month] += receipt.total_minor
        count[month] += 1
    return money, count


@pytest.mark.slow
@pytest.mark.req("PRC-01")
def test_every_invoice_of_the_gift_ware_seller_is_read_to_the_penny() -> None:
    expected = _expected()["online_retail"]
    file = SHARED / "data/transactions/online_retail_2010-12_to_2011-09.csv.gz"
    reader = Reader(file, PROFILES["online-retail"])
    money, count = _by_month(reader.receipts(), "Europe/London")
    # Four lines of 0.001 round to nothing; the expected sums keep them.
    assert {month: Decimal(minor).scaleb(-2) for month, minor in money.items()} == {
        month: Decimal(figures["gross_sales"]).quantize(Decimal("0.01"))
        for month, figures in expected["by_month"].items()
    }
    assert count == {month: figures["sale_invoices"] for month, figures in expected["by_month"].items()}
    assert Decimal(sum(money.values())).scaleb(-2) == Decimal(expected["totals"]["gross_sales"]) - 4 * Decimal("0.001")
    left_out = sum(number for name, number in expected["lines_by_class"].items() if name != "sale")
    assert sum(reader.skipped.rows.values()) == left_out


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "file", "figure"), [
    ("grocery", "transactions/grocery_2017-01_to_2017-09.csv.gz", "sales_value"),
    ("takeaway", "restaurant/takeaway_orders_2015-09_to_2019-03.csv.gz", "revenue"),
])  # fmt: skip
def test_months_of_the_other_shops_come_out_exactly(profile: str, file: str, figure: str) -> None:
    expected = _expected()[profile]["by_month"]
    money, _ = _by_month(Reader(SHARED / "data" / file, PROFILES[profile]).receipts(), PROFILES[profile].zone)
    assert {month: Decimal(minor).scaleb(-2) for month, minor in money.items()} == {
        month: Decimal(figures[figure]) for month, figures in expected.items()
    }


@pytest.mark.slow
def test_orders_without_times_are_all_there() -> None:
    expected = _expected()["burrito"]
    receipts = read(SHARED / "data/restaurant/burrito_orders_with_modifiers.csv.gz", PROFILES["burrito"])
    assert len(receipts) == expected["orders"]
    assert sum(len(receipt.lines) for receipt in receipts) == expected["rows"]
    assert sum(receipt.total_minor for receipt in receipts) == Decimal(expected["revenue"]) * 100
    assert sum(bool(line.choices) for receipt in receipts for line in receipt.lines) == expected["lines_with_choices"]
