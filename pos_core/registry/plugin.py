"""core.registry: which modules are installed and on."""

from __future__ import annotations

from pos_core import __version__
from pos_core.manifest import Manifest

MANIFEST = Manifest(name="core.registry", version=__version__, title="Which modules are installed and on")
