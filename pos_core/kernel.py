"""The kernel: one running instance of the product, assembled from configuration, database and modules."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any

from pos_core import actions, plugins, rules, tracing
from pos_core.actions import Action, Outcome, Query
from pos_core.auth.limits import Counters, counters_for
from pos_core.auth.passwords import Passwords
from pos_core.auth.tokens import Tokens
from pos_core.business_rules.book import RuleBook
from pos_core.clock import Clock, SystemClock
from pos_core.config import secrets
from pos_core.config.loader import Config
from pos_core.config.settings import SettingsStore
from pos_core.context import Actor, Context
from pos_core.db import errors as db_errors
from pos_core.db.database import Database, close_all, connect_to
from pos_core.db.model import Record, Table, database
from pos_core.db.statements import statement
from pos_core.errors import MODULE_DISABLED, Kind, define
from pos_core.events import Event
from pos_core.manifest import ApprovalKind, Permission, Setting
from pos_core.plugins import Module, StartError
from pos_core.rbac.masks import Masks
from pos_core.reasons.directory import ReasonDirectory
from pos_core.registry import quarantine
from pos_core.registry.health import Health
from pos_core.registry.registry import LATEST, Registry
from pos_core.rules import Rule
from pos_core.security.floods import Floods
from pos_core.stores.directory import StoreDirectory
from pos_core.taxes.directory import TaxDirectory

log = logging.getLogger("pos.kernel")

UNKNOWN_NAME = define(
    "unknown_operation", Kind.NOT_FOUND,
    en="No module here knows {name}.", es="Ningún módulo de aquí conoce {name}.",
    cure="Install the distribution that brings it, or check the name with `pos modules`.",
)

_REVISION = statement("SELECT value FROM core_revision WHERE id = 1")
_INSTANCE = statement("SELECT id, name, currency FROM core_instance")


@dataclass(frozen=True, slots=True)
class Plan:
    """The handlers of one action for one set of enabled modules, in their order."""

    before: tuple[Rule, ...]
    after: tuple[Rule, ...]
    audit: tuple[Rule, ...]


class Kernel:
    """See the module. Made once per process; `start()` before the first request."""

    def __init__(
        self, config: Config, *, clock: Clock | None = None, extra: Iterable[tuple[str, ModuleType]] = (),
        db: Database | None = None, watch: tracing.Watch | None = None,
    ) -> None:
        self.config = config
        #: Stands before each rule and hook: a trace, or the checks of a pack.
        self.watch = watch or (tracing.tracer() if tracing.wanted() else None)
        self.clock: Clock = clock or SystemClock()
        self.db: Database = db or connect_to(
            config.database.url, max_connections=config.database.max_connections, prepared=config.database.prepared,
            synchronous=config.database.synchronous,
        )
        database.initialize(self.db)
        self.modules: list[Module] = plugins.discover(extra, config.modules.allow)
        self.manager = plugins.plugin_manager(self.modules)
        self.registry = Registry(self.modules, config.modules.disabled)
        #: How the modules' rules and hooks are doing: calls, times, failures.
        self.health = Health(config.directory("run") / "handlers", config.modules.slow_hook_ms)
        self._actions: dict[str, Action] = {}
        self._queries: dict[str, Query] = {}
        self._rules: list[Rule] = []
        self._hooks: dict[tuple[str, frozenset[str]], list[Rule]] = {}
        self._plans: dict[tuple[str, frozenset[str]], Plan] = {}
        self._closed: dict[frozenset[str], frozenset[str]] = {}
        for module in self.running():
            if module.running:  # one that it depends on may have been set aside a moment ago
                self._collect(module)
        self.models = sorted(self._models(), key=lambda m: m._meta.table_name)
        self.index_names = db_errors.index_names(self.models)
        self.start_over_on = frozenset(name for model in self.models for name in model.start_over_on)
        self.settings = SettingsStore(self.declared_settings())
        self.stores = StoreDirectory()
        self.taxes = TaxDirectory()
        self.reasons = ReasonDirectory()
        self.instance_id = ""
        self.instance_name = ""
        self.currency = ""
        self.first_run: Mapping[str, Any] = {}
        self.passwords = Passwords(config.auth)
        self.floods = Floods()
        self.business_rules = RuleBook(self)

    @cached_property
    def tokens(self) -> Tokens:
        """Signs and reads access tokens with this installation's secrets."""
        return Tokens(self._secrets_file, self.config.auth.access_minutes, self.clock)

    @cached_property
    def _secrets_file(self) -> secrets.SecretsFile:
        return secrets.SecretsFile(self.config.secrets_file)

    @property
    def secrets(self) -> secrets.Secrets:
        """This installation's secrets as they stand now: read again when their file was replaced."""
        return self._secrets_file.current()

    @cached_property
    def counters(self) -> Counters:
        """Where failed sign-ins are counted."""
        return counters_for(self)

    # -- modules ---------------------------------------------------------------------------------------------------

    def running(self) -> list[Module]:
        """The modules that were not set aside, in dependency order."""
        return [module for module in self.modules if module.running]

    def _collect(self, module: Module) -> None:
        """Read a module's actions, queries and rules; a name that is taken sets the module aside."""
        found: list[Action | Query] = []
        for part in module.parts.values():
            for _, function in inspect.getmembers(part, inspect.isfunction):
                if function.__module__ != part.__name__:
                    continue
                if isinstance(made := function.__dict__.get("__pos_action__"), Action):
                    found.append(_owned(made, module.name))
                if isinstance(asked := function.__dict__.get("__pos_query__"), Query):
                    found.append(_owned(asked, module.name))
        names = [f.name for f in found]
        taken = sorted({n for n in names if n in self._actions or n in self._queries or names.count(n) > 1})
        if taken:
            plugins.set_aside(module, f"its names are taken: {', '.join(taken)}", self.modules, self.manager)
            return
        for one in found:
            if isinstance(one, Action):
                self._actions[one.name] = one
            else:
                self._queries[one.name] = one
        for part in module.parts.values():
            self._rules += [self._watched(r, r.stage) for r in rules.rules_of(part, module.name, module.depth)]

    def _watched(self, rule: Rule, stage: str) -> Rule:
        if not rule.module.startswith("core."):
            rule = replace(rule, meter=self.health.meter(rule.name, rule.module, stage, rule.on_error))
        return rule if self.watch is None else self.watch(rule, stage)

    def set_aside(self, module: Module, why: str) -> None:
        """Take a module that failed at the start out of the game, with all that need it; StartError for the core's."""
        plugins.set_aside(module, why, self.modules, self.manager)
        log.error("a module was set aside", extra={"module_name": module.name, "reason": why})
        self.registry.forget()
        self._hooks, self._plans, self._closed = {}, {}, {}

    @property
    def apart(self) -> frozenset[str]:
        """Distributions whose schema may be behind while the rest serves (`plugins.optional`)."""
        return plugins.optional(self.modules)

    def registered(self, hook: str) -> Iterator[tuple[Module, Any]]:
        """What each module answers to a hook by which it registers things; one that raises is set aside."""
        implemented = {
            impl.plugin_name: self._watched(Rule("before", "*", impl.function, 0, (), impl.plugin_name), hook).function
            for impl in getattr(self.manager.hook, hook).get_hookimpls()
        }
        for module in self.modules:
            if module.name not in implemented or not module.running:  # one that it needs may just have been set aside
                continue
            try:
                answered = tuple(implemented[module.name]() or ())
            except Exception as error:
                log.exception("a module could not register", extra={"hook": hook, "module_name": module.name})
                self.set_aside(module, f"{type(error).__name__} in {hook}: {error}")
            else:
                yield module, answered

    def _models(self) -> list[type[Table]]:
        def below(model: type[Table]) -> Iterable[type[Table]]:
            for child in model.__subclasses__():
                yield child
                yield from below(child)

        packages = {m.plugin.__name__.partition(".")[0] for m in self.running() if m.plugin is not None}
        return [m for m in below(Table) if m is not Record
                and m.__module__.partition(".")[0] in packages | {"pos_core"}]

    def action(self, name: str) -> Action:
        """The action of that name; PosError `unknown_operation`."""
        try:
            return self._actions[name]
        except KeyError:
            raise UNKNOWN_NAME(name=name) from None

    def find_query(self, name: str) -> Query:
        """The query of that name; PosError `unknown_operation`."""
        try:
            return self._queries[name]
        except KeyError:
            raise UNKNOWN_NAME(name=name) from None

    def actions(self) -> list[Action]:
        return sorted(self._actions.values(), key=lambda a: a.name)

    def queries(self) -> list[Query]:
        return sorted(self._queries.values(), key=lambda q: q.name)

    def rules(self) -> list[Rule]:
        return sorted(self._rules, key=lambda r: r.order)

    def permissions(self) -> dict[str, Permission]:
        """Every permission that running modules declare, by code."""
        return {p.code: p for m in self.running() if m.manifest for p in m.manifest.permissions}

    def declared_settings(self) -> dict[str, Setting]:
        """Every setting that running modules declare, by key."""
        return {s.key: s for m in self.running() if m.manifest for s in m.manifest.settings}

    @cached_property
    def masks(self) -> Masks:
        """The sensitive fields that running modules declare, and who may see and set them."""
        return Masks(field for m in self.running() if m.manifest for field in m.manifest.fields)

    @cached_property
    def approval_kinds(self) -> dict[str, ApprovalKind]:
        """Every kind of approval that running modules declare, by code."""
        return {kind.code: kind for m in self.running() if m.manifest for kind in m.manifest.approvals}

    @cached_property
    def transitions(self) -> dict[str, Mapping[str, tuple[str, ...]]]:
        """Every entity's states and where each may lead, as running modules declare them."""
        found: dict[str, Mapping[str, tuple[str, ...]]] = {}
        for module in self.running():
            found |= module.manifest.transitions if module.manifest is not None else {}
        return found

    def require_enabled(self, module: str, store_id: str | None, revision: int = LATEST) -> None:
        """PosError `module_disabled` where the module is off."""
        if module not in self.registry.enabled_set(store_id, revision):
            raise MODULE_DISABLED(module=module)

    def offers(self, name: str, store_id: str | None, revision: int = LATEST) -> bool:
        """Whether an action or query exists and its module is on in the store."""
        known = self._actions.get(name) or self._queries.get(name)
        return known is not None and self.registry.enabled(known.module, store_id, revision)

    def granted(self, permissions: frozenset[str], store_id: str | None, revision: int = LATEST) -> frozenset[str]:
        """What counts of the permissions that roles give: not those of modules that are off."""
        enabled = self.registry.enabled_set(store_id, revision)
        closed = self._closed.get(enabled)
        if closed is None:
            closed = self._closed[enabled] = frozenset(
                p.code for m in self.running() if m.manifest and m.name not in enabled for p in m.manifest.permissions
            )
        return permissions - closed if closed else permissions

    def owner_of_setting(self, key: str) -> str:
        """The module that declares a setting."""
        return self._setting_owners[key]

    @cached_property
    def _setting_owners(self) -> dict[str, str]:
        return {s.key: m.name for m in self.running() if m.manifest for s in m.manifest.settings}

    def plan(self, action: str, store_id: str | None, revision: int = LATEST) -> Plan:
        """The handlers of an action for the modules that are on in a store, worked out once per set."""
        enabled = self.registry.enabled_set(store_id, revision)
        key = (action, enabled)
        if key not in self._plans:
            self._plans[key] = self._make_plan(action, enabled)
        return self._plans[key]

    def _make_plan(self, action: str, enabled: frozenset[str]) -> Plan:
        marked = [r for r in self._rules if r.action in (action, "*") and r.module in enabled]
        hooked = {stage: self._hooked(f"{stage}_action", enabled) for stage in ("before", "after")}
        stages = {
            stage: tuple(sorted([r for r in marked if r.stage == stage] + hooked[stage], key=lambda r: r.order))
            for stage in ("before", "after")
        }
        return Plan(stages["before"], stages["after"], tuple(self._hooked("audit_event", enabled)))

    def _hooked(self, hook: str, enabled: frozenset[str]) -> list[Rule]:
        """A hook's implementations of the enabled modules, as rules: with a name, a place and their arguments."""
        known = self._hooks.get((hook, enabled))
        if known is not None:
            return known
        depths = {m.name: m.depth for m in self.modules}
        made = [
            self._watched(Rule("before", "*", impl.function, rules.DEFAULT_PRIORITY, impl.argnames, impl.plugin_name,
                               depths.get(impl.plugin_name, 0)), hook)
            for impl in getattr(self.manager.hook, hook).get_hookimpls()
            if impl.plugin_name in enabled
        ]
        found = self._hooks[(hook, enabled)] = sorted(made, key=lambda r: r.order)
        return found

    # -- doing -----------------------------------------------------------------------------------------------------

    def perform(self, ctx: Context, name: str, command: Any, key: str | None = None) -> Outcome:
        return actions.perform(self, ctx, name, command, key)

    def query(self, ctx: Context, name: str, arguments: Mapping[str, Any]) -> Any:
        asked = self.find_query(name)
        self.require_enabled(asked.module, ctx.store_id, ctx.revision)
        found = asked.function(ctx, **arguments)
        if asked.exports is not None and asked.exports(arguments):
            actions.record_export(self, ctx, asked, arguments)
        return found

    def handlers(self, hook: str, store_id: str | None, revision: int = LATEST) -> list[Rule]:
        """A hook's implementations in the modules that are on, in dependency order; `call` runs one."""
        return self._hooked(hook, self.registry.enabled_set(store_id, revision))

    def publish(self, ctx: Context, event: Event) -> None:
        """Tell the modules that are on of an event that has been committed; failures are logged.

        A subscriber that fails again and again stands still until somebody releases it.
        """
        state = self.registry.state(ctx.revision)
        for handler in self._hooked("on_event", state.enabled_set(ctx.store_id)):
            if handler.name in state.quarantined:
                continue
            try:
                handler.call({"ctx": ctx, "event": event})
            except Exception as error:
                log.exception("a subscriber failed", extra={"event_name": event.name, "module_name": handler.module})
                quarantine.failed(self, handler, error)
            else:
                if handler.meter is not None:
                    handler.meter.in_a_row = 0

    def system_context(self, name: str, **options: Any) -> Context:
        """A context for the command line and jobs: a service actor that may do everything, named in the audit."""
        actor = Actor(id="", name=name, roles=("system",), is_super_admin=True)
        options.setdefault("channel", "cli")
        return Context(self, actor=actor, revision=self.revision(), language=self.config.language, **options)

    # -- starting and stopping -------------------------------------------------------------------------------------

    def revision(self) -> int:
        """The business' revision: every change of settings, roles, taxes, stores or modules raises it."""
        return int(self.db.fetch(_REVISION)[0][0])

    def load_instance(self) -> None:
        """Read who this instance is; StartError before first-run initialisation."""
        with self.db.in_use():
            rows = self.db.fetch(_INSTANCE)
        if not rows:
            raise StartError("this database has no business yet: run `pos init`")
        self.instance_id, self.instance_name, self.currency = rows[0]

    def start(self) -> None:
        """Open what modules need; called in each process that serves, after the schema was checked."""
        self.load_instance()
        self.passwords.warm()
        for handler in self.handlers("kernel_started", None, self.revision()):
            try:
                handler.call({"kernel": self})
            except Exception as error:
                log.exception("a module could not start", extra={"module_name": handler.module})
                failed = next(module for module in self.modules if module.name == handler.module)
                self.set_aside(failed, f"{type(error).__name__} at the start: {error}")
        self.health.begin()

    def stop(self) -> None:
        """Close what modules opened, in reverse order, then the database."""
        self.health.end()
        for handler in reversed(self._hooked("kernel_stopping", self.registry.enabled_set(None))):
            handler.call({"kernel": self})
        close_all(self.db)


def _owned(made: Any, module: str) -> Any:
    values = {name: getattr(made, name) for name in made.__dataclass_fields__}
    return type(made)(**{**values, "module": module})
