"""Events: past-tense facts, published after the commit that made them true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """`name` is entity:past-tense (`sale:completed`); `data` is small and plain: ids and figures, never rows."""

    id: str
    name: str
    entity_type: str
    entity_id: str
    at: datetime
    store_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
