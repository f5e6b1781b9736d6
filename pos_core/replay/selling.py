"""A receipt as the body of an offline sale: the same bytes at each start, so that a repeat is told from a new sale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from pos_core import clock, money
from pos_core.ids import derived_uuid7
from pos_core.replay.reading import Receipt, SoldLine

MAX_NOTE = 200
#: Cards pay what is dearer than this many hundreds of minor units (500.00 where the currency has two decimals), and
#: six of ten of the rest.
CARD_FROM = 500
CARD_SHARE = 6
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale ready to be sent."""

    id: str
    receipt: str
    till: int
    total_minor: int
    lines: int
    body: bytes


class Seller:
    """Makes sales of receipts. `source` is the file's name: two files' receipt 1 are two sales."""

    def __init__(
        self, source: str, tills: int, currency: str, *, tender: str = "mixed",
        customers: bool = False,
    ) -> None:
        self._source, self._tills, self._tender = source, tills, tender
        self._customers = customers
        self._smallest_coin = money.cash_increment(currency)

    def sale(self, receipt: Receipt) -> Sale:
        """The sale of a receipt: id, till and body depend on the receipt and the file's name only."""
        made = derived_uuid7(receipt.sold_at, self._source, receipt.number)
        total = receipt.total_minor
        body: dict[str, Any] = {
            "id": made,
            "lines": [_line(line) for line in receipt.lines],
            "tenders": self._tenders(receipt, total),
            "offline": {
                "sold_at": clock.to_text(receipt.sold_at), "total_minor": total, "receipt_number": receipt.number,
            },
        }  # fmt: skip
        if self._customers and receipt.customer:
            body["customer_id"] = customer_id(self._source, receipt.customer)
        return Sale(made, receipt.number, self.till_of(receipt.number), total, len(receipt.lines), orjson.dumps(body))

    def till_of(self, number: str) -> int:
        """Which till (from 0) sells the receipt of this number."""
        return _share(number, "till") % self._tills

    def _tenders(self, receipt: Receipt, total: int) -> list[dict[str, Any]]:
        """Makers' coupons first, up to the total; card or cash pays the rest exactly."""
        coupon = min(receipt.coupon_minor, total)
        tenders: list[dict[str, Any]] = []
        if coupon:
            tenders.append({"tender": "other", "amount_minor": coupon, "reference": "coupon"})
        if total > coupon:
            tenders.append({"tender": self._how(receipt, total), "amount_minor": total - coupon})
        return tenders

    def _how(self, receipt: Receipt, total: int) -> str:
        """cash, card or other: what the file says, what was asked for, or a stable mix of card and cash."""
        if receipt.tender in ("cash", "card", "other"):
            return receipt.tender
        if self._tender != "mixed":
            return self._tender
        if total > CARD_FROM * 100 or total % self._smallest_coin:
            return "card"
        return "card" if _share(receipt.number, "tender") % 10 < CARD_SHARE else "cash"


def customer_id(source: str, mark: str) -> str:
    """The id of the customer that a file knows by this mark: the same at each start."""
    return derived_uuid7(_ANY_TIME, source, "customer", mark)


def _share(number: str, purpose: str) -> int:
    return int.from_bytes(blake2b(f"{purpose}\x1f{number}".encode(), digest_size=8).digest())


def _line(line: SoldLine) -> dict[str, Any]:
    made: dict[str, Any] = {
        "sku": line.sku, "quantity": money.format_quantity(line.quantity), "unit_price_minor": line.unit_price_minor,
        "total_minor": line.total_minor,
    }  # fmt: skip
    if line.price_per != 1:
        made["price_per"] = line.price_per
    if line.discounts:
        made["discounts"] = [
            {"kind": "amount", "amount_minor": discount.amount_minor, "reason": discount.source}
            for discount in line.discounts
        ]
    if line.choices:
        made["note"] = line.choices[:MAX_NOTE].strip()
    return made
