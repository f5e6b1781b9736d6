"""Setting up, using and removing second factors."""

from __future__ import annotations

from typing import Any

from pos_core.actions import action
from pos_core.auth import pins, revocation
from pos_core.auth.credentials_models import Factor, RecoveryCode
from pos_core.auth.mfa import factors, recovery, schemas
from pos_core.auth.mfa.errors import ALREADY_ENROLLED, CODE_WRONG, MFA_WRONG, NOT_ENROLLED, SESSION_WEAK
from pos_core.auth.models import Session
from pos_core.auth.tokens import TOKEN_MISSING
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import NOT_FOUND
from pos_core.ids import uuid7
from pos_core.rbac import escalation
from pos_core.rbac.models import User


@action("mfa:use", command=schemas.UseProof, public=True)
def use(ctx: Context, command: schemas.UseProof) -> dict[str, Any]:
    """Use a proof up: the same one, sent twice at once, wins once."""
    code = command.code.get_secret_value()
    done = {"id": command.user_id, "method": command.method}
    if command.method == recovery.METHOD:
        if not recovery.spend(ctx, command.user_id, code):
            raise MFA_WRONG("mfa.code")
        return done
    provider = factors.providers(ctx).get(command.method)
    row = _factor(command.user_id, command.method)
    if provider is None or row is None or row.confirmed_at is None:
        raise MFA_WRONG("mfa.method")
    if not _prove(ctx, row, provider, code, {}):
        raise MFA_WRONG("mfa.code")
    return done


def _factor(user_id: str, method: str) -> Factor | None:
    found = Factor.get_or_none((Factor.user == user_id) & (Factor.method == method))
    return found  # type: ignore[no-any-return]


def _prove(ctx: Context, row: Factor, provider: Any, code: str, changes: dict[str, Any]) -> bool:
    """Let the provider judge, and write its state back under the version that was read."""
    user = User.get_by_id(row.user_id)
    now = ctx.kernel.clock.now()
    state = provider.verify(factors.person_of(ctx, user), factors.opened(ctx, row), code, now)
    if state is None:
        return False
    kept = {"sealed": factors.sealed(ctx, user.id, row.method, state), "used_at": now, "updated_at": now, **changes}
    return bool(
        Factor.update({**kept, "version": row.version + 1})
        .where(Factor.id == row.id, Factor.version == row.version).execute()
    )  # fmt: skip


def _forget_thumb(ctx: Context, user_id: str, removed: list[str]) -> None:
    """The user record says that a biometric factor is there only while it is; so does one whose pack is gone."""
    known = factors.providers(ctx)
    if any(method not in known or known[method].biometric for method in removed):
        User.update(is_biometric_enabled=False, biometric_device_id=None).where(User.id == user_id).execute()


def _self(ctx: Context, command: Any) -> User:
    """Prove that it is oneself, before the transaction: by the password, in a sign-in that had the second factor.

    A till's PIN may open a session without it; such a session does not touch what it did not have to show.
    """
    factors.require_enabled(ctx)
    user = pins.prove_self(ctx, command.password.get_secret_value())
    if factors.has_any(user.id) and not Session.get_by_id(ctx.session_id).mfa_verified:
        raise SESSION_WEAK()
    return user


@action("mfa:begin", command=schemas.BeginFactor, public=True, beforehand=_self, secrets=("shown",), status=201)
def begin(ctx: Context, command: schemas.BeginFactor, beforehand: User) -> dict[str, Any]:
    """Begin to set up a second factor; it counts once a first proof has confirmed it."""
    provider = factors.provider_of(ctx, command.method)
    row = _factor(beforehand.id, command.method)
    if row is not None and row.confirmed_at is not None:
        raise ALREADY_ENROLLED("method", method=command.method)
    begun = provider.begin(factors.person_of(ctx, beforehand), command.data, ctx.kernel.clock.now())
    kept = factors.sealed(ctx, beforehand.id, command.method, begun.state)
    if row is None:
        row = Factor(id=uuid7(), user=beforehand.id, method=command.method, sealed=kept)
        records.add(ctx, row)
    else:
        records.edit(ctx, row, {"sealed": kept}, "factor", row.version)
    return {"id": row.id, "method": command.method, "shown": dict(begun.shown)}


