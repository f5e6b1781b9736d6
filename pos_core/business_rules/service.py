"""Writing business rules, switching them on and off, and trying one with an example."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from pos_core import scope
from pos_core.actions import action
from pos_core.business_rules import errors, queries, schemas, sound
from pos_core.business_rules.book import works_out
from pos_core.business_rules.evaluating import CannotTell, Surroundings
from pos_core.business_rules.models import BusinessRule, BusinessRuleVersion
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS, INVALID_REQUEST, PosError, Violation, refused
from pos_core.validation import field_violations

#: As many rules may be on before one action.
MOST_ACTIVE = 100
CREATE, EDIT, ACTIVATE = "hq:rules.create", "hq:rules.edit", "hq:rules.activate"
_TAKEN = {"core_business_rule.code": ALREADY_EXISTS.at("code", fields="code")}
_NO_CONTENT = {"id", "code", "version", "reason", "reason_note", "no_dates"}


def _stored(content: schemas.Content) -> dict[str, Any]:
    made: dict[str, Any] = content.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_NO_CONTENT)
    return made


def _add_version(ctx: Context, row: BusinessRule, number: int, content: dict[str, Any], reason: str | None) -> None:
    records.add(ctx, BusinessRuleVersion(
        rule=row.id, number=number, content=content, made_at=ctx.at, made_by=ctx.actor.id or None,
        made_name=ctx.actor.name, reason=reason,
    ))  # fmt: skip


def _require_sound(ctx: Context, content: schemas.Content) -> None:
    if problems := sound.problems_of(ctx.kernel, content, ctx.actor):
        raise refused(problems)


@action("business_rule:create", command=schemas.CreateRule, permission=CREATE, entity="business_rule", status=201,
        key_field="id", constraints=_TAKEN)
def create_rule(ctx: Context, command: schemas.CreateRule) -> dict[str, Any]:
    """Write a business rule as a draft; `activate` switches it on."""
    _require_sound(ctx, command)
    content = _stored(command)
    row = BusinessRule(id=command.id, code=command.code)
    records.add(ctx, row)
    _add_version(ctx, row, 1, content, None)
    ctx.emit("business_rule:created", "business_rule", row.id, code=row.code)
    return queries.rule_view(row, content)


@action("business_rule:edit", command=schemas.EditRule, permission=EDIT, entity="business_rule", reason=True)
def edit_rule(ctx: Context, command: schemas.EditRule) -> dict[str, Any]:
    """Write a new version of a business rule. The version that is on stays on until `activate`."""
    row = records.get(BusinessRule, command.id, "business rule")
    before = queries.find_content(row, None)[1]
    ctx.writing.was(queries.rule_view(row, before))
    given = command.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_NO_CONTENT)
    kept = {name: one for name, one in before.items() if not (command.no_dates and name.startswith("valid_"))}
    content = queries.read_content({**kept, **given})
    _require_sound(ctx, content)
    records.edit(ctx, row, {"number": row.number + 1}, "business rule", command.version)
    _add_version(ctx, row, row.number, _stored(content), command.reason)
    ctx.emit("business_rule:edited", "business_rule", row.id, code=row.code, number=row.number)
    return queries.rule_view(row, _stored(content))


@action("business_rule:activate", command=schemas.ActivateRule, permission=ACTIVATE, entity="business_rule",
        reason=True)
def activate_rule(ctx: Context, command: schemas.ActivateRule) -> dict[str, Any]:
    """Switch a business rule's latest version on, everywhere or in the stores named."""
    row = records.get(BusinessRule, command.id, "business rule")
    for position, store_id in enumerate(command.store_ids or ()):
        scope.require_store(ctx, store_id, f"store_ids.{position}")
    stored = queries.find_content(row, None)[1]
    content = queries.read_content(stored)
    if problems := sound.problems_of(ctx.kernel, content):
        told = " ".join(one.message() for one in problems)
        raise PosError(errors.STILL_WRONG, params={"problems": told}, violations=problems)
    _require_room(row, content)
    return _switch(ctx, row, command.version, stored, "active", {
        "active_number": row.number, "store_ids": list(command.store_ids) if command.store_ids else None,
        "activated_at": ctx.at,
    })  # fmt: skip


def _require_room(row: BusinessRule, content: schemas.Content) -> None:
    active = (
        BusinessRuleVersion.select(BusinessRuleVersion.content)
        .join(BusinessRule)
        .where(BusinessRule.state == "active", BusinessRule.id != row.id,
               BusinessRuleVersion.number == BusinessRule.active_number)
    )  # fmt: skip
    before = [name for (stored,) in active.tuples() for name in stored["actions"]]
    for position, name in enumerate(content.actions):
        if before.count(name) >= MOST_ACTIVE:
            raise errors.TOO_MANY(f"actions.{position}", action=name, count=before.count(name), limit=MOST_ACTIVE)


@action("business_rule:retire", command=schemas.RetireRule, permission=ACTIVATE, entity="business_rule", reason=True)
def retire_rule(ctx: Context, command: schemas.RetireRule) -> dict[str, Any]:
    """Switch a business rule off everywhere. It is kept, and can be activated again."""
    row = records.get(BusinessRule, command.id, "business rule")
    stored = queries.find_content(row, None)[1]
    return _switch(ctx, row, command.version, stored, "retired", {"active_number": None, "store_ids": None})


def _switch(
    ctx: Context, row: BusinessRule, version: int | None, stored: dict[str, Any], state: str, changes: dict[str, Any]
) -> dict[str, Any]:
    if (wrong := ctx.transition("business_rule", row.state, state)) is not None:
        raise refused([wrong])
    ctx.writing.was(queries.rule_view(row, stored))
    records.edit(ctx, row, {"state": state, **changes}, "business rule", version)
    ctx.writing.raise_revision()
    ctx.emit(f"business_rule:{state}" if state == "retired" else "business_rule:activated", "business_rule", row.id,
             code=row.code, number=row.active_number)  # fmt: skip
    return queries.rule_view(row, stored)


# -- trying --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of an example."""

    answer: dict[str, Any]


def try_example(ctx: Context, command: schemas.TryRule) -> Tried:
    """Prepare the example as its action would, and work the rule out on it."""
    row = records.get(BusinessRule, command.id, "business rule")
    number, stored = queries.find_content(row, command.number)
    content = queries.read_content(stored)
    if command.action not in content.actions:
        raise errors.EXAMPLE_WRONG("action", action=command.action, actions=", ".join(content.actions))
    _require_sound(ctx, content)
    scope.require_store(ctx, command.store_id)
    scope.require_register(ctx, command.register_id)
    chosen = ctx.kernel.action(command.action)
    typed = _typed(chosen.command, command.command)
    there = replace(
        ctx, store_id=command.store_id or ctx.store_id, register_id=command.register_id or ctx.register_id,
        at=command.at or ctx.at,
    )  # fmt: skip
    draft = chosen.prepare(there, typed) if chosen.prepare is not None else None
    book = ctx.kernel.business_rules
    fitted, _ = sound.fit(content, chosen, book.queries)
    seen = book.scope(there, {"command": typed, "draft": draft}, Surroundings.of(there))
    failed, holds = None, False
    try:
        holds = works_out(fitted, seen)
    except CannotTell as failure:
        failed, holds = str(failure), content.on_error == "closed"
    told = fitted.message.told(seen, ctx.kernel.currency) if holds and failed is None else None
    return Tried({
        "id": row.id, "code": row.code, "number": number, "holds": holds, "effect": content.effect if holds else None,
        "message_en": told.message("en") if told else None, "message_es": told.message("es") if told else None,
        "failed": failed,
    })  # fmt: skip


def _typed(schema: Any, given: dict[str, Any]) -> Any:
    try:
        return schema.model_validate_json(json.dumps(given))
    except ValidationError as error:
        found = [Violation(v.code, f"command.{v.path}".rstrip("."), v.params) for v in field_violations(error)]
        raise PosError(INVALID_REQUEST, violations=found) from None


@action("business_rule:try", command=schemas.TryRule, permission=(CREATE, EDIT, ACTIVATE), entity="business_rule",
        prepare=try_example, unrecorded=("command",))
def try_rule(ctx: Context, command: schemas.TryRule, draft: Tried) -> dict[str, Any]:
    """Say what a business rule would do to an example. Nothing of the example is done or kept."""
    return draft.answer
