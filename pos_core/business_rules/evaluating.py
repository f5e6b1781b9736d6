"""Working a condition out: what it reads, and the limits within which it does.

Every reading and comparing costs steps of a budget that all rules before one action share; each has its own share,
too. What a past entry does not tell is `Unavailable`, which is not false: a test run reports it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pos_core import clock
from pos_core.business_rules.words import both
from pos_core.errors import Violation

if TYPE_CHECKING:
    from pos_core.business_rules.facts import RuleQuery
    from pos_core.context import Context

RULE_STEPS = 50_000
ACTION_STEPS = 200_000
ACTION_QUERIES = 100
PATIENCE_S = 1.0
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class CannotTell(Exception):
    """A rule could not be worked out, and why: in English and in Spanish."""

    def __init__(self, english: str, spanish: str) -> None:
        super().__init__(english)
        self.told = both(english, spanish)


class Unavailable(Exception):
    """Something that the rule reads is not known of a past action; the message is its path."""

    @property
    def told(self) -> Violation:
        return both(f"{self} is not known", f"{self} no se conoce")


@dataclass(slots=True)
class Budget:
    """What is left of steps and queries. `rule_steps` is the running rule's share."""

    steps: int = ACTION_STEPS
    queries: int = ACTION_QUERIES
    rule_steps: int = RULE_STEPS
    until: float = field(default_factory=lambda: time.monotonic() + PATIENCE_S)

    def begin(self) -> None:
        """The next rule begins."""
        self.rule_steps = min(RULE_STEPS, self.steps)

    def spend(self, steps: int) -> None:
        """CannotTell when the rule has used up its steps."""
        self.steps -= steps
        self.rule_steps -= steps
        if self.rule_steps < 0 or self.steps < 0:
            raise CannotTell("it takes too many steps", "requiere demasiados pasos")

    def spend_query(self) -> None:
        """CannotTell when too much was asked, or for too long."""
        self.queries -= 1
        if self.queries < 0:
            raise CannotTell("it asks too many queries", "hace demasiadas consultas")
        if time.monotonic() > self.until:
            raise CannotTell("its queries take too long", "sus consultas tardan demasiado")


@dataclass
class Surroundings:
    """`context.<name>` of a condition: of a request, or of a past audit entry."""

    store_id: str | None
    store_code: str | None
    register_id: str | None
    register_code: str | None
    user_id: str | None
    username: str | None
    roles: tuple[str, ...]
    app_context: str
    channel: str
    now: datetime
    time_zone: str = "UTC"
    day_start_minutes: int = 0

    @cached_property
    def local(self) -> datetime:
        return self.now.astimezone(clock.zone(self.time_zone))

    @property
    def local_time(self) -> int:
        """Minutes after midnight."""
        return self.local.hour * 60 + self.local.minute

    @property
    def weekday(self) -> str:
        return WEEKDAYS[self.local.weekday()]

    @property
    def business_date(self) -> date:
        return clock.business_date(self.now, self.time_zone, self.day_start_minutes)

    @classmethod
    def at(cls, ctx: Context, store_id: str | None, register_id: str | None, **told: Any) -> Surroundings:
        """With what the store and the register say of themselves."""
        store = ctx.kernel.stores.get(store_id, ctx.revision) if store_id else None
        register = ctx.kernel.stores.register(register_id, ctx.revision) if register_id else None
        zone, start = (store.time_zone, store.day_start_minutes) if store else ("UTC", 0)
        return cls(
            store_id=store_id, store_code=store.code if store else None, register_id=register_id,
            register_code=register.code if register else None, time_zone=zone, day_start_minutes=start, **told,
        )  # fmt: skip

    @classmethod
    def of(cls, ctx: Context) -> Surroundings:
        """Of a request."""
        return cls.at(
            ctx, ctx.store_id, ctx.register_id, user_id=ctx.actor.id or None, username=ctx.actor.name,
            roles=ctx.actor.roles, app_context=ctx.app_context, channel=ctx.channel, now=ctx.at,
        )  # fmt: skip


@dataclass(slots=True)
class Scope:
    """What one evaluation sees. `known` remembers what was asked already."""

    roots: Mapping[str, Any]
    surroundings: Surroundings
    budget: Budget
    ask: Callable[[RuleQuery, Mapping[str, Any]], Mapping[str, Any] | None]
    item: Any = None
    known: dict[Any, Mapping[str, Any] | None] = field(default_factory=dict)

    def inside(self, item: Any) -> Scope:
        """The same with `item` standing for a list's element."""
        return Scope(self.roots, self.surroundings, self.budget, self.ask, item, self.known)

    def answer(self, query: RuleQuery, arguments: tuple[tuple[str, Any], ...]) -> Mapping[str, Any] | None:
        """A named read's answer, asked once for the same arguments; None where one of them is missing."""
        if any(value is None for _, value in arguments):
            return None
        key = (query.name, arguments)
        if key not in self.known:
            self.budget.spend_query()
            self.known[key] = self.ask(query, dict(arguments))
        return self.known[key]


def pick(value: Any, name: str, path: str) -> Any:
    """A field of what stands somewhere; Unavailable where a past entry does not tell it."""
    if isinstance(value, Mapping):
        if name not in value:
            raise Unavailable(path)
        return value[name]
    return getattr(value, name, None)


def read_path(scope: Scope, root: str, steps: tuple[str, ...], path: str) -> list[Any]:
    """What stands at a path, without what is missing: at most one value unless a step is `*`."""
    if root == "item":
        values = [scope.item]
    elif root == "context":
        values = [scope.surroundings]
    else:
        values = [scope.roots[root]]
    for step in steps:
        if step == "*":
            values = [part for value in values for part in value]
        else:
            values = [pick(value, step, path) for value in values]
        values = [value for value in values if value is not None]
        scope.budget.spend(len(values) + 1)
    return values
