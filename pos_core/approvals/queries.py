"""Reads of approvals and deputies, within the actor's store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import peewee as pw

from pos_core import clock
from pos_core.actions import query
from pos_core.approvals import engine, people
from pos_core.approvals.models import Approval, ApprovalDecision, ApprovalDeputy
from pos_core.approvals.standing import Standing, at_level, in_state, standing
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.records import reach
from pos_core.errors import NOT_FOUND
from pos_core.rbac.models import User

USE = ("pos:approvals.use", "store:approvals.use", "hq:approvals.use")
SEE_ALL = ("store:approvals.view", "hq:approvals.view")


def find_visible(ctx: Context, approval_id: str) -> Approval:
    """The request, where the actor may see it; PosError `not_found` otherwise."""
    row = Approval.get_or_none((Approval.id == approval_id) & reach(ctx, Approval.store)[0])
    if row is None or not _visible(ctx, row):
        raise NOT_FOUND("id", entity="approval", id=approval_id)
    return row  # type: ignore[no-any-return]


def _visible(ctx: Context, row: Approval) -> bool:
    if row.requester_id == ctx.actor.id or any(ctx.actor.may(code) for code in SEE_ALL):
        return True
    kind = ctx.kernel.approval_kinds.get(row.kind)
    every_level = {code for held in (kind.levels if kind is not None else ()) for code in held}
    if people.principal(ctx, every_level, row.store_id, ()) is not None:
        return True
    return ctx.actor.id in people.deciders_of(row.id)


def _to_decide(ctx: Context) -> Any:
    """The condition for what the actor may decide now: for each one in whose name, the levels of each kind."""
    decided = ApprovalDecision.select(ApprovalDecision.approval)
    touched = decided.where((ApprovalDecision.decided_by == ctx.actor.id) | (ApprovalDecision.decided_for ==
                                                                             ctx.actor.id))
    found = pw.SQL("1 = 0")
    for name in (ctx.actor.id, *people.delegators(ctx)):
        for kind in ctx.kernel.approval_kinds.values():
            for store_id, levels in _levels_of(ctx, name, kind.levels):
                place = pw.SQL("1 = 1") if store_id == "*" else Approval.store == store_id
                theirs = decided.where((ApprovalDecision.decided_by == name) | (ApprovalDecision.decided_for == name))
                found |= (at_level(ctx, kind, levels) & place & (Approval.requester != name)
                          & Approval.id.not_in(theirs))
    return found & (Approval.requester != ctx.actor.id) & Approval.id.not_in(touched)


def _levels_of(ctx: Context, user_id: str, levels: Sequence[Sequence[str]]) -> Iterator[tuple[str, set[int]]]:
    """(store, levels) that a user decides there; "*" is every place that the actor reaches."""
    if user_id == ctx.actor.id:
        own = {n for n, held in enumerate(levels, 1) if any(ctx.actor.may(code) for code in held)}
        yield from [("*", own)] if own else []
        return
    stores = [ctx.store_id] if ctx.store_id is not None else [s.id for s in ctx.kernel.stores.all(ctx.revision)]
    for store_id in stores:
        held_here = {n for n, held in enumerate(levels, 1) if people.holds(ctx, user_id, held, store_id)}
        if held_here:
            yield str(store_id), held_here


@query("approval:list", permission=(*USE, *SEE_ALL))
def list_approvals(
    ctx: Context, *, mine: bool = False, to_decide: bool = False, state: str | None = None, kind: str | None = None,
    action: str | None = None, limit: int = 50, cursor: Any = None,
) -> Any:  # fmt: skip
    """Requests for approval, newest first: one's own, those to decide, or (who may) all of the store or business."""
    rows = Approval.select().where(*reach(ctx, Approval.store))
    if to_decide:
        rows = rows.where(_to_decide(ctx))
    if mine:
        rows = rows.where(Approval.requester == ctx.actor.id)
    if not (mine or to_decide or any(ctx.actor.may(code) for code in SEE_ALL)):
        rows = rows.where((Approval.requester == ctx.actor.id) | _to_decide(ctx))
    if state is not None:
        rows = rows.where(in_state(ctx, state))
    if kind is not None:
        rows = rows.where(Approval.kind == kind)
    if action is not None:
        rows = rows.where(Approval.action == action)
    found, following = records.page(rows, (Approval.id,), cursor, limit, descending=True)
    return views(ctx, found), following


