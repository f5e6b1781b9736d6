"""admin.tabs: the main menu of the clients, per user."""

from __future__ import annotations

from pos_admin import __version__
from pos_admin.tabs import menu, routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest
from pos_core.tabs import Tab

MANIFEST = Manifest(
    name="admin.tabs",
    version=__version__,
    title="Tabs of the main menu",
    depends=("core.rbac",),
    roots=("/tabs",),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES


@hookimpl
def register_tabs() -> tuple[Tab, ...]:
    return menu.TABS
