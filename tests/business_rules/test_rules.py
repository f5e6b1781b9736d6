"""Rules before actions: what they refuse, ask for and say; versions, stores, dates; what is wrong with one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from pos_core.audit.models import AuditEntry
from pos_core.business_rules import book, service
from pos_core.business_rules.evaluating import Budget
from pos_core.errors import PosError
from pos_core.ids import uuid7
from tests.business_rules.conftest import Shop, said

LARGE = {"field": "draft.total_minor", "op": "gt", "value": 5000}


@pytest.mark.req("RUL-15")
@pytest.mark.req("RUL-02")
def test_a_rule_refuses_with_its_own_words_and_figures(shop: Shop) -> None:
    shop.rule(LARGE, message_en="{draft.total_minor} is too much.", message_es="{draft.total_minor} es demasiado.")
    shop.sell(("TEA", "5"))
    error = shop.refused(("TEA", "6"))
    assert said(error) == [("business_rule_refused", "€60.00 is too much.")]
    assert error.violations[0].message("es") == "60,00\xa0€ es demasiado."
    assert error.violations[0].rule == "core.business_rules:rule@1"


@pytest.mark.req("RUL-15")
def test_all_rules_are_told_together_with_those_in_code(shop: Shop) -> None:
    shop.rule(LARGE, "later", message_en="Second.", priority=200)
    shop.rule({"count": "draft.lines", "op": "ge", "value": 2}, "sooner", message_en="First.", priority=10)
    error = shop.refused(("TEA", "6"), ("NOTHING", "1"))
    assert [code for code, _ in said(error)].count("business_rule_refused") == 2
    assert [text for code, text in said(error) if code == "business_rule_refused"] == ["First.", "Second."]
    assert "product_unknown" in {code for code, _ in said(error)}


def test_a_draft_and_a_retired_rule_refuse_nothing(shop: Shop) -> None:
    rule = shop.write(LARGE)
    shop.sell(("TEA", "6"))
    on = shop.activate(rule)
    shop.refused(("TEA", "6"))
    off = shop.business.perform("business_rule:retire", {
        "id": rule["id"], "version": on["version"], "reason": "rule_mistaken"})
    assert (off["state"], off["active_number"]) == ("retired", None)
    shop.sell(("TEA", "6"))
    shop.activate(off)
    shop.refused(("TEA", "6"))


@pytest.mark.req("RUL-15")
def test_an_edit_is_a_new_version_that_is_on_when_it_is_activated(shop: Shop) -> None:
    rule = shop.rule(LARGE)
    edited = shop.business.perform("business_rule:edit", {
        "id": rule["id"], "version": rule["version"], "reason": "other", "reason_note": "Prices rose",
        "condition": {**LARGE, "value": 9000},
    })
    assert (edited["number"], edited["active_number"], edited["message_en"]) == (2, 1, "Not like this.")
    shop.refused(("TEA", "6"))
    shop.activate(edited)
    shop.sell(("TEA", "6"))
    shop.refused(("TEA", "10"))
    versions, _ = shop.business.query("business_rule:versions", id=rule["id"])
    assert [(one["number"], one["content"]["condition"]["value"], one["reason"]) for one in versions] == [
        (2, 9000, "other"), (1, 5000, None)]
    assert versions[0]["made_name"] == "admin"


def test_an_edit_needs_the_version_and_a_reason(shop: Shop) -> None:
    rule = shop.write(LARGE)
    with pytest.raises(PosError, match="version_mismatch"):
        shop.activate({**rule, "version": 9})
    with pytest.raises(PosError, match="version_required"):
        shop.activate({**rule, "version": None})
    with pytest.raises(PosError, match="reason_required"):
        shop.activate(rule, reason=None)


@pytest.mark.req("RUL-15")
def test_a_rule_is_on_in_the_stores_it_was_activated_for(shop: Shop) -> None:
    other = shop.business.perform("store:create", {
        "id": uuid7(), "code": "S2", "name": "Second", "time_zone": "Europe/Madrid"})
    rule = shop.rule(LARGE)
    here = shop.activate(rule, store_ids=[shop.business.store_id])
    shop.refused(("TEA", "6"))
    elsewhere = shop.activate(here, store_ids=[other["id"]])
    assert elsewhere["store_ids"] == [other["id"]]
    shop.sell(("TEA", "6"))
    listed = shop.business.query("business_rule:list", store_id=shop.business.store_id)[0]
    assert listed == []
    assert [one["code"] for one in shop.business.query("business_rule:list", store_id=other["id"])[0]] == ["rule"]
    with pytest.raises(PosError, match="not_found"):
        shop.activate(elsewhere, store_ids=[uuid7()])


def test_a_rule_holds_from_its_first_to_its_last_day(shop: Shop) -> None:
    today = shop.business.clock.now().date()
    first, last = today + timedelta(days=1), today + timedelta(days=2)
    shop.rule(LARGE, valid_from=first.isoformat(), valid_until=last.isoformat())
    shop.sell(("TEA", "6"))
    for _ in range(2):
        shop.business.clock.advance(timedelta(days=1))
        shop.refused(("TEA", "6"))
    shop.business.clock.advance(timedelta(days=1))
    shop.sell(("TEA", "6"))


@pytest.mark.req("RUL-15")
def test_a_rule_may_ask_for_a_reason(shop: Shop) -> None:
    shop.rule(LARGE, effect="reason", message_en="Why so much?", message_es="¿Por qué tanto?")
    error = shop.refused(("TEA", "6"))
    assert said(error) == [("business_rule_reason", "Why so much? (send a reason)")]
    sold = shop.sell(("TEA", "6"), reason="goodwill")
    fact = json.loads(AuditEntry.get(AuditEntry.entity_id == sold["id"]).payload)
    assert fact["notes"]["reason"] == {"code": "goodwill"}


@pytest.mark.req("RUL-15")
def test_a_rule_may_ask_for_approval_of_the_very_same_sale(shop: Shop) -> None:
    shop.rule(LARGE, effect="approval", message_en="A lot: {draft.total_minor}.", message_es="Mucho.")
    body = shop.sale(("TEA", "6"))
    cashier = shop.business.context("cashier")
    command = shop.business.kernel.action("sale:complete").command.model_validate_json(json.dumps(body))
    with pytest.raises(PosError) as caught:
        shop.business.kernel.perform(cashier, "sale:complete", command)
    (violation,) = caught.value.violations
    assert violation.message() == "This needs somebody else's approval: A lot: €60.00."
    assert violation.params["approval"]["figures"] == {"rules": ["rule@1"]}
    asked = shop.business.perform("approval:request", {
        "id": uuid7(), "action": "sale:complete", "command": body}, role="cashier")
    shop.business.perform("approval:approve", {"id": asked["id"], "level": 1}, role="manager")
    assert _sell_with(shop, asked["id"], {**body, "note": "another one"}) == "approval_mismatch"
    assert _sell_with(shop, asked["id"], body) == "done"


def _sell_with(shop: Shop, approval: str, body: dict[str, Any]) -> str:
    from pos_core.approvals.needs import Given

    ctx = shop.business.context("cashier")
    ctx.approvals = Given((approval,))
    command = shop.business.kernel.action("sale:complete").command.model_validate_json(json.dumps(body))
    try:
        shop.business.kernel.perform(ctx, "sale:complete", command)
    except PosError as error:
        return error.code.code
    return "done"


def test_an_offline_sale_is_flagged_and_not_refused(shop: Shop) -> None:
    shop.rule(LARGE, message_en="Too much.")
    at = shop.business.clock.now().isoformat()
    sold = shop.sell(("TEA", "6"), offline={"sold_at": at, "total_minor": 6000})
    assert [(flag["code"], flag["rule"]) for flag in sold["flags"]] == [
        ("business_rule_refused", "core.business_rules:rule@1")]


def test_rules_stand_before_other_actions_too(shop: Shop) -> None:
    shop.rule({"field": "command.last_name", "op": "starts_with", "value": "X"}, actions=["customer:create"],
              message_en="No {command.last_name}.", message_es="Sin {command.last_name}.")
    person = {"id": uuid7(), "first_name": "A", "phone": "600100201"}
    with pytest.raises(PosError, match="No Xaver"):
        shop.business.perform("customer:create", {**person, "last_name": "Xaver"})
    shop.business.perform("customer:create", {**person, "last_name": "Bo"})


# -- what cannot be worked out -------------------------------------------------------------------------------------

DEPARTMENTS = {"some": "draft.lines", "where": {
    "query": "department:get", "arguments": {"id": "item.department_id"}, "pick": "code", "op": "eq",
    "value": "alcohol"}}


@pytest.mark.req("RUL-15")
def test_a_rule_that_cannot_be_worked_out_refuses_or_is_skipped_as_it_says(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, skipping = shop.rule(DEPARTMENTS, "closed"), shop.write(DEPARTMENTS, "skipping", on_error="skip")
    monkeypatch.setattr(book, "Budget", lambda: Budget(queries=0))
    ((code, message),) = said(shop.refused(("TEA", "1")))
    assert code == "business_rule_failed"
    assert message.startswith("The business rule closed could not be worked out (it asks too many queries)")
    shop.business.perform("business_rule:retire", {
        "id": closed["id"], "version": closed["version"], "reason": "rule_mistaken"})
    shop.activate(skipping)
    sold = shop.sell(("TEA", "1"))
    notes = json.loads(AuditEntry.get(AuditEntry.entity_id == sold["id"]).payload)["notes"]
    assert notes["business_rules_skipped"] == [{"rule": "skipping@1", "why": "it asks too many queries"}]


@pytest.mark.parametrize(("stored", "why"), [
    ({"condition": {"field": "a", "op": "like"}, "effect": "hint"}, "this release cannot read it"),
    ({"condition": {"field": "command.gone", "op": "exists"}}, "command.gone is nothing that sale:complete has"),
])
def test_an_active_rule_that_does_not_fit_any_more_refuses_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, stored: dict[str, Any], why: str
) -> None:
    """An upgrade may take away what a rule reads; it never takes the rule away, nor the way to retire it."""
    content = {"name": "x", "actions": ["sale:complete", "business_rule:retire"], "message_en": "x", "message_es": "x"}
    row = ("older", 3, None, orjson.dumps({**content, **stored}).decode())
    monkeypatch.setattr(shop.business.kernel.db, "fetch", _first_answers(shop, book._ACTIVE, [row]))
    rule = shop.rule(LARGE)  # every process reads the rules again
    ((code, message),) = said(shop.refused(("TEA", "1")))
    assert code == "business_rule_failed"
    assert message.startswith(f"The business rule older could not be worked out ({why}")
    shop.business.perform("business_rule:retire", {
        "id": rule["id"], "version": rule["version"], "reason": "policy_changed"})


def _first_answers(shop: Shop, statement: Any, rows: list[Any]) -> Any:
    """The database's `fetch`, but for one statement."""
    fetch = shop.business.kernel.db.fetch
    return lambda asked, *rest: rows if asked is statement else fetch(asked, *rest)


