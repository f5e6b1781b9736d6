"""A till goes on from its chain's row as it was read with the session: one message, and never a gap or a fork."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pos_core.auth.sessions import context_of
from pos_core.context import Context
from pos_core.testing.harness import Business, Client

Sign = Callable[..., Client]


@pytest.fixture
def at_till(business: Business, client_as: Sign) -> Callable[[], Context]:
    """Makes contexts as requests of till 1 get them."""
    token = client_as("cashier").token
    assert token is not None
    session = business.kernel.tokens.read(token)
    return lambda: context_of(business.kernel, session)


def sell(ctx: Context, body: dict[str, Any]) -> dict[str, Any]:
    schema = ctx.kernel.action("sale:complete").command
    return ctx.kernel.perform(ctx, "sale:complete", schema.model_validate_json(json.dumps(body))).data


@pytest.mark.req("AUD-08")
def test_two_requests_that_saw_the_same_head_get_two_places(shop: Any, at_till: Callable[[], Context]) -> None:
    first, second = at_till(), at_till()
    a = sell(first, shop.sale(("A", "1")))
    b = sell(second, shop.sale(("B", "1")))
    assert b["number"] == a["number"] + 1
    assert shop.business.query("audit:integrity")["ok"]


@pytest.mark.req("DBM-17")
def test_a_sale_of_known_products_takes_one_message(shop: Any, at_till: Callable[[], Context]) -> None:
    sell(at_till(), shop.sale(("A", "1"), ("B", "2")))
    db = shop.business.kernel.db
    if db.dialect == "sqlite":
        pytest.skip("SQLite sends no messages")
    ctx = at_till()
    before = db.pos.round_trips
    sell(ctx, shop.sale(("A", "1"), ("B", "2")))
    assert db.pos.round_trips - before == 1


def test_tills_that_meet_at_one_register_leave_no_gap(shop: Any, at_till: Callable[[], Context]) -> None:
    db, numbers = shop.business.kernel.db, []

    def work() -> None:
        with db.in_use():
            for _ in range(5):
                numbers.append(sell(at_till(), shop.sale(("A", "1")))["number"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + 20))
    assert shop.business.query("audit:integrity")["ok"]


def test_the_same_sale_twice_at_once_has_one_effect(shop: Any, at_till: Callable[[], Context]) -> None:
    body = shop.sale(("A", "1"))
    first, second = at_till(), at_till()
    assert sell(first, body) == sell(second, body)
