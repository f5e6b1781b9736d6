"""Reads about how accounts can be come into."""

from __future__ import annotations

from typing import Any

from pos_core import clock
from pos_core.actions import query
from pos_core.auth import limits, pins
from pos_core.auth.credentials_models import Factor, Pin, RecoveryCode
from pos_core.context import Context


@query("credential:state", permission=("hq:credentials.manage", "hq:users.view", "store:credentials.manage"))
def state(ctx: Context, *, id: str) -> dict[str, Any]:
    """Whether a user is locked out, has a PIN, and which second factors."""
    user = pins.reachable(ctx, id)
    attempts = limits.of_account(ctx, user.username)
    held = ctx.kernel.counters.locked_until(ctx, tuple(attempt.lock for attempt in attempts))
    pin = Pin.get_or_none(Pin.user == id)
    methods = Factor.select(Factor.method).where(Factor.user == id, Factor.confirmed_at.is_null(False)).tuples()
    left = RecoveryCode.select().where(RecoveryCode.user == id, RecoveryCode.used_at.is_null()).count()
    return {
        "id": user.id, "username": user.username,
        "locked": pins.ways(attempts, held),
        "locked_until": clock.to_text(max(held.values())) if held else None,
        "has_pin": pin is not None, "pin_must_change": pin is not None and pin.must_change,
        "password_must_change": user.must_change_password, "mfa_methods": sorted(method for (method,) in methods),
        "recovery_codes_left": left,
    }  # fmt: skip
