"""core.registry: which modules are installed and on. The doors to it are the administration's and `pos modules`."""

from __future__ import annotations

from pos_core import __version__
from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission
from pos_core.registry.schemas import RecordModules

MANIFEST = Manifest(
    name="core.registry",
    version=__version__,
    title="Which modules are installed and on",
    permissions=(
        Permission("hq:modules.view", "See modules, what they bring and who switched them", ("admin", "auditor")),
        Permission("hq:modules.manage", "Switch modules on and off", ("admin",)),
        Permission("store:modules.view", "See which modules are on in the store", ("store_manager",)),
    ),
)


@hookimpl
def first_run(ctx: Context) -> None:
    ctx.perform("module:record", RecordModules())
