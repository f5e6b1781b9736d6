"""Sweeping, deciding on findings, and recording what was only counted."""

from __future__ import annotations

from typing import Any

from pos_core.actions import action
from pos_core.context import Context
from pos_core.db import records
from pos_core.db.records import reach
from pos_core.errors import refused
from pos_core.security import queries, schemas, sweeping
from pos_core.security.errors import OWN_FINDING
from pos_core.security.models import SecurityFinding
from pos_core.security.recording import note

MANAGE = ("hq:security.manage", "store:security.manage")


@action("security:detect", command=schemas.Detect, permission="hq:security.manage", beforehand=sweeping.read,
        entity="security")
def detect(ctx: Context, command: schemas.Detect, beforehand: sweeping.Reading) -> dict[str, Any]:
    """Let the detectors count what happened since they last looked."""
    own = sweeping.take(ctx, beforehand)
    made = sweeping.count(ctx, own)
    return {
        "entries": sum(stretch.until - stretch.since for stretch in own),
        "findings": [finding.id for finding in made], "more": beforehand.more,
    }  # fmt: skip


@action("finding:acknowledge", command=schemas.Decide, permission=MANAGE)
def acknowledge_finding(ctx: Context, command: schemas.Decide) -> dict[str, Any]:
    """Take note of a finding, and say what is being done about it."""
    return _decide(ctx, command, "acknowledged")


@action("finding:dismiss", command=schemas.Decide, permission=MANAGE)
def dismiss_finding(ctx: Context, command: schemas.Decide) -> dict[str, Any]:
    """Say why a finding means nothing."""
    return _decide(ctx, command, "dismissed")


def _decide(ctx: Context, command: schemas.Decide, state: str) -> dict[str, Any]:
    row = records.get(SecurityFinding, command.id, "finding", *reach(ctx, SecurityFinding.store_id))
    if row.actor_id is not None and row.actor_id == ctx.actor.id:
        raise OWN_FINDING()
    if (wrong := ctx.transition("finding", row.state, state)) is not None:
        raise refused([wrong])
    ctx.writing.was(queries.finding_view(ctx, row))
    changes = {"state": state, "decided_by": ctx.actor.id or None, "decided_at": ctx.at, "note": command.note}
    records.edit(ctx, row, changes, "finding", command.version)
    return queries.finding_view(ctx, row)


@action("security:gather", command=schemas.Gather, permission="hq:security.manage", entity="security")
def gather(ctx: Context, command: schemas.Gather) -> dict[str, Any]:
    """Record how many attempts of one origin were counted instead of recorded."""
    details = {"origin": command.origin, "recorded": command.recorded, "began_at": command.began_at,
               "last_at": command.last_at}  # fmt: skip
    note(ctx, "attempts_gathered", result="counted", count=command.count, details=details)
    return {"count": command.count, **details}
