"""core.audit: the audit chains, their reading and their verification."""

from __future__ import annotations

from pos_core import __version__
from pos_core.audit import routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission

MANIFEST = Manifest(
    name="core.audit",
    version=__version__,
    title="The audit chains",
    roots=("/audit",),
    permissions=(
        Permission("hq:audit.view", "Read the audit entries and verify their chains", ("admin", "auditor")),
    ),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
