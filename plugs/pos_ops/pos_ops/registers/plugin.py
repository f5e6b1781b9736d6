"""ops.registers: the drawer's day, from the float to the count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import ApprovalKind, Manifest, Permission, Setting
from pos_core.registry.work import OpenWork
from pos_ops import __version__
from pos_ops.registers import evidence, routes, work
from pos_ops.registers.models import TRANSITIONS

VARIANCE = ApprovalKind(
    "register_variance", "Drawer over or short above the limit", "Descuadre de caja por encima del límite",
    (("pos:register.approve_variance", "store:register.approve_variance", "hq:register.approve_variance"),),
)

MANIFEST = Manifest(
    name="ops.registers",
    version=__version__,
    title="Register sessions",
    depends=("ops.tenders",),
    roots=("/register-sessions",),
    permissions=(
        Permission("hq:register_sessions.view", "See register sessions", ("admin", "accountant", "auditor")),
        Permission("store:register_sessions.view", "See the store's register sessions", ("store_manager",)),
        Permission("pos:register.view", "See the own register's sessions", ("cashier", "shift_supervisor")),
        Permission("pos:register.open", "Open the drawer with a float", ("cashier", "shift_supervisor")),
        Permission("pos:register.close", "Count and close the own drawer", ("cashier", "shift_supervisor")),
        Permission("pos:register.force_close", "Count and close another cashier's drawer", ("shift_supervisor",)),
        Permission("pos:register.approve_variance", "Agree to a drawer that is over or short", ("shift_supervisor",)),
        Permission("store:register.approve_variance", "Agree to a drawer that is over or short", ("store_manager",)),
        Permission("hq:register.approve_variance", "Agree to drawers that are over or short in all stores",
                   ("admin",)),
    ),
    settings=(
        Setting(
            "registers.quick_floats", "text", "5000,10000,20000",
            "Floats that a till offers when it is opened: up to eight amounts in minor units, separated by commas.",
            maximum=120,
        ),
        Setting(
            "registers.over_short_alert_minor", "int", 500,
            "A close is marked when a tender is over or short by more than this, in minor units; 0 marks all.",
            minimum=0, maximum=10**13,
        ),
        Setting(
            "registers.over_short_approval_minor", "int", 0,
            "A close needs somebody else's approval when a tender is over or short by more than this, in minor units; "
            "0 sets no limit.",
            minimum=0, maximum=10**13,
        ),
        *VARIANCE.settings,
    ),
    approvals=(VARIANCE,),
    transitions=TRANSITIONS,
)


@hookimpl
def register_routes() -> tuple[routes.Route, ...]:
    return routes.ROUTES


@hookimpl
def verify_facts(ctx: Context, entries: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return evidence.disagreements(ctx, entries)


@hookimpl
def open_work(ctx: Context, module: str, store_id: str | None) -> Iterable[OpenWork]:
    return (work.open_sessions(ctx, store_id),) if module == MANIFEST.name else ()
