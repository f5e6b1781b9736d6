"""The security log: what bears on who may do what, with who, where, when and by which request; never switched off."""

from __future__ import annotations

from pos_core.security.kinds import define_kind
from pos_core.security.recording import note

__all__ = ["define_kind", "note"]
