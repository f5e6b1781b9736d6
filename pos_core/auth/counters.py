"""Attempts in the database: right with several worker processes and after a restart, each change an audited action."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pos_core.auth.credentials_models import Attempt as Row
from pos_core.auth.credentials_models import Lockout
from pos_core.auth.limits import PENDING_S, Attempt, Counters, Ending, Limits, Tally

if TYPE_CHECKING:
    from pos_core.context import Context

_UNCOUNTED = ("succeeded", "withdrawn")


class DatabaseCounters(Counters):
    """Reads at once; changes through the actions `attempt:reserve` and `attempt:settle`."""

    def tally(self, ctx: Context, attempt: Attempt, limits: Limits) -> Tally:
        return read_tally(attempt, limits)

    def reserve(self, ctx: Context, attempt: Attempt, limits: Limits) -> None:
        ctx.perform("attempt:reserve", attempt_command(attempt))

    def settle(self, ctx: Context, attempt: Attempt, limits: Limits, outcome: Ending) -> bool:
        return bool(ctx.perform("attempt:settle", {**attempt_command(attempt), "outcome": outcome}).data["locked"])

    def forgive(self, ctx: Context, attempts: tuple[Attempt, ...]) -> None:
        forgive([attempt.subject for attempt in attempts])
        Lockout.delete().where(Lockout.subject.in_([attempt.lock for attempt in attempts])).execute()

    def locked_until(self, ctx: Context, locks: tuple[bytes, ...]) -> dict[bytes, datetime]:
        found = Lockout.select(Lockout.subject, Lockout.until_at).where(
            Lockout.subject.in_(locks), Lockout.until_at > ctx.kernel.clock.now()
        )
        return dict(found.tuples())


def attempt_command(attempt: Attempt) -> dict[str, object]:
    """An attempt as the command of the actions that count it; never the name."""
    return {
        "id": attempt.id, "kind": attempt.kind, "subject": attempt.subject.hex(), "lock": attempt.lock.hex(),
        "address": attempt.address,
    }  # fmt: skip


def read_tally(attempt: Attempt, limits: Limits) -> Tally:
    """What the database holds against an attempt."""
    rows = list(
        Row.select(Row.attempted_at, Row.outcome, Row.subject, Row.address).where(
            Row.attempted_at > attempt.at - limits.window, Row.outcome.not_in(_UNCOUNTED),
            (Row.subject == attempt.subject) | ((Row.address == attempt.address) & (Row.address != "")),
        ).order_by(Row.attempted_at.desc()).tuples()
    )  # fmt: skip
    died = attempt.at - timedelta(seconds=PENDING_S)

    def split(mine: list[tuple[datetime, str]]) -> tuple[tuple[datetime, ...], int]:
        failed = tuple(at for at, outcome in mine if outcome != "pending" or at <= died)
        return failed, len(mine) - len(failed)

    own = split([(at, how) for at, how, subject, _ in rows if subject == attempt.subject and how != "forgiven"])
    near = split([(at, how) for at, how, _, address in rows if attempt.address and address == attempt.address])
    lock = Lockout.get_or_none(Lockout.subject == attempt.lock)
    return Tally(*own, *near, lock.until_at if lock is not None else None)


def forgive(subjects: list[bytes]) -> None:
    """The failures of these subjects count no longer against their names (inside an action)."""
    Row.update(outcome="forgiven").where(Row.subject.in_(subjects), Row.outcome == "failed").execute()