@action("mfa:confirm", command=schemas.ConfirmFactor, public=True, secrets=("recovery_codes",),
        security="mfa_enrolled")
def confirm(ctx: Context, command: schemas.ConfirmFactor) -> dict[str, Any]:
    """Confirm what was set up by a first proof: from now on a sign-in needs it."""
    if ctx.session_id is None:
        raise TOKEN_MISSING()
    factors.require_enabled(ctx)
    provider = factors.provider_of(ctx, command.method)
    row = _factor(ctx.actor.id, command.method)
    if row is None:
        raise NOT_ENROLLED("method", method=command.method)
    if row.confirmed_at is not None:
        raise ALREADY_ENROLLED("method", method=command.method)
    if not _prove(ctx, row, provider, command.code.get_secret_value(), {"confirmed_at": ctx.at}):
        raise CODE_WRONG("code")
    if provider.biometric:
        reader = factors.opened(ctx, row).get("device_id")
        User.update(is_biometric_enabled=True, biometric_device_id=reader).where(User.id == ctx.actor.id).execute()
    codes = recovery.renew(ctx, ctx.actor.id) if not recovery.left(ctx.actor.id) else None
    Session.update(restriction="", mfa_verified=True, biometric_verified=provider.biometric, updated_at=ctx.at).where(
        Session.id == ctx.session_id, Session.restriction.in_(("", "mfa"))
    ).execute()
    ended = revocation.end_others(ctx, "second factor set up")
    return {"id": row.id, "method": command.method, "recovery_codes": codes, "sessions_ended": ended}


@action("mfa:remove", command=schemas.RemoveFactor, public=True, beforehand=_self, security="mfa_removed")
def remove(ctx: Context, command: schemas.RemoveFactor, beforehand: User) -> dict[str, Any]:
    """Remove one's own second factor, with one's password."""
    row = _factor(beforehand.id, command.method)
    if row is None:
        raise NOT_FOUND("method", entity="factor", id=command.method)
    row.delete_instance()
    _forget_thumb(ctx, beforehand.id, [row.method])
    if not factors.has_any(beforehand.id):
        RecoveryCode.delete().where(RecoveryCode.user == beforehand.id).execute()
    ended = revocation.end_others(ctx, "second factor removed")
    return {"id": row.id, "method": command.method, "sessions_ended": ended}


@action("mfa:renew_codes", command=schemas.RenewCodes, public=True, beforehand=_self, secrets=("recovery_codes",),
        security="mfa_enrolled")
def renew_codes(ctx: Context, command: schemas.RenewCodes, beforehand: User) -> dict[str, Any]:
    """New recovery codes in the place of the old ones."""
    if not factors.has_any(beforehand.id):
        raise NOT_ENROLLED("", method="totp")
    ended = revocation.end_others(ctx, "recovery codes renewed")
    return {"id": beforehand.id, "recovery_codes": recovery.renew(ctx, beforehand.id), "sessions_ended": ended}


@action("mfa:reset", command=schemas.ResetFactors, permission=("hq:credentials.manage", "store:credentials.manage"),
        security="mfa_removed")
def reset(ctx: Context, command: schemas.ResetFactors) -> dict[str, Any]:
    """Remove the second factors of somebody else who lost them; all of that user's sessions end."""
    escalation.require_others_proofs(ctx, command.id)
    user = pins.reachable(ctx, command.id)
    held = sorted(row.method for row in Factor.select().where(Factor.user == user.id))
    Factor.delete().where(Factor.user == user.id).execute()
    _forget_thumb(ctx, user.id, held)
    RecoveryCode.delete().where(RecoveryCode.user == user.id).execute()
    ended = revocation.end_many(ctx, "second factor removed", user_id=user.id)
    return {"id": user.id, "removed": held, "sessions_ended": ended}
