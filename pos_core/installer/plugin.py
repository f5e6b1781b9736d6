"""core.installer: the first run of a business."""

from __future__ import annotations

from pos_core import __version__
from pos_core.manifest import Manifest

MANIFEST = Manifest(
    name="core.installer", version=__version__, title="First run",
    depends=("core.stores", "core.rbac", "core.settings", "core.taxes"),
)
