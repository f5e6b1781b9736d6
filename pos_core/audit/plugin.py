"""core.audit: the audit chains."""

from __future__ import annotations

from pos_core import __version__
from pos_core.manifest import Manifest

MANIFEST = Manifest(name="core.audit", version=__version__, title="The audit chains")
