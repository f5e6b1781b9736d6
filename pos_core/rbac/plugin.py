"""core.rbac: users, roles and permissions. The doors to them are pos-admin's."""

from __future__ import annotations

from pos_core import __version__
from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission
from pos_core.rbac.service import SyncCatalogue

MANIFEST = Manifest(
    name="core.rbac",
    version=__version__,
    title="Users, roles and permissions",
    depends=("core.stores",),
    permissions=(Permission("hq:users.manage", "Create and change users, roles and who holds them", ("admin",)),),
)


@hookimpl
def first_run(ctx: Context) -> None:
    ctx.perform("permission:sync", SyncCatalogue())
