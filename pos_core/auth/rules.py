"""What ends sessions although it is no matter of sessions: an account that is switched off."""

from __future__ import annotations

from typing import Any

from pos_core.auth import revocation
from pos_core.context import Context
from pos_core.rules import after


@after("user:edit")
def end_sessions_of_account(ctx: Context, command: Any) -> None:
    """Whoever is switched off does not come back with an old session when the account is switched on again."""
    if command.is_active is False:
        revocation.end_many(ctx, "account switched off", user_id=command.id)
