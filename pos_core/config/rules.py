"""What a changed setting must be, beyond what its declaration says."""

from __future__ import annotations

from typing import Any

from pos_core.config import numbering
from pos_core.config.errors import NUMBERING_INVALID
from pos_core.config.schemas import ChangeSetting
from pos_core.errors import Violation
from pos_core.rules import before


@before("setting:change")
def check_numbering(command: ChangeSetting) -> Violation | None:
    """Document numbers must come out unique in a store: every setting below `numbering.` is such a format."""
    value: Any = command.value
    if not command.key.startswith("numbering.") or not isinstance(value, str):
        return None
    try:
        numbering.parse(value)
    except ValueError as error:
        return NUMBERING_INVALID.at("value", key=command.key, reason=str(error))
    return None
