"""What the pipeline asks of an action that takes a reason: that there is one where it must be, and one in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pos_core.errors import Kind, Violation, define

if TYPE_CHECKING:
    from pos_core.actions import Action
    from pos_core.context import Context

REASON_REQUIRED = define(
    "reason_required", Kind.RULE,
    en="{action} needs a reason; in use are: {codes}.", es="{action} necesita un motivo; están en uso: {codes}.",
    cure="Send `reason` with a code that GET /reasons?action=... lists.",
)
REASON_UNKNOWN = define(
    "reason_unknown", Kind.RULE,
    en="{reason} is no reason for {action}; in use are: {codes}.",
    es="{reason} no es un motivo para {action}; están en uso: {codes}.",
    cure="Send `reason` with a code that GET /reasons?action=... lists.",
)
REASON_NOTE = define(
    "reason_note_required", Kind.RULE,
    en="The reason {reason} needs a note.", es="El motivo {reason} necesita una nota.",
    cure="Send `reason_note` with it.",
)


def check(ctx: Context, chosen: Action, command: Any, draft: Any) -> Iterator[Violation]:
    """What is wrong with the command's reason, or with having none."""
    given = command.reason
    if given is None:
        wanted = chosen.reason
        if wanted is True or (callable(wanted) and wanted(ctx, command, draft)):
            known = ctx.kernel.reasons.of(chosen.name, ctx.revision)
            yield REASON_REQUIRED.at("reason", action=chosen.name, codes=", ".join(known) or "-")
        return
    known = ctx.kernel.reasons.of(chosen.name, ctx.revision)
    if given not in known:
        yield REASON_UNKNOWN.at("reason", reason=given, action=chosen.name, codes=", ".join(known) or "-")
    elif known[given].needs_note and not (command.reason_note or "").strip():
        yield REASON_NOTE.at("reason_note", reason=given)


def note(ctx: Context, command: Any) -> None:
    """Put the reason into the running action's audit entry."""
    if command.reason is not None:
        said = {"code": command.reason}
        if command.reason_note:
            said["note"] = command.reason_note
        ctx.writing.note(reason=said)
