"""What a changed setting of roles must be."""

from __future__ import annotations

from pos_core.config.schemas import ChangeSetting
from pos_core.errors import Violation
from pos_core.rbac import duties, errors
from pos_core.rules import before


@before("setting:change")
def check_pairs(command: ChangeSetting) -> Violation | None:
    """Roles that are kept apart are written as pairs of codes."""
    if command.key != duties.PAIRS or not isinstance(command.value, str):
        return None
    try:
        duties.pairs_in(command.value)
    except ValueError as error:
        return errors.PAIRS_INVALID.at("value", given=str(error))
    return None
