"""ops.watch: what to look out for at the tills. Findings are listed by the core's security log."""

from __future__ import annotations

from pos_core import Manifest, hookimpl
from pos_core.security.detectors import Detector
from pos_ops import __version__
from pos_ops.watch.detecting import DETECTORS, SETTINGS

MANIFEST = Manifest(
    name="ops.watch", version=__version__, title="Suspicious patterns at the tills", depends=("core.security",),
    extras=("ops.sales", "ops.registers"), settings=SETTINGS,
)


@hookimpl
def register_detectors() -> tuple[Detector, ...]:
    return DETECTORS
