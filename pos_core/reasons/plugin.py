"""core.reasons: why somebody did it. Tills read the list here; the doors to change it are the administration's."""

from __future__ import annotations

from pos_core import __version__
from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.http.routes import Route
from pos_core.manifest import Manifest, Permission
from pos_core.reasons import schemas
from pos_core.reasons.baseline import create_baseline

MANIFEST = Manifest(
    name="core.reasons",
    version=__version__,
    title="Reason codes",
    roots=("/reasons",),
    permissions=(
        Permission("pos:reasons.view", "See the reasons to choose from", ("cashier", "shift_supervisor")),
        Permission("store:reasons.view", "See the reasons to choose from", ("store_manager", "employee")),
        Permission("hq:reasons.view", "See the reason codes", ("admin", "accountant", "auditor")),
        Permission("hq:reasons.manage", "Add and change reason codes", ("admin",)),
    ),
)

ROUTES = (
    Route("GET", "/reasons", query="reason:list", params=schemas.ReasonParams, answer=schemas.ReasonAnswer, paged=True),
    Route("GET", "/reasons/{id}", query="reason:get", answer=schemas.ReasonAnswer),
)


@hookimpl
def register_routes() -> tuple[Route, ...]:
    return ROUTES


@hookimpl
def first_run(ctx: Context) -> None:
    create_baseline(ctx)
