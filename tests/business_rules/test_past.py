"""What a rule would have stopped: against audited sales and other actions, by pages, and against an example."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from pos_core.audit.models import AuditEntry, Chain
from pos_core.business_rules import shapes
from pos_core.business_rules.evaluating import CannotTell, Surroundings
from pos_core.business_rules.schemas import content_of
from pos_core.business_rules.sound import fit
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_ops.sales.past import rebuild
from tests.business_rules.conftest import Shop

LARGE = {"field": "draft.total_minor", "op": "gt", "value": 5000}


@pytest.mark.req("RUL-15")
def test_a_draft_is_held_against_last_months_sales(shop: Shop) -> None:
    shop.business.clock.advance(timedelta(days=1))
    for quantity in ("1", "6", "7", "2"):
        shop.sell(("TEA", quantity))
    shop.business.clock.advance(timedelta(days=40))
    shop.sell(("TEA", "8"))
    rule = shop.write(LARGE, message_en="{draft.total_minor}", message_es="{draft.total_minor}")
    now = shop.business.clock.now()
    found = shop.past(rule, until=now + timedelta(seconds=1))
    assert (found["actions"], found["held"], found["passed"]) == (1, 1, 0)
    found = shop.past(rule, since=now - timedelta(days=50), until=now)
    assert (found["actions"], found["held"], found["passed"], found["unknown"]) == (4, 2, 2, 0)
    assert found["by_day"] == {"2026-03-03": 2}
    assert [one["message_en"] for one in found["examples"]] == ["€60.00", "€70.00"]
    assert found["next"] is None


@pytest.mark.req("RUL-15")
def test_pages_add_up_to_the_whole(shop: Shop) -> None:
    for quantity in ("1", "6", "7", "2", "9"):
        shop.sell(("TEA", quantity))
    rule = shop.write(LARGE)
    until = shop.business.clock.now() + timedelta(seconds=1)
    whole = shop.past(rule, until=until)
    pages, after = [], None
    while True:
        pages.append(shop.past(rule, until=until, entries=2, after=after))
        after = pages[-1]["next"]
        if after is None:
            break
    assert all(page["entries"] <= 2 for page in pages)
    for figure in ("entries", "actions", "held", "passed"):
        assert sum(page[figure] for page in pages) == whole[figure]
    assert (whole["actions"], whole["held"]) == (5, 3)
    assert [e["seq"] for page in pages for e in page["examples"]] == [e["seq"] for e in whole["examples"]]


def test_a_test_run_reads_only(shop: Shop) -> None:
    shop.sell(("TEA", "9"))
    rule = shop.write(LARGE)
    before = [(row.id, row.seq) for row in Chain.select().order_by(Chain.id)]
    shop.past(rule, until=shop.business.clock.now() + timedelta(seconds=1))
    assert [(row.id, row.seq) for row in Chain.select().order_by(Chain.id)] == before


@pytest.mark.req("RUL-15")
def test_what_the_entries_do_not_tell_is_reported(shop: Shop) -> None:
    shop.sell(("TEA", "1"))
    cost = {"field": "draft.lines[*].cost_price_minor", "op": "gt", "value": 1}
    until = shop.business.clock.now() + timedelta(seconds=1)
    found = shop.past(shop.write({"all": [{**LARGE, "value": 1}, cost]}), until=until)
    assert (found["held"], found["unknown"]) == (0, 1)
    assert found["unavailable"] == ["draft.lines[*].cost_price_minor"]
    # what decides without it decides
    decided = shop.past(shop.write({"any": [cost, {**LARGE, "value": 1}]}, "decided"), until=until)
    assert (decided["held"], decided["unknown"], decided["unavailable"]) == (1, 0, [])
    other = shop.past(shop.write({"all": [cost, {**LARGE, "value": 10**9}]}, "other"), until=until)
    assert (other["passed"], other["unknown"]) == (1, 0)


def test_actions_whose_module_says_nothing_are_known_by_their_answers(shop: Shop) -> None:
    for code in ("toys", "garden"):
        shop.business.perform("department:create", {"id": uuid7(), "code": code, "name": code.title()})
    rule = shop.write({"field": "command.code", "op": "eq", "value": "toys"}, actions=["department:create"])
    found = shop.past(rule, until=shop.business.clock.now() + timedelta(seconds=1))
    assert (found["held"], found["passed"], found["unknown"]) == (1, 3, 0)
    fields = {one["path"]: one["past"] for one in shop.business.query(
        "business_rule:fields", action="department:create")["fields"]}
    assert fields["command.code"] == "when_answered"
    assert fields["context.now"] == "yes"


def test_queries_tell_what_is_now_and_say_so(shop: Shop) -> None:
    shop.sell(("WINE", "1"))
    rule = shop.write({"some": "draft.lines", "where": {
        "query": "department:get", "arguments": {"id": "item.department_id"}, "pick": "code", "op": "eq",
        "value": "alcohol"}})
    found = shop.past(rule, until=shop.business.clock.now() + timedelta(seconds=1))
    assert (found["held"], found["asked_now"]) == (1, ["department:get"])


@pytest.mark.req("RUL-15")
def test_a_past_sale_is_rebuilt_as_it_was_seen_then(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field that a sale's entry is said to tell has the value that the rules before the sale saw."""
    from pos_core.business_rules.book import RuleBook

    kernel = shop.business.kernel
    seen: list[tuple[Any, Any, Surroundings]] = []

    def watch(self: RuleBook, ctx: Any, action: Any, command: Any, draft: Any) -> list[Any]:
        if action.name == "sale:complete":
            seen.append((command, draft, Surroundings.of(ctx)))
        return []

    monkeypatch.setattr(RuleBook, "violations", watch)
    shop.sell(("TEA", "2.50"), ("WINE", "1"), ("WINE", "3"), customer_id=shop.customer, note="gift")
    shop.sell(("TEA", "1"), discounts=[{"kind": "percent", "value": "1000", "reason": "vip"}])
    shop.sell(("TEA", "1"), offline={"sold_at": shop.business.clock.now().isoformat(), "total_minor": 1000,
                                     "receipt_number": "X-1"})
    sale = kernel.action("sale:complete")
    told = kernel.business_rules.facts["sale:complete"]
    paths = {path: shape for path, shape in shapes.listed(shapes.root_shapes(sale)) if path in told.fields}
    assert paths.keys() == told.fields
    entries = AuditEntry.select().where(AuditEntry.action == "sale:complete").order_by(AuditEntry.seq)
    compared = 0
    for (command, draft, surroundings), entry in zip(seen, entries, strict=True):
        then = rebuild(json.loads(entry.payload))
        for path, shape in paths.items():
            if shape.kind in ("object", "other", "list"):
                continue
            values = [_read(kernel, sale, path, roots, surroundings) for roots in (
                {"command": command, "draft": draft}, then)]
            assert values[0] == values[1], (path, values)
            compared += bool(values[0])
    assert compared > 60


