"""What a changed security setting must be, beyond what its declaration says."""

from __future__ import annotations

from typing import Any

from pos_core.config.schemas import ChangeSetting
from pos_core.errors import Violation
from pos_core.rules import before
from pos_core.security import hours
from pos_core.security.errors import HOURS_INVALID
from pos_core.security.own import HOURS


@before("setting:change")
def check_hours(command: ChangeSetting) -> Violation | None:
    """Opening hours must be spans that a day can have."""
    value: Any = command.value
    if command.key not in HOURS or not isinstance(value, str):
        return None
    try:
        hours.parse(value)
    except ValueError as error:
        return HOURS_INVALID.at("value", reason=str(error))
    return None
