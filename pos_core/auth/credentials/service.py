"""Counting attempts, locking and unlocking names, and PINs.

The actions `attempt:*` and `account:lock` have no door: the product performs them while somebody signs in.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from pos_core.actions import action
from pos_core.auth import limits, opening, pins, revocation
from pos_core.auth.counters import forgive, read_tally
from pos_core.auth.credentials import schemas
from pos_core.auth.credentials_models import Attempt, Lockout, Pin
from pos_core.auth.mfa import factors
from pos_core.auth.models import Session
from pos_core.auth.opening import Proven
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import NOT_FOUND
from pos_core.ids import uuid7
from pos_core.rbac import escalation
from pos_core.stores.devices import check_fingerprint

#: The class of PostgreSQL's advisory locks that attempts take; the number beside it is the subject's.
_LOCKS = 712_002
#: One attempt in this many clears away what is too old to count.
_PURGE_EVERY = 64
KEPT = timedelta(days=2)


def _alone(ctx: Context, *subjects: bytes) -> None:
    """Let nobody else count for these subjects until the commit; SQLite has one writer at a time anyway."""
    if ctx.kernel.db.dialect != "postgresql":
        return
    for number in sorted({int.from_bytes(subject[:4], "big", signed=True) for subject in subjects}):
        ctx.kernel.db.execute_sql("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCKS, number))


def _attempt(ctx: Context, command: schemas.ReserveAttempt) -> limits.Attempt:
    return limits.Attempt(
        command.id, command.kind, "", bytes.fromhex(command.subject), bytes.fromhex(command.lock), command.address,
        ctx.kernel.clock.now(),
    )


@action("attempt:reserve", command=schemas.ReserveAttempt, public=True)
def reserve(ctx: Context, command: schemas.ReserveAttempt) -> dict[str, Any]:
    """Count a try before what was typed is compared with anything."""
    address = [hashlib.sha256(command.address.encode()).digest()] if command.address else []
    _alone(ctx, bytes.fromhex(command.subject), *address)
    attempt, figures = _attempt(ctx, command), limits.limits_of(ctx)
    limits.judge(attempt, read_tally(attempt, figures), figures)
    ctx.writing.insert(Attempt, {
        "id": command.id, "subject": attempt.subject, "address": command.address, "kind": command.kind,
        "outcome": "pending", "attempted_at": attempt.at,
    })  # fmt: skip
    if int(command.id[-4:], 16) % _PURGE_EVERY == 0:
        ctx.perform("attempt:purge", schemas.PurgeAttempts())
    return {"id": command.id, "kind": command.kind}


@action("attempt:settle", command=schemas.SettleAttempt, public=True)
def settle(ctx: Context, command: schemas.SettleAttempt) -> dict[str, Any]:
    """Say how a try ended: a success forgives the failures before it, the failure too many locks the name."""
    attempt, figures = _attempt(ctx, command), limits.limits_of(ctx)
    _alone(ctx, attempt.subject)
    Attempt.update(outcome=command.outcome).where(Attempt.id == command.id, Attempt.outcome == "pending").execute()
    locked = False
    if command.outcome == "succeeded":
        forgive([attempt.subject])
    elif command.outcome == "failed":
        tally = read_tally(attempt, figures)
        already = tally.locked_until is not None and tally.locked_until > attempt.at
        locked = len(tally.failed_at) >= figures.lock_after and not already
    if locked:
        Lockout.delete().where(Lockout.subject == attempt.lock).execute()
        ctx.writing.insert(Lockout, {
            "subject": attempt.lock, "locked_at": attempt.at, "until_at": attempt.at + figures.lock
        })
    return {"id": command.id, "outcome": command.outcome, "locked": locked}


@action("attempt:purge", command=schemas.PurgeAttempts, public=True)
def purge(ctx: Context, command: schemas.PurgeAttempts) -> dict[str, Any]:
    """Clear away attempts and lockouts that count no longer."""
    old = ctx.kernel.clock.now() - KEPT
    attempts = Attempt.delete().where(Attempt.attempted_at < old).execute()
    lockouts = Lockout.delete().where(Lockout.until_at < old).execute()
    return {"id": None, "attempts": attempts, "lockouts": lockouts}


@action("account:lock", command=schemas.LockAccount, public=True, entity="user", security="account_locked")
def lock(ctx: Context, command: schemas.LockAccount) -> dict[str, Any]:
    """Record that a name was locked after too many failures."""
    return {"id": command.user_id, "kind": command.kind, "minutes": command.minutes}


def _locked(ctx: Context, command: schemas.UnlockAccount) -> list[str]:
    """The ways in that are locked now; asked before the transaction, because the counts may be elsewhere."""
    attempts = limits.of_account(ctx, pins.reachable(ctx, command.id).username)
    held = ctx.kernel.counters.locked_until(ctx, tuple(attempt.lock for attempt in attempts))
    return pins.ways(attempts, held)


@action("account:unlock", command=schemas.UnlockAccount, permission=("hq:credentials.manage",
        "store:credentials.manage"), beforehand=_locked, entity="user", security="account_unlocked")
def unlock(ctx: Context, command: schemas.UnlockAccount, beforehand: list[str]) -> dict[str, Any]:
    """Let a user try again at once: forgets the failures and the lockout."""
    user = pins.reachable(ctx, command.id)
    ctx.kernel.counters.forgive(ctx, limits.of_account(ctx, user.username))
    return {"id": user.id, "unlocked": beforehand}


def _own(ctx: Context, command: schemas.SetPin) -> str:
    """Prove the password and hash the PIN, before the transaction."""
    user = pins.prove_self(ctx, command.password.get_secret_value())
    return pins.hashed(ctx, user.id, command.pin.get_secret_value())


@action("pin:set", command=schemas.SetPin, public=True, beforehand=_own, security="pin_set")
def set_own(ctx: Context, command: schemas.SetPin, beforehand: str) -> dict[str, Any]:
    """Set or change one's own PIN, with one's password; one's other sessions end."""
    done = _store(ctx, ctx.actor.id, beforehand, must_change=False)
    return {**done, "sessions_ended": revocation.end_others(ctx, "PIN changed")}