def _read(kernel: Any, sale: Any, path: str, roots: Any, surroundings: Surroundings) -> Any:
    from pos_core.business_rules.compiling import Compiler
    from pos_core.business_rules.evaluating import Budget, Scope

    compiler = Compiler(sale, kernel.business_rules.queries)
    reader = compiler.figure(path, "")
    assert reader is not None, compiler.problems
    return reader.read(Scope(roots, surroundings, Budget(), lambda query, arguments: None))


def test_a_share_given_away_is_known_where_no_price_was_changed(shop: Shop) -> None:
    shop.sell(("TEA", "1"), discounts=[{"kind": "percent", "value": "2500"}])
    shop.sell(("TEA", "1"))
    rule = shop.write({"field": "draft.concessions.discount", "op": "eq", "value": "0.25"})
    found = shop.past(rule, until=shop.business.clock.now() + timedelta(seconds=1))
    assert (found["held"], found["passed"], found["unknown"]) == (1, 1, 0)


# -- an example ----------------------------------------------------------------------------------------------------


def _example(shop: Shop, rule: dict[str, Any], **more: Any) -> dict[str, Any]:
    return shop.business.perform("business_rule:try", {
        "id": rule["id"], "action": "sale:complete", "store_id": shop.business.store_id,
        "register_id": shop.business.ids["register1"], "command": shop.sale(("TEA", "6")), **more})


@pytest.mark.req("RUL-15")
def test_a_draft_is_tried_with_an_example_of_which_nothing_is_done(shop: Shop) -> None:
    rule = shop.write(LARGE, message_en="Too much: {draft.total_minor}.", message_es="Demasiado.")
    sales = AuditEntry.select().where(AuditEntry.action == "sale:complete").count()
    tried = _example(shop, rule)
    assert (tried["holds"], tried["effect"], tried["message_en"]) == (True, "refuse", "Too much: €60.00.")
    tried = _example(shop, rule, command=shop.sale(("TEA", "1")))
    assert (tried["holds"], tried["effect"], tried["message_en"]) == (False, None, None)
    assert AuditEntry.select().where(AuditEntry.action == "sale:complete").count() == sales
    with pytest.raises(PosError, match="invalid_request"):
        _example(shop, rule, command={"id": "no"})
    with pytest.raises(PosError, match="business_rule_example_wrong"):
        _example(shop, rule, action="product:create")
    with pytest.raises(PosError, match="not_found"):
        _example(shop, rule, number=9)


def test_an_example_may_be_of_another_moment(shop: Shop) -> None:
    rule = shop.write({"field": "draft.sold_at", "op": "time_between", "value": ["22:00", "06:00"]})
    assert not _example(shop, rule)["holds"]
    assert _example(shop, rule, at="2026-03-02T23:30:00+00:00")["holds"]


def test_a_query_of_a_module_that_is_off_cannot_be_asked(shop: Shop) -> None:
    kernel = shop.business.kernel
    content = content_of({
        "name": "x", "actions": ["sale:complete"], "message_en": "x", "message_es": "x", "condition": {
            "query": "customer:get", "arguments": {"id": "draft.customer_id"}, "pick": "code", "op": "exists"}})
    fitted, problems = fit(content, kernel.action("sale:complete"), kernel.business_rules.queries)
    assert problems == []
    query = kernel.business_rules.queries["customer:get"]
    assert query.ask(shop.business.context("cashier"), {"id": uuid7()}) is None
    gone = type(query)(query.name, query.arguments, query.answers, query.read, "ops.gone")
    with pytest.raises(CannotTell, match=r"ops\.gone is switched off"):
        gone.ask(shop.business.context("cashier"), {"id": shop.customer})
    assert fitted.asked == {"customer:get"}
