"""What modules tell of their actions and reads to business rules: the hook `register_rule_facts` gives these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from pos_core import clock
from pos_core.actions import Action
from pos_core.business_rules.evaluating import CannotTell, Surroundings
from pos_core.business_rules.shapes import Shape
from pos_core.errors import NOT_FOUND, PosError

if TYPE_CHECKING:
    from pos_core.context import Context
    from pos_core.kernel import Kernel

Rebuilt = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RuleQuery:
    """A named read that conditions may ask.

    name: the query's own name ("department:get"). arguments: each one's kind ("id", "text"). answers: the kind of each
    figure that may be picked ("text", "id", "integer", "decimal", "boolean", "date"). read: for a query whose answer
    is no mapping of those figures, (ctx, **arguments) to one, or to None.
    """

    name: str
    arguments: Mapping[str, str]
    answers: Mapping[str, str]
    read: Callable[..., Mapping[str, Any] | None] | None = None
    module: str = ""

    def shape(self, pick: str) -> Shape:
        return Shape(self.answers[pick])

    def ask(self, ctx: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The answer; None where there is no such thing. CannotTell where its module is off."""
        if not ctx.kernel.registry.enabled(self.module, ctx.store_id, ctx.revision):
            raise CannotTell(
                f"the module {self.module} is switched off here", f"el módulo {self.module} está desactivado aquí"
            )
        try:
            if self.read is not None:
                return self.read(ctx, **arguments)
            found: Mapping[str, Any] | None = ctx.query(self.name, **arguments)
            return found
        except PosError as error:
            if error.code is NOT_FOUND:
                return None
            raise CannotTell(
                f"{self.name} answers {error.code.code}", f"{self.name} responde {error.code.code}"
            ) from error


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """How a past action is rebuilt from its audit entry, for the question what a rule would have stopped.

    rebuild: (fact) to {"command": {...}, "draft": {...}} with the names and forms that the action itself has; what the
    entry does not tell is left out. fields: the paths that are always told.
    """

    action: str
    rebuild: Callable[[Mapping[str, Any]], Rebuilt]
    fields: frozenset[str] = field(default_factory=frozenset)


def declared(kernel: Kernel) -> tuple[dict[str, RuleFacts], dict[str, RuleQuery]]:
    """What the running modules have told: facts by action, queries by name. Whether a module is on is asked when its
    query is."""
    facts: dict[str, RuleFacts] = {}
    queries: dict[str, RuleQuery] = {}
    running = {module.name for module in kernel.running()}
    for impl in kernel.manager.hook.register_rule_facts.get_hookimpls():
        given: Iterable[RuleFacts | RuleQuery] = impl.function()  # type: ignore[assignment]
        for told in given if impl.plugin_name in running else ():
            if isinstance(told, RuleFacts):
                facts[told.action] = told
            else:
                queries[told.name] = RuleQuery(told.name, told.arguments, told.answers, told.read, impl.plugin_name)
    return facts, queries


def rebuilt(action: Action, told: RuleFacts | None, fact: Mapping[str, Any]) -> Rebuilt:
    """A past action's command and draft as far as its entry tells them.

    A refused attempt's entry holds its command. Of an action that was done, its module rebuilds; where it has not said
    how, the answer's own fields of the command's names stand for the command's, but for lists and persons.
    """
    if isinstance(fact.get("command"), Mapping) and "sha256" not in fact["command"]:
        return {"command": fact["command"], "draft": {}}
    after = fact.get("after")
    if not isinstance(after, Mapping):
        return {"command": {}, "draft": {}}
    if told is not None:
        return {"command": {}, "draft": {}, **told.rebuild(fact)}
    return {"command": {name: after[name] for name in answered(action) if name in after}, "draft": {}}


def answered(action: Action) -> tuple[str, ...]:
    """The names of a command's own simple fields, which an answer of the same names tells."""
    from pos_core.business_rules.shapes import fields_of

    command: type[BaseModel] = action.command
    shapes = fields_of(Shape("object", type=command))
    simple = (name for name, shape in shapes.items() if shape.kind not in ("list", "object", "other"))
    return tuple(name for name in simple if name not in action.personal and name not in action.secrets)


def surroundings_then(ctx: Context, fact: Mapping[str, Any]) -> Surroundings:
    """Who, where and when of an audit entry."""
    return Surroundings.at(
        ctx, fact.get("store"), fact.get("register"), user_id=fact.get("actor"), username=fact.get("actor_name"),
        roles=tuple(fact.get("roles", ())), app_context=fact.get("context", ""), channel=fact.get("channel", ""),
        now=clock.from_text(fact["at"]),
    )  # fmt: skip
