"""Who may decide a request, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from pos_core.approvals import errors, schemas
from pos_core.context import Context
from pos_core.errors import Violation
from pos_core.rules import before

if TYPE_CHECKING:
    from pos_core.approvals.service import Decision

DEPUTY_DAYS = 366


@before("approval:approve")
@before("approval:reject")
@before("approval:escalate")
def check_decision(ctx: Context, command: schemas.Decide, draft: Decision) -> Iterator[Violation]:
    """A waiting request is decided at its level, by somebody who may, who did not ask for it and decided no level."""
    if draft.now.state != "pending":
        yield errors.APPROVAL_DECIDED.at("id", state=draft.now.state)
        return
    if command.level not in (None, draft.now.level):
        yield errors.APPROVAL_MOVED.at("level", level=draft.now.level)
    elif ctx.actor.id == draft.row.requester_id:
        yield errors.APPROVAL_OWN.at("id")
    elif ctx.actor.id in draft.deciders:
        yield errors.APPROVAL_TWICE.at("id")
    elif draft.principal is None or draft.principal == draft.row.requester_id or draft.principal in draft.deciders:
        yield errors.APPROVAL_NOT_YOURS.at(
            "id", name=ctx.actor.name, level=draft.now.level, permission=" or ".join(draft.permissions) or "(none)"
        )


@before("approval:escalate")
def check_somebody_above(draft: Decision) -> Violation | None:
    """The highest level has nobody to hand it to."""
    if draft.now.state != "pending" or draft.now.level < draft.top:
        return None
    return errors.APPROVAL_TOP.at("id", level=draft.now.level)


@before("approval_deputy:name")
def check_deputy(ctx: Context, command: schemas.NameDeputy) -> Iterator[Violation]:
    """Somebody else, from one moment to a later one that is not past."""
    if command.deputy_id == ctx.actor.id:
        yield errors.DEPUTY_SELF.at("deputy_id")
    longest = timedelta(days=DEPUTY_DAYS)
    if not max(command.begins_at, ctx.at) < command.ends_at <= command.begins_at + longest:
        yield errors.DEPUTY_PERIOD.at("ends_at", days=DEPUTY_DAYS)
