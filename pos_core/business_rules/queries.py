"""Reads of business rules: what they are, what they could look at, and what they would have stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from pos_core import clock, scope
from pos_core.actions import query
from pos_core.business_rules import errors, facts, past, shapes, sound
from pos_core.business_rules.models import BusinessRule, BusinessRuleVersion
from pos_core.business_rules.schemas import Content, content_of
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import NOT_FOUND, PosError, Violation, refused
from pos_core.validation import field_violations

VIEW = "hq:rules.view"
#: A test run looks back this far unless it is told how far.
LOOKS_BACK = timedelta(days=31)


def rule_view(row: BusinessRule, content: dict[str, Any]) -> dict[str, Any]:
    """A rule as the API shows it, with the content of one of its versions."""
    return {
        "id": row.id, "code": row.code, "state": row.state, "number": row.number, "active_number": row.active_number,
        "store_ids": row.store_ids,
        "activated_at": clock.to_text(row.activated_at) if row.activated_at is not None else None,
        "valid_from": None, "valid_until": None, **content, "version": row.version,
    }  # fmt: skip


def find_content(rule: BusinessRule, number: int | None) -> tuple[int, dict[str, Any]]:
    """(number, content) of a version of the rule (None: the latest); PosError `not_found`."""
    wanted = number or rule.number
    found = BusinessRuleVersion.get_or_none(
        (BusinessRuleVersion.rule == rule.id) & (BusinessRuleVersion.number == wanted)
    )
    if found is None:
        raise NOT_FOUND("number", entity="version", id=wanted)
    return wanted, found.content


def read_content(stored: dict[str, Any]) -> Content:
    """The content as it is worked out; PosError `business_rule_not_sound` where this release cannot read it."""
    try:
        return content_of(stored)
    except ValidationError as error:
        problems = "; ".join(f"{one.path}: {one.message()}" for one in field_violations(error))
        raise errors.STILL_WRONG(problems=problems) from None


@query("business_rule:list", permission=VIEW)
def list_rules(
    ctx: Context, *, state: str | None = None, action: str | None = None, store_id: str | None = None,
    limit: int = 50, cursor: Any = None,
) -> Any:
    """Business rules by code, each with its latest version."""
    scope.require_store(ctx, store_id)
    rows = BusinessRule.select()
    if state is not None:
        rows = rows.where(BusinessRule.state == state)
    if store_id is not None:  # ids are quoted in the stored list, so none is found inside another
        somewhere = BusinessRule.store_ids.contains(f'"{store_id}"')
        rows = rows.where(BusinessRule.state == "active", BusinessRule.store_ids.is_null() | somewhere)
    if action is not None:
        latest = (BusinessRuleVersion.rule == BusinessRule.id) & (BusinessRuleVersion.number == BusinessRule.number)
        named = BusinessRuleVersion.content ** f'%"actions":[%"{action}"%],"condition":%'  # in this order: `_stored`
        rows = rows.join(BusinessRuleVersion, on=latest).where(named)
    found, following = records.page(rows, (BusinessRule.code,), cursor, limit)
    return [rule_view(row, find_content(row, None)[1]) for row in found], following


@query("business_rule:get", permission=VIEW)
def get_rule(ctx: Context, *, id: str) -> dict[str, Any]:
    """One business rule with its latest version, and what of it does not fit what is installed."""
    row = records.get(BusinessRule, id, "business rule")
    content = find_content(row, None)[1]
    return {**rule_view(row, content), "problems": [_sentence(one) for one in _problems(ctx, content)]}


def _problems(ctx: Context, stored: dict[str, Any]) -> list[Violation]:
    try:
        return sound.problems_of(ctx.kernel, read_content(stored))
    except PosError as error:
        return [Violation(error.code, error.path, error.params)]


def _sentence(violation: Violation) -> str:
    return f"{violation.path}: {violation.message()}" if violation.path else violation.message()


@query("business_rule:versions", permission=VIEW)
def list_versions(ctx: Context, *, id: str, limit: int = 50, cursor: Any = None) -> Any:
    """What a business rule said before, the latest version first."""
    records.get(BusinessRule, id, "business rule")
    rows = BusinessRuleVersion.select().where(BusinessRuleVersion.rule == id)
    found, following = records.page(rows, (BusinessRuleVersion.number,), cursor, limit, descending=True)
    return [
        {"number": row.number, "made_at": clock.to_text(row.made_at), "made_by": row.made_by,
         "made_name": row.made_name, "reason": row.reason, "content": row.content}
        for row in found
    ], following  # fmt: skip


@query("business_rule:fields", permission=VIEW)
def list_fields(ctx: Context, *, action: str) -> dict[str, Any]:
    """What a condition on an action may look at and ask, and what a rule before it can do."""
    chosen = ctx.kernel.action(action)
    if not sound.takes_rules(chosen):
        raise errors.ACTION_EXEMPT("action", action=action)
    book = ctx.kernel.business_rules
    told, answered = book.facts.get(action), frozenset(facts.answered(chosen))
    queries = sorted(book.queries.values(), key=lambda one: one.name)
    return {
        "action": action, "effects": sound.effects_of(chosen),
        "fields": [
            {"path": path, "kind": shape.kind, "unit": shape.unit, "operators": list(shape.operators),
             "past": _known_of_the_past(path, told, answered)}
            for path, shape in shapes.listed(shapes.root_shapes(chosen))
        ],
        "queries": [
            {"query": one.name, "arguments": dict(one.arguments), "answers": dict(one.answers)} for one in queries
        ],
    }  # fmt: skip


def _known_of_the_past(path: str, told: facts.RuleFacts | None, answered: frozenset[str]) -> str:
    if path.startswith("context."):
        return "yes"
    if told is not None:
        return "yes" if path in told.fields else "no"
    return "when_answered" if path.removeprefix("command.") in answered else "no"


@query("business_rule:past", permission=VIEW)
def try_past(
    ctx: Context, *, id: str, since: datetime | None = None, until: datetime | None = None, number: int | None = None,
    store_id: str | None = None, entries: int = 2000, examples: int = 20, after: str | None = None,
) -> dict[str, Any]:
    """What a business rule would have stopped, page by page; also a draft, whatever its dates and stores."""
    scope.require_store(ctx, store_id)
    row = records.get(BusinessRule, id, "business rule")
    wanted, stored = find_content(row, number)
    content = read_content(stored)
    if problems := sound.problems_of(ctx.kernel, content, ctx.actor):
        raise refused(problems)
    book = ctx.kernel.business_rules
    fitted = {name: sound.fit(content, ctx.kernel.action(name), book.queries)[0] for name in content.actions}
    end = until or ctx.at
    period = past.Period(since or end - LOOKS_BACK, end, store_id, entries, examples, _position(after))
    made = past.run(ctx, fitted, period)
    return {
        "code": row.code, "number": wanted, "since": clock.to_text(period.since), "until": clock.to_text(end),
        "entries": made.entries, "actions": made.actions, "held": made.held, "passed": made.passed,
        "unknown": made.unknown, "failed": made.failed, "unavailable": sorted(made.unavailable),
        "asked_now": sorted({name for one in fitted.values() for name in one.asked}),
        "by_day": dict(sorted(made.by_day.items())), "examples": made.examples, "next": made.next,
    }  # fmt: skip


def _position(after: str | None) -> tuple[str, int] | None:
    if after is None:
        return None
    chain, _, seq = after.partition(".")
    if not seq.isdigit() or int(seq) < 1:
        raise errors.POSITION_UNKNOWN("after")
    return chain.lower(), int(seq)
