"""What the setting mfa.roles may name."""

from __future__ import annotations

from pos_core.auth.mfa.errors import ROLE_UNKNOWN
from pos_core.config.schemas import ChangeSetting
from pos_core.errors import Violation
from pos_core.rbac.models import Role
from pos_core.rules import before


@before("setting:change")
def check_roles(command: ChangeSetting) -> Violation | None:
    """Codes of roles there are; a misspelt one would protect nobody."""
    if command.key != "mfa.roles" or not isinstance(command.value, str):
        return None
    named = {code.strip() for code in command.value.split(",") if code.strip()}
    unknown = named - {"super_admin"} - {row.code for row in Role.select(Role.code)}
    return ROLE_UNKNOWN.at("value", unknown=", ".join(sorted(unknown))) if unknown else None
