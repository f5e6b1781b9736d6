"""core.approvals: what one person may not do alone. Which actions ask for it, their modules declare."""

from __future__ import annotations

from pos_core import __version__
from pos_core.approvals import schemas
from pos_core.approvals.models import TRANSITIONS
from pos_core.hookspecs import hookimpl
from pos_core.http.routes import Route
from pos_core.manifest import Manifest, Permission

MANIFEST = Manifest(
    name="core.approvals",
    version=__version__,
    title="Approvals",
    depends=("core.rbac", "core.stores", "core.reasons"),
    roots=("/approvals", "/approval-deputies"),
    transitions=TRANSITIONS,
    permissions=(
        Permission("pos:approvals.use", "Ask for approvals, and decide those that are one's own to decide, at a till",
                   ("cashier", "shift_supervisor")),
        Permission("store:approvals.use", "Ask for approvals, and decide those that are one's own to decide",
                   ("store_manager", "employee")),
        Permission("hq:approvals.use", "Ask for approvals, and decide those that are one's own to decide",
                   ("admin", "accountant")),
        Permission("store:approvals.view", "See all of the store's approvals", ("store_manager",)),
        Permission("hq:approvals.view", "See the approvals of all stores", ("admin", "accountant", "auditor")),
        Permission("hq:approvals.manage", "Write down which requests have expired or moved up", ("admin",)),
    ),
)  # fmt: skip

ROUTES = (
    Route("GET", "/approvals", query="approval:list", params=schemas.ApprovalParams, answer=schemas.ApprovalAnswer,
          paged=True),
    Route("POST", "/approvals", action="approval:request", answer=schemas.ApprovalAnswer),
    Route("POST", "/approvals/sweep", action="approval:sweep", answer=schemas.Swept),
    Route("GET", "/approvals/{id}", query="approval:get", answer=schemas.ApprovalAnswer),
    Route("POST", "/approvals/{id}/approve", action="approval:approve", answer=schemas.ApprovalAnswer),
    Route("POST", "/approvals/{id}/reject", action="approval:reject", answer=schemas.ApprovalAnswer),
    Route("POST", "/approvals/{id}/escalate", action="approval:escalate", answer=schemas.ApprovalAnswer),
    Route("POST", "/approvals/{id}/withdraw", action="approval:withdraw", answer=schemas.ApprovalAnswer),
    Route("GET", "/approval-deputies", query="approval_deputy:list", params=schemas.DeputyParams,
          answer=schemas.DeputyAnswer, paged=True),
    Route("POST", "/approval-deputies", action="approval_deputy:name", answer=schemas.DeputyAnswer),
    Route("POST", "/approval-deputies/{id}/end", action="approval_deputy:end", answer=schemas.DeputyAnswer),
)  # fmt: skip


@hookimpl
def register_routes() -> tuple[Route, ...]:
    return ROUTES