def _for_other(ctx: Context, command: schemas.AssignPin) -> tuple[str, str | None]:
    escalation.require_others_proofs(ctx, command.id)
    user = pins.reachable(ctx, command.id)
    given = command.pin.get_secret_value() if command.pin is not None else None
    pin = given or pins.generate(ctx)
    return pins.hashed(ctx, user.id, pin), None if given else pin


@action("pin:assign", command=schemas.AssignPin, permission=("hq:credentials.manage", "store:credentials.manage"),
        beforehand=_for_other, secrets=("pin",), security="pin_set")
def assign(ctx: Context, command: schemas.AssignPin, beforehand: tuple[str, str | None]) -> dict[str, Any]:
    """Give a user a PIN; the first sign-in with it has to bring a new one."""
    user = pins.reachable(ctx, command.id)
    hashed, generated = beforehand
    ended = _end_by_pin(ctx, user.id)
    return {**_store(ctx, user.id, hashed, must_change=True), "pin": generated, "sessions_ended": ended}


def _end_by_pin(ctx: Context, user_id: str) -> int:
    """End what the PIN that is taken away has opened; how many sessions that were."""
    return revocation.end_where(ctx, "PIN taken away", Session.user == user_id, Session.method == "pin")


def _store(ctx: Context, user_id: str, hashed: str, *, must_change: bool) -> dict[str, Any]:
    mark = pins.vault(ctx).mark
    row = Pin.get_or_none(Pin.user == user_id)
    if row is None:
        records.add(ctx, Pin(id=uuid7(), user=user_id, pin_hash=hashed, key_mark=mark, must_change=must_change))
    else:
        records.edit(ctx, row, {"pin_hash": hashed, "key_mark": mark, "must_change": must_change}, "pin", row.version)
    return {"id": user_id, "must_change": must_change}


@action("pin:remove", command=schemas.RemovePin, permission=("hq:credentials.manage", "store:credentials.manage"),
        security="pin_set")
def remove(ctx: Context, command: schemas.RemovePin) -> dict[str, Any]:
    """Take a user's PIN away: it signs in nowhere any more."""
    user = pins.reachable(ctx, command.id)
    if not Pin.delete().where(Pin.user == user.id).execute():
        raise NOT_FOUND("id", entity="pin", id=command.id)
    return {"id": user.id, "sessions_ended": _end_by_pin(ctx, user.id)}


@action("pin:list_users", command=schemas.PinUsers, public=True, entity="device")
def list_users(ctx: Context, command: schemas.PinUsers) -> dict[str, Any]:
    """Who may sign in by PIN at the enrolled device that asks: names only, for its buttons."""
    device = pins.proven_device(command.device)
    check_fingerprint(ctx, device, command.device.fingerprint)
    rows = pins.users_at(device.store_id)
    return {"id": device.id, "users": [{"username": row.username, "full_name": row.full_name} for row in rows]}


def _prove_pin(ctx: Context, command: schemas.SignInByPin) -> tuple[Proven, str | None]:
    """Check the device and the PIN, outside any transaction."""
    device = pins.proven_device(command.device)
    check_fingerprint(ctx, device, command.device.fingerprint)
    given = command.new_pin.get_secret_value() if command.new_pin is not None else None
    user, new_hash = pins.prove_sign_in(ctx, command.username, command.pin.get_secret_value(), given)
    check_fingerprint(ctx, device, command.device.fingerprint)
    factor = factors.ask(ctx, user, "pos", device.store_id, command.mfa, at_own_wish=False)
    return Proven(
        user, device.store_id, device.id, device.register_id, None, method="pin", mfa_verified=factor.verified,
        biometric_verified=factor.biometric, restriction=factor.restriction,
    ), new_hash


@action("session:open_pin", command=schemas.SignInByPin, public=True, beforehand=_prove_pin, status=201,
        entity="session", secrets=("access_token", "refresh_token"), security="sign_in")
def open_by_pin(
    ctx: Context, command: schemas.SignInByPin, beforehand: tuple[Proven, str | None]
) -> dict[str, Any]:
    """Sign in by PIN at an enrolled device, for the till alone."""
    proven, new_hash = beforehand
    answer = opening.begin(ctx, command, proven)
    if new_hash is not None:
        _store(ctx, proven.user.id, new_hash, must_change=False)
    return answer
