"""Who may decide: by permissions of their own in the store, or as the deputy of somebody who holds them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pos_core.approvals.models import ApprovalDecision, ApprovalDeputy
from pos_core.context import Context
from pos_core.rbac import grants
from pos_core.rbac.models import User


def holds(ctx: Context, user_id: str, permissions: Iterable[str], store_id: str | None) -> bool:
    """Whether an active user holds one of the permissions in the store (or at the headquarters), signed in or not."""
    user = User.get_or_none((User.id == user_id) & User.is_active)
    if user is None:
        return False
    if user.is_super_admin:
        return True
    for code in permissions:
        scope = code.partition(":")[0]
        if scope != "hq" and store_id is None:
            continue
        place = None if scope == "hq" else store_id
        held = grants.of(user_id, scope, place, ctx.revision).permissions
        if code in ctx.kernel.granted(held, place, ctx.revision):
            return True
    return False


def delegators(ctx: Context) -> list[str]:
    """The users that the actor decides for at this moment."""
    rows = ApprovalDeputy.select(ApprovalDeputy.user).where(
        ApprovalDeputy.deputy == ctx.actor.id, ApprovalDeputy.ended_at.is_null(),
        ApprovalDeputy.begins_at <= ctx.at, ApprovalDeputy.ends_at > ctx.at,
    )  # fmt: skip
    return sorted({user for (user,) in rows.tuples()})


def deciders_of(approval_id: str) -> frozenset[str]:
    """Everybody who has decided a level of the request, and for whom."""
    rows = ApprovalDecision.select(ApprovalDecision.decided_by, ApprovalDecision.decided_for).where(
        ApprovalDecision.approval == approval_id
    )
    return frozenset(person for row in rows.tuples() for person in row if person is not None)


def principal(
    ctx: Context, permissions: Collection[str], store_id: str | None, not_these: Collection[str]
) -> str | None:
    """In whose name the actor may decide: the own one, else that of a delegator who may; None: in nobody's.

    not_these: who asked and who decided a level before; none of them decides, nor anybody for them.
    """
    if any(ctx.actor.may(code) for code in permissions):
        return ctx.actor.id
    for user_id in delegators(ctx):
        if user_id not in not_these and holds(ctx, user_id, permissions, store_id):
            return user_id
    return None
