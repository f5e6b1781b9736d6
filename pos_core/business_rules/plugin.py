"""core.business_rules: rules that an administrator writes as data. The doors to them are the administration's."""

from __future__ import annotations

from typing import Any

from pos_core import __version__
from pos_core.actions import Action
from pos_core.business_rules.book import APPROVAL
from pos_core.business_rules.models import TRANSITIONS
from pos_core.context import Context
from pos_core.errors import Violation
from pos_core.hookspecs import hookimpl
from pos_core.manifest import ApprovalKind, Manifest, Permission

#: What a rule asks others to agree to holds for the very same request.
AGREED = ApprovalKind(
    APPROVAL, "What a business rule asks approval for", "Lo que una regla de negocio pide aprobar",
    (("pos:rules.approve", "store:rules.approve", "hq:rules.approve"),),
)  # fmt: skip

MANIFEST = Manifest(
    name="core.business_rules",
    version=__version__,
    title="Business rules",
    depends=("core.stores", "core.audit", "core.reasons", "core.approvals"),
    permissions=(
        Permission("hq:rules.view", "See business rules and what they would have done", ("admin", "auditor")),
        Permission("hq:rules.create", "Write business rules", ("admin",)),
        Permission("hq:rules.edit", "Change business rules", ("admin",)),
        Permission("hq:rules.activate", "Switch business rules on and off", ("admin",)),
        Permission("pos:rules.approve", "Agree to what a business rule asks approval for, at a till",
                   ("shift_supervisor",)),
        Permission("store:rules.approve", "Agree to what a business rule asks approval for", ("store_manager",)),
        Permission("hq:rules.approve", "Agree to what a business rule asks approval for in all stores", ("admin",)),
    ),
    settings=AGREED.settings,
    approvals=(AGREED,),
    transitions=TRANSITIONS,
)  # fmt: skip


@hookimpl
def before_action(ctx: Context, action: Action, command: Any, draft: Any) -> list[Violation]:
    return ctx.kernel.business_rules.violations(ctx, action, command, draft)
