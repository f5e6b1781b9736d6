"""admin.reasons: the administration's doors to the list of reason codes.

The core keeps it and asks for reasons; a business without this module goes on with the list that it has.
"""

from __future__ import annotations

from pos_admin import __version__
from pos_admin.reasons import routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest

MANIFEST = Manifest(
    name="admin.reasons",
    version=__version__,
    title="Reason codes",
    depends=("core.reasons",),
    roots=("/reasons",),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
