"""`pos check`, `pos rules`, and the trace of hooks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pos_core import hookimpl, tracing
from pos_core.cli.main import cli
from pos_core.cli.rules import reactions
from pos_core.http import routes
from pos_core.kernel import Kernel
from pos_core.testing.packs import Pack


@pytest.fixture
def pos(tmp_path: Path) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(cli, ["--data-dir", str(tmp_path / "shop"), *words])


@pytest.mark.req("OPX-31")
def test_check_runs_without_pytest_and_without_a_shop(pos, made_pack: Callable[..., Pack], tmp_path: Path) -> None:
    pack = made_pack()
    done = pos("check", str(pack.project), "--only", "imports", "--only", "before_rules")
    assert done.exit_code == 0, done.output
    assert "before_rules" in done.output
    assert "idempotency" not in done.output
    assert not (tmp_path / "shop").exists()


def test_check_needs_no_pytest(made_pack: Callable[..., Pack]) -> None:
    """A shop has none."""
    program = "import sys; sys.modules['pytest'] = None; from pos_core.cli.main import main; main()"
    command = [sys.executable, "-c", program, "check", str(made_pack().project), "--only", "network"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed, 0 not run" in done.stdout


def test_check_fails_with_what_to_do(pos, made_pack: Callable[..., Pack]) -> None:
    pack = made_pack(("rules.py", "", "\nimport falcon\n"))
    done = pos("check", str(pack.project), "--only", "imports")
    assert done.exit_code == 1
    assert "rules:" in done.output
    assert "imports falcon" in done.output
    assert "-> Reach neighbours" in done.output
    found = json.loads(pos("check", str(pack.project), "--only", "imports", "--json").output)
    assert [(r["check"], r["state"]) for r in found] == [("imports", "failed")]


def test_what_depends_on_a_failed_check_is_not_run(pos, made_pack: Callable[..., Pack]) -> None:
    pack = made_pack(("plugin.py", ">=1,<2", ">=9,<10"))
    done = pos("check", str(pack.project), "--only", "speed")
    assert done.exit_code == 1
    assert "not run" in done.output


@pytest.mark.parametrize("what", ["pos-nothing", "pytest", "."])
def test_check_says_what_is_no_pack(pos, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = pos("check", what)
    assert done.exit_code == 1
    assert "modules" in done.output or "name one of them" in done.output


def test_an_unknown_check_is_wrong_usage(pos) -> None:
    assert pos("check", "pos-ops", "--only", "beauty").exit_code == 2


def test_rules_are_listed_in_the_order_of_their_calls(kernel: Kernel, pos) -> None:
    plan = kernel.plan("sale:complete", None)
    found = reactions(kernel, "sale:complete")
    expected = [rule.name for rule in (*plan.before, *plan.after, *plan.audit)]
    assert [f"{r.module}:{r.name}" for r in found if r.stage != "event"] == expected
    everything = reactions(kernel)
    assert len(everything) > len(found)
    assert all(r.source.rpartition(":")[2].isdigit() for r in everything)
    shown = pos("rules", "sale:complete", "--module", "ops.stock").output
    assert "check_on_hand" in shown
    assert "pos_ops/stock/rules.py:" in shown
    assert "check_session" not in shown
    assert json.loads(pos("rules", "--json").output)[0].keys() >= {"action", "stage", "priority", "depth", "source"}
    assert pos("rules", "no:thing").exit_code == 1


def test_a_trace_tells_of_rules_and_hooks(make_business, monkeypatch, capsys, pos) -> None:
    from types import ModuleType

    from pos_core import Kind, Manifest, before, define

    code = define("kit_traced", Kind.RULE, en="No.", es="Que no.", cure="None.")

    @before("store:edit")
    def refuse_rename(command):
        yield code.at("name")

    def on_event(ctx, event):
        return

    plugin = ModuleType("traced_pack")
    refuse_rename.__module__ = on_event.__module__ = plugin.__name__
    plugin.MANIFEST = Manifest("traced.pack", "1")
    plugin.refuse_rename, plugin.on_event = refuse_rename, hookimpl(on_event)
    monkeypatch.setenv(tracing.VARIABLE, "1")
    business = make_business(extra=[("traced.pack", plugin)])
    capsys.readouterr()
    with pytest.raises(Exception, match="kit_traced"):
        business.perform("store:edit", {"id": business.store_id, "version": 1, "name": "Other"})
    business.perform("product:create", {"sku": "T", "name": "Traced", "unit_price_minor": 1})
    lines = capsys.readouterr().err.splitlines()
    refusal = next(line for line in lines if "traced.pack:refuse_rename" in line)
    assert "store:edit" in refusal
    assert refusal.endswith("1 violation")
    assert " ms " in refusal
    assert "test_command.py:" in refusal
    assert any("on_event" in line and "product:created" in line for line in lines)
    routes.collect(business.kernel)
    assert "ops.stock:register_routes" in capsys.readouterr().err


def test_without_the_variable_nothing_is_wrapped(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not tracing.wanted({})
    assert not tracing.wanted({tracing.VARIABLE: "0"})
    assert all(not hasattr(rule.function, "__wrapped__") for rule in kernel.rules())
