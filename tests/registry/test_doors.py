"""Off means off at every door: every installed module, at each of its doors, in a store and in the business."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pos_core import Permission, Setting, Tab, action, after, before, hookimpl, hookspecs, query
from pos_core.business_rules import facts
from pos_core.business_rules.evaluating import CannotTell
from pos_core.errors import PosError
from pos_core.http import routes
from pos_core.http.routes import Route
from pos_core.ids import uuid7
from pos_core.kernel import Kernel
from pos_core.registry import doors
from pos_core.reporting import registry as reports
from pos_core.reporting.filters import ReportFilters
from pos_core.reporting.registry import Column, Report
from pos_core.schemas import Answer, Command
from pos_core.security import detectors
from pos_core.testing.harness import PASSWORD, Business, Client, Server, Templates
from tests.architecture.test_imports import PACKAGES, ROOT, files

#: Where the plugin manager may be asked for implementations, and what keeps those of modules that are off quiet.
ASKS_PLUGGY = {
    "pos_core/kernel.py": "handlers and plans, filtered by what is on",
    "pos_core/plugins.py": "registration",
    "pos_core/business_rules/facts.py": "collects what rules may ask; each asking asks the registry",
    "pos_core/documentation/pages.py": "lists implementers",
}


class Thing(Answer):
    id: str | None


class World:
    """A business over HTTP, and what its modules bring."""

    def __init__(self, business: Business) -> None:
        self.business, self.kernel = business, business.kernel
        self.server = Server(business.kernel)
        self.doors = routes.collect(self.kernel)
        self.clients = {None: self._sign_in("hq"), business.store_id: self._sign_in("store")}

    def _sign_in(self, app_context: str) -> Client:
        client = self.server.client()
        body = {"username": "admin", "password": PASSWORD, "app_context": app_context}
        if app_context == "store":
            body["store_id"] = self.business.store_id
        client.token = client.post("/auth/login", body).data["access_token"]
        return client

    def switch(self, module: str, enabled: bool, store_id: str | None, reason: str = "not_in_use") -> list[str]:
        command = {"module": module, "store_id": store_id, "cascade": True, "reason": reason}
        return list(self.business.perform("module:enable" if enabled else "module:disable", command)["changed"])

    def context(self, store_id: str | None) -> Any:
        ctx = self.business.context("admin")
        ctx.store_id = store_id
        return ctx


@pytest.fixture(scope="module")
def world(pos_templates: Templates, dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pos_templates.business(dialect, tmp_path_factory.mktemp("doors"), extra=[pack()]) as business:
        made = World(business)
        yield made
        made.server.close()


# -- a pack with every door ------------------------------------------------------------------------------------------

CALLS: list[str] = []


def noting(name: str, answered: Any = None) -> Any:
    """A hook implementation that notes its call; with the arguments that the hook's specification has."""
    spec = getattr(hookspecs, name)
    arguments = spec.__code__.co_varnames[: spec.__code__.co_argcount]
    space: dict[str, Any] = {"CALLS": CALLS, "answered": answered}
    note = "" if doors.HOOKS[name] == "asked" else f"    CALLS.append({name!r})\n"
    source = f"def {name}({', '.join(arguments)}):\n{note}    return answered\n"
    exec(source, space)  # noqa: S102 - a function of a shape that is known at run time only
    return hookimpl(space[name])


