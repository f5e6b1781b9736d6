"""The business rules that are on, compiled once per revision of the business: an action without any pays a look-up."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError

from pos_core.approvals.needs import Need
from pos_core.business_rules import errors
from pos_core.business_rules.evaluating import Budget, CannotTell, Scope, Surroundings, Unavailable
from pos_core.business_rules.facts import RuleFacts, RuleQuery, declared
from pos_core.business_rules.schemas import Content, content_of
from pos_core.business_rules.sound import Fitted, fit, takes_rules
from pos_core.business_rules.words import both
from pos_core.db.model import database
from pos_core.db.statements import statement
from pos_core.errors import Violation

if TYPE_CHECKING:
    from pos_core.actions import Action
    from pos_core.context import Context
    from pos_core.kernel import Kernel

log = logging.getLogger("pos.business_rules")

#: The kind of approval that rules ask for.
APPROVAL = "business_rule"
_UNREADABLE = both("this release cannot read it", "esta versión no puede leerla")
_ACTIVE = statement(
    "SELECT r.code, r.active_number, r.store_ids, v.content FROM core_business_rule r "
    "JOIN core_business_rule_version v ON v.rule_id = r.id AND v.number = r.active_number "
    "WHERE r.state = 'active' ORDER BY r.code"
)


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """A rule that is on, for one action. `fitted` is None where it does not fit what is installed; `wrong` says why."""

    code: str
    number: int
    stores: frozenset[str] | None
    content: Content
    fitted: Fitted | None
    wrong: Violation | None = None

    @property
    def name(self) -> str:
        return f"core.business_rules:{self.code}@{self.number}"

    def holds_on(self, store_id: str | None, day: date) -> bool:
        """Whether the rule is on in the store on that business date."""
        if self.stores is not None and store_id not in self.stores:
            return False
        first, last = self.content.valid_from, self.content.valid_until
        return (first is None or first <= day) and (last is None or day <= last)


Active = tuple[ActiveRule, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The rules of one revision: as they are written, and compiled as they are first needed."""

    revision: int
    written: dict[str, list[tuple[str, int, frozenset[str] | None, Content]]]
    compiled: dict[str, tuple[Active, Active]] = field(default_factory=dict)


def works_out(fitted: Fitted, scope: Scope) -> bool:
    """Whether the rule's condition holds; CannotTell, or Unavailable of a past action."""
    scope.budget.begin()
    try:
        return fitted.holds(scope)
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
        log.exception("a business rule met something unexpected", extra={"action": fitted.action.name})
        raise CannotTell(
            f"{type(error).__name__} in what it reads", f"{type(error).__name__} en lo que lee"
        ) from error


