"""admin.incidents: what staff record by hand about something that went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pos_admin import __version__
from pos_admin.incidents import evidence, routes
from pos_admin.incidents.models import STATES
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission

MANIFEST = Manifest(
    name="admin.incidents",
    version=__version__,
    title="Incidents",
    depends=("core.security", "core.stores"),
    roots=("/incidents",),
    permissions=(
        Permission("hq:incidents.view", "Read the incidents of all stores", ("admin", "auditor")),
        Permission("hq:incidents.record", "Record incidents and add to them", ("admin",)),
        Permission("hq:incidents.manage", "Close incidents and open them again", ("admin",)),
        Permission("store:incidents.view", "Read the store's incidents", ("store_manager",)),
        Permission("store:incidents.record", "Record the store's incidents and add to them",
                   ("store_manager", "employee")),
        Permission("store:incidents.manage", "Close the store's incidents and open them again", ("store_manager",)),
        Permission("pos:incidents.record", "Record an incident at the till", ("shift_supervisor",)),
    ),
    transitions=STATES,
)  # fmt: skip


@hookimpl
def verify_facts(entries: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return evidence.disagreements(entries)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
