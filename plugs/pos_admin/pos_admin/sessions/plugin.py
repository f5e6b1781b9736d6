"""admin.sessions: who is signed in where, who signed in when, and ending it.

The headquarters sees and ends every session, a store's manager those of the own store.
"""

from __future__ import annotations

from pos_admin import __version__
from pos_admin.sessions import routes
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission

MANIFEST = Manifest(
    name="admin.sessions",
    version=__version__,
    title="Sessions and sign-ins",
    depends=("core.auth",),
    roots=("/sessions", "/sign-ins"),
    permissions=(
        Permission("hq:sessions.view", "See everybody's sessions and sign-ins", ("admin", "auditor")),
        Permission("hq:sessions.end", "End sessions of one person", ("admin",)),
        Permission("hq:sessions.end_all", "End all sessions that began within a span of time", ("admin",)),
        Permission("store:sessions.view", "See the sessions and sign-ins in the own store", ("store_manager",)),
        Permission("store:sessions.end", "End sessions in the own store", ("store_manager",)),
    ),
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