def pack() -> tuple[str, Any]:
    """test.doors: a module that has one of everything a module can have."""
    from pos_core import Manifest

    @action("door:do", command=Command, permission="hq:doors.use")
    def do(ctx: Any, command: Any) -> dict[str, Any]:
        """Do something."""
        return {"id": None}

    @query("door:list", permission="hq:doors.use")
    def list_them(ctx: Any, *, store_id: Any = None) -> list[dict[str, Any]]:
        """Doors."""
        return [{"name": "front"}]

    @before("reason:create")
    def before_rule(ctx: Any) -> None:
        CALLS.append("before")

    @after("reason:create")
    def after_rule(ctx: Any) -> None:
        CALLS.append("after")

    answers = {
        "register_routes": [Route("POST", "/test-doors", action="door:do", answer=Thing)],
        "register_reports": [Report("doors", "Doors", "Puertas", (Column("name", "text", "Name", "Nombre"),),
                                    "door:list", ReportFilters, ("hq:doors.use",))],
        "register_detectors": [detectors.Detector("doors", "doors.many", "doors.minutes", "Many.", "Muchas.",
                                                  actions=("door:do",))],
        "register_tabs": [Tab("doors", "Doors", "Puertas", ("hq", "store"))],
        "register_rule_facts": [facts.RuleQuery("door:list", {}, {"name": "text"})],
        "register_mfa_providers": [], "open_work": [], "verify_facts": [],
    }  # fmt: skip
    plugin = SimpleNamespace(**{name: noting(name, answers.get(name)) for name in doors.HOOKS})
    from types import ModuleType

    python = ModuleType("made_test_doors")
    python.__dict__.update(vars(plugin))
    for function in (do, list_them, before_rule, after_rule):
        function.__module__ = python.__name__
        setattr(python, function.__name__, function)
    python.MANIFEST = Manifest(  # type: ignore[attr-defined]
        name="test.doors", version="1.0", title="Doors", roots=("/test-doors",),
        permissions=(Permission("hq:doors.use", "Use doors in tests", ("admin",)),),
        settings=(
            Setting("doors.colour", "text", "red", "The colour of the doors in tests."),
            detectors.threshold("doors.many", 3, "So many are suspicious in tests."),
            detectors.window("doors.minutes", 3, "Within so many minutes in tests."),
        ),
    )
    return "test.doors", python


# -- nothing is forgotten --------------------------------------------------------------------------------------------


@pytest.mark.req("MOD-02", "MOD-11")
def test_every_hook_says_how_it_is_shut(world: World) -> None:
    specified = {name for name in dir(hookspecs) if hasattr(getattr(hookspecs, name), "pos_spec")}
    assert specified == doors.HOOKS.keys(), "declare the new hook in pos_core/registry/doors.py and probe it here"
    assert specified | set(RULES) == PROBES.keys(), "a hook without a probe"


@pytest.mark.req("MOD-02")
def test_nobody_else_asks_the_plugin_manager() -> None:
    found = set()
    for directory in PACKAGES.values():
        for path in files(directory):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                asks = isinstance(node, ast.Attribute) and (
                    node.attr in ("get_hookimpls", "subset_hook_caller", "list_name_plugin")
                    or (node.attr == "hook" and isinstance(node.value, ast.Attribute) and node.value.attr == "manager")
                )
                if asks:
                    found.add(str(path.relative_to(ROOT)))
    assert {name for name in found if not name.startswith("pos_core/testing/")} <= ASKS_PLUGGY.keys()


# -- every module ----------------------------------------------------------------------------------------------------


def switchable() -> list[str]:
    from pos_core import plugins

    return [m.name for m in plugins.discover() if m.running and m.manifest is not None and not m.manifest.core]


@pytest.mark.req("MOD-02", "RBC-20", "PLT-07")
@pytest.mark.parametrize("where", ["store", "business"])
@pytest.mark.parametrize("module", switchable())
def test_a_module_that_is_off_is_shut_at_every_door(world: World, module: str, where: str) -> None:
    store = world.business.store_id if where == "store" else None
    gone = world.switch(module, False, store) if on(world, module, store) else [module]
    assert module in gone
    try:
        ctx = world.context(store)
        for name in gone:
            routes_are_shut(world, name, store)
            names_are_shut(world, ctx, name)
            handlers_are_shut(world, ctx, name)
            reports_are_shut(world, ctx, name)
            settings_are_shut(world, ctx, name)
            permissions_are_shut(world, ctx, name)
    finally:
        for name in reversed(gone):
            world.switch(name, True, store)
    assert all(on(world, name, store) for name in gone)


