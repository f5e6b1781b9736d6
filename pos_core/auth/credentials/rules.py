"""What holds for passwords wherever one is set, and what a new one makes up for."""

from __future__ import annotations

from typing import Any

from pos_core.auth import limits, policy
from pos_core.config.schemas import ChangeSetting
from pos_core.context import Context
from pos_core.errors import Kind, Violation, define
from pos_core.rules import after, before

COMPLEXITY_UNKNOWN = define(
    "password_complexity_unknown", Kind.INVALID,
    en="password.complexity lists {unknown}, which is none of {known}.",
    es="password.complexity incluye {unknown}, que no es ninguno de {known}.",
    cure="Leave it empty, or list some of lower, upper, digit and sign, separated by commas.",
)


@before("user:create")
def check_first_password(ctx: Context, command: Any) -> list[Violation]:
    """A new user's password, where one was given instead of generated."""
    if command.password is None:
        return []
    return policy.password_violations(ctx, command.password.get_secret_value(), username=command.username)


@before("user:reset_password")
def check_reset_password(ctx: Context, command: Any) -> list[Violation]:
    """A password that an administrator chose for somebody."""
    if command.password is None:
        return []
    user = ctx.query("user:get", id=command.id)
    return policy.password_violations(ctx, command.password.get_secret_value(), username=user["username"])


@after("user:reset_password")
def forgive_failures(ctx: Context, result: dict[str, Any]) -> None:
    """Who was given a new password may try it at once."""
    ctx.kernel.counters.forgive(ctx, limits.of_account(ctx, result["username"]))


@before("setting:change")
def check_complexity(command: ChangeSetting) -> Violation | None:
    """The kinds of characters that the setting may ask for."""
    if command.key != "password.complexity" or not isinstance(command.value, str):
        return None
    unknown = [name for name in policy.kinds_in(command.value) if name not in policy.COMPLEXITY]
    if not unknown:
        return None
    return COMPLEXITY_UNKNOWN.at("value", unknown=", ".join(unknown), known=", ".join(policy.COMPLEXITY))
