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
    from pos_core.context import Context
    from pos_core.errors import Violation
    from pos_core.events import Event
    from pos_core.http.routes import Route
    from pos_core.reporting.registry import Report

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

    Called once in each process, in dependency order, after the schema was checked. Raising stops the start.
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
