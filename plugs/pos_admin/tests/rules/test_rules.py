"""The doors to business rules, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.testing.harness import Business, Client

Clients = Callable[..., Client]
RULE = {
    "code": "no-gifts", "name": "No gifts", "actions": ["department:create"],
    "condition": {"field": "command.name", "op": "contains", "value": "gift"},
    "message_en": "No department {command.name}.", "message_es": "Sin departamento {command.name}.",
}  # fmt: skip


def _department(client: Client, name: str) -> Any:
    return client.post("/departments", {"code": uuid7()[-12:], "name": name})


@pytest.mark.req("RUL-15")
def test_the_life_of_a_rule(client_as: Clients) -> None:
    admin = client_as("admin")
    made = admin.post("/business-rules", RULE)
    assert (made.status, made.data["state"], made.data["number"]) == (201, "draft", 1), made.text
    path = f"/business-rules/{made.data['id']}"
    reason = {"reason": "policy_changed"}
    on = admin.request("POST", f"{path}/activate", reason, {"If-Match": '"1"'})
    assert (on.status, on.data["state"], on.data["active_number"]) == (200, "active", 1), on.text
    refused = _department(admin, "Gifts and more")
    assert (refused.status, refused.code) == (422, "business_rule_refused")
    assert refused.json["detail"] == "No department Gifts and more."
    assert refused.json["errors"][0]["rule"] == "core.business_rules:no-gifts@1"
    spanish = admin.request("POST", "/departments", {"code": "g", "name": "Gifts"}, {"Accept-Language": "es"})
    assert spanish.json["detail"] == "Sin departamento Gifts."
    assert _department(admin, "Garden").status == 201
    edited = admin.patch(path, {"message_en": "Never.", **reason}, version=on.data["version"])
    assert (edited.data["number"], edited.data["active_number"]) == (2, 1), edited.text
    versions = admin.get(f"{path}/versions").data
    assert [one["content"]["message_en"] for one in versions] == ["Never.", RULE["message_en"]]
    off = admin.request("POST", f"{path}/retire", reason, {"If-Match": f'"{edited.data["version"]}"'})
    assert off.data["state"] == "retired"
    assert _department(admin, "Gifts").status == 201
    assert [one["code"] for one in admin.get("/business-rules?state=retired").data] == ["no-gifts"]
    assert admin.get("/business-rules?action=sale:complete").data == []
    assert admin.get(path).data["problems"] == []


def test_a_change_needs_if_match_and_a_reason(client_as: Clients) -> None:
    admin = client_as("admin")
    path = f"/business-rules/{admin.post('/business-rules', RULE).data['id']}"
    assert admin.post(f"{path}/activate", {"reason": "policy_changed"}).status == 412
    assert admin.request("POST", f"{path}/activate", {}, {"If-Match": '"1"'}).code == "reason_required"
    stale = admin.request("POST", f"{path}/activate", {"reason": "policy_changed"}, {"If-Match": '"7"'})
    assert (stale.status, stale.code) == (412, "version_mismatch")


@pytest.mark.req("RUL-15")
def test_what_a_rule_may_look_at_is_listed(client_as: Clients) -> None:
    found = client_as("admin").get("/business-rules/fields?action=sale:complete").data
    fields = {one["path"]: one for one in found["fields"]}
    assert fields["draft.lines[*].quantity"]["kind"] == "decimal"
    assert fields["draft.total_minor"]["unit"] == "minor units"
    assert fields["draft.total_minor"]["past"] == "yes"
    assert fields["draft.lines[*].cost_price_minor"]["past"] == "no"
    assert found["effects"] == ["refuse", "reason", "approval"]
    assert {"customer:get", "department:get", "stock:levels"} <= {one["query"] for one in found["queries"]}
    assert not [path for path in fields if "pin" in path or "password" in path]
    assert client_as("admin").get("/business-rules/fields?action=session:open").code == "business_rule_action_exempt"


def test_the_past_is_asked_by_pages(client_as: Clients, business: Business) -> None:
    admin = client_as("admin")
    for name in ("Gifts", "Garden", "More gifts"):
        assert _department(admin, name).status == 201
    path = f"/business-rules/{admin.post('/business-rules', RULE).data['id']}/past"
    until = "until=2026-03-03T00:00:00Z"
    whole = admin.get(f"{path}?{until}").data
    assert (whole["held"], whole["passed"], whole["next"]) == (2, 1, None)
    assert [one["message_en"] for one in whole["examples"]] == ["No department Gifts.", "No department More gifts."]
    held, query = 0, until
    while query:
        page = admin.get(f"{path}?entries=3&{query}").data
        held, query = held + page["held"], page["next"] and f"{until}&after={page['next']}"
    assert held == 2
    for wrong in ("after=1", f"after={uuid7()}.0", "entries=0", "since=yesterday"):
        assert admin.get(f"{path}?{wrong}").status == 400, wrong


def test_an_example_is_tried(client_as: Clients) -> None:
    admin = client_as("admin")
    path = f"/business-rules/{admin.post('/business-rules', RULE).data['id']}/try"
    tried = admin.post(path, {"action": "department:create", "command": {"code": "x", "name": "Gifts"}})
    assert tried.status == 200, tried.text
    assert (tried.data["holds"], tried.data["message_en"]) == (True, "No department Gifts.")
    assert admin.get("/departments").data == []
    wrong = admin.post(path, {"action": "department:create", "command": {"code": 1}})
    assert wrong.status == 422
    assert wrong.paths() == {"command.code", "command.name"}


@pytest.mark.req("RBC-02")
def test_only_the_headquarters_writes_rules(client_as: Clients) -> None:
    for role in ("manager", "cashier"):
        assert client_as(role).post("/business-rules", RULE).status == 403
        assert client_as(role).get("/business-rules").status == 403


@pytest.mark.req("RUL-15")
def test_rules_that_mean_harm_are_refused_at_the_door(client_as: Clients) -> None:
    admin = client_as("admin")
    deep = b'{"code": "deep", "name": "Deep", "actions": ["department:create"], "message_en": "x", "message_es": "x", '
    deep += b'"condition": ' + b'{"not": ' * 5000 + b"{}" + b"}" * 5000 + b"}"
    assert admin.request("POST", "/business-rules", deep).status in (400, 422)
    wide = {**RULE, "condition": {"any": [{"all": [RULE["condition"]] * 50}] * 50}}
    assert admin.post("/business-rules", wide).status == 422
    twice = b'{"code": "a", "code": "b"}'
    assert admin.request("POST", "/business-rules", twice).status == 422
    for message in ("{0.__class__}", "{command.__class__}", "{command.name!r}", "{command.name:>99999999}", "{", "}{"):
        answer = admin.post("/business-rules", {**RULE, "message_en": message})
        assert answer.status == 422, message
        assert answer.json["errors"][0]["path"] == "message_en"
    assert admin.get("/business-rules").data == []


def test_a_message_is_text_whatever_stands_in_its_figures(client_as: Clients) -> None:
    admin = client_as("admin")
    made = admin.post("/business-rules", RULE).data
    admin.request("POST", f"/business-rules/{made['id']}/activate", {"reason": "policy_changed"}, {"If-Match": '"1"'})
    refused = _department(admin, "gift {message} {0} {x.__class__} %s")
    assert refused.json["detail"] == "No department gift {message} {0} {x.__class__} %s."
