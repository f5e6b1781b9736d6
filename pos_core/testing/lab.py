"""A pack at work: a business sells and does what the pack's examples say, and what its handlers do is watched."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, wraps
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import orjson

from pos_core import Manifest, PosError, hookimpl
from pos_core.actions import Action
from pos_core.context import Context
from pos_core.db.ddl import distribution_of
from pos_core.db.model import database
from pos_core.errors import READ_ONLY_OUTSIDE, Violation
from pos_core.events import Event
from pos_core.ids import uuid7
from pos_core.kernel import Kernel
from pos_core.rules import Rule
from pos_core.testing.app import audit, outbox, switch_on
from pos_core.testing.factories import Shop
from pos_core.testing.guard import GuardedAgainst, guarded
from pos_core.testing.harness import Business, Templates
from pos_core.testing.packs import Pack
from pos_core.testing.reading import offline_kernel
from pos_core.tracing import BEFORE

if TYPE_CHECKING:
    from pos_core.testing.checks import Result

SABOTEUR = "pos_core_testing.saboteur"
#: How often the ordinary day's sale is repeated: medians need a few calls.
SALES = 3
_ROLE_OF_SCOPE = {"pos": "cashier", "store": "manager", "hq": "admin"}
_SEALED = "write nothing"

#: The rows of each table, as text.
Rows = dict[str, list[str]]


@dataclass(slots=True)
class Handler:
    """A rule or hook of the pack and what it did: the CPU time of each call (ns), and what it should not have done."""

    name: str
    stage: str
    action: str
    spent: list[int] = field(default_factory=list)
    wrote: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        return sorted(self.spent)[len(self.spent) // 2] / 1e6 if self.spent else 0.0


@dataclass(slots=True)
class Trial:
    """One example: its action, what came of it, and what was seen when it was repeated and when it was undone."""

    action: str
    error: BaseException | None = None
    audited: bool = False
    events: list[Event] = field(default_factory=list)
    repeat: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    #: What its service should not have done.
    tried: list[str] = field(default_factory=list)


class Sabotaged(Exception):
    """Raised by the after rule that is there to fail."""


class Lab:
    """Runs a pack once on one database; the checks read what was seen. Made per pack and dialect."""

    def __init__(self, pack: Pack, templates: Templates, dialect: str, directory: Path) -> None:
        self.pack, self._templates, self.dialect, self._directory = pack, templates, dialect, directory
        self.handlers: dict[tuple[str, str, str], Handler] = {}
        #: What each check has found so far, by its name.
        self.results: dict[str, Result] = {}
        #: What broke on the ordinary day, by action.
        self.mishaps: list[tuple[str, Exception]] = []
        self._armed = ""
        self._events: list[Event] = []
        self._stack = ExitStack()

    def close(self) -> None:
        """End the businesses."""
        self._stack.close()

    @contextmanager
    def another(self, **overrides: Any) -> Iterator[Business]:
        """A fresh business with the pack, configured otherwise and not watched."""
        before = database.obj
        try:
            with self._templates.business(
                self.dialect, self._directory / uuid7(), self.pack.extra(), migrations=self._given(), **overrides
            ) as made:
                yield made
        finally:
            database.initialize(before)  # the models are bound to the business that is watched, as before

    def _given(self) -> list[tuple[str, Path]]:
        return [] if self.pack.installed else self.pack.migrations()

    def empty_database(self) -> AbstractContextManager[str]:
        """The URL of a database with nothing in it."""
        return self._templates.empty(self.dialect, self._directory)

    @cached_property
    def offline(self) -> Kernel:
        """A kernel without a business: for what the pack declares."""
        before = database.obj
        try:
            return offline_kernel(self.pack)
        finally:
            database.initialize(before)

    @cached_property
    def business(self) -> Business:
        """The business in which everything is watched."""
        extra = [*self.pack.extra(), (SABOTEUR, self._saboteur())]
        made = self._stack.enter_context(self._templates.business(
            self.dialect, self._directory / "lab", extra, migrations=self._given(), watch=self._watch,
        ))  # fmt: skip
        switch_on(made, [*sorted(self.pack.module_names), SABOTEUR])
        kernel = made.kernel
        for action in kernel.actions():
            if action.module in self.pack.module_names:
                kernel._actions[action.name] = self._guarded_action(action)
        publish = kernel.publish

        def seen(ctx: Context, event: Event) -> None:
            self._events.append(event)
            publish(ctx, event)

        kernel.publish = seen  # type: ignore[method-assign]
        return made

    @property
    def kernel(self) -> Kernel:
        return self.business.kernel

    def _saboteur(self) -> ModuleType:
        """A module whose after hook fails when it is told to, after everything that the pack does."""

        def after_action(ctx: Context, action: Action) -> None:
            if self._armed == action.name:
                raise Sabotaged

        made = ModuleType(SABOTEUR)
        wishes = tuple(sorted(self.pack.module_names))
        made.MANIFEST = Manifest(SABOTEUR, "1", title="Fails on purpose", extras=wishes)  # type: ignore[attr-defined]
        made.after_action = hookimpl(after_action)  # type: ignore[attr-defined]
        return made

    # -- watching --------------------------------------------------------------------------------------------------

    def _watch(self, rule: Rule, stage: str) -> Rule:
        if rule.module not in self.pack.module_names or stage.startswith(("kernel_", "register_")):
            return rule
        key = (rule.name, stage, rule.action)
        handler = self.handlers.setdefault(key, Handler(rule.name, stage, rule.action))
        function, pure = rule.function, stage in BEFORE

        @wraps(function)
        def watched(*arguments: Any) -> Any:
            kept = self._pending(rule, arguments), self.rows() if pure or stage == "on_event" else {}
            began = time.thread_time_ns()
            try:
                with guarded(handler.tried):
                    returned = function(*arguments)
                    if pure and returned is not None and not isinstance(returned, Violation):
                        returned = tuple(returned)
            except GuardedAgainst:
                return None
            except (PosError, RuntimeError) as error:
                if pure and _tells_of_writing(error):
                    handler.wrote.append(str(error))
                    return None
                raise
            finally:
                handler.spent.append(time.thread_time_ns() - began)
            if pure and self._pending(rule, arguments) != kept[0]:
                handler.wrote.append("it handed over rows")
            if kept[1] and self.rows() != kept[1]:
                handler.wrote.append("rows of the pack's tables changed while it ran")
            return returned

        return replace(rule, function=watched)

    def _pending(self, rule: Rule, arguments: tuple[Any, ...]) -> tuple[int, ...]:
        ctx = dict(zip(rule.arguments, arguments, strict=False)).get("ctx")
        uow = getattr(ctx, "uow", None)
        if uow is None:
            return ()
        return sum(map(len, uow.rows.values())), len(uow.counters), len(uow.events), len(uow.after_commit)

    def _guarded_action(self, action: Action) -> Action:
        function = action.function

        @wraps(function)
        def service(*arguments: Any) -> Any:
            with guarded([]):
                return function(*arguments)

        return replace(action, function=service)

    # -- what is there ---------------------------------------------------------------------------------------------

    @cached_property
    def tables(self) -> list[str]:
        """The names of the pack's tables."""
        return [m._meta.table_name for m in self.kernel.models if self._is_own(m)]

    def _is_own(self, model: Any) -> bool:
        return model.__module__.partition(".")[0] in self.pack.packages or distribution_of(model) == self.pack.prefix

    def rows(self) -> Rows:
        """Everything that stands in the pack's tables."""
        db = self.kernel.db
        found = {table: db.execute_sql(f"SELECT * FROM {table}").fetchall() for table in self.tables}
        return {table: sorted(map(repr, rows)) for table, rows in found.items()}

    def _state(self) -> tuple[Rows, int, int]:
        done = sum(fact["outcome"] == "done" for fact in audit())
        return self.rows(), len(outbox()), done

    # -- working ---------------------------------------------------------------------------------------------------

    @cached_property
    def examples(self) -> dict[str, Callable[[], Mapping[str, Any]]]:
        """What the pack's modules give as examples: a command by action, made anew at each call."""
        shop = Shop(self.business)
        found: dict[str, Callable[[], Mapping[str, Any]]] = {}
        for _, plugin in self.pack.plugins:
            name = f"{plugin.__package__}.examples"
            if not plugin.__package__ or importlib.util.find_spec(name) is None:
                continue
            for action, make in importlib.import_module(name).EXAMPLES.items():
                found[action] = partial(make, shop)
        return found

    @cached_property
    def trials(self) -> list[Trial]:
        """The ordinary day and the pack's examples, done once; what was seen."""
        self._ordinary_day()
        return [self._try(action, make) for action, make in self.examples.items()]

    def _ordinary_day(self) -> None:
        """Sell a few things, where sales are installed and on; a pack's rules may refuse what they like."""
        shop, kernel = Shop(self.business), self.kernel
        steps: list[tuple[str, Callable[[], Any]]] = [
            ("product:create", lambda: shop.product("KIT", unit_price_minor=250)),
            ("customer:create", shop.customer),
            ("register_session:open", shop.open_register),
            *[("sale:complete", lambda: shop.sale(("KIT", "1")))] * SALES,
        ]
        for action, step in steps:
            if kernel.offers(action, self.business.store_id):
                try:
                    step()
                except Exception as error:  # noqa: BLE001 - the check of the examples tells it
                    if not isinstance(error, PosError):
                        self.mishaps.append((action, error))

    def context_for(self, action: Action) -> Context:
        """Somebody who may do it, where that is done: at a till, in the store, at the headquarters."""
        scope = action.permissions[0].partition(":")[0] if action.permissions else "pos"
        ctx = self.business.context(_ROLE_OF_SCOPE.get(scope, "admin"))
        ctx.actor = replace(ctx.actor, permissions=ctx.actor.permissions | set(action.permissions))
        return ctx

    def _try(self, name: str, make: Callable[[], Mapping[str, Any]]) -> Trial:
        trial, kernel = Trial(name), self.kernel
        try:
            action = kernel.action(name)
            self._undo(trial, action, make())
            command, key, before = self._typed(action, make()), uuid7(), len(self._events)
            kernel.perform(self.context_for(action), name, command, key)
        except GuardedAgainst as tried:
            trial.tried.append(str(tried))
            return trial
        except Exception as error:  # noqa: BLE001 - whatever it is, the check of the examples tells it
            trial.error = error
            return trial
        trial.events = self._events[before:]
        trial.audited = any(fact["outcome"] == "done" for fact in audit(name))
        self._repeat(trial, action, command, key)
        return trial

    def _typed(self, action: Action, values: Mapping[str, Any]) -> Any:
        return action.command.model_validate_json(orjson.dumps(values))

    def _undo(self, trial: Trial, action: Action, values: Mapping[str, Any]) -> None:
        """Let an after rule fail and look at what is left."""
        command, before = self._typed(action, values), self._state()
        self._armed = action.name
        try:
            self.kernel.perform(self.context_for(action), action.name, command, uuid7())
        except Sabotaged:
            trial.undone = _differences(before, self._state())
        else:
            trial.undone = ["it answered although an after rule failed"]
        finally:
            self._armed = ""

    def _repeat(self, trial: Trial, action: Action, command: Any, key: str) -> None:
        before = self._state()
        try:
            again = self.kernel.perform(self.context_for(action), action.name, command, key)
        except Exception as error:  # noqa: BLE001 - as above
            trial.repeat = [f"the repeat was not answered: {type(error).__name__}: {error}"]
            return
        trial.repeat = _differences(before, self._state())
        if not again.replayed:
            trial.repeat.append("the repeat was done again instead of being answered from what is stored")


def _tells_of_writing(error: Exception) -> bool:
    if isinstance(error, PosError):
        return error.code.code == READ_ONLY_OUTSIDE.code
    return _SEALED in str(error)


def _differences(before: tuple[Rows, int, int], after: tuple[Rows, int, int]) -> list[str]:
    found = [f"rows of {table} changed" for table, rows in before[0].items() if after[0][table] != rows]
    if after[1] != before[1]:
        found.append(f"{after[1] - before[1]} outbox entries more")
    if after[2] != before[2]:
        found.append(f"{after[2] - before[2]} audit entries of things done more")
    return found