def test_queries_are_asked_once_for_the_same_thing_and_only_where_it_is_there(shop: Shop) -> None:
    shop.rule(DEPARTMENTS, message_en="No alcohol.")
    shop.sell(("TEA", "1"))
    shop.sell(*[("TEA", "1")] * 150)
    shop.sell(("TEA", "1"), lines=[{"name": "Open", "quantity": "1", "unit_price_minor": 100}])
    assert said(shop.refused(("TEA", "1"), ("WINE", "1"))) == [("business_rule_refused", "No alcohol.")]


# -- what is wrong with a rule -------------------------------------------------------------------------------------

WRONG = (
    ({"field": "draft.totall_minor", "op": "gt", "value": 1}, "business_rule_field_unknown", "condition.field"),
    ({"field": "draft.lines.quantity", "op": "gt", "value": 1}, "business_rule_field_unknown", "condition.field"),
    ({"field": "item.sku", "op": "eq", "value": "A"}, "business_rule_field_misplaced", "condition.field"),
    ({"field": "command.__class__", "op": "exists"}, "field_invalid", "condition.field"),
    ({"field": "draft.total_minor", "op": "starts_with", "value": "1"}, "business_rule_operator_wrong",
     "condition.op"),
    ({"field": "draft.total_minor", "op": "gt", "value": "many"}, "business_rule_value_wrong", "condition.value"),
    ({"field": "draft.total_minor", "op": "gt", "value": [1, 2]}, "business_rule_value_wrong", "condition.value"),
    ({"field": "draft.total_minor", "op": "between", "value": [2, 1]}, "business_rule_value_wrong",
     "condition.value"),
    ({"field": "draft.sold_at", "op": "time_between", "value": ["22:00", "25:00"]}, "business_rule_value_wrong",
     "condition.value"),
    ({"field": "draft.sold_at", "op": "on_days", "value": ["someday"]}, "business_rule_value_wrong",
     "condition.value"),
    ({"field": "draft.total_minor", "op": "gt", "value": 1.5}, "field_invalid", "condition.value"),
    ({"field": "draft.total_minor", "op": "gt"}, "field_invalid", "condition"),
    ({"field": "draft.total_minor", "op": "matches", "value": "(a+)+$"}, "field_invalid", "condition.op"),
    ({"all": [LARGE, {"any": [{"not": {"field": "command.nothing", "op": "exists"}}]}]},
     "business_rule_field_unknown", "condition.all.1.any.0.not.field"),
    ({"some": "draft.total_minor", "where": LARGE}, "business_rule_field_misplaced", "condition.some"),
    ({"some": "draft.lines"}, "field_invalid", "condition"),
    ({"sum": "draft.lines[*].sku", "op": "gt", "value": 1}, "business_rule_field_misplaced", "condition.sum"),
    ({"query": "user:get", "arguments": {"id": "draft.customer_id"}, "pick": "name", "op": "exists"},
     "business_rule_query_unknown", "condition.query"),
    ({"query": "customer:get", "pick": "code", "op": "exists"}, "business_rule_query_arguments",
     "condition.arguments"),
    ({"query": "customer:get", "arguments": {"id": "draft.customer_id"}, "pick": "email", "op": "exists"},
     "business_rule_query_answer", "condition.pick"),
    ({"field": "draft.total_minor", "op": "gt", "other": {"field": "draft.sold_at"}},
     "business_rule_field_misplaced", "condition.other"),
    ({}, "field_invalid", "condition"),
)  # fmt: skip


