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
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from pos_core.errors import Violation

BEFORE_ARGUMENTS = ("ctx", "action", "command", "draft")
AFTER_ARGUMENTS = ("ctx", "action", "command", "draft", "result")
DEFAULT_PRIORITY = 100

Stage = Literal["before", "after"]


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

    @property
    def name(self) -> str:
        return f"{self.module}:{self.function.__name__}"

    @property
    def order(self) -> tuple[int, int, str, str]:
        return (self.priority, self.depth, self.module, self.function.__name__)

    def call(self, arguments: dict[str, Any]) -> Any:
        return self.function(*[arguments[name] for name in self.arguments])


def before(action: str, *, priority: int = DEFAULT_PRIORITY) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as a before rule of `action`; lower priorities run first."""
    return _marker("before", action, priority, BEFORE_ARGUMENTS)


def after(action: str, *, priority: int = DEFAULT_PRIORITY) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as an after rule of `action`; lower priorities run first."""
    return _marker("after", action, priority, AFTER_ARGUMENTS)


def _marker(stage: Stage, action: str, priority: int, offered: tuple[str, ...]) -> Callable[..., Any]:
    if ":" not in action and action != "*":
        raise ValueError(f"{action!r} is no action name: write entity:verb, or * for all")

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        wanted = wanted_arguments(function, offered)
        lazy = inspect.iscoroutinefunction(function) or (stage == "after" and inspect.isgeneratorfunction(function))
        if lazy:  # its body would never run, and nobody would notice
            raise TypeError(f"{function.__qualname__} must be a plain function to be an {stage} rule")
        marks = function.__dict__.setdefault("__pos_rules__", [])
        marks.append(Rule(stage, action, function, priority, wanted))
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
        Rule(mark.stage, mark.action, mark.function, mark.priority, mark.arguments, owner, depth)
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        for mark in getattr(function, "__pos_rules__", ())
    ]


def violations_in(rule: Rule, returned: Any) -> Iterable[Violation]:
    """What a before rule returned, as violations that name the rule; TypeError for anything else."""
    if returned is None:
        return ()
    found = (returned,) if isinstance(returned, Violation) else tuple(returned)
    for violation in found:
        if not isinstance(violation, Violation):
            raise TypeError(f"{rule.name} returned {violation!r}; a before rule returns violations or None")
    return tuple(Violation(v.code, v.path, v.params, v.rule or rule.name) for v in found)
