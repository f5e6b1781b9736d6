"""Every hook of the core. The docstring of a hook is its reference.

Implement a hook by a function of the same name in a module's `plugin.py`, marked with `@hookimpl`, with as many of
the arguments as it needs. Wrappers are refused: one could swallow another module's veto. A hook that belongs to a
module which is off for the store is not called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pos_core.actions import Action
    from pos_core.auth.mfa.provider import MfaProvider
    from pos_core.business_rules.facts import RuleFacts, RuleQuery
    from pos_core.context import Context
    from pos_core.errors import Violation
    from pos_core.events import Event
    from pos_core.http.routes import Route
    from pos_core.registry.work import OpenWork
    from pos_core.reporting.registry import Report
    from pos_core.security.detectors import Detector
    from pos_core.tabs import Tab

PROJECT = "pos"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_routes() -> Iterable[Route]:  # type: ignore[empty-body]
    """The HTTP routes of the module, as data.

    Called once at start. Each route names an action or a query of the same or another module, a request schema and
    an answer schema; its path lies under one of the manifest's `roots`. A route without permission or schema, a
    duplicate and a conflicting path variable stop the start with the route's name.
    """


@hookspec
def register_reports() -> Iterable[Report]:  # type: ignore[empty-body]
    """The reports of the module: id, title, columns, filters and the query that gives the rows.

    Called once at start. Reports run as queries: they read, they never write. Same id, same columns for ever.
    """


@hookspec
def register_detectors() -> Iterable[Detector]:  # type: ignore[empty-body]
    """The patterns that the module finds suspicious: what is counted, by whom or where, within which window.

    Called once per process. A detector is data: it counts audit entries by action, or security events by kind, after
    their commit; what reaches the threshold becomes a finding. Threshold and window are settings that some manifest
    declares. The detectors of a module that is off for a store count nothing there.
    """


@hookspec
def register_mfa_providers() -> Iterable[MfaProvider]:  # type: ignore[empty-body]
    """The kinds of second factors that the module brings: a thumb reader at the till, a smart card.

    Called when somebody sets one up or signs in. A provider (`pos_core.auth.mfa.provider.MfaProvider`) begins an
    enrolment, and judges a proof by the state that the core keeps sealed for it; the first module that takes a name
    has it. Limits, single use and recovery codes are the core's.
    """


@hookspec
def register_tabs() -> Iterable[Tab]:  # type: ignore[empty-body]
    """The pages that the module adds to the main menu of clients, as `pos_core.tabs.Tab`.

    Called when a client asks for its tabs (`GET /tabs`, module admin.tabs), for the modules that are on in the store.
    A tab says in which applications it stands, where, and which actions or queries it lives by: it is shown to who may
    use one of them. Showing is a courtesy, the permission of each call protects.
    """


@hookspec
def open_work(ctx: Context, module: str, store_id: str | None) -> Iterable[OpenWork]:  # type: ignore[empty-body]
    """What is still open in a module that somebody is about to switch off, as `pos_core.registry.work.OpenWork`.

    Called for the module and for each that goes off along, with the store it goes off in (None: everywhere); answer
    for your own module, or for what of yours rests on the other one. Named lists of things with id and label: held
    carts, open sessions, unsettled items. Nothing is written; switching off is not hindered by it.
    """


@hookspec
def register_rule_facts() -> Iterable[RuleFacts | RuleQuery]:  # type: ignore[empty-body]
    """What business rules may look at beyond the fields of an action's command and draft.

    Called once per process. A `RuleQuery` names a read of the module that conditions may ask, with its arguments and
    figures; a `RuleFacts` says how an action of the module is rebuilt from its audit entry, so that a rule can be tried
    against the past (both in `pos_core.business_rules.facts`). A query whose module is off for the store is not asked.
    """


@hookspec
def before_action(ctx: Context, action: Action, command: Any, draft: Any) -> Iterable[Violation] | Violation | None:
    """Look at any action before it happens, and refuse it by returning violations.

    Called inside the write transaction, after the action's `prepare` (whose result is `draft`, None where there is
    none) and before its service. Command and draft are frozen. All handlers run; all violations are gathered and
    returned together. Write nothing, sleep never, and keep off the network. For one action's rule use the decorator
    `before("entity:verb")`, which is this hook narrowed to that action; priority 100 is the default and the order is
    (priority, dependency depth, module, name).
    """


@hookspec
def after_action(ctx: Context, action: Action, command: Any, draft: Any, result: Any) -> None:
    """Add what follows from any action, in its own transaction.

    Called after the service. Hand rows and increments to `ctx.uow`; emit events with `ctx.emit`. An exception undoes
    the whole action. For one action use the decorator `after("entity:verb")`.
    """


@hookspec
def audit_event(ctx: Context, entry: Mapping[str, Any]) -> None:
    """See the audit entry of a write before it is sealed into its chain.

    Called in the transaction, last. `entry` is read-only: action, outcome, entity, actor, times and the fact. Raising
    refuses the action. Return nothing.
    """


@hookspec
def on_event(ctx: Context, event: Event) -> None:
    """Be told of a fact after its commit (`sale:completed`).

    Called in the process that committed, after the answer is certain. A failure here is logged and never changes the
    answer; what must happen for certain belongs in an outbox job instead.
    """


@hookspec
def kernel_started(kernel: Any) -> None:
    """The process is about to serve: open what the module needs.

    Called once in each process, in dependency order, after the schema was checked. A module that raises is set aside
    in the process; one of the core stops the start.
    """


@hookspec
def kernel_stopping(kernel: Any) -> None:
    """The process is about to end: close what `kernel_started` opened.

    Called once in each process, in reverse dependency order, after requests have drained.
    """


@hookspec
def first_run(ctx: Context) -> None:
    """Give a new business the module's baseline: roles, tax groups, tenders.

    Called once by `pos init`, in dependency order, inside the action `business:initialise`; create through
    `ctx.perform`, in the same transaction. `ctx.kernel.first_run` holds what the person who installs has chosen:
    name, currency, time_zone, store_code, store_name, prices_include_tax, tax_standard, tax_reduced (basis points).
    """


@hookspec
def load_demo(ctx: Context) -> None:
    """Fill an empty business with demonstration data, through `ctx.perform` like everybody else.

    Called by `pos init --demo`, in dependency order, as the first administrator. Not called when the module is off.
    """


@hookspec
def verify_facts(ctx: Context, entries: Iterable[Mapping[str, Any]]) -> Iterable[str]:  # type: ignore[empty-body]
    """Compare the module's tables with what the audit chains say of them.

    Called by `pos audit verify` with parsed audit payloads in chain order. Yield a sentence for each row that says
    something else than its audit entry.
    """