def on(world: World, module: str, store: str | None) -> bool:
    return world.kernel.registry.enabled(module, store, world.kernel.revision())


def routes_are_shut(world: World, module: str, store: str | None) -> None:
    client = world.clients[store]
    for door in world.doors:
        if door.module != module:
            continue
        path = door.route.path
        for variable in door.route.path.split("{")[1:]:
            path = path.replace("{" + variable.partition("}")[0] + "}", uuid7())
        answer = client.request(door.route.method, path, None if door.route.method == "GET" else {})
        assert (answer.status, answer.code) == (404, "module_disabled"), f"{door.route.method} {path}: {answer.text}"


def names_are_shut(world: World, ctx: Any, module: str) -> None:
    for one in world.kernel.actions():
        if one.module == module:
            assert not ctx.has(one.name)
            with pytest.raises(PosError, match="module_disabled"):
                world.kernel.perform(ctx, one.name, {})
    for asked in world.kernel.queries():
        if asked.module == module:
            assert not ctx.has(asked.name)
            with pytest.raises(PosError, match="module_disabled"):
                world.kernel.query(ctx, asked.name, {})


def handlers_are_shut(world: World, ctx: Any, module: str) -> None:
    for one in world.kernel.actions():
        plan = world.kernel.plan(one.name, ctx.store_id, ctx.revision)
        assert module not in {rule.module for rule in (*plan.before, *plan.after, *plan.audit)}
    hooks = [name for name in vars(world.kernel.manager.hook) if not name.startswith("_")]
    assert doors.HOOKS.keys() <= set(hooks), "hooks of plugs are among them too"
    for hook in hooks:
        assert module not in {rule.module for rule in world.kernel.handlers(hook, ctx.store_id, ctx.revision)}


def reports_are_shut(world: World, ctx: Any, module: str) -> None:
    listed = {one["id"] for one in world.kernel.query(ctx, "report:list", {"limit": 200})[0]}
    for report in reports.collect(world.kernel).values():
        if report.module == module:
            assert report.id not in listed
            with pytest.raises(PosError, match="report_unknown"):
                world.kernel.query(ctx, "report:run", {"report": report.id})


def settings_are_shut(world: World, ctx: Any, module: str) -> None:
    listed = {one["key"] for one in world.kernel.query(ctx, "setting:list", {"limit": 500})[0]}
    for setting in brought(world.kernel, module).settings:
        assert setting.key not in listed
        with pytest.raises(PosError, match="module_disabled"):
            world.kernel.query(ctx, "setting:get", {"key": setting.key})
        place = ctx.store_id if setting.per_store else None
        change = {"key": setting.key, "value": setting.default, "store_id": place}
        with pytest.raises(PosError, match="module_disabled"):
            world.kernel.perform(ctx, "setting:change", change)


def permissions_are_shut(world: World, ctx: Any, module: str) -> None:
    declared = frozenset(p.code for p in brought(world.kernel, module).permissions)
    assert world.kernel.granted(declared | {"hq:users.view"}, ctx.store_id, ctx.revision) == {"hq:users.view"}


def brought(kernel: Kernel, module: str) -> Any:
    return next(m.manifest for m in kernel.modules if m.name == module)


# -- every hook ------------------------------------------------------------------------------------------------------


def create_reason(world: World) -> None:
    world.business.perform("reason:create", {"id": uuid7(), "code": "r" + uuid7()[-8:], "text_en": "R",
                                             "text_es": "R", "applies": ["stock:*"]})  # fmt: skip


def a_route(world: World) -> None:
    if world.clients[None].post("/test-doors").status == 200:
        CALLS.append("register_routes")


def a_report(world: World) -> None:
    if world.clients[None].get("/reports/doors").status == 200:
        CALLS.append("register_reports")