@query("approval:get", permission=(*USE, *SEE_ALL))
def get_approval(ctx: Context, *, id: str) -> dict[str, Any]:
    """One request with its figures, its decisions and what may be done next."""
    return views(ctx, [find_visible(ctx, id)])[0]


def views(ctx: Context, rows: Sequence[Approval]) -> list[dict[str, Any]]:
    """Requests as the API shows them, as they stand now."""
    decisions: dict[str, list[ApprovalDecision]] = {}
    ids = [row.id for row in rows]
    asked = ApprovalDecision.select().where(ApprovalDecision.approval.in_(ids)).order_by(ApprovalDecision.id)
    for one in asked if ids else ():
        decisions.setdefault(one.approval_id, []).append(one)
    people_named = {row.requester_id for row in rows}
    people_named |= {one.decided_by_id for made in decisions.values() for one in made if one.decided_by_id}
    names = names_of(people_named)
    return [view(ctx, row, standing(ctx, row), decisions.get(row.id, ()), names) for row in rows]


def names_of(ids: Iterable[str]) -> dict[str, str]:
    """What users are called, by id."""
    wanted = list(ids)
    return dict(User.select(User.id, User.full_name).where(User.id.in_(wanted)).tuples()) if wanted else {}


def view(
    ctx: Context, row: Approval, now: Standing, decisions: Iterable[ApprovalDecision], names: dict[str, str]
) -> dict[str, Any]:
    """A request as the API shows it."""
    deciders = engine.deciders(ctx.kernel.approval_kinds.get(row.kind))
    return {
        "id": row.id, "kind": row.kind, "action": row.action, "entity_type": row.entity_type,
        "entity_id": row.entity_id, "store_id": row.store_id, "requester_id": row.requester_id,
        "requester_name": names.get(row.requester_id, ""), "why": row.why, "figures": row.figures,
        "state": now.state, "level": now.level, "levels": row.levels, "deciders": deciders,
        "decisions": [decision_view(one, names) for one in decisions], "next": next_steps(row, now, deciders),
        "expires_at": clock.to_text(row.expires_at), "used_at": row.used_at and clock.to_text(row.used_at),
        "is_at_till": row.is_at_till, "created_at": clock.to_text(row.created_at), "version": row.version,
    }  # fmt: skip


def next_steps(row: Approval, now: Standing, deciders: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What may be done with a request now, and who may."""
    withdraw: dict[str, Any] = {"action": "approval:withdraw", "level": None, "permissions": []}
    if now.state == "approved":
        return [{"action": row.action, "level": None, "permissions": []}, withdraw]
    if now.state != "pending":
        return []
    held: list[str] = next((one["permissions"] for one in deciders if one["level"] == now.level), [])
    verbs = ["approval:approve", "approval:reject", *(["approval:escalate"] if now.level < len(deciders) else [])]
    return [{"action": verb, "level": now.level, "permissions": held} for verb in verbs] + [withdraw]


def decision_view(row: ApprovalDecision, names: dict[str, str]) -> dict[str, Any]:
    """What one level decided."""
    return {
        "level": row.level, "decision": row.decision, "decided_by": row.decided_by_id,
        "decided_by_name": names.get(row.decided_by_id), "decided_for": row.decided_for_id,
        "decided_at": clock.to_text(row.decided_at), "way": row.way, "reason": row.reason, "note": row.note,
    }  # fmt: skip


def deputy_view(row: ApprovalDeputy) -> dict[str, Any]:
    """A deputy as the API shows one."""
    return {
        "id": row.id, "user_id": row.user_id, "deputy_id": row.deputy_id, "begins_at": clock.to_text(row.begins_at),
        "ends_at": clock.to_text(row.ends_at), "ended_at": row.ended_at and clock.to_text(row.ended_at),
        "version": row.version,
    }  # fmt: skip


@query("approval_deputy:list", permission=USE)
def list_deputies(ctx: Context, *, active: bool | None = None, limit: int = 50, cursor: Any = None) -> Any:
    """Who decides for the actor, and for whom the actor decides."""
    me = ctx.actor.id
    rows = ApprovalDeputy.select().where((ApprovalDeputy.user == me) | (ApprovalDeputy.deputy == me))
    holding = (
        ApprovalDeputy.ended_at.is_null() & (ApprovalDeputy.begins_at <= ctx.at) & (ApprovalDeputy.ends_at > ctx.at)
    )
    if active is not None:
        rows = rows.where(holding if active else ~holding)
    found, following = records.page(rows, (ApprovalDeputy.id,), cursor, limit)
    return [deputy_view(row) for row in found], following
