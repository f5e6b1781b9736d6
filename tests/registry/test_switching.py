"""Switching modules: who goes along, what is in the way, what is told, and when it bites."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from pos_core import Kind, action, before, define, hookimpl, query
from pos_core.audit.models import AuditEntry
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.kernel import Kernel
from pos_core.registry.models import InstalledModule, ModuleToggle, ModuleVersion
from pos_core.registry.work import OpenWork
from pos_core.schemas import Command
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import Business, Client
from tests.registry.conftest import switch_of

Switch = Callable[..., dict[str, Any]]
Made = Callable[..., Business]

NOT_TODAY = define("test_not_today", Kind.RULE, en="Not today.", es="Hoy no.", cure="Tomorrow.")


def three(module_of: Any) -> list[Any]:
    return [
        module_of("x.one"), module_of("x.two", manifest={"depends": ("x.one",)}),
        module_of("x.three", manifest={"depends": ("x.two",)}),
    ]  # fmt: skip


def on(business: Business, module: str, store_id: str | None = None) -> bool:
    return business.kernel.registry.enabled(module, store_id, business.kernel.revision())


def codes(caught: Any) -> set[str]:
    return {violation.code.code for violation in caught.value.violations} or {caught.value.code.code}


@pytest.mark.req("MOD-02", "MOD-05", "OPX-26")
def test_off_in_one_store_and_for_the_business_and_the_last_word_counts(
    business: Business, second: str, switch: Switch
) -> None:
    first = business.store_id
    assert switch("mgmt.reports", False, first)["changed"] == ["mgmt.reports"]
    assert (on(business, "mgmt.reports", first), on(business, "mgmt.reports", second)) == (False, True)
    assert on(business, "mgmt.reports"), "the headquarters has what any store has"
    switch("mgmt.reports", False)
    assert not any(on(business, "mgmt.reports", store) for store in (first, second, None))
    switch("mgmt.reports", True, second)
    assert (on(business, "mgmt.reports", first), on(business, "mgmt.reports", second)) == (False, True)
    assert on(business, "mgmt.reports")
    assert switch("mgmt.reports", True)["changed"] == ["mgmt.reports"]
    assert all(on(business, "mgmt.reports", store) for store in (first, second, None))
    assert switch("mgmt.reports", True)["changed"] == [], "it was so already"
    assert ModuleToggle.select().count() == 4


@pytest.mark.req("MOD-03")
def test_needs_and_dependants_are_refused_or_taken_along(make_business: Made, module_of: Any) -> None:
    business = make_business(extra=three(module_of))
    switch = switch_of(business)
    with pytest.raises(PosError) as caught:
        switch("x.one", False)
    assert codes(caught) == {"module_needed"}
    assert {v.params["dependant"] for v in caught.value.violations} == {"x.two", "x.three"}
    assert all(on(business, name) for name in ("x.one", "x.two", "x.three"))
    assert switch("x.one", False, cascade=True)["changed"] == ["x.three", "x.two", "x.one"]
    assert not any(on(business, name) for name in ("x.one", "x.two", "x.three"))
    with pytest.raises(PosError) as caught:
        switch("x.three", True)
    assert codes(caught) == {"module_needs"}
    assert switch("x.three", True, cascade=True)["changed"] == ["x.one", "x.two", "x.three"]
    assert all(on(business, name) for name in ("x.one", "x.two", "x.three"))


@pytest.mark.req("MOD-07")
@pytest.mark.parametrize("module", ["core.audit", "core.security", "core.auth", "core.registry"])
def test_the_core_cannot_be_switched_off(business: Business, switch: Switch, module: str) -> None:
    with pytest.raises(PosError) as caught:
        switch(module, False, cascade=True)
    assert codes(caught) == {"module_core"}
    assert on(business, module)
    assert [e.kind for e in SecurityEvent.select() if e.result == "refused"] == ["module_toggled"]


@pytest.mark.req("MOD-06", "MOD-05")
def test_a_trade_s_module_is_off_until_somebody_switches_it_on(make_business: Made, module_of: Any) -> None:
    business = make_business(extra=[
        module_of("x.trade", manifest={"industry": "retail"}),
        module_of("x.early", manifest={"industry": "retail", "default_on": True}),
        module_of("x.late", manifest={"default_on": False}),
    ])  # fmt: skip
    assert [on(business, name) for name in ("x.trade", "x.early", "x.late")] == [False, True, False]
    switch_of(business)("x.trade", True, business.store_id)
    shown = {one["name"]: one for one in business.query("module:list", industry="retail")[0]}
    assert set(shown) == {"x.trade", "x.early"}
    assert (shown["x.trade"]["state"], shown["x.trade"]["decided_by"]) == ("off", "default")
    assert [store["enabled"] for store in shown["x.trade"]["stores"]] == [True]
    assert on(business, "x.trade", business.store_id)


def test_what_is_unknown_or_set_aside_or_the_operator_s(make_business: Made, module_of: Any) -> None:
    business = make_business(
        extra=[module_of("x.one"), module_of("x.bad", manifest={"depends": ("x.nowhere",)})],
        modules={"disabled": ["x.one"]},
    )
    switch = switch_of(business)
    for module, wanted in (("x.bad", "module_set_aside"), ("x.one", "module_overridden"), ("x.no", "module_unknown")):
        with pytest.raises(PosError) as caught:
            switch(module, True)
        assert codes(caught) == {wanted}
    with pytest.raises(PosError, match="not_found"):
        switch("mgmt.reports", False, uuid7())
    shown = {one["name"]: one for one in business.query("module:list", limit=200)[0]}
    assert (shown["x.one"]["state"], shown["x.one"]["decided_by"]) == ("off", "configuration")
    assert (shown["x.bad"]["state"], shown["x.bad"]["decided_by"]) == ("set_aside", "error")
    assert "x.nowhere" in shown["x.bad"]["error"]


@pytest.mark.req("MOD-02", "PLT-07")
def test_a_switch_has_a_reason_an_audit_entry_a_security_event_and_a_history(
    business: Business, switch: Switch
) -> None:
    with pytest.raises(PosError) as caught:
        business.perform("module:disable", {"module": "mgmt.reports"})
    assert codes(caught) == {"reason_required"}
    switch("mgmt.reports", False, reason="other", reason_note="Trying it out.")
    entry = AuditEntry.select().where(AuditEntry.action == "module:disable", AuditEntry.outcome == "done").get()
    assert '"reason":{"code":"other","note":"Trying it out."}' in entry.payload
    event = SecurityEvent.select().where(SecurityEvent.kind == "module_toggled").get()
    assert event.details == {"module": "mgmt.reports", "enabled": False, "changed": ["mgmt.reports"]}
    history, _ = business.query("module:history", module="mgmt.reports")
    assert [one["kind"] for one in history] == ["switch", "version"]
    assert (history[0]["enabled"], history[0]["reason"], history[0]["actor_name"]) == (False, "other", "admin")
    first, following = business.query("module:history", module="mgmt.reports", limit=1)
    rest, end = business.query("module:history", module="mgmt.reports", limit=1, cursor=following)
    assert (first + rest, end) == (history, None)


@pytest.mark.req("MOD-02")
def test_a_dry_run_tells_everything_and_does_nothing(business: Business, switch: Switch) -> None:
    till = business.till()
    float_minor = {"id": uuid7(), "float_minor": 5000}
    business.perform("register_session:open", float_minor, role="cashier")
    before_it = ModuleToggle.select().count()
    told = switch("ops.registers", False, business.store_id, dry_run=True, cascade=True)
    assert told["dry_run"]
    assert "ops.sales" in told["dependants"]
    work = [one for one in told["open_work"] if one["module"] == "ops.registers"]
    assert [(one["name"], one["count"]) for one in work] == [("open_sessions", 1)]
    assert work[0]["items"][0]["register_id"] == till["register"]
    assert "POST /register-sessions" in told["quiet"]["routes"]
    assert "register_session:open" in told["quiet"]["actions"]
    assert "pos:register.open" in told["quiet"]["permissions"]
    assert "registers.quick_floats" in told["quiet"]["settings"]
    assert told == {**business.query("module:preview", module="ops.registers", enabled=False, cascade=True,
                                     store_id=business.store_id)}  # fmt: skip
    assert ModuleToggle.select().count() == before_it
    assert on(business, "ops.registers", business.store_id)
    assert not SecurityEvent.select().where(SecurityEvent.kind == "module_toggled").exists()
    assert business.query("module:preview", module="ops.registers", enabled=False, cascade=True,
                          store_id=uuid_of_second(business))["open_work"] == []  # fmt: skip


def uuid_of_second(business: Business) -> str:
    made = business.perform("store:create", {"id": uuid7(), "code": "S9", "name": "Ninth", "time_zone": "UTC"})
    return str(made["id"])


@pytest.mark.req("MOD-02")
def test_another_process_notices_by_its_next_request(
    business: Business, client_as: Callable[..., Client]
) -> None:
    """Another kernel on the same database: what another worker process is."""
    client = client_as("admin")
    assert client.get("/incidents").status == 200
    other = Kernel(business.kernel.config, clock=business.clock, db=business.kernel.db)
    other.load_instance()
    ctx = other.system_context("another process")
    other.perform(ctx, "module:disable", {"module": "admin.incidents", "reason": "not_in_use"})
    answer = client.get("/incidents")
    assert (answer.status, answer.code) == (404, "module_disabled")
    other.perform(other.system_context("another process"), "module:enable", {"module": "admin.incidents"})
    assert client.get("/incidents").status == 200


@pytest.mark.req("MOD-02")
def test_a_running_request_ends_as_it_began(make_business: Made, module_of: Any) -> None:
    """A switch in the midst of an action: its rules, its nested actions and queries are those of its beginning."""
    entered, go_on = threading.Event(), threading.Event()

    @before("slow:do")
    def hold(ctx: Any) -> None:
        entered.set()
        assert go_on.wait(10)

    @action("slow:do", command=Command, permission="hq:settings.manage")
    def do(ctx: Any, command: Any) -> dict[str, Any]:
        """Wait, then use a neighbour."""
        return {"id": None, "told": ctx.query("neighbour:tell")}

    @query("neighbour:tell", permission="hq:settings.view")
    def tell(ctx: Any) -> str:
        """Tell."""
        return "still here"

    business = make_business(extra=[module_of("x.slow", hold, do), module_of("x.near", tell)])
    ctx, told = business.context(), []

    def work() -> None:
        with business.kernel.db.in_use():
            told.append(business.kernel.query(ctx, "neighbour:tell", {}))
            entered.set()
            assert go_on.wait(10)
            told.append(business.kernel.query(ctx, "neighbour:tell", {}))

    thread = threading.Thread(target=work)
    thread.start()
    assert entered.wait(10)
    switch_of(business)("x.near", False)
    go_on.set()
    thread.join(10)
    assert told == ["still here", "still here"]
    with pytest.raises(PosError, match="module_disabled"):
        business.query("neighbour:tell")
    with pytest.raises(PosError, match="module_disabled"):
        business.perform("slow:do", {})
    switch_of(business)("x.near", True)
    assert business.perform("slow:do", {})["told"] == "still here"


@pytest.mark.req("MOD-02")
def test_two_switches_at_once_are_put_in_a_row(business: Business, switch: Switch) -> None:
    errors: list[Exception] = []

    def act(store_on: bool) -> None:
        with business.kernel.db.in_use():
            try:
                for turn in range(4):
                    switch("mgmt.reports", store_on ^ bool(turn % 2))
            except Exception as error:  # noqa: BLE001 - told to the test's own thread
                errors.append(error)

    threads = [threading.Thread(target=act, args=(bool(n),)) for n in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert errors == []
    numbers = [row.number for row in ModuleToggle.select().order_by(ModuleToggle.number)]
    assert numbers == list(range(1, len(numbers) + 1))
    last = ModuleToggle.select().order_by(ModuleToggle.number.desc()).first()
    assert on(business, "mgmt.reports") == last.enabled


@pytest.mark.req("MOD-04")
def test_installed_modules_and_their_versions_are_recorded(make_business: Made, module_of: Any) -> None:
    from pos_core.registry import versions

    business = make_business(extra=[module_of("x.one")])
    kernel = business.kernel
    assert {row.name for row in InstalledModule.select()} == {m.name for m in kernel.modules} - {"x.one"}
    assert [one.name for one in versions.differences(kernel)] == ["x.one"]
    assert versions.record(kernel, "tests")
    assert not versions.record(kernel, "tests"), "nothing differs any more"
    name, python = module_of("x.one", manifest={"version": "2.0"})
    newer = Kernel(kernel.config, clock=business.clock, db=kernel.db, extra=[(name, python)])
    newer.load_instance()
    assert versions.record(newer, "tests")
    seen = [row.version_number for row in ModuleVersion.select().where(ModuleVersion.module == "x.one")]
    assert sorted(seen) == ["1.0", "2.0"]
    without = Kernel(kernel.config, clock=business.clock, db=kernel.db)
    without.load_instance()
    assert versions.record(without, "tests")
    assert InstalledModule.get(InstalledModule.name == "x.one").state == "gone"
    gone = without.query(without.system_context("t"), "module:list", {"state": "gone"})[0]
    assert [one["name"] for one in gone] == ["x.one"]


def test_open_work_comes_from_modules_that_are_on(make_business: Made, module_of: Any) -> None:
    @hookimpl
    def open_work(ctx: Any, module: str, store_id: str | None) -> list[OpenWork]:
        return [
            OpenWork("held_carts", "Held carts", "Carritos en espera", ({"id": "1", "label": "Cart"},)),
            OpenWork("none", "Nothing", "Nada", ()),
        ] if module == "x.one" else []  # fmt: skip

    business = make_business(extra=[module_of("x.one", open_work=open_work)])
    told = business.query("module:preview", module="x.one", enabled=False)
    assert [(w["name"], w["title"], w["count"]) for w in told["open_work"]] == [("held_carts", "Held carts", 1)]