def a_detector(world: World) -> None:
    """The sweep asks, for each thing that it has seen, whether the detector's module is on there."""
    one = detectors.collect(world.kernel)["doors"]
    if world.kernel.registry.enabled(one.module, None, world.kernel.revision()):
        CALLS.append("register_detectors")


def rule_facts(world: World) -> None:
    ctx = world.context(None)
    try:
        facts.declared(world.kernel)[1]["door:list"].ask(ctx, {})
    except CannotTell:
        return
    CALLS.append("register_rule_facts")


def tabs(world: World) -> None:
    world.clients[None].get("/tabs")


def handled(hook: str, **arguments: Any) -> Callable[[World], None]:
    def call(world: World) -> None:
        ctx = world.context(None)
        for handler in world.kernel.handlers(hook, None, ctx.revision):
            if handler.module == "test.doors":
                handler.call({"ctx": ctx, "kernel": world.kernel, "entries": (), **arguments})

    return call


def mfa(world: World) -> None:
    from pos_core.auth.mfa import factors

    assert factors.providers(world.context(None)).keys() >= {"totp"}


def preview(world: World) -> None:
    world.business.query("module:preview", module="admin.incidents", enabled=False)


#: How each hook is provoked; the module's own implementation notes that it was called.
PROBES: dict[str, Callable[[World], None]] = {
    "register_routes": a_route, "register_reports": a_report, "register_detectors": a_detector,
    "register_rule_facts": rule_facts, "register_mfa_providers": mfa, "register_tabs": tabs, "open_work": preview,
    "before_action": create_reason, "after_action": create_reason, "audit_event": create_reason,
    "on_event": create_reason, "kernel_started": handled("kernel_started"),
    "kernel_stopping": handled("kernel_stopping"), "first_run": handled("first_run"),
    "load_demo": handled("load_demo"), "verify_facts": handled("verify_facts"),
    "before": create_reason, "after": create_reason,
}  # fmt: skip
RULES: Sequence[str] = ("before", "after")


@pytest.mark.req("MOD-02", "MOD-11")
@pytest.mark.parametrize("hook", sorted(PROBES))
def test_a_hook_is_called_while_its_module_is_on_and_not_while_it_is_off(world: World, hook: str) -> None:
    CALLS.clear()
    PROBES[hook](world)
    assert hook in CALLS, "the probe must reach the hook, or it shows nothing"
    world.switch("test.doors", False, None)
    try:
        CALLS.clear()
        PROBES[hook](world)
        assert hook not in CALLS
    finally:
        world.switch("test.doors", True, None)


@pytest.mark.req("MOD-02", "RBC-20")
def test_a_grant_of_a_module_that_is_off_counts_for_nothing(world: World) -> None:
    """A user's token shows it: the permission is there, not there, and there again."""
    business = world.business
    if not business.query("user:find", username="porter"):
        made = business.perform("user:create", {"id": uuid7(), "username": "porter", "full_name": "Porter",
                                                "password": PASSWORD})  # fmt: skip
        business.perform("permission:sync", {})
        business.perform("user:assign", {"user_id": made["id"], "role": "admin"})
    client = world.server.client()
    answer = client.post("/auth/login", {"username": "porter", "password": PASSWORD, "app_context": "hq"})
    assert "hq:doors.use" in answer.data["permissions"]
    client.token = answer.data["access_token"]
    assert client.post("/test-doors").status == 200
    world.switch("test.doors", False, None)
    again = world.server.client().post(
        "/auth/login", {"username": "porter", "password": PASSWORD, "app_context": "hq"}
    )  # fmt: skip
    world.switch("test.doors", True, None)
    assert "hq:doors.use" not in again.data["permissions"]
    assert "hq:users.view" in again.data["permissions"]
    client.token = again.data["access_token"]
    assert client.post("/test-doors").status == 200


def test_what_stays_is_what_a_manifest_has() -> None:
    from pos_core import Manifest

    assert doors.STAYS.keys() - {"tables"} <= set(Manifest.__dataclass_fields__)
