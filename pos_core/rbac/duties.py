"""Separation of duties: which roles one person should not hold together, wherever it is.

The pairs are a setting, and so is whether they warn (the default) or refuse. A role that was copied from a template
counts as the template. The pair of manager and cashier is none of them: who runs one store may help out at a till.
"""

from __future__ import annotations

import re
from typing import Any

from pos_core.context import Context
from pos_core.errors import Violation, refused
from pos_core.rbac import errors
from pos_core.rbac.models import Role, UserRole

MODE, PAIRS = "roles.separation", "roles.separated_pairs"
DEFAULT_PAIRS = (
    "auditor+admin, auditor+accountant, auditor+store_manager, auditor+employee, auditor+cashier, "
    "auditor+shift_supervisor, accountant+cashier, accountant+shift_supervisor, accountant+store_manager"
)
_PAIR = re.compile(r"^([a-z][a-z0-9_]{1,49})\+([a-z][a-z0-9_]{1,49})$")


def pairs_in(text: str) -> list[tuple[str, str]]:
    """The pairs of a setting's text; ValueError with the part that is none."""
    found = []
    for part in (piece.strip() for piece in text.split(",")):
        match = _PAIR.match(part)
        if part and match is None:
            raise ValueError(part)
        if match is not None:
            found.append((match[1], match[2]))
    return found


def kind_of(role: Role) -> str:
    """The duty that a role stands for."""
    return str(role.copied_from or role.code)


def _held(user_id: str) -> set[str]:
    return {kind_of(role) for role in Role.select().join(UserRole, on=(UserRole.role == Role.id)).where(
        UserRole.user == user_id, Role.is_active)}  # fmt: skip


def weigh(ctx: Context, user_id: str, added: list[Role]) -> list[dict[str, Any]]:
    """Warnings about roles that the user should not hold together with those added; PosError where they are refused.

    They stand in the audit entry too. Asked before the new rows are there.
    """
    new, old = {kind_of(role) for role in added}, _held(user_id)
    found = [
        errors.DUTIES.at("role", first=first, second=second)
        for first, second in pairs_in(ctx.settings[PAIRS])
        if {first, second} <= new | old and {first, second} & (new - old)
    ]
    if not found:
        return []
    if ctx.settings[MODE] == "refuse":
        raise refused(found)
    ctx.writing.note(warnings=[[v.params["first"], v.params["second"]] for v in found])
    return [_shown(ctx, violation) for violation in found]


def _shown(ctx: Context, violation: Violation) -> dict[str, Any]:
    return {"code": violation.code.code, "message": violation.message(ctx.language),
            "roles": [violation.params["first"], violation.params["second"]]}
