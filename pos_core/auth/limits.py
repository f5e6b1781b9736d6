"""How often somebody may try: counted before a password, PIN or code is looked at, so that guesses sent at once do not
get past the limit.

    fits = limits.checked(ctx, name, "password", lambda: passwords.verify(given, stored))

Two layers hold at the same time: a window (5 failures per name and 20 per address in 15 minutes) and a lockout (5
failures lock the name for 30 minutes). The one that lasts longer speaks, each with a code of its own. Names are
counted as they are typed, whether a user has them or not, so that no answer tells which names exist.

The figures are settings and none of them can be switched off. Where the counts are kept is a `Counters`: the database,
or Redis (`auth.counters`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import peewee as pw

from pos_core.auth.vault import Vault
from pos_core.errors import Kind, define
from pos_core.ids import uuid7
from pos_core.plugins import StartError
from pos_core.rbac.models import User

if TYPE_CHECKING:
    from pos_core.context import Context
    from pos_core.kernel import Kernel

SIGN_IN_LIMITED = define(
    "sign_in_limited", Kind.TOO_MANY,
    en="Too many failed attempts; try again in {minutes} minute(s).",
    es="Demasiados intentos fallidos; vuelva a intentarlo en {minutes} minuto(s).",
    cure="Wait as long as Retry-After says (seconds). The figures are the settings sign_in.*.",
)
ACCOUNT_LOCKED = define(
    "account_locked", Kind.TOO_MANY,
    en="This name is locked after too many failed attempts; try again in {minutes} minute(s).",
    es="Este nombre está bloqueado por demasiados intentos fallidos; vuelva a intentarlo en {minutes} minuto(s).",
    cure="Wait as long as Retry-After says (seconds), or ask an administrator to unlock it; on the machine itself "
    "`pos user unlock NAME` does it.",
)
SIGN_IN_PENDING = define(
    "sign_in_pending", Kind.TOO_MANY,
    en="Other attempts are being checked at this moment.", es="Otros intentos se están comprobando en este momento.",
    cure="Send the request again after a few seconds (Retry-After).",
)
COUNTERS_DOWN = define(
    "sign_in_counters_down", Kind.UNAVAILABLE,
    en="Sign-ins cannot be counted at the moment, so none is taken.",
    es="Los inicios de sesión no pueden contarse ahora, así que no se acepta ninguno.",
    cure="Bring the Redis that auth.counters names up again, or set auth.counters to \"database\" and restart.",
)

AttemptKind = Literal["password", "mfa", "pin", "approval"]
Ending = Literal["succeeded", "failed", "withdrawn"]
#: What is counted together: a PIN is the same four digits whether it signs in or approves.
_COUNTED = {"password": "password", "mfa": "mfa", "pin": "pin", "approval": "pin"}
#: What is locked together: guessing at second factors locks the account, guessing at PINs the PIN.
_LOCKED = {"password": "account", "mfa": "account", "pin": "pin", "approval": "pin"}
#: A try that nobody settled by then died with its process, and counts as failed.
PENDING_S = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """The figures: failures per name and address within the window, failures that lock, and for how long."""

    per_name: int
    per_address: int
    window: timedelta
    lock_after: int
    lock: timedelta

    def room(self, failed: int) -> int:
        """How many tries of a name that failed so often may be under way: no more than what would lock or limit it.

        One whose lockout is over while its failures still count has one try at a time, which locks again if it fails.
        """
        return min(self.per_name - failed, max(1, self.lock_after - failed))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try. `subject` counts its kind and name, `lock` is what a lockout holds on; the address "" has no limit."""

    id: str
    kind: AttemptKind
    name: str
    subject: bytes
    lock: bytes
    address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """What stands against a try. failed_at and address_failed_at: the failures in the window, latest first."""

    failed_at: tuple[datetime, ...]
    pending: int
    address_failed_at: tuple[datetime, ...]
    address_pending: int
    locked_until: datetime | None


class Counters(ABC):
    """Where attempts are counted. Every method is one step that other processes cannot get between."""

    @abstractmethod
    def tally(self, ctx: Context, attempt: Attempt, limits: Limits) -> Tally:
        """What stands against the attempt now; changes nothing."""

    @abstractmethod
    def reserve(self, ctx: Context, attempt: Attempt, limits: Limits) -> None:
        """Count the attempt as pending, unless `judge` refuses it by what is counted at that very moment."""

    @abstractmethod
    def settle(self, ctx: Context, attempt: Attempt, limits: Limits, outcome: Ending) -> bool:
        """Say how the attempt ended; whether that locked the name. One that was withdrawn counts for nothing."""

    @abstractmethod
    def forgive(self, ctx: Context, attempts: tuple[Attempt, ...]) -> None:
        """Forget the failures and lockouts of these subjects; their addresses' counts stay."""

    @abstractmethod
    def locked_until(self, ctx: Context, locks: tuple[bytes, ...]) -> dict[bytes, datetime]:
        """Which of the locks hold now, and until when."""


