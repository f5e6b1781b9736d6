"""The sale every layer of the bench posts: five lines, two tenders.

The bare drivers write the rows themselves, so they need the whole sale; it is made here once for both databases.
Only the ids, the time and the audit payload differ from sale to sale, as they would at a till: everything that a
program could keep between two sales is kept.
"""

from __future__ import annotations

import hashlib
import random
import time
from dataclasses import dataclass

import orjson
import uuid_utils

LINES = 5
TAX_RATE = 82_500
"""8.25 % in hundredths of a basis point."""

BASKETS = 256


@dataclass(frozen=True)
class Shop:
    """One store's master data, the same for every process of a run.

    Attributes:
        store: id of the store.
        registers: ids of the tills.
        products: ids of the articles, ascending, so that a basket's stock rows are locked in one order.
        prices: unit price of each article in minor units.
    """

    store: str
    registers: tuple[str, ...]
    products: tuple[str, ...]
    prices: tuple[int, ...]


@dataclass(slots=True)
class Basket:
    """What stays the same each time this selection of articles is sold. Amounts in minor units."""

    products: list[str]
    names: list[str]
    quantities: list[int]
    prices: list[int]
    line_taxes: list[int]
    line_totals: list[int]
    subtotal: int
    tax: int
    total: int


@dataclass(slots=True)
class Sale:
    """One sale ready to be written.

    Attributes:
        ids: UUIDv7 texts: sale, 5 lines, tax row, 2 payments, 5 stock moves, outbox row.
        fingerprint: SHA-256 of what was asked for, to tell a repetition from another request.
        payload: the canonical JSON of the audit entry.
        amounts: the two tenders in minor units; their sum is the total.
        now_us: time of the sale in microseconds since the epoch.
    """

    basket: Basket
    register: str
    ids: list[str]
    amounts: tuple[int, int]
    now_us: int
    payload: bytes
    fingerprint: bytes


def make_shop(tills: int, products: int) -> Shop:
    """Return a store with ``tills`` registers and ``products`` articles priced 0.50 to 99.99."""
    rng = random.Random(7)
    return Shop(
        store=new_id(),
        registers=tuple(new_id() for _ in range(tills)),
        products=tuple(sorted(new_id() for _ in range(products))),
        prices=tuple(rng.randrange(50, 10_000) for _ in range(products)),
    )


def new_id() -> str:
    """Return a fresh UUIDv7 as text."""
    return str(uuid_utils.uuid7())


def make_baskets(shop: Shop, seed: int, lines: int = LINES) -> list[Basket]:
    """Return baskets of ``lines`` different articles each, the articles ascending by id."""
    rng = random.Random(seed)
    return [_basket(shop, sorted(rng.sample(range(len(shop.products)), lines)), rng) for _ in range(BASKETS)]


def _basket(shop: Shop, chosen: list[int], rng: random.Random) -> Basket:
    quantities = [rng.choice((1000, 1000, 2000, 3000)) for _ in chosen]
    prices = [shop.prices[index] for index in chosen]
    totals = [price * quantity // 1000 for price, quantity in zip(prices, quantities, strict=True)]
    taxes = [(total * TAX_RATE + 500_000) // 1_000_000 for total in totals]
    subtotal, tax = sum(totals), sum(taxes)
    return Basket(
        products=[shop.products[index] for index in chosen],
        names=[f"Article {index:06d}" for index in chosen],
        quantities=quantities,
        prices=prices,
        line_taxes=taxes,
        line_totals=totals,
        subtotal=subtotal,
        tax=tax,
        total=subtotal + tax,
    )


def make_sale(shop: Shop, register: str, basket: Basket) -> Sale:
    """Return the next sale of ``basket`` at ``register``: new ids and the audit payload."""
    lines = len(basket.products)
    ids = [new_id() for _ in range(2 * lines + 5)]
    now_us = time.time_ns() // 1000
    card = min(500, basket.total)
    amounts = (card, basket.total - card)
    payload = _payload(shop, register, basket, ids, amounts, now_us)
    return Sale(basket, register, ids, amounts, now_us, payload, hashlib.sha256(payload).digest())


def _payload(shop: Shop, register: str, basket: Basket, ids: list[str], amounts: tuple[int, int], now_us: int) -> bytes:
    """Return the canonical JSON of the whole fact, about 2.5 KB for five lines."""
    count = len(basket.products)
    columns = zip(
        ids[1 : count + 1], basket.products, basket.names, basket.quantities, basket.prices,
        basket.line_taxes, basket.line_totals, strict=True,
    )  # fmt: skip
    lines = [
        {
            "discount_minor": 0,
            "line_id": line,
            "name": name,
            "price_source": "catalog:list",
            "product_id": product,
            "quantity": quantity,
            "tax": {"base_minor": total, "code": "STD", "minor": tax, "rate": TAX_RATE},
            "tax_class": "standard",
            "total_minor": total,
            "unit": "each",
            "unit_price_minor": price,
            "version": 1,
        }
        for line, product, name, quantity, price, tax, total in columns
    ]
    tenders = [
        {"amount_minor": amount, "id": payment, "status": "captured", "tender": tender}
        for amount, payment, tender in zip(amounts, ids[count + 2 : count + 4], ("card", "cash"), strict=True)
    ]
    fact = {
        "action": "sale:complete",
        "actor": {"id": register, "name": "cashier 12", "role": "cashier"},
        "at_us": now_us,
        "currency": "EUR",
        "device_id": register,
        "lines": lines,
        "payments": tenders,
        "register_id": register,
        "request_id": ids[-1],
        "sale_id": ids[0],
        "store_id": shop.store,
        "totals": {"subtotal_minor": basket.subtotal, "tax_minor": basket.tax, "total_minor": basket.total},
    }
    return orjson.dumps(fact, option=orjson.OPT_SORT_KEYS)
