"""pos_core: the core of 3PlugPOS and the public API for authors of modules."""

from __future__ import annotations

__version__ = "0.1.0"

from pos_core.actions import action, query
from pos_core.approvals.needs import Need
from pos_core.context import Context
from pos_core.errors import ErrorCode, Kind, PosError, Violation, define
from pos_core.hookspecs import hookimpl, hookspec
from pos_core.ids import uuid7
from pos_core.manifest import ApprovalKind, Manifest, Permission, SensitiveField, Setting
from pos_core.rules import after, before
from pos_core.tabs import Tab

__all__ = [
    "ApprovalKind", "Context", "ErrorCode", "Kind", "Manifest", "Need", "Permission", "PosError", "SensitiveField",
    "Setting", "Tab", "Violation", "__version__", "action", "after", "before", "define", "hookimpl", "hookspec",
    "query", "uuid7",
]  # fmt: skip
