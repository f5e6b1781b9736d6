"""What the pipeline asks before an action is done: which approvals it needs, and whether the request brings them.

`find` runs in the sealed part of the transaction, beside the before rules; `use` after it: the update's own condition
decides who uses an approval, and a rollback leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pos_core import clock
from pos_core.approvals import errors, people
from pos_core.approvals.models import Approval, ApprovalDecision
from pos_core.approvals.needs import Given, Need, Supervisor
from pos_core.approvals.standing import standing
from pos_core.audit.chain import canonical
from pos_core.db import records
from pos_core.errors import NOT_FOUND, PosError, Violation
from pos_core.idempotency import fingerprint
from pos_core.ids import is_uuid7
from pos_core.manifest import ApprovalKind

if TYPE_CHECKING:
    from pos_core.actions import Action
    from pos_core.context import Context

_NONE = Given()


@dataclass(frozen=True, slots=True)
class Claim:
    """A need that is met: by a request that was approved, or (None) by the supervisor at the till."""

    need: Need
    kind: ApprovalKind
    row: Approval | None
    supervisor: Supervisor | None = None


def prove(ctx: Context, chosen: Action, command: Any) -> None:
    """Prove the supervisor's PIN, before the transaction opens: it costs time, and an attempt counts either way.

    What has happened already cannot be refused for a PIN: such a command goes on without the supervisor, and its
    need is recorded as unmet.
    """
    given = ctx.approvals
    if given is None or given.pin is None:
        return
    from pos_core.auth.pins import prove_pin  # its module reads users, whose module is an action's

    try:
        if ctx.device_id is None:
            raise errors.APPROVAL_PIN_ELSEWHERE("approval.pin")
        user = prove_pin(ctx, given.username, given.pin.get_secret_value())
    except PosError:
        if chosen.tolerates is None or not chosen.tolerates(command):
            raise
        given.supervisor = None
        return
    given.supervisor = Supervisor(user.id, user.username)


def needs_of(ctx: Context, chosen: Action, command: Any, draft: Any) -> tuple[Need, ...]:
    """What the action's own function and the business rules say it needs; several are of different kinds."""
    assert chosen.approval is not None
    asked = chosen.approval(ctx, command, draft)
    own = () if asked is None else (asked,) if isinstance(asked, Need) else tuple(asked)
    needs = (*own, *ctx.kernel.business_rules.needs(ctx, chosen, command, draft))
    if not needs:
        return ()
    kinds = [need.kind for need in needs]
    if len(set(kinds)) != len(kinds) or not ctx.kernel.approval_kinds.keys() >= set(kinds):
        raise TypeError(f"{chosen.name} asks for the approvals {kinds}: each is of another kind that is declared")
    return needs


def find(ctx: Context, chosen: Action, command: Any, draft: Any) -> tuple[list[Violation], list[Claim]]:
    """(what is missing, what meets the needs); both empty where nothing needs an approval."""
    needs = needs_of(ctx, chosen, command, draft)
    if not needs:
        return [], []
    given = ctx.approvals or _NONE
    missing: list[Violation] = []
    rows = _given_rows(ctx, given, missing)
    claims = []
    for need in needs:
        claim = _meet(ctx, chosen, command, need, given, rows)
        if isinstance(claim, Claim):
            claims.append(claim)
        else:
            missing.append(claim)
    return missing, claims


def _given_rows(ctx: Context, given: Given, missing: list[Violation]) -> list[Approval]:
    if not given.ids:
        return []
    found = {row.id: row for row in Approval.select().where(
        Approval.id.in_(list(given.ids)), *records.reach(ctx, Approval.store))}
    for position, approval_id in enumerate(given.ids):
        if approval_id not in found:
            missing.append(NOT_FOUND.at(f"approval.ids.{position}", entity="approval", id=approval_id))
    return list(found.values())


def _meet(
    ctx: Context, chosen: Action, command: Any, need: Need, given: Given, rows: Iterable[Approval]
) -> Claim | Violation:
    kind = ctx.kernel.approval_kinds[need.kind]
    asked = described(chosen, command, need, kind)
    unfit = None
    for row in rows:
        if row.kind == need.kind:
            unfit = _unfit(ctx, chosen, command, need, kind, row)
            if unfit is None:
                return Claim(need, kind, row)
    if given.supervisor is not None:
        found = _unfit_supervisor(ctx, given.supervisor, need, kind)
        return Claim(need, kind, None, given.supervisor) if found is None else found
    return unfit or errors.APPROVAL_REQUIRED.at(need.why.path, why=need.why, approval=asked)


def levels_of(need: Need, kind: ApprovalKind) -> int:
    """How many levels have to agree."""
    return need.levels or len(kind.levels)


def entity_id_of(chosen: Action, command: Any) -> str | None:
    """The thing that the command is about: its client-made id, or the `id` that it names."""
    found = getattr(command, chosen.key_field or "id", None)
    return found if isinstance(found, str) and is_uuid7(found) else None


