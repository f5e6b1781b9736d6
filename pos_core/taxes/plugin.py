"""core.taxes: tax rates and the groups that products carry. The doors to them are the administration's."""

from __future__ import annotations

from pos_core import __version__
from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission
from pos_core.taxes.baseline import create_baseline

MANIFEST = Manifest(
    name="core.taxes",
    version=__version__,
    title="Taxes",
    depends=("core.settings",),
    permissions=(
        Permission("hq:taxes.view", "See taxes and tax groups", ("admin", "accountant", "auditor")),
        Permission("hq:taxes.manage", "Create and change taxes and tax groups", ("admin",)),
        Permission("store:taxes.view", "See taxes and tax groups", ("store_manager", "employee")),
        Permission("pos:taxes.view", "See taxes and tax groups", ("cashier", "shift_supervisor")),
    ),
)


@hookimpl
def first_run(ctx: Context) -> None:
    create_baseline(ctx)