@pytest.mark.req("RUL-15")
@pytest.mark.parametrize(("condition", "code", "path"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_with_a_condition_is_told_with_its_place(
    client_as: Any, condition: dict[str, Any], code: str, path: str
) -> None:
    answer = client_as("admin").post("/business-rules", {
        "code": "wrong", "name": "Wrong", "actions": ["sale:complete"], "condition": condition,
        "message_en": "No.", "message_es": "No."})
    assert answer.status == 422, answer.text
    assert {(item["code"], item["path"]) for item in answer.json["errors"]} == {(code, path)}


def test_everything_that_is_wrong_is_told_at_once(shop: Shop) -> None:
    with pytest.raises(PosError) as caught:
        shop.write({"all": [{"field": "draft.nothing", "op": "exists"}, {**LARGE, "value": "x"}]},
                   actions=["sale:complete", "session:sign_in", "sale:nothing"],
                   message_en="{draft.lines} {oh}", valid_from="2026-02-02", valid_until="2026-02-01")
    found = {(one.code.code, one.path) for one in caught.value.violations}
    assert found >= {
        ("business_rule_field_unknown", "condition.all.0.field"),
        ("business_rule_value_wrong", "condition.all.1.value"),
        ("business_rule_placeholder_wrong", "message_en"), ("business_rule_dates_wrong", "valid_until"),
        ("business_rule_action_unknown", "actions.2"),
    }  # fmt: skip


@pytest.mark.parametrize("action", ["business_rule:retire", "user:create", "session:open", "role:edit"])
def test_no_rule_stands_before_what_could_lock_its_author_out(shop: Shop, action: str) -> None:
    with pytest.raises(PosError, match="business_rule_action_exempt"):
        shop.write({"field": "context.app_context", "op": "exists"}, actions=[action])


def test_an_effect_that_the_action_does_not_take_is_refused(shop: Shop) -> None:
    for effect in ("reason", "approval"):
        with pytest.raises(PosError, match="business_rule_effect_impossible"):
            shop.write({"field": "command.name", "op": "exists"}, actions=["department:create"], effect=effect)


def test_a_code_is_taken_once(shop: Shop) -> None:
    shop.write(LARGE)
    with pytest.raises(PosError, match="already_exists"):
        shop.write(LARGE)


def test_the_same_rule_sent_again_is_the_same_rule(shop: Shop) -> None:
    rule_id = uuid7()
    first = shop.write(LARGE, id=rule_id)
    assert shop.write(LARGE, id=rule_id) == first


def test_an_action_without_rules_looks_nothing_up(shop: Shop) -> None:
    shop.rule(LARGE)
    book = shop.business.kernel.business_rules
    revision = shop.business.kernel.revision()
    assert book.of(shop.business.kernel.action("product:create"), revision) is None
    known = book.of(shop.business.kernel.action("sale:complete"), revision)
    assert known is book.of(shop.business.kernel.action("sale:complete"), revision)


# -- who may, and how many ----------------------------------------------------------------------------------------


def _as_clerk(shop: Shop, *more: str) -> Any:
    """Somebody at the headquarters who writes rules and does not see what goods cost."""
    ctx = shop.business.context("admin")
    held = frozenset({"hq:rules.view", "hq:rules.create", *more})
    ctx.actor = replace(ctx.actor, permissions=held, is_super_admin=False)
    return ctx


COST = {"field": "draft.lines[*].cost_price_minor", "op": "gt", "value": 100}


@pytest.mark.parametrize("more", [
    {"condition": COST}, {"condition": LARGE, "message_en": "Cost: {draft.lines[*].cost_price_minor}"},
    {"condition": {"sum": "draft.lines[*].cost_price_minor", "op": "gt", "value": 1}},
    {"condition": {"some": "draft.lines", "where": {"field": "item.cost_price_minor", "op": "gt", "value": 1}}},
])
def test_what_is_hidden_from_the_author_cannot_stand_in_a_rule(shop: Shop, more: dict[str, Any]) -> None:
    kernel = shop.business.kernel
    command = kernel.action("business_rule:create").command.model_validate_json(json.dumps({
        "code": "cost", "name": "Cost", "actions": ["sale:complete"], "message_en": "No.", "message_es": "No.",
        **more,
    }))
    with pytest.raises(PosError, match="field_masked"):
        kernel.perform(_as_clerk(shop), "business_rule:create", command)
    made = kernel.perform(_as_clerk(shop, "hq:products.view.cost_price"), "business_rule:create", command).data
    with pytest.raises(PosError, match="field_masked"):  # nor can the past be asked by somebody else's rule
        kernel.query(_as_clerk(shop), "business_rule:past", {"id": made["id"]})


def test_only_so_many_rules_are_on_before_an_action(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_ACTIVE", 2)
    first = shop.rule(LARGE, "first")
    shop.rule(LARGE, "second")
    with pytest.raises(PosError, match="business_rules_too_many"):
        shop.rule(LARGE, "third")
    shop.activate(first)  # its own place is its own
    shop.business.perform("business_rule:retire", {
        "id": first["id"], "version": first["version"] + 1, "reason": "policy_changed"})
    shop.activate(shop.write(LARGE, "fourth"))


def test_dates_can_be_taken_off(shop: Shop) -> None:
    rule = shop.rule(LARGE, valid_from="2030-01-01")
    shop.sell(("TEA", "6"))
    edited = shop.business.perform("business_rule:edit", {
        "id": rule["id"], "version": rule["version"], "reason": "policy_changed", "no_dates": True})
    assert edited["valid_from"] is None
    shop.activate(edited)
    shop.refused(("TEA", "6"))


def test_rules_are_found_by_action_and_by_state(shop: Shop) -> None:
    shop.rule(LARGE, "sales")
    shop.write({"field": "command.name", "op": "eq", "value": "sale:complete"}, "words", actions=["department:create"])

    def found(**filters: Any) -> list[str]:
        return [one["code"] for one in shop.business.query("business_rule:list", **filters)[0]]

    assert found() == ["sales", "words"]
    assert found(action="sale:complete") == ["sales"]
    assert found(action="department:create") == ["words"]
    assert found(state="active") == ["sales"]
    assert found(store_id=shop.business.store_id) == ["sales"]