def described(chosen: Action, command: Any, need: Need, kind: ApprovalKind) -> dict[str, Any]:
    """What to ask for, as it stands in an answer."""
    return {
        "kind": kind.code, "action": chosen.name, "entity_type": chosen.entity,
        "entity_id": entity_id_of(chosen, command), "figures": dict(need.figures), "levels": levels_of(need, kind),
        "deciders": deciders(kind),
    }  # fmt: skip


def deciders(kind: ApprovalKind | None) -> list[dict[str, Any]]:
    """Which permissions decide each level."""
    levels = () if kind is None else kind.levels
    return [{"level": level, "permissions": list(held)} for level, held in enumerate(levels, 1)]


def _unfit(
    ctx: Context, chosen: Action, command: Any, need: Need, kind: ApprovalKind, row: Approval
) -> Violation | None:
    """Why an approval does not meet the need; None where it does."""
    path = need.why.path
    differs = ", ".join(_differences(ctx, chosen, command, need, kind, row))
    if differs:
        return errors.APPROVAL_MISMATCH.at(
            path, differs=differs, why=need.why, approval=described(chosen, command, need, kind)
        )
    now = standing(ctx, row)
    if now.state == "pending":
        return errors.APPROVAL_PENDING.at(path, level=now.level)
    return None if now.state == "approved" else errors.APPROVAL_UNUSABLE.at(path, state=now.state)


def _differences(
    ctx: Context, chosen: Action, command: Any, need: Need, kind: ApprovalKind, row: Approval
) -> Iterator[str]:
    if row.action != chosen.name:
        yield "action"
    if row.requester_id != ctx.actor.id:
        yield "requester"
    if row.store_id != ctx.store_id:
        yield "store"
    if row.entity_id != entity_id_of(chosen, command):
        yield chosen.entity
    if canonical(row.figures) != canonical(dict(need.figures)):
        yield "figures"
    if row.levels < levels_of(need, kind):
        yield "levels"
    if kind.exact and row.fingerprint != fingerprint(command):
        yield "request"


def _unfit_supervisor(ctx: Context, supervisor: Supervisor, need: Need, kind: ApprovalKind) -> Violation | None:
    if supervisor.id == ctx.actor.id:
        return errors.APPROVAL_OWN.at("approval.username")
    if levels_of(need, kind) > 1:
        return errors.APPROVAL_LEVELS.at(need.why.path, levels=levels_of(need, kind), why=need.why)
    if people.holds(ctx, supervisor.id, kind.levels[0], ctx.store_id):
        return None
    return errors.APPROVAL_NOT_YOURS.at(
        "approval.username", name=supervisor.name, level=1, permission=" or ".join(kind.levels[0])
    )


# -- using ---------------------------------------------------------------------------------------------------------


def use(ctx: Context, chosen: Action, command: Any, claims: Iterable[Claim]) -> list[Violation]:
    """Use the approvals with this transaction, and name them in its audit entry; what somebody else has used first
    is returned as violations."""
    lost, used = [], []
    for claim in claims:
        if claim.row is None:
            used.append(_decided_here(ctx, chosen, command, claim))
        elif _take(ctx, claim.row):
            used.append(_noted(claim.row))
        else:
            lost.append(errors.APPROVAL_UNUSABLE.at(claim.need.why.path, state="used"))
    if used:
        ctx.writing.note(approvals=used)
    return lost


def _take(ctx: Context, row: Approval) -> bool:
    values = {"state": "used", "used_at": ctx.at, "updated_at": ctx.at, "version": row.version + 1}
    usable = (Approval.id == row.id, Approval.state == "approved", Approval.expires_at > ctx.at)
    return bool(Approval.update(values).where(*usable).execute() == 1)


def _noted(row: Approval) -> dict[str, Any]:
    decisions = ApprovalDecision.select().where(ApprovalDecision.approval == row.id).order_by(ApprovalDecision.id)
    return {"id": row.id, "kind": row.kind, "decisions": [_decision(one) for one in decisions]}


def _decision(row: ApprovalDecision) -> dict[str, Any]:
    made: dict[str, Any] = {
        "level": row.level, "decision": row.decision, "by": row.decided_by_id, "way": row.way,
        "at": clock.to_text(row.decided_at),
    }  # fmt: skip
    if row.decided_for_id is not None:
        made["for"] = row.decided_for_id
    return made


def _decided_here(ctx: Context, chosen: Action, command: Any, claim: Claim) -> Mapping[str, Any]:
    """Ask, decide and use in one: rows of their own, so that lists and reports know it like every other approval."""
    assert claim.supervisor is not None
    row = Approval(
        kind=claim.kind.code, action=chosen.name, entity_type=chosen.entity, entity_id=entity_id_of(chosen, command),
        store=ctx.store_id, requester=ctx.actor.id, figures=dict(claim.need.figures),
        fingerprint=fingerprint(command) if claim.kind.exact else None, levels=1, level_since=ctx.at, state="used",
        expires_at=ctx.at, used_at=ctx.at, is_at_till=True,
    )  # fmt: skip
    decision = ApprovalDecision(
        approval=row.id, level=1, decision="approved", decided_by=claim.supervisor.id, decided_at=ctx.at, way="till"
    )
    records.add(ctx, row)
    records.add(ctx, decision)
    return {"id": row.id, "kind": row.kind, "decisions": [_decision(decision)]}
