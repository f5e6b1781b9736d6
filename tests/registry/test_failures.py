"""Modules that fail: set aside, skipped or suspended with their error shown, and the shop goes on."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from pos_core import Kind, Manifest, PosError, Violation, before, define, hookimpl
from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.http.app import make_app
from pos_core.http.routes import collect
from pos_core.ids import uuid7
from pos_core.kernel import Kernel
from pos_core.plugins import StartError
from pos_core.registry.health import FAILURES, Health, timed
from pos_core.registry.models import Quarantine
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import Business

Made = Callable[..., Business]
NOT_NOW = define("test_not_now", Kind.RULE, en="Not now.", es="Ahora no.", cure="Later.")


def create_reason(business: Business) -> dict[str, Any]:
    return business.perform("reason:create", {"id": uuid7(), "code": "r" + uuid7()[-8:], "text_en": "R",
                                              "text_es": "R", "applies": ["stock:*"]})  # fmt: skip


def handlers(business: Business, module: str) -> dict[str, Any]:
    return {one["handler"]: one for one in business.query("module:get", module=module)["handlers"]}


@pytest.mark.req("MOD-02", "PLT-07")
def test_a_rule_fails_closed_unless_it_says_otherwise(make_business: Made, module_of: Any) -> None:
    failing = [True]

    @before("reason:create")
    def guard(ctx: Any) -> None:
        if failing[0]:
            raise ZeroDivisionError("guard")

    business = make_business(extra=[module_of("x.guard", guard)])
    with pytest.raises(ZeroDivisionError):
        create_reason(business)
    failing[0] = False
    assert create_reason(business)["id"]


@pytest.mark.req("MOD-02")
def test_a_rule_that_only_helps_is_skipped_and_reported(
    make_business: Made, module_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @before("reason:create", on_error="skip")
    def helps(ctx: Any) -> Any:
        raise ZeroDivisionError("helps")

    @before("reason:create", on_error="skip")
    def slowly(ctx: Any) -> Any:
        yield from ()
        raise ValueError("while it was read")

    business = make_business(extra=[module_of("x.help", helps, slowly)])
    assert create_reason(business)["id"]
    told = handlers(business, "x.help")
    assert (told["x.help:helps"]["failures"], told["x.help:helps"]["calls"]) == (1, 1)
    assert told["x.help:helps"]["last_error"] == "ZeroDivisionError: helps"
    assert told["x.help:slowly"]["last_error"] == "ValueError: while it was read"
    assert told["x.help:helps"]["on_error"] == "skip"
    assert [r.message for r in caplog.records].count("a rule failed and was skipped") == 2


def test_a_skipped_rule_still_refuses(make_business: Made, module_of: Any) -> None:
    @before("reason:create", on_error="skip")
    def says_no(ctx: Any) -> Violation:
        return NOT_NOW.at("code")

    @before("reason:edit", on_error="skip")
    def raises_no(ctx: Any) -> None:
        raise NOT_NOW()

    business = make_business(extra=[module_of("x.help", says_no, raises_no)])
    with pytest.raises(PosError, match="test_not_now"):
        create_reason(business)
    row = business.query("reason:list")[0][0]
    with pytest.raises(PosError, match="test_not_now"):
        business.perform("reason:edit", {"id": row["id"], "text_en": "X", "version": row["version"]})


def test_on_error_has_two_words() -> None:
    with pytest.raises(ValueError, match="refuse, skip"):
        before("reason:create", on_error="ignore")  # type: ignore[arg-type]


@pytest.mark.req("MOD-02")
def test_a_subscriber_that_fails_again_and_again_is_suspended(make_business: Made, module_of: Any) -> None:
    """Not the one that fails now and then; for every process; until somebody releases it."""
    told: dict[str, int] = {"bad": 0, "shaky": 0}

    def ear(name: str, fails: Callable[[int], bool]) -> Any:
        @hookimpl
        def on_event(event: Any) -> None:
            if event.name == "reason:created":
                told[name] += 1
                if fails(told[name]):
                    raise ValueError(name)

        return on_event

    business = make_business(extra=[
        module_of("x.bad", on_event=ear("bad", lambda _: True)),
        module_of("x.shaky", on_event=ear("shaky", lambda n: n % FAILURES != 0)),
    ])  # fmt: skip
    for _ in range(3 * FAILURES):
        create_reason(business)
    assert told == {"bad": FAILURES, "shaky": 3 * FAILURES}
    [row] = Quarantine.select()
    assert (row.handler, row.failures, row.error) == ("x.bad:on_event", FAILURES, "ValueError: bad")
    assert business.kernel.registry.state(business.kernel.revision()).quarantined == {"x.bad:on_event"}
    event = SecurityEvent.select().where(SecurityEvent.action == "module:suspend").get()
    assert (event.kind, event.channel) == ("module_toggled", "system")
    business.perform("module:release", {"module": "x.bad", "handler": "x.bad:on_event"})
    create_reason(business)
    assert told["bad"] == FAILURES + 1
    with pytest.raises(PosError, match="handler_not_quarantined"):
        business.perform("module:release", {"module": "x.bad", "handler": "x.bad:on_event"})


@pytest.mark.req("MOD-02", "PLT-08")
def test_a_module_that_raises_while_it_registers_or_starts_is_set_aside(make_business: Made, module_of: Any) -> None:
    def raising(name: str) -> Any:
        def fail(*_: Any) -> Any:
            raise OSError(f"no {name}")

        fail.__name__ = name
        return hookimpl(fail)

    @hookimpl
    def kernel_started(kernel: Any) -> None:
        raise OSError("no printer")

    hooks = ("register_routes", "register_reports", "register_detectors")
    business = make_business(extra=[
        *[module_of(f"x.{name}", **{name: raising(name)}) for name in hooks],
        module_of("x.needs", manifest={"depends": ("x.register_routes",)}),
        module_of("x.start", kernel_started=kernel_started),
    ])  # fmt: skip
    kernel = business.kernel
    make_app(kernel)
    kernel.start()
    kernel.health.end()
    shown = {one["name"]: one for one in business.query("module:list", limit=200, state="set_aside")[0]}
    assert set(shown) == {*(f"x.{name}" for name in hooks), "x.needs", "x.start"}
    for name in hooks:
        assert shown[f"x.{name}"]["error"] == f"OSError in {name}: no {name}"
    assert shown["x.needs"]["error"].startswith("needs x.register_routes, which was set aside")
    assert shown["x.start"]["error"] == "OSError at the start: no printer"
    assert create_reason(business)["id"], "the shop goes on"


def test_a_core_module_that_raises_stops_the_start() -> None:
    kernel = Kernel(Config(), db=SqliteDatabase(":memory:"))
    module = next(m for m in kernel.modules if m.name == "core.audit")
    with pytest.raises(StartError, match=r"core\.audit: why"):
        kernel.set_aside(module, "why")
    assert len(collect(kernel)) > 20


# -- times -----------------------------------------------------------------------------------------------------------


def test_calls_are_counted_and_slow_ones_are_named(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    health = Health(tmp_path, slow_ms=1)
    meter = health.meter("x.one:rule", "x.one", "before")
    assert health.meter("x.one:rule", "x.one", "before") is meter
    assert timed(lambda a, b: a + b, [1, 2], meter) == 3
    assert timed(lambda: (n for n in (1, 2)), [], meter) == (1, 2), "a generator's work is done when it is read"
    with pytest.raises(ZeroDivisionError):
        timed(lambda: 1 // 0, [], meter)
    caplog.set_level(logging.INFO)
    for _ in range(3):
        meter.add(5_000_000)
    [told] = health.told("x.one")
    assert (told["calls"], told["slow"], told["longest_ns"]) == (6, 3, 5_000_000)
    assert [r.message for r in caplog.records].count("a handler is slow") == 1, "not each time"
    assert health.told("x.two") == []


def test_what_other_processes_counted_is_added(tmp_path: Any) -> None:
    health = Health(tmp_path, slow_ms=50)
    health.meter("x.one:rule", "x.one", "before").add(1000)
    other = {**health.told()[0], "calls": 4, "spent_ns": 9000, "longest_ns": 5000, "last_error": "E: x", "failures": 2}
    (tmp_path / f"{os.getppid()}.json").write_bytes(orjson.dumps([other]))
    (tmp_path / "999999999.json").write_bytes(orjson.dumps([other]))
    [told] = health.told()
    assert (told["calls"], told["spent_ns"], told["longest_ns"]) == (5, 10_000, 5000)
    assert (told["failures"], told["last_error"]) == (2, "E: x")


def test_counts_are_written_down_and_go_with_the_process(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pos_core.registry.health.WRITE_EVERY_S", 0.01)
    (tmp_path / "999999999.json").write_bytes(b"[]")
    health = Health(tmp_path, slow_ms=50)
    health.meter("x.one:rule", "x.one", "before").add(1000)
    health.begin()
    mine = tmp_path / f"{os.getpid()}.json"
    until = time.monotonic() + 10
    while not mine.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert [one["handler"] for one in orjson.loads(mine.read_bytes())] == ["x.one:rule"]
    health.end()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.req("MOD-02")
def test_only_modules_handlers_are_counted(make_business: Made, module_of: Any) -> None:
    @before("reason:create")
    def look(ctx: Any) -> None:
        return None

    business = make_business(extra=[module_of("x.look", look)])
    create_reason(business)
    assert handlers(business, "x.look")["x.look:look"]["calls"] == 1
    assert {one["module"].partition(".")[0] for one in business.kernel.health.told()} & {"core"} == set()


def test_a_manifest_s_industry_is_checked() -> None:
    assert Manifest(name="x.one", version="1", industry="Big Trade").problems() == [
        "industry 'Big Trade' is not lower case such as retail"
    ]
