"""How a request stands at a moment: what has expired or moved up by time alone, whether or not it was written yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import peewee as pw

from pos_core.approvals.models import Approval
from pos_core.context import Context
from pos_core.manifest import ApprovalKind

OPEN = ("pending", "approved")


@dataclass(frozen=True, slots=True)
class Standing:
    """state and level (and since when) as they hold now; `overdue`: the levels that the time has passed over since the
    last write."""

    state: str
    level: int
    since: datetime
    overdue: tuple[int, ...] = ()


def standing(ctx: Context, row: Any, at: datetime | None = None) -> Standing:
    """How a request stands at the moment of the request (or at `at`)."""
    now = at or ctx.at
    if row.state in OPEN and row.expires_at <= now:
        return Standing("expired", row.level, row.level_since)
    kind = ctx.kernel.approval_kinds.get(row.kind)
    if row.state != "pending" or kind is None:
        return Standing(row.state, row.level, row.level_since)
    wait = patience(ctx, kind)
    waited: timedelta = now - row.level_since
    passed = waited // wait if wait else 0
    level: int = max(row.level, min(len(kind.levels), row.level + passed))
    return Standing("pending", level, row.level_since + (level - row.level) * wait, tuple(range(row.level, level)))


def patience(ctx: Context, kind: ApprovalKind) -> timedelta:
    """How long a level has to decide before the next one does; zero: for ever."""
    return timedelta(minutes=_setting(ctx, kind, "escalates_minutes"))


def life(ctx: Context, kind: ApprovalKind) -> timedelta:
    """How long a request lives, decided or not."""
    return timedelta(minutes=_setting(ctx, kind, "expires_minutes"))


def _setting(ctx: Context, kind: ApprovalKind, name: str) -> int:
    # the settings hold for the whole business, so that a list over several stores has one answer
    settings = ctx.kernel.settings.for_store(None, ctx.revision)
    return int(settings.get(f"approvals.{kind.code}_{name}", getattr(kind, name)))


def in_state(ctx: Context, state: str) -> Any:
    """The condition for rows that stand in a state now."""
    if state in OPEN:
        return (Approval.state == state) & (Approval.expires_at > ctx.at)
    if state == "expired":
        return (Approval.state == state) | ((Approval.state.in_(OPEN)) & (Approval.expires_at <= ctx.at))
    return Approval.state == state


def at_level(ctx: Context, kind: ApprovalKind, levels: Collection[int]) -> Any:
    """The condition for rows of a kind that wait for one of these levels now, overdue ones included."""
    found = list(_at_level(ctx, kind, levels))
    place = found[0] if found else pw.SQL("1 = 0")
    for condition in found[1:]:
        place |= condition
    return in_state(ctx, "pending") & (Approval.kind == kind.code) & place


def _at_level(ctx: Context, kind: ApprovalKind, levels: Collection[int]) -> Iterator[Any]:
    wait, top = patience(ctx, kind), len(kind.levels)
    for stored in range(1, top + 1):
        for now in range(stored, top + 1):
            if now not in levels or (now > stored and not wait):
                continue
            condition = Approval.level == stored
            if wait and now < top:
                condition &= Approval.level_since > ctx.at - (now - stored + 1) * wait
            if now > stored:
                condition &= Approval.level_since <= ctx.at - (now - stored) * wait
            yield condition


def overdue(ctx: Context, kind: ApprovalKind) -> Any:
    """The condition for rows of a kind whose level has not decided in time and that somebody stands above."""
    wait = patience(ctx, kind)
    if not wait:
        return pw.SQL("1 = 0")
    late = (Approval.level < len(kind.levels)) & (Approval.level_since <= ctx.at - wait)
    return in_state(ctx, "pending") & (Approval.kind == kind.code) & late
