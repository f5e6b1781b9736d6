"""Seeing who is called: every rule and hook with its time, on standard error, when `POS_TRACE_HOOKS=1`.

    2.1 ms  before  sale:complete  ops.sales:check_total  (pos_ops/sales/rules.py:41)  1 violation

Off, it costs nothing: handlers are wrapped when they are collected, or not at all.
"""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from pos_core.errors import Violation
from pos_core.rules import Rule

VARIABLE = "POS_TRACE_HOOKS"
#: The stages whose handlers may be generators of violations.
BEFORE = ("before", "before_action")

#: (a handler, what it is called for: "before", "after" or a hook's name) to the handler to call in its place.
Watch = Callable[[Rule, str], Rule]
Line = Callable[[str], None]


def wanted(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the environment asks for a trace."""
    given = os.environ if environment is None else environment
    return given.get(VARIABLE, "") not in ("", "0")


def place(function: Callable[..., Any]) -> str:
    """Where a function stands: its file below the package's folder, and its line."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return "(built in)"
    parts = Path(code.co_filename).parts
    package = function.__module__.partition(".")[0]
    below = len(parts) - 1 - parts[::-1].index(package) if package in parts else len(parts) - 1
    return f"{'/'.join(parts[below:])}:{code.co_firstlineno}"


def to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")


def tracer(write: Line = to_stderr) -> Watch:
    """A watch that writes a line for each call."""

    def watch(rule: Rule, stage: str) -> Rule:
        where, function = place(rule.function), rule.function

        @wraps(function)
        def traced(*arguments: Any) -> Any:
            began = time.perf_counter_ns()
            outcome = "raised"
            try:
                returned = function(*arguments)
                if stage in BEFORE and returned is not None and not isinstance(returned, Violation):
                    returned = tuple(returned)  # a generator's work is done when it is read
                outcome = _told(returned) if stage in BEFORE else ""
                return returned
            finally:
                spent = (time.perf_counter_ns() - began) / 1e6
                about = _about(rule, arguments)
                write(f"{spent:8.3f} ms  {stage:<14} {about:<28} {rule.name}  ({where})  {outcome}".rstrip())

        return replace(rule, function=traced)

    return watch


def _about(rule: Rule, arguments: tuple[Any, ...]) -> str:
    """What happened: the rule's action, or that of a hook's call."""
    if rule.action != "*":
        return rule.action
    given = dict(zip(rule.arguments, arguments, strict=False))
    for name in ("action", "event"):
        if name in given:
            return str(getattr(given[name], "name", given[name]))
    entry = given.get("entry")
    return str(entry.get("action", "*")) if isinstance(entry, Mapping) else "*"


def _told(returned: Any) -> str:
    if isinstance(returned, Violation):
        return "1 violation"
    if isinstance(returned, tuple) and returned:
        return f"{len(returned)} violation{'s' if len(returned) > 1 else ''}"
    return ""
