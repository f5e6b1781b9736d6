"""The fixtures and factories that pack authors are given."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pos_core import PosError
from pos_core.testing import App, Shop


@pytest.mark.req("OPX-31")
def test_an_app_sells_with_a_pack_that_is_not_installed(made_pack, make_app) -> None:
    pack = made_pack()
    name = pack.prefix
    app = make_app(modules=pack.extra(), migrations=pack.migrations())
    assert isinstance(app, App)
    app.shop.product("WINE", unit_price_minor=1250)
    app.shop.open_register()
    sold = app.shop.sale(("WINE", "2"))
    assert sold["total_minor"] in (2500, 3000)  # with or without the tax in the price
    assert [event["entity_id"] for event in app.outbox("sale:completed")] == [sold["id"]]
    assert app.audit("sale:complete")[-1]["after"]["id"] == sold["id"]
    app.set(f"{name}.most_per_line", 1, store=True)
    with pytest.raises(PosError, match=f"{name}_too_many"):
        app.shop.sale(("WINE", "2"))
    assert app.audit("sale:complete")[-1]["outcome"] == "refused"


def test_an_app_without_a_module(make_app) -> None:
    app = make_app(disabled=["ops.stock"])
    answer = app.client_as("manager").get("/stock")
    assert (answer.status, answer.code) == (404, "module_disabled")
    before = app.clock.now()
    app.clock.advance(timedelta(hours=1))
    assert app.clock.now() == before + timedelta(hours=1)


def test_a_module_that_is_missing_is_named(make_app) -> None:
    with pytest.raises(AssertionError, match=r"liquor\.counter is not installed"):
        make_app(modules=["liquor.counter"])


def test_a_module_that_is_off_is_switched_on(made_pack, make_app) -> None:
    """Packs for one trade are off until somebody wants them."""
    pack = made_pack(("plugin.py", "    version=__version__,", '    version=__version__,\n    industry="retail",'))
    assert not pack.points[0].plugin.MANIFEST.starts_on
    app = make_app(modules=pack.extra(), migrations=pack.migrations())
    assert app.audit("module:enable")[-1]["outcome"] == "done"
    assert app.kernel.registry.enabled(pack.points[0].name, app.business.store_id)


def test_factories_use_public_actions_only(shop: Shop, outbox, audit) -> None:
    shop.open_register(till=2)
    customer = shop.customer("Lovelace")
    sale = shop.sale(till=2, customer_id=customer["id"])
    assert sale["customer_id"] == customer["id"]
    told = {fact["action"] for fact in audit() if fact["outcome"] == "done"}
    assert told >= {"register_session:open", "customer:create", "product:create", "sale:complete"}
    assert len(outbox("sale:completed")) == 1