def limits_of(ctx: Context) -> Limits:
    """The figures that hold for the business."""
    settings = ctx.kernel.settings.for_store(None, ctx.revision)
    return Limits(
        settings["sign_in.attempts_per_name"], settings["sign_in.attempts_per_address"],
        timedelta(minutes=settings["sign_in.window_minutes"]), settings["sign_in.lock_after"],
        timedelta(minutes=settings["sign_in.lock_minutes"]),
    )


def attempt_of(ctx: Context, name: str, kind: AttemptKind) -> Attempt:
    """An attempt of this moment and address; nothing is counted yet."""
    vault, typed = Vault(ctx.kernel.secrets, "attempts"), name.lower()
    return Attempt(
        uuid7(), kind, typed, vault.digest(_COUNTED[kind], typed), vault.digest("lock", _LOCKED[kind], typed), ctx.ip,
        ctx.kernel.clock.now(),
    )


def reserve(ctx: Context, name: str, kind: AttemptKind) -> Attempt:
    """Count a try before it is checked. PosError `account_locked`, `sign_in_limited` or `sign_in_pending`.

    RuntimeError inside an action: what it rolled back would be a try that nobody counted.
    """
    if ctx.uow is not None:
        raise RuntimeError("an attempt is reserved before the action's transaction, in `beforehand`")
    attempt, limits, counters = attempt_of(ctx, name, kind), limits_of(ctx), ctx.kernel.counters
    judge(attempt, counters.tally(ctx, attempt, limits), limits)
    counters.reserve(ctx, attempt, limits)
    return attempt


def settle(ctx: Context, attempt: Attempt, outcome: Ending) -> None:
    """Say how a reserved try ended: a success forgives the name's failures, the failure too many locks the name."""
    limits = limits_of(ctx)
    if not ctx.kernel.counters.settle(ctx, attempt, limits, outcome):
        return
    user = User.get_or_none(pw.fn.lower(User.username) == attempt.name)
    minutes = -(-limits.lock // timedelta(minutes=1))
    ctx.perform("account:lock", {"user_id": user and user.id, "kind": attempt.kind, "minutes": minutes})


def checked(ctx: Context, name: str, kind: AttemptKind, check: Callable[[], bool]) -> bool:
    """Whether what was typed fits, counted. PosError where it may not even be tried; `check` does nothing but compare.

    A check that could not be made (`sign_in_busy`) tells nobody anything and counts for nothing.
    """
    attempt = reserve(ctx, name, kind)
    try:
        fits = check()
    except BaseException:
        settle(ctx, attempt, "withdrawn")
        raise
    settle(ctx, attempt, "succeeded" if fits else "failed")
    return fits


def judge(attempt: Attempt, tally: Tally, limits: Limits) -> None:
    """Raise what stands against an attempt; the refusal that lasts longer speaks."""
    waits = [(tally.locked_until, ACCOUNT_LOCKED)] if tally.locked_until is not None else []
    for failed_at, limit in ((tally.failed_at, limits.per_name), (tally.address_failed_at, limits.per_address)):
        if len(failed_at) >= limit:
            waits.append((failed_at[limit - 1] + limits.window, SIGN_IN_LIMITED))
    waits = [(until, code) for until, code in waits if until > attempt.at]
    if waits:
        until, code = max(waits, key=lambda wait: (wait[0], wait[1].code == "account_locked"))
        seconds = max(1, -int((attempt.at - until) // timedelta(seconds=1)))
        raise code(retry_after=seconds, minutes=-(-seconds // 60))
    if tally.pending >= limits.room(len(tally.failed_at)):
        raise SIGN_IN_PENDING(retry_after=2)
    if len(tally.address_failed_at) + tally.address_pending >= limits.per_address:
        raise SIGN_IN_PENDING(retry_after=2)


def of_account(ctx: Context, name: str) -> tuple[Attempt, ...]:
    """The subjects of everything that is counted for a name, for unlocking it."""
    kinds: tuple[AttemptKind, ...] = ("password", "mfa", "pin")
    return tuple(attempt_of(ctx, name, kind) for kind in kinds)


def counters_for(kernel: Kernel) -> Counters:
    """The counters that the configuration names; StartError where what they need is not installed."""
    from pos_core.auth.counters import DatabaseCounters

    where = kernel.config.auth.counters
    if where == "database":
        return DatabaseCounters()
    try:
        from pos_core.auth.redis_counters import RedisCounters
    except ImportError as error:
        raise StartError("auth.counters names a Redis: pip install 'pos-core[redis]', or set it to database") from error
    return RedisCounters(where, kernel.instance_id)
