"""The checks of a pack at work: each reads what a lab has seen and yields a sentence for everything that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from pos_core import PosError
from pos_core.audit import verify
from pos_core.errors import PERMISSION_DENIED
from pos_core.http import routes
from pos_core.plugins import StartError
from pos_core.reporting import registry as reports
from pos_core.testing.app import App, audit
from pos_core.testing.guard import GuardedAgainst, guarded

if TYPE_CHECKING:
    from pos_core.actions import Action, Query
    from pos_core.testing.harness import Business
    from pos_core.testing.lab import Lab

#: CPU time of a handler, at the median of its calls.
BUDGET_MS = 20.0
_EVENT = re.compile(r"^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$")


def examples(lab: Lab) -> Iterator[str]:
    """Every own action has an example that is done, and every own rule ran at least once."""
    trials = lab.trials
    for name, mishap in lab.mishaps:
        yield f"{name} broke on an ordinary day: {type(mishap).__name__}: {mishap}"
    for action in lab.kernel.actions():
        if action.module in lab.pack.module_names and action.name not in lab.examples:
            yield f"{action.name} has no example"
    for trial in trials:
        if trial.error is not None:
            yield f"the example of {trial.action} failed: {type(trial.error).__name__}: {_told(trial.error)}"
    for rule in lab.kernel.rules():
        if rule.module in lab.pack.module_names and not lab.handlers[(rule.name, rule.stage, rule.action)].spent:
            yield f"{rule.name} never ran: give an example of {rule.action}"


def _told(error: BaseException) -> str:
    if isinstance(error, PosError) and error.violations:
        return "; ".join(f"{v.path}: {v.message()}" if v.path else v.message() for v in error.violations)
    return str(error)


def doors(lab: Lab) -> Iterator[str]:
    """With its modules off nothing of the pack answers, reacts or is offered."""
    names = sorted(lab.pack.module_names)
    try:
        with lab.another(modules={"disabled": names}) as business:
            yield from _open_by_name(lab, business)
            yield from _open_over_http(lab, business)
    except StartError as error:
        yield str(error)


def _open_by_name(lab: Lab, business: Business) -> Iterator[str]:
    kernel, own, store = business.kernel, lab.pack.module_names, business.store_id
    for module in sorted(own):
        if kernel.registry.enabled(module, store):
            yield f"{module} counts as on although it was switched off"
    named: list[Action | Query] = [*kernel.actions(), *kernel.queries()]
    for one in named:
        if one.module in own and kernel.offers(one.name, store):
            yield f"{one.name} is still offered"
    for action in kernel.actions():
        plan = kernel.plan(action.name, store)
        yield from (f"{rule.name} still reacts to {action.name}" for rule in (*plan.before, *plan.after, *plan.audit)
                    if rule.module in own)  # fmt: skip
    for hook in vars(kernel.manager.hook):
        yield from (f"the hook {hook} of {h.module} is still called" for h in kernel.handlers(hook, store)
                    if h.module in own)  # fmt: skip
    ctx = business.context("manager")
    for report in reports.collect(kernel).values():
        if report.module in own and reports.offered(ctx, report):
            yield f"the report {report.id} is still offered"


def _open_over_http(lab: Lab, business: Business) -> Iterator[str]:
    own = [door for door in routes.collect(business.kernel) if door.module in lab.pack.module_names]
    if not own:
        return
    app = App(business)
    try:
        client = app.client_as("cashier")
        for door in own:
            path = re.sub(r"\{[a-z_]+\}", business.store_id, door.route.path)
            answer = client.request(door.route.method, path, None if door.route.method == "GET" else {})
            if (answer.status, _code(answer)) != (404, "module_disabled"):
                yield f"{door.route.method} {door.route.path} answers {answer.status} instead of 404 module_disabled"
    finally:
        app.close()


def _code(answer: Any) -> str:
    try:
        return str(answer.code)
    except (ValueError, KeyError):
        return ""


def permissions(lab: Lab) -> Iterator[str]:
    """Nobody gets through a door, and nothing is done by name, without a permission."""
    business, own = lab.business, lab.pack.module_names
    doors_of_it = [door for door in routes.collect(business.kernel) if door.module in own]
    app = App(business)
    try:
        client = app.server.client() if doors_of_it else None
        for door in doors_of_it:
            assert client is not None
            path = re.sub(r"\{[a-z_]+\}", business.store_id, door.route.path)
            answer = client.request(door.route.method, path, None if door.route.method == "GET" else {})
            if answer.status != 401:
                yield f"{door.route.method} {door.route.path} answers {answer.status} to somebody who is not signed in"
    finally:
        app.close()
    for action in business.kernel.actions():
        if action.module in own and not _denied(lab, action):
            yield f"{action.name} is not denied to somebody without permissions"


def _denied(lab: Lab, action: Action) -> bool:
    """Whether somebody who holds nothing is refused before anything is looked at, and that is on record."""
    ctx = lab.context_for(action)
    ctx.actor = replace(ctx.actor, permissions=frozenset(), is_super_admin=False)
    try:
        lab.kernel.perform(ctx, action.name, None)
    except PosError as refusal:
        return refusal.code is PERMISSION_DENIED and audit(action.name)[-1]["outcome"] == "denied"
    return False


def before_rules(lab: Lab) -> Iterator[str]:
    """No before rule writes, or hands over anything to be written."""
    assert lab.trials is not None
    for handler in lab.handlers.values():
        if handler.stage in ("before", "before_action") and handler.wrote:
            yield f"{handler.name} ({handler.action}): {handler.wrote[0]}"


def after_rules(lab: Lab) -> Iterator[str]:
    """An action that an after rule undoes leaves nothing."""
    for trial in lab.trials:
        yield from (f"{trial.action}, undone by an after rule that failed: {problem}" for problem in trial.undone)


def network(lab: Lab) -> Iterator[str]:
    """Nobody leaves the process while an action runs."""
    trials = lab.trials
    for handler in lab.handlers.values():
        yield from (f"{handler.name} {tried}" for tried in sorted(set(handler.tried)))
    for trial in trials:
        yield from (f"the service of {trial.action} {tried}" for tried in trial.tried)
    yield from _while_registering(lab)


def _while_registering(lab: Lab) -> Iterator[str]:
    """What the hooks do that hand over data at the start."""
    for hook in vars(lab.kernel.manager.hook).values():
        for impl in hook.get_hookimpls():
            if impl.plugin_name in lab.pack.module_names and not impl.argnames:
                tried: list[str] = []
                try:
                    with guarded(tried):
                        tuple(impl.function() or ())
                except GuardedAgainst:
                    yield f"{impl.plugin_name}:{hook.name} {tried[0]}"


def idempotency(lab: Lab) -> Iterator[str]:
    """A repeat with the same key changes nothing."""
    for trial in lab.trials:
        yield from (f"{trial.action} repeated: {problem}" for problem in trial.repeat)


def audited(lab: Lab) -> Iterator[str]:
    """Each action stands in the audit, and nothing is written beside one."""
    for trial in lab.trials:
        if trial.error is None and not trial.tried and not trial.audited:
            yield f"{trial.action} left no audit entry"
    for handler in lab.handlers.values():
        if handler.stage == "on_event" and handler.wrote:
            yield f"{handler.name} writes outside an action: {handler.wrote[0]}"
    report = verify.verify(lab.kernel.system_context("conformance"))
    yield from (f"the audit's verifier says: {finding}" for finding in report.findings)


def events(lab: Lab) -> Iterator[str]:
    """What examples publish is named like a fact and made of plain values."""
    known = {action.name for action in lab.kernel.actions()}
    for trial in lab.trials:
        for event in trial.events:
            if not _EVENT.match(event.name) or event.name in known:
                yield f"{event.name} is not named like a fact that happened (wrapping:added)"
            yield from (f"{event.name}: {problem}" for problem in _not_plain("data", dict(event.data)))


def _not_plain(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _not_plain(f"{path}.{name}", inner)
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from _not_plain(f"{path}.{position}", inner)
    elif isinstance(value, float):
        yield f"{path} is a float: give whole numbers with their unit, or decimal text"
    else:
        try:
            orjson.dumps(value)
        except TypeError as error:
            yield f"{path} does not serialise: {error}"


def speed(lab: Lab) -> Iterator[str]:
    """The CPU time of each handler at the median of its calls."""
    assert lab.trials is not None
    for handler in lab.handlers.values():
        if handler.median_ms > BUDGET_MS:
            yield (f"{handler.name} ({handler.action}) takes {handler.median_ms:.0f} ms at the median of "
                   f"{len(handler.spent)} calls; the budget is {BUDGET_MS:.0f} ms")  # fmt: skip
