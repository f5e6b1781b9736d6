"""core.stores: stores, registers and devices."""

from __future__ import annotations

from pos_core import __version__
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission, Setting
from pos_core.stores import routes

MANIFEST = Manifest(
    name="core.stores",
    version=__version__,
    title="Stores, registers and devices",
    roots=("/stores", "/registers", "/devices"),
    permissions=(
        Permission("hq:stores.view", "See stores and registers", ("admin", "accountant", "auditor")),
        Permission("hq:stores.provision", "Open stores", ("admin",)),
        Permission("hq:stores.manage", "Change stores, close them and open them again", ("admin",)),
        Permission("hq:registers.create", "Add registers to stores", ("admin",)),
        Permission("hq:registers.edit", "Rename registers, take them out of use and back", ("admin",)),
        Permission("hq:devices.view", "See devices and who signed in on them", ("admin", "auditor")),
        Permission("hq:devices.enrol", "Enrol devices, and enrol them again with a new key", ("admin",)),
        Permission("hq:devices.edit", "Rename devices and move them to another register", ("admin",)),
        Permission("hq:devices.block", "Block devices and let them in again", ("admin",)),
        Permission("store:registers.view", "See the store's registers", ("store_manager", "employee")),
        Permission("store:devices.view", "See the store's devices and who signed in on them", ("store_manager",)),
        Permission("store:devices.block", "Block devices of the store, such as a stolen till", ("store_manager",)),
        Permission("pos:registers.view", "See the store's registers", ("cashier", "shift_supervisor")),
    ),
    settings=(
        Setting(
            "devices.fingerprints", "choice", "ignore",
            "Whether a device signs in only while it reports the fingerprint it was enrolled with: ignore or require.",
            ("ignore", "require"), security=True,
        ),
    ),
)  # fmt: skip


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES
