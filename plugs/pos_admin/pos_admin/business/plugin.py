"""admin.business: the administration's doors to the business, its settings and its taxes.

The core keeps, checks and audits them; a store without this module still sells by them.
"""

from __future__ import annotations

from pos_admin import __version__
from pos_admin.business import routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest

MANIFEST = Manifest(
    name="admin.business",
    version=__version__,
    title="The business, its settings and taxes",
    depends=("core.settings", "core.taxes"),
    roots=("/business", "/settings", "/tax-rates", "/tax-groups"),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