class RuleBook:
    """The active rules by action; see the module."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        #: Replaced as a whole, so that no thread sees the rules of one revision beside those of another.
        self._page = Page(-1, {})

    @cached_property
    def _declared(self) -> tuple[dict[str, RuleFacts], dict[str, RuleQuery]]:
        return declared(self._kernel)

    @property
    def facts(self) -> Mapping[str, RuleFacts]:
        """How past actions are rebuilt, by action."""
        return self._declared[0]

    @property
    def queries(self) -> Mapping[str, RuleQuery]:
        """The queries that conditions may ask."""
        return self._declared[1]

    def of(self, action: Action, revision: int) -> tuple[Active, Active] | None:
        """The rules before an action: those that refuse or ask for a reason, and those that ask for approval."""
        page = self._page
        if revision != page.revision:
            page = self._page = self._read(revision)
        if action.name not in page.written or not takes_rules(action):
            return None
        if action.name not in page.compiled:
            rules = sorted((self._compile(action, *one) for one in page.written[action.name]),
                           key=lambda rule: (rule.content.priority, rule.code))
            needing = [rule.content.effect == "approval" for rule in rules]
            page.compiled[action.name] = (
                tuple(rule for rule, needs in zip(rules, needing, strict=True) if not needs),
                tuple(rule for rule, needs in zip(rules, needing, strict=True) if needs),
            )
        return page.compiled[action.name]

    def _read(self, revision: int) -> Page:
        page = Page(revision, {})
        for code, number, store_ids, stored in database.obj.fetch(_ACTIVE):
            content = _readable(code, orjson.loads(stored))
            stores = frozenset(orjson.loads(store_ids)) if store_ids is not None else None
            for action in content.actions:
                page.written.setdefault(action, []).append((code, number, stores, content))
        return page

    def _compile(
        self, action: Action, code: str, number: int, stores: frozenset[str] | None, content: Content
    ) -> ActiveRule:
        if content.condition is None:
            return ActiveRule(code, number, stores, content, None, _UNREADABLE)
        fitted, problems = fit(content, action, self.queries)
        if problems:
            return ActiveRule(code, number, stores, content, None, problems[0])
        return ActiveRule(code, number, stores, content, fitted)

    # -- before an action ------------------------------------------------------------------------------------------

    def violations(self, ctx: Context, action: Action, command: Any, draft: Any) -> list[Violation]:
        """What the rules that refuse or ask for a reason say."""
        rules = self.of(action, ctx.revision)
        if rules is None or not rules[0]:
            return []
        asks_reason = getattr(command, "reason", None) is None
        return [
            violation for rule, violation in self._holding(ctx, rules[0], command, draft)
            if rule.content.effect != "reason" or asks_reason or violation.code is errors.FAILED
        ]  # fmt: skip

    def needs(self, ctx: Context, action: Action, command: Any, draft: Any) -> tuple[Need, ...]:
        """What the rules that ask for approval need: one need for all of them, of which each is named."""
        rules = self.of(action, ctx.revision)
        if rules is None or not rules[1]:
            return ()
        held = self._holding(ctx, rules[1], command, draft)
        if not held:
            return ()
        said = [(violation.message("en"), violation.message("es")) for _, violation in held]
        told = both(*(" ".join(sentences) for sentences in zip(*said, strict=True)))
        why = Violation(errors.APPROVAL_NEEDED, "", {"message": told}, held[0][0].name)
        return (Need(APPROVAL, why, {"rules": [f"{rule.code}@{rule.number}" for rule, _ in held]}),)

    def _holding(self, ctx: Context, rules: Active, command: Any, draft: Any) -> list[tuple[ActiveRule, Violation]]:
        """The rules whose condition holds (or that fail closed), each with what it says."""
        scope = self.scope(ctx, {"command": command, "draft": draft}, Surroundings.of(ctx))
        day = scope.surroundings.business_date
        found = []
        for rule in rules:
            if not rule.holds_on(ctx.store_id, day):
                continue
            try:
                why = rule.wrong
                if rule.fitted is not None and works_out(rule.fitted, scope):
                    found.append((rule, self._said(rule, rule.fitted, scope)))
            except (CannotTell, Unavailable) as failure:
                why = failure.told
            if why is not None and rule.content.on_error == "closed":
                found.append((rule, Violation(errors.FAILED, "", {"code": rule.code, "why": why}, rule.name)))
            elif why is not None:
                _note_skipped(ctx, rule, why.message())
        return found

    def _said(self, rule: ActiveRule, fitted: Fitted, scope: Scope) -> Violation:
        code = errors.REASON_NEEDED if rule.content.effect == "reason" else errors.REFUSED
        return Violation(code, "", {"message": fitted.message.told(scope, self._kernel.currency)}, rule.name)

    def scope(self, ctx: Context, roots: Mapping[str, Any], surroundings: Surroundings) -> Scope:
        """What one evaluation sees, with a budget of its own."""
        return Scope(roots, surroundings, Budget(), lambda query, arguments: query.ask(ctx, arguments))


def _readable(code: str, stored: dict[str, Any]) -> Content:
    """A version's content. What this release cannot read any more is left with its actions and no condition: it cannot
    be worked out, and refuses or is skipped as it says."""
    try:
        return content_of(stored)
    except ValidationError:
        log.exception("an active business rule cannot be read", extra={"rule": code})
        kept: dict[str, Any] = {name: stored[name] for name in ("on_error", "priority") if name in stored}
        return Content.model_construct(**{**kept, "actions": tuple(stored["actions"]), "condition": None})


def _note_skipped(ctx: Context, rule: ActiveRule, why: str) -> None:
    log.warning("a business rule was skipped", extra={"rule": rule.name, "why": why, "request_id": ctx.request_id})
    entry = ctx.writing.current
    known = entry.notes.get("business_rules_skipped", []) if entry is not None else []
    ctx.writing.note(business_rules_skipped=[*known, {"rule": f"{rule.code}@{rule.number}", "why": why}])
