"""admin.modules: the administration's doors to the registry of modules.

The core keeps, checks and audits it; without this module `pos modules` is the way to it.
"""

from __future__ import annotations

from pos_admin import __version__
from pos_admin.modules import routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest

MANIFEST = Manifest(
    name="admin.modules",
    version=__version__,
    title="Modules: what is installed and on",
    depends=("core.registry",),
    roots=("/modules",),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
