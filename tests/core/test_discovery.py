"""Which modules run: a broken pack is set aside with its reason, and the shop goes on."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from pos_core import Manifest, action, hookimpl, plugins
from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.kernel import Kernel
from pos_core.plugins import Module, StartError
from pos_core.registry.registry import Registry
from pos_core.schemas import Command


def kernel_with(*extra: tuple[str, ModuleType]) -> Kernel:
    return Kernel(Config(), db=SqliteDatabase(":memory:"), extra=extra)


def found(kernel: Kernel, name: str) -> Module:
    return next(module for module in kernel.modules if module.name == name)


PLUGIN = """
from pos_core import Manifest
MANIFEST = Manifest(name="{name}", version="1.0")
"""


@pytest.mark.req("MOD-01", "MOD-11")
def test_a_package_is_read_part_by_part(package: Callable[..., ModuleType]) -> None:
    plugin = package("pack_good", {
        "plugin.py": PLUGIN.format(name="pack.good"),
        "rules.py": "from pos_core import before\n@before('setting:change')\ndef check_it(ctx):\n    return None\n",
        "queries.py": "from pos_core import query\n@query('thing:list', permission='hq:settings.view')\n"
                      "def things(ctx):\n    'Things.'\n    return []\n",
    })  # fmt: skip
    kernel = kernel_with(("pack.good", plugin))
    assert found(kernel, "pack.good").error == ""
    assert kernel.find_query("thing:list").module == "pack.good"
    assert "pack.good:check_it" in {rule.name for rule in kernel.rules()}


@pytest.mark.req("MOD-01")
def test_a_part_that_fails_to_import_sets_the_module_aside(package: Callable[..., ModuleType]) -> None:
    plugin = package("pack_bad", {"plugin.py": PLUGIN.format(name="pack.bad"), "rules.py": "import not_there_at_all\n"})
    kernel = kernel_with(("pack.bad", plugin))
    assert found(kernel, "pack.bad").error.startswith(
        "ModuleNotFoundError at import: No module named 'not_there_at_all'"
    )
    assert not kernel.registry.enabled("pack.bad", None)
    assert kernel.registry.enabled("core.audit", None)


@pytest.mark.req("MOD-01")
def test_an_entry_point_that_fails_to_load_sets_the_module_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint, entry_points

    real = entry_points(group=plugins.GROUP)
    bad = EntryPoint("pack.bad", "pos_core.not_there.plugin", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [*real, bad])
    kernel = kernel_with()
    assert "No module named 'pos_core.not_there'" in found(kernel, "pack.bad").error


def test_a_name_that_two_distributions_take_runs_for_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint, entry_points

    real = [p for p in entry_points(group=plugins.GROUP) if p.name.startswith("core.")]
    twins = [
        EntryPoint("pack.twin", value, plugins.GROUP) for value in ("pos_core.stores.plugin", "pos_core.rbac.plugin")
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: [*real, *twins])
    assert "pack.twin" not in {module.name for module in kernel_with().running()}


@pytest.mark.req("MOD-03")
def test_a_missing_need_and_all_that_hangs_on_it(module_of: Any) -> None:
    kernel = kernel_with(
        module_of("x.one", manifest={"depends": ("x.nowhere",)}), module_of("x.two", manifest={"depends": ("x.one",)})
    )
    assert found(kernel, "x.one").error == "needs x.nowhere, which is not installed"
    assert found(kernel, "x.two").error.startswith("needs x.one, which was set aside")


@pytest.mark.req("MOD-03")
def test_a_circle_is_named(module_of: Any) -> None:
    kernel = kernel_with(
        module_of("x.one", manifest={"depends": ("x.two",)}), module_of("x.two", manifest={"depends": ("x.three",)}),
        module_of("x.three", manifest={"depends": ("x.one",)}), module_of("x.free"),
    )  # fmt: skip
    errors = " ".join(found(kernel, f"x.{name}").error for name in ("one", "two", "three"))
    assert "dependency circle: x.one -> x.two -> x.three -> x.one" in errors or "dependency circle" in errors
    assert all(found(kernel, f"x.{name}").error for name in ("one", "two", "three"))
    assert found(kernel, "x.free").running


def test_extras_decide_the_order_but_need_not_be_there(module_of: Any) -> None:
    kernel = kernel_with(
        module_of("x.one", manifest={"extras": ("x.two", "x.nowhere")}), module_of("x.two"),
    )  # fmt: skip
    assert found(kernel, "x.one").running
    assert found(kernel, "x.one").depth == found(kernel, "x.two").depth + 1


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"core_api": ">=2,<3"}, "needs core_api >=2,<3, this core offers 1.0"),
        ({"core_api": "two"}, "not a version range"),
        ({"name": "Loud"}, "not dotted lower case"),
        ({"name": "x.other"}, "is not the entry point's"),
        ({"roots": ("things",)}, "must look like /products"),
        ({"depends": ("x.one",)}, "depends on itself"),
    ],
)  # fmt: skip
def test_a_manifest_that_is_wrong_says_what(module_of: Any, manifest: dict[str, Any], said: str) -> None:
    assert said in found(kernel_with(module_of("x.one", manifest=manifest)), "x.one").error


def test_no_manifest_at_all() -> None:
    assert found(kernel_with(("x.one", ModuleType("bare"))), "x.one").error == "plugin.py has no MANIFEST"


def an_action(name: str, function_name: str = "act") -> Any:
    def act(ctx: Any, command: Any) -> dict[str, Any]:
        return {}

    act.__name__ = function_name
    return action(name, command=Command, permission="hq:settings.manage")(act)


def test_action_names_that_are_taken_set_the_later_module_and_its_dependants_aside(module_of: Any) -> None:
    kernel = kernel_with(
        module_of("x.one", an_action("thing:do")),
        module_of("x.two", an_action("thing:do"), an_action("thing:more", "b")),
        module_of("x.three", manifest={"depends": ("x.two",)}),
    )  # fmt: skip
    assert found(kernel, "x.two").error == "its names are taken: thing:do"
    assert found(kernel, "x.three").error.startswith("needs x.two, which was set aside")
    assert kernel.action("thing:do").module == "x.one"
    assert "thing:more" not in {a.name for a in kernel.actions()}


def test_one_name_twice_in_a_module_sets_it_aside(module_of: Any) -> None:
    kernel = kernel_with(module_of("x.one", an_action("thing:do", "a"), an_action("thing:do", "b")))
    assert found(kernel, "x.one").error == "its names are taken: thing:do"


@pytest.mark.parametrize("kind", [{"wrapper": True}, {"hookwrapper": True}], ids=str)
def test_wrappers_are_refused(module_of: Any, kind: dict[str, bool]) -> None:
    @hookimpl(**kind)
    def before_action(ctx: Any) -> Any:
        yield

    kernel = kernel_with(module_of("x.one", before_action))
    assert "wrappers are refused" in found(kernel, "x.one").error


def test_a_hook_with_unknown_arguments_sets_its_module_aside(module_of: Any) -> None:
    @hookimpl
    def before_action(request: Any) -> None:
        return None

    kernel = kernel_with(module_of("x.one", before_action))
    assert "request" in found(kernel, "x.one").error
    assert not kernel.manager.has_plugin("x.one")


def test_a_hook_that_nobody_specifies_sets_its_module_and_its_dependants_aside(module_of: Any) -> None:
    @hookimpl
    def before_actoin(ctx: Any) -> None:
        return None

    kernel = kernel_with(
        module_of("x.one", before_actoin), module_of("x.two", manifest={"depends": ("x.one",)}), module_of("x.three")
    )
    assert "before_actoin" in found(kernel, "x.one").error
    assert found(kernel, "x.two").error.startswith("needs x.one")
    assert found(kernel, "x.three").running


def test_a_module_may_bring_hooks_of_its_own(module_of: Any) -> None:
    import pluggy

    class Specs:
        @pluggy.HookspecMarker("pos")
        def weigh(self, ctx: Any) -> Any:
            """Weigh something."""

    @hookimpl
    def weigh(ctx: Any) -> int:
        return 7

    kernel = kernel_with(module_of("x.brings", HOOKSPECS=Specs), module_of("x.uses", weigh))
    assert [handler.call({"ctx": None}) for handler in kernel.handlers("weigh", None)] == [7]


def test_a_broken_core_module_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    bad = EntryPoint("core.bad", "pos_core.not_there.plugin", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [bad])
    with pytest.raises(StartError, match=r"core\.bad.*Reinstall pos-core"):
        plugins.discover()
    with pytest.raises(StartError, match="core modules cannot start"):
        plugins.set_aside(Module("core.x", ""), "why", [], plugins.plugin_manager([]))


@pytest.mark.req("MOD-02", "MOD-03", "MOD-07")
def test_what_is_switched_off_and_what_cannot_be() -> None:
    def module(name: str, *depends: str) -> Module:
        return Module(name, "", manifest=Manifest(name=name, version="1", depends=depends), depth=len(depends))

    modules = [
        module("core.audit"),
        module("x.one"),
        module("x.two", "x.one"),
        module("x.three", "core.audit", "x.two"),
    ]
    registry = Registry(modules, ["x.one"])
    assert registry.enabled_set(None) == {"core.audit"}
    with pytest.raises(StartError, match=r"not installed: x\.four"):
        Registry(modules, ["x.four"])
    with pytest.raises(StartError, match="cannot be off"):
        Registry(modules, ["core.audit"])
