"""Rules: what must hold before an action and what follows from it, as plain functions.

    @before("sale:complete", priority=20)
    def check_limit(ctx, command, draft):
        if draft.total_minor > ctx.settings["sales.maximum_minor"]:
            return SALE_TOO_LARGE.at("lines", total=draft.total_minor)

A rule names the arguments it wants, out of ctx, action, command, draft (before and after) and result (after).
A before rule returns None, a Violation, or an iterable of them, and writes nothing. An after rule hands rows to
`ctx.uow` and returns nothing; an exception in it undoes the whole action.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, get_args

import peewee as pw

from pos_core.errors import PosError, Violation
from pos_core.registry.health import Meter, timed

log = logging.getLogger("pos.rules")

BEFORE_ARGUMENTS = ("ctx", "action", "command", "draft")
AFTER_ARGUMENTS = ("ctx", "action", "command", "draft", "result")
DEFAULT_PRIORITY = 100

Stage = Literal["before", "after"]
OnError = Literal["refuse", "skip"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One handler of one action ("*" for every action), with everything its place in the order depends on."""

    stage: Stage
    action: str
    function: Callable[..., Any]
    priority: int
    arguments: tuple[str, ...]
    module: str = ""
    depth: int = 0
    #: What an exception in a before rule does: "refuse" the action, or "skip" the rule, which is reported.
    on_error: OnError = "refuse"
    #: Counts calls and times; none for the core's own.
    meter: Meter | None = None

    @property
    def name(self) -> str:
        return f"{self.module}:{self.function.__name__}"

    @property
    def order(self) -> tuple[int, int, str, str]:
        return (self.priority, self.depth, self.module, self.function.__name__)

    def call(self, arguments: dict[str, Any]) -> Any:
        return timed(self.function, [arguments[name] for name in self.arguments], self.meter)


def before(
    action: str, *, priority: int = DEFAULT_PRIORITY, on_error: OnError = "refuse"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as a before rule of `action`; lower priorities run first.

    on_error: what an exception in it does. "refuse": nothing is done, the error goes on (a rule that guards something);
    "skip": the action goes on without the rule, and the failure is logged and counted (a rule that only helps).
    """
    if on_error not in get_args(OnError):
        raise ValueError(f"on_error is one of {', '.join(get_args(OnError))}, not {on_error!r}")
    return _marker("before", action, priority, BEFORE_ARGUMENTS, on_error)


def after(action: str, *, priority: int = DEFAULT_PRIORITY) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as an after rule of `action`; lower priorities run first."""
    return _marker("after", action, priority, AFTER_ARGUMENTS)


def _marker(
    stage: Stage, action: str, priority: int, offered: tuple[str, ...], on_error: OnError = "refuse"
) -> Callable[..., Any]:
    if ":" not in action and action != "*":
        raise ValueError(f"{action!r} is no action name: write entity:verb, or * for all")

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        wanted = wanted_arguments(function, offered)
        lazy = inspect.iscoroutinefunction(function) or (stage == "after" and inspect.isgeneratorfunction(function))
        if lazy:  # its body would never run, and nobody would notice
            raise TypeError(f"{function.__qualname__} must be a plain function to be an {stage} rule")
        marks = function.__dict__.setdefault("__pos_rules__", [])
        marks.append(Rule(stage, action, function, priority, wanted, on_error=on_error))
        return function

    return mark


def wanted_arguments(function: Callable[..., Any], offered: tuple[str, ...]) -> tuple[str, ...]:
    """The names a handler asks for; TypeError when it asks for one that is not offered or is a generator's wrapper."""
    names = tuple(inspect.signature(function).parameters)
    unknown = [name for name in names if name not in offered]
    if unknown:
        raise TypeError(f"{function.__qualname__} asks for {', '.join(unknown)}; offered are {', '.join(offered)}")
    return names


def rules_of(module: ModuleType, owner: str, depth: int) -> list[Rule]:
    """The rules that decorators marked in a Python module, as rules of the POS module `owner`."""
    return [
        Rule(mark.stage, mark.action, mark.function, mark.priority, mark.arguments, owner, depth, mark.on_error)
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        for mark in getattr(function, "__pos_rules__", ())
    ]


def judgement(rule: Rule, arguments: dict[str, Any]) -> Iterable[Violation]:
    """What a before rule says. A failure of one that is declared to be skipped is logged, and it says nothing.

    Refusals are no failures, and what the database says goes on: after it the transaction is not what it was.
    """
    if rule.on_error != "skip":
        return violations_in(rule, rule.call(arguments))
    try:
        return violations_in(rule, rule.call(arguments))
    except (PosError, pw.PeeweeException):
        raise
    except Exception as error:
        log.exception("a rule failed and was skipped", extra={"rule": rule.name, "module_name": rule.module})
        if rule.meter is not None:
            rule.meter.failed(error)
        return ()


def violations_in(rule: Rule, returned: Any) -> Iterable[Violation]:
    """What a before rule returned, as violations that name the rule; TypeError for anything else."""
    if returned is None:
        return ()
    found = (returned,) if isinstance(returned, Violation) else tuple(returned)
    for violation in found:
        if not isinstance(violation, Violation):
            raise TypeError(f"{rule.name} returned {violation!r}; a before rule returns violations or None")
    return tuple(Violation(v.code, v.path, v.params, v.rule or rule.name) for v in found)
