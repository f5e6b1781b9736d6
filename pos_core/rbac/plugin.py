"""core.rbac: users, roles and permissions. The doors to them are pos-admin's, but those to the own account."""

from __future__ import annotations

from pos_core import __version__
from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.http.routes import Route
from pos_core.manifest import Manifest, Permission, SensitiveField, Setting
from pos_core.rbac import duties, schemas
from pos_core.rbac.service import SyncCatalogue

MANIFEST = Manifest(
    name="core.rbac",
    version=__version__,
    title="Users, roles and permissions",
    depends=("core.stores",),
    roots=("/me/authorisations", "/me/account"),
    permissions=(
        Permission("hq:users.view", "See users, their roles and what they may do", ("admin", "auditor")),
        Permission("hq:users.create", "Create users", ("admin",)),
        Permission("hq:users.edit", "Change users, switch accounts off and on", ("admin",)),
        Permission("hq:users.reset_password", "Give users a new password", ("admin",)),
        Permission("hq:users.manage", "All about users: see, create, change, switch off, new password", ("admin",)),
        Permission("hq:roles.view", "See roles and the catalogue of permissions", ("admin", "auditor")),
        Permission("hq:roles.create", "Create and copy roles of what one holds", ("admin",)),
        Permission("hq:roles.edit", "Change roles, take them out of use and back", ("admin",)),
        Permission("hq:roles.assign", "Give users roles of what one holds, and take them away", ("admin",)),
        Permission("hq:roles.delegate", "Hand out roles of stores and tills without holding them there", ("admin",)),
        Permission("hq:users.view.personal", "See users' mail, phone, address and identity numbers",
                   ("admin", "auditor")),
        Permission("hq:users.edit.personal", "Enter users' mail, phone, address and identity numbers", ("admin",)),
        Permission("store:employees.manage", "See who works in the store, with which roles", ("store_manager",)),
    ),
    fields=(
        SensitiveField(
            "user", "personal", ("email", "phone", "address", "national_id"),
            "How a user is reached in private, and the number of their identity card.",
            view=("hq:users.view.personal",), edit=("hq:users.edit.personal",),
        ),
    ),
    settings=(
        Setting(
            duties.MODE, "choice", "warn",
            "What happens when one person is given roles that should be kept apart: warn or refuse.",
            ("warn", "refuse"), per_store=False, security=True,
        ),
        Setting(
            duties.PAIRS, "text", duties.DEFAULT_PAIRS,
            "Pairs of roles that one person should not hold, as accountant+cashier, separated by commas.",
            maximum=1000, per_store=False, security=True,
        ),
    ),
)  # fmt: skip


@hookimpl
def register_routes() -> tuple[Route, ...]:
    return (
        Route("GET", "/me/authorisations", query="session:authorisations", answer=schemas.Authorisations, tag="auth"),
        Route("GET", "/me/account", query="user:own", answer=schemas.OwnAccount, tag="auth"),
        Route("PATCH", "/me/account", action="user:edit_own", answer=schemas.OwnAccount, edits=True, tag="auth"),
    )


@hookimpl
def first_run(ctx: Context) -> None:
    ctx.perform("permission:sync", SyncCatalogue())
