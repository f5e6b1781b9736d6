"""Asking for approvals, deciding them, and what the time decides."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import peewee as pw
from pydantic import ValidationError

from pos_core import scope
from pos_core.actions import Action, action, require_permission
from pos_core.approvals import engine, errors, people, queries, schemas
from pos_core.approvals.models import Approval, ApprovalDecision, ApprovalDeputy
from pos_core.approvals.needs import Need
from pos_core.approvals.standing import Standing, in_state, life, overdue, standing
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import INVALID_REQUEST, NOT_FOUND, PosError, Violation
from pos_core.idempotency import fingerprint
from pos_core.manifest import ApprovalKind
from pos_core.validation import field_violations

#: A sweep is one transaction, and somebody may be selling meanwhile.
SWEEP_AT_ONCE = 200
MANAGE = "hq:approvals.manage"


# -- asking --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """The action as it would be, and the one need that is asked for."""

    action: Action
    command: Any
    need: Need
    kind: ApprovalKind


def prepare_request(ctx: Context, command: schemas.RequestApproval) -> Asked:
    """Work out what the action would need, by its own figures; nothing of it is done."""
    chosen = ctx.kernel.action(command.action)
    ctx.kernel.require_enabled(chosen.module, ctx.store_id, ctx.revision)
    require_permission(ctx, chosen.permissions, chosen.public)
    if chosen.approval is None:
        raise errors.APPROVAL_NOT_NEEDED("action", action=chosen.name)
    typed = _typed(chosen, command.command)
    draft = chosen.prepare(ctx, typed) if chosen.prepare is not None else None
    needs = {need.kind: need for need in engine.needs_of(ctx, chosen, typed, draft)}
    wanted = command.kind or (next(iter(needs)) if len(needs) == 1 else None)
    if wanted is None and needs:
        raise errors.APPROVAL_KIND("kind", kinds=", ".join(sorted(needs)))
    if wanted not in needs:
        raise errors.APPROVAL_NOT_NEEDED("kind" if command.kind else "command", action=chosen.name)
    return Asked(chosen, typed, needs[wanted], ctx.kernel.approval_kinds[wanted])


def _typed(chosen: Action, given: dict[str, Any]) -> Any:
    try:
        return chosen.command.model_validate_json(json.dumps(given))
    except ValidationError as error:
        found = [Violation(v.code, f"command.{v.path}".rstrip("."), v.params) for v in field_violations(error)]
        raise PosError(INVALID_REQUEST, violations=found) from None


@action("approval:request", command=schemas.RequestApproval, permission=queries.USE, status=201, key_field="id",
        prepare=prepare_request, unrecorded=("command",))
def request_approval(ctx: Context, command: schemas.RequestApproval, draft: Asked) -> dict[str, Any]:
    """Ask that somebody else agrees to an action, with the figures that the server works out for it.

    The action is not done. When it is sent later, it must have the same figures, and come from the same person at the
    same store.
    """
    kind = draft.kind
    row = Approval(
        id=command.id, kind=kind.code, action=draft.action.name, entity_type=draft.action.entity,
        entity_id=engine.entity_id_of(draft.action, draft.command), store=ctx.store_id, requester=ctx.actor.id,
        why=command.why, figures=dict(draft.need.figures),
        fingerprint=fingerprint(draft.command) if kind.exact else None,
        levels=engine.levels_of(draft.need, kind), level_since=ctx.at, expires_at=ctx.at + life(ctx, kind),
    )  # fmt: skip
    records.add(ctx, row)
    ctx.emit("approval:requested", "approval", row.id, kind=row.kind, action=row.action, level=1)
    return _answer(ctx, row, [])


# -- deciding ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    """A request as it stands, and in whose name the actor may decide it (None: in nobody's)."""

    row: Approval
    now: Standing
    top: int
    permissions: tuple[str, ...]
    deciders: frozenset[str]
    principal: str | None


def prepare_decision(ctx: Context, command: schemas.Decide) -> Decision:
    """Read what the rules look at."""
    row = queries.find_visible(ctx, command.id)
    now = standing(ctx, row)
    kind = ctx.kernel.approval_kinds.get(row.kind)
    levels = kind.levels if kind is not None else ()
    permissions = levels[now.level - 1] if now.level <= len(levels) else ()
    deciders = people.deciders_of(row.id)
    principal = people.principal(ctx, permissions, row.store_id, deciders | {row.requester_id})
    return Decision(row, now, len(levels), permissions, deciders, principal)


@action("approval:approve", command=schemas.Decide, permission=queries.USE, prepare=prepare_decision)
def approve(ctx: Context, command: schemas.Decide, draft: Decision) -> dict[str, Any]:
    """Agree, on the level that the request is at; with the last level it is approved and may be used once."""
    if draft.now.level >= draft.row.levels:
        return _decide(ctx, draft, "approved", {"state": "approved"})
    return _decide(ctx, draft, "approved", {"level": draft.now.level + 1, "level_since": ctx.at})


@action("approval:reject", command=schemas.Refuse, permission=queries.USE, prepare=prepare_decision, reason=True)
def reject(ctx: Context, command: schemas.Refuse, draft: Decision) -> dict[str, Any]:
    """Refuse; the request is over."""
    return _decide(ctx, draft, "rejected", {"state": "rejected"}, command)


@action("approval:escalate", command=schemas.Refuse, permission=queries.USE, prepare=prepare_decision, reason=True)
def escalate(ctx: Context, command: schemas.Refuse, draft: Decision) -> dict[str, Any]:
    """Hand the decision up: the next level decides instead of this one."""
    return _decide(ctx, draft, "escalated", {"level": draft.now.level + 1, "level_since": ctx.at}, command)


def _decide(
    ctx: Context, draft: Decision, decision: str, changes: dict[str, Any], refusal: schemas.Refuse | None = None
) -> dict[str, Any]:
    row, now = draft.row, draft.now
    ctx.writing.was({"id": row.id, "state": row.state, "level": row.level, "version": row.version})
    _change(ctx, row, {"level": now.level, **changes})
    made = _timed_out(ctx, row, now)
    made.append(ApprovalDecision(
        approval=row.id, level=now.level, decision=decision, decided_by=ctx.actor.id, decided_at=ctx.at, way="session",
        decided_for=None if draft.principal == ctx.actor.id else draft.principal,
        reason=refusal.reason if refusal is not None else None,
        note=refusal.reason_note if refusal is not None else None,
    ))  # fmt: skip
    for one in made:
        records.add(ctx, one)
    event = "approval:rejected" if decision == "rejected" else "approval:escalated"
    if decision == "approved":
        event = "approval:approved" if row.state == "approved" else "approval:advanced"
    ctx.emit(event, "approval", row.id, kind=row.kind, action=row.action, level=row.level,
             requester_id=row.requester_id)
    return _answer(ctx, row, made)


def _change(ctx: Context, row: Approval, changes: dict[str, Any]) -> None:
    """Change a request that nobody has decided meanwhile: the condition, not the read, decides who was first."""
    values = {**changes, "version": row.version + 1, "updated_at": ctx.at}
    unchanged = (Approval.id == row.id, Approval.version == row.version, Approval.state == row.state)
    if Approval.update(values).where(*unchanged).execute() != 1:
        current = Approval.get_by_id(row.id)
        raise errors.APPROVAL_MOVED("id", level=standing(ctx, current).level)
    for name, value in values.items():
        setattr(row, name, value)


def _timed_out(ctx: Context, row: Approval, now: Standing) -> list[ApprovalDecision]:
    """A row for each level that did not decide in time."""
    return [
        ApprovalDecision(approval=row.id, level=level, decision="escalated", decided_at=ctx.at, way="timer")
        for level in now.overdue
    ]


def _answer(ctx: Context, row: Approval, made: Iterable[ApprovalDecision]) -> dict[str, Any]:
    """The request as it is now, with the decisions that are not written yet."""
    known = list(
        ApprovalDecision.select().where(ApprovalDecision.approval == row.id).order_by(ApprovalDecision.id)
    )
    fresh = [one for one in made if one.id not in {old.id for old in known}]
    decisions = [*known, *fresh]
    named = {row.requester_id, *(one.decided_by_id for one in decisions if one.decided_by_id)}
    return queries.view(ctx, row, standing(ctx, row), decisions, queries.names_of(named))


@action("approval:withdraw", command=schemas.Withdraw, permission=queries.USE)
def withdraw(ctx: Context, command: schemas.Withdraw) -> dict[str, Any]:
    """Take back a request of one's own that was not used."""
    row = queries.find_visible(ctx, command.id)
    if row.requester_id != ctx.actor.id:
        raise NOT_FOUND("id", entity="approval", id=command.id)
    now = standing(ctx, row)
    if ctx.transition("approval", now.state, "withdrawn") is not None:
        raise errors.APPROVAL_DECIDED("id", state=now.state)
    ctx.writing.was({"id": row.id, "state": row.state, "level": row.level, "version": row.version})
    _change(ctx, row, {"state": "withdrawn"})
    ctx.emit("approval:withdrawn", "approval", row.id, kind=row.kind, action=row.action)
    return _answer(ctx, row, [])


# -- what the time decides -----------------------------------------------------------------------------------------


@action("approval:sweep", command=schemas.Sweep, permission=MANAGE, entity="approval")
def sweep(ctx: Context, command: schemas.Sweep) -> dict[str, Any]:
    """Write down what the time has decided: what has expired, and which levels have not decided in time.

    Nothing depends on it: what is overdue counts as such before it is swept.
    """
    expired, escalated = [], []
    late = pw.SQL("1 = 0")
    for kind in ctx.kernel.approval_kinds.values():
        late |= overdue(ctx, kind)
    stale = in_state(ctx, "expired") & (Approval.state != "expired")
    rows = list(Approval.select().where(stale | late).order_by(Approval.id).limit(SWEEP_AT_ONCE + 1))
    for row in rows[:SWEEP_AT_ONCE]:
        now = standing(ctx, row)
        if now.state == "expired":
            _change(ctx, row, {"state": "expired"})
            expired.append(row.id)
        else:
            passed = _timed_out(ctx, row, now)
            _change(ctx, row, {"level": now.level, "level_since": now.since})
            for one in passed:
                records.add(ctx, one)
            escalated.append(row.id)
        ctx.emit("approval:expired" if now.state == "expired" else "approval:escalated", "approval", row.id,
                 kind=row.kind, action=row.action, level=row.level, requester_id=row.requester_id)
    return {"expired": expired, "escalated": escalated, "more": len(rows) > SWEEP_AT_ONCE}


# -- deputies ------------------------------------------------------------------------------------------------------


@action("approval_deputy:name", command=schemas.NameDeputy, permission=queries.USE, status=201, key_field="id")
def name_deputy(ctx: Context, command: schemas.NameDeputy) -> dict[str, Any]:
    """Let somebody decide for you from one moment to another, with your permissions."""
    scope.require_user(ctx, command.deputy_id, "deputy_id")
    row = ApprovalDeputy(
        id=command.id, user=ctx.actor.id, deputy=command.deputy_id, begins_at=command.begins_at,
        ends_at=command.ends_at,
    )  # fmt: skip
    records.add(ctx, row)
    ctx.emit("approval_deputy:named", "approval_deputy", row.id, user_id=row.user_id, deputy_id=row.deputy_id)
    return queries.deputy_view(row)


@action("approval_deputy:end", command=schemas.EndDeputy, permission=queries.USE)
def end_deputy(ctx: Context, command: schemas.EndDeputy) -> dict[str, Any]:
    """End a deputy's time before it is over."""
    row = records.get(ApprovalDeputy, command.id, "deputy", ApprovalDeputy.user == ctx.actor.id)
    ctx.writing.was(queries.deputy_view(row))
    if row.ended_at is None:
        records.edit(ctx, row, {"ended_at": ctx.at}, "deputy", row.version)
    ctx.emit("approval_deputy:ended", "approval_deputy", row.id, user_id=row.user_id, deputy_id=row.deputy_id)
    return queries.deputy_view(row)
