"""pos_core: the core of 3PlugPOS and the public API for authors of modules."""

from __future__ import annotations

__version__ = "0.1.0"

from pos_core.hookspecs import hookimpl, hookspec  # noqa: E402 - the version comes first, modules' manifests read it
from pos_core.errors import ErrorCode, Kind, PosError, Violation, define  # noqa: E402
from pos_core.manifest import Manifest, Permission, Setting  # noqa: E402
from pos_core.rules import after, before  # noqa: E402
from pos_core.actions import action, query  # noqa: E402
from pos_core.context import Context  # noqa: E402
from pos_core.ids import uuid7  # noqa: E402

__all__ = [
    "Context", "ErrorCode", "Kind", "Manifest", "Permission", "PosError", "Setting", "Violation", "__version__",
    "action", "after", "before", "define", "hookimpl", "hookspec", "query", "uuid7",
]  # fmt: skip
