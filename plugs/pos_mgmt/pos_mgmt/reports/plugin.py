"""mgmt.reports: the owner's reports, made of what the modules that are on can tell."""

from __future__ import annotations

from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest
from pos_core.reporting.registry import Report
from pos_mgmt import __version__
from pos_mgmt.reports.sales import REPORTS

MANIFEST = Manifest(
    name="mgmt.reports",
    version=__version__,
    title="Reports",
    depends=("core.reporting",),
    extras=("ops.sales",),
)


@hookimpl
def register_reports() -> tuple[Report, ...]:
    return REPORTS
