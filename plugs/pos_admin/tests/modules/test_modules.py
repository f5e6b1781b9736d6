"""The administration's doors to the registry of modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from pos_core import hookimpl
from pos_core.http.app import make_app
from pos_core.ids import uuid7
from pos_core.registry import schemas
from pos_core.testing.harness import Business, Client

Clients = Callable[..., Client]


def shown(client: Client, **given: str) -> dict[str, dict[str, Any]]:
    found, cursor = {}, ""
    while True:
        asked = {**given, "limit": "7", **({"cursor": cursor} if cursor else {})}
        answer = client.get(f"/modules?{urlencode(asked)}")
        assert answer.status == 200, answer.text
        found |= {one["name"]: schemas.ModuleAnswer.model_validate(one).model_dump() for one in answer.data}
        cursor = answer.json["meta"]["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.req("MOD-04", "MOD-05", "OPX-86")
def test_the_list_and_one_module(client_as: Clients, business: Business) -> None:
    client = client_as("admin")
    modules = shown(client)
    assert set(modules) == {m.name for m in business.kernel.modules}
    sales = modules["ops.sales"]
    assert (sales["state"], sales["decided_by"], sales["core"], sales["error"]) == ("on", "default", False, "")
    assert "ops.catalog" in sales["depends"]
    assert "ops.sales" in modules["ops.catalog"]["dependants"]
    assert sales["size"]["tables"] > 3
    assert modules["core.audit"]["core"]
    assert client.get("/modules/core.audit").data["size"]["rows"] > 0
    answer = client.get("/modules/ops.sales")
    one = schemas.ModuleDetail.model_validate(answer.data).model_dump()
    assert "POST /sales" in one["brings"]["routes"]
    assert {table["name"] for table in one["tables"]} >= {"ops_sale", "ops_sale_line"}
    assert client.get("/modules/no.such").code == "module_unknown"


@pytest.mark.req("MOD-02", "MOD-03", "MOD-05")
def test_switched_over_http_for_one_store(client_as: Clients, business: Business) -> None:
    admin, manager = client_as("admin"), client_as("manager")
    assert manager.get("/incidents").status == 200
    dry = admin.post("/modules/admin.incidents/disable", {"store_id": business.store_id, "dry_run": True})
    assert dry.status == 200, dry.text
    assert "GET /incidents" in schemas.SwitchAnswer.model_validate(dry.data).quiet.routes  # type: ignore[union-attr]
    assert manager.get("/incidents").status == 200
    refused = admin.post("/modules/admin.incidents/disable", {"store_id": business.store_id})
    assert (refused.status, refused.code) == (422, "reason_required")
    body = {"store_id": business.store_id, "reason": "not_in_use"}
    key = uuid7()
    done = admin.post("/modules/admin.incidents/disable", body, **{"Idempotency-Key": key})
    assert done.status == 200, done.text
    again = admin.post("/modules/admin.incidents/disable", body, **{"Idempotency-Key": key})
    assert again.json["meta"]["replayed"]
    answer = manager.get("/incidents")
    assert (answer.status, answer.code) == (404, "module_disabled")
    assert admin.get("/incidents").status == 200, "it is on elsewhere"
    listed = shown(admin)["admin.incidents"]
    assert [(s["store_id"], s["enabled"], s["actor_name"]) for s in listed["stores"]] == [
        (business.store_id, False, "admin")
    ]  # fmt: skip
    there = shown(admin, store_id=business.store_id, state="off")
    assert set(there) == {"admin.incidents"}
    assert (there["admin.incidents"]["decided_by"], there["admin.incidents"]["switched_by"]) == ("switch", "admin")
    assert admin.post("/modules/admin.incidents/enable", {"store_id": business.store_id}).status == 200
    assert manager.get("/incidents").status == 200
    history = admin.get("/modules/admin.incidents/history").data
    assert [(h["kind"], h["enabled"]) for h in history] == [("switch", True), ("switch", False), ("version", None)]
    assert schemas.HistoryEntry.model_validate(history[0]).store_id == business.store_id


@pytest.mark.req("MOD-07", "RBC-20")
def test_who_may_and_what_cannot(client_as: Clients, business: Business) -> None:
    admin, manager, cashier = client_as("admin"), client_as("manager"), client_as("cashier")
    body = {"reason": "not_in_use", "cascade": True}
    refused = admin.post("/modules/core.audit/disable", body)
    assert (refused.status, refused.code) == (422, "module_core")
    assert manager.post("/modules/ops.sales/disable", body).status == 403
    assert cashier.get("/modules").status == 403
    assert set(shown(manager)) == {m.name for m in business.kernel.modules}
    assert manager.get(f"/modules?store_id={uuid7()}").status == 404
    assert admin.post("/modules/ops.sales/enable", {"modul": 1}).status == 422
    preview = admin.get("/modules/ops.catalog/preview?enabled=false")
    assert (preview.status, preview.code) == (422, "rules_refused")
    told = admin.get("/modules/ops.catalog/preview?enabled=false&cascade=true").data
    assert "ops.sales" in schemas.SwitchAnswer.model_validate(told).dependants


@pytest.mark.req("MOD-02")
def test_a_suspended_subscriber_is_shown_and_released(
    make_business: Callable[..., Business], module_of: Any, server_of: Callable[[Business], Client]
) -> None:
    told: list[str] = []

    @hookimpl
    def on_event(event: Any) -> None:
        told.append(event.name)
        if len(told) <= 5:
            raise ValueError("out of paper")

    business = make_business(extra=[module_of("x.ear", on_event=on_event)])
    admin = server_of(business)
    for n in range(7):
        business.perform("reason:create", {"id": uuid7(), "code": f"r{n}", "text_en": "R", "text_es": "R",
                                           "applies": ["stock:*"]})  # fmt: skip
    assert len(told) == 5
    handlers = admin.get("/modules/x.ear").data["handlers"]
    [one] = [schemas.HandlerAnswer.model_validate(handler) for handler in handlers]
    assert (one.handler, one.failures, one.quarantined) == ("x.ear:on_event", 5, True)
    assert one.last_error == "ValueError: out of paper"
    released = admin.post("/modules/x.ear/release", {"handler": "x.ear:on_event"})
    assert released.status == 200, released.text
    assert schemas.Released.model_validate(released.data).handler == "x.ear:on_event"
    business.perform("reason:create", {"id": uuid7(), "code": "last", "text_en": "R", "text_es": "R",
                                       "applies": ["stock:*"]})  # fmt: skip
    assert told[-1] == "reason:created"
    again = admin.post("/modules/x.ear/release", {"handler": "x.ear:on_event"})
    assert (again.status, again.code) == (404, "handler_not_quarantined")
    assert make_app(business.kernel) is not None
