"""Whether a rule fits what is installed: its actions, its fields, its queries, what it does and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pos_core.business_rules import errors
from pos_core.business_rules.compiling import Compiler, Holds
from pos_core.business_rules.facts import RuleQuery
from pos_core.business_rules.messages import Message, compile_message
from pos_core.business_rules.schemas import Content
from pos_core.errors import PosError, Violation
from pos_core.rbac.masks import FIELD_MASKED

if TYPE_CHECKING:
    from pos_core.actions import Action
    from pos_core.context import Actor
    from pos_core.kernel import Kernel

#: Before these no rule stands: it could lock out who would take it away, or hinder what guards the system.
EXEMPT_MODULES = frozenset({
    "core.audit", "core.auth", "core.business_rules", "core.credentials", "core.installer", "core.mfa", "core.rbac",
    "core.registry", "core.security", "admin.modules",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fitted:
    """A rule, compiled for one of its actions. asked: the queries that it asks. paths: what it reads."""

    action: Action
    holds: Holds
    message: Message
    asked: frozenset[str]
    paths: frozenset[str]


def takes_rules(action: Action) -> bool:
    """Whether business rules may stand before the action."""
    return not action.public and action.module not in EXEMPT_MODULES


def effects_of(action: Action) -> list[str]:
    """What a rule before the action can do."""
    possible = {"refuse": True, "reason": bool(action.reason), "approval": action.approval is not None}
    return [effect for effect, can in possible.items() if can]


def fit(content: Content, action: Action, queries: Mapping[str, RuleQuery]) -> tuple[Fitted, list[Violation]]:
    """The rule compiled for an action, and everything that does not fit."""
    compiler = Compiler(action, queries)
    holds = compiler.condition(content.condition, "condition")
    read, asked = frozenset(compiler.paths), frozenset(compiler.asked)
    message = compile_message(compiler, content)
    problems = list(compiler.problems)
    if content.effect not in effects_of(action):
        problems.append(errors.EFFECT_IMPOSSIBLE.at("effect", action=action.name, effect=content.effect))
    return Fitted(action, holds, message, asked, read | compiler.paths), problems


def problems_of(kernel: Kernel, content: Content, actor: Actor | None = None) -> list[Violation]:
    """Everything that does not fit, for every action; with an actor also what is hidden from whom who writes it."""
    found: list[Violation] = []
    for position, name in enumerate(content.actions):
        try:
            action = kernel.action(name)
        except PosError:
            found.append(errors.ACTION_UNKNOWN.at(f"actions.{position}", action=name))
            continue
        if not takes_rules(action):
            found.append(errors.ACTION_EXEMPT.at(f"actions.{position}", action=name))
            continue
        fitted, problems = fit(content, action, kernel.business_rules.queries)
        found += problems
        if actor is not None:
            found += _hidden(kernel, actor, fitted)
    if content.valid_from is not None and content.valid_until is not None and content.valid_until < content.valid_from:
        found.append(errors.DATES_WRONG.at("valid_until"))
    return _distinct(found)


def _hidden(kernel: Kernel, actor: Actor, fitted: Fitted) -> list[Violation]:
    """What reads a field that is hidden from the actor: a test against the past could tell it."""
    hidden = kernel.masks.hidden_names(None, kernel.masks.hidden(actor))
    steps = {path: path.replace("[*]", "").split(".") for path in sorted(fitted.paths)}
    return [
        FIELD_MASKED.at("condition", field=path) for path, names in steps.items() if not hidden.isdisjoint(names)
    ]


def _distinct(found: list[Violation]) -> list[Violation]:
    """Each once: several actions may share what is wrong."""
    seen: dict[tuple[str, str, str], Violation] = {}
    for one in found:
        seen.setdefault((one.code.code, one.path, one.message()), one)
    return list(seen.values())
