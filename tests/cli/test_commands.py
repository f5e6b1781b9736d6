"""`pos modules`, `routes`, `user`, `doctor`, and `demo` from nothing to a sale."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from pos_core.cli.main import cli
from pos_core.testing.processes import POS, ServerProcess, environment, run_pos

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Pos = Callable[..., Result]


@pytest.mark.req("MOD-01")
def test_modules_lists_what_is_installed_unbroken_in_a_pipe(pos: Pos) -> None:
    shown = pos("modules").output
    for point in entry_points(group="pos.modules"):
        line = next(line for line in shown.splitlines() if line.split() and line.split()[0] == point.name)
        assert re.search(r" (on|off|set aside) ", line)
    listed = json.loads(pos("modules", "--json").stdout)
    sales = next(module for module in listed if module["name"] == "ops.registers")
    assert (sales["state"], sales["distribution"], sales["depends"]) == ("on", "pos-ops", ["ops.tenders"])


def test_a_module_that_is_switched_off_is_shown_with_its_dependants(pos: Pos) -> None:
    listed = json.loads(pos("modules", "--json", env={"POS_MODULES__DISABLED": "ops.tenders"}).stdout)
    states = {module["name"]: module["state"] for module in listed}
    assert (states["ops.tenders"], states["ops.registers"], states["core.auth"]) == ("off", "off", "on")


@pytest.mark.req("MOD-01")
def test_the_permission_catalogue_and_the_routes_are_listed(pos: Pos) -> None:
    permissions = json.loads(pos("modules", "--permissions", "--json").stdout)
    assert {"code": "hq:users.manage", "module": "core.rbac", "roles": ["admin"]}.items() <= next(
        p for p in permissions if p["code"] == "hq:users.manage"
    ).items()
    routes = json.loads(pos("routes", "--json").stdout)
    login = next(route for route in routes if route["path"] == "/api/v1/auth/login")
    assert (login["method"], login["operation"], login["public"], login["module"]) == (
        "POST", "session:open", True, "core.auth",
    )  # fmt: skip
    declared = {p["code"] for p in permissions}
    assert all(set(route["permissions"]) <= declared and (route["permissions"] or route["public"]) for route in routes)
    assert "/api/v1/auth/login" in pos("routes").output


def users(pos: Pos) -> dict[str, dict[str, Any]]:
    return {user["username"]: user for user in json.loads(pos("user", "list", "--json").stdout)}


def test_a_user_is_added_with_a_role_and_a_password_shown_once(pos: Pos) -> None:
    done = pos("user", "add", "mia", "--name", "Mia Lund", "--role", "cashier", "--store", "S1")
    assert done.exit_code == 0, done.output
    assert re.search(r"^Password: \S{23}$", done.output, re.MULTILINE)
    made = users(pos)["mia"]
    assert (made["full_name"], made["is_active"], made["is_super_admin"]) == ("Mia Lund", True, False)
    assert [(held["role"], held["scope"]) for held in made["assignments"]] == [("cashier", "pos")]
    assert "mia" in pos("user", "list").output
    twice = pos("user", "add", "MIA")
    assert (twice.exit_code, "already_exists" in twice.output) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "mia", "--role", "boss"), "there is no role 'boss'"),
        (("add", "mia", "--role", "cashier"), "name it with --store"),
        (("add", "mia", "--role", "cashier", "--store", "S9"), "there is no store 'S9'; there are S1"),
        (("add", "mia", "--role", "admin", "--store", "S1"), "leave --store out"),
        (("add", "mia", "--store", "S1"), "give --role too"),
        (("add", "a b"), "username"),
        (("disable", "nobody"), "there is no user 'nobody'"),
    ],
)
def test_what_cannot_be_added_is_refused_and_nothing_is_made(pos: Pos, arguments: tuple[str, ...], said: str) -> None:
    before = users(pos)
    done = pos("user", *arguments)
    assert done.exit_code == 2, done.output
    assert said in done.output
    assert users(pos) == before


def test_roles_are_given_and_taken(pos: Pos) -> None:
    assert pos("user", "assign", "manager", "auditor").exit_code == 0
    assert {held["role"] for held in users(pos)["manager"]["assignments"]} == {"auditor", "store_manager"}
    assert pos("user", "assign", "manager", "auditor", "--remove").exit_code == 0
    assert {held["role"] for held in users(pos)["manager"]["assignments"]} == {"store_manager"}


def test_the_last_super_admin_stays_until_there_is_another(pos: Pos) -> None:
    refused = pos("user", "disable", "admin")
    assert refused.exit_code == 1
    assert "last_super_admin" in refused.output
    assert pos("user", "add", "second", "--super-admin").exit_code == 0
    assert users(pos)["second"]["is_super_admin"]
    assert pos("user", "disable", "admin").exit_code == 0
    assert not users(pos)["admin"]["is_active"]
    assert pos("user", "enable", "admin").exit_code == 0
    assert users(pos)["admin"]["is_active"]


def test_refusals_speak_the_chosen_language(shop: Path) -> None:
    done = CliRunner().invoke(cli, ["--data-dir", str(shop), "--lang", "es", "user", "disable", "admin"])
    assert "El último superadministrador activo no puede desactivarse ni degradarse." in done.output


@pytest.mark.req("AUD-01")
def test_what_the_command_line_does_is_audited_without_the_password(pos: Pos, shop: Path) -> None:
    added = pos("user", "add", "boss", "--super-admin")
    reset = pos("user", "reset-password", "boss")
    passwords = [re.search(r"^Password: (\S+)$", done.output, re.MULTILINE)[1] for done in (added, reset)]  # type: ignore[index]
    assert passwords[0] != passwords[1]
    from pos_core.cli.main import Options, open_kernel

    context = cli.make_context("pos", ["--data-dir", str(shop)], resilient_parsing=True)
    context.obj = Options(shop)
    with open_kernel(context) as kernel:
        found = [(action, str(payload)) for action, payload in kernel.db.execute_sql(
            "SELECT action, payload FROM core_audit_entry ORDER BY seq")]  # fmt: skip
    by_action = {action: json.loads(payload) for action, payload in found}
    for action in ("user:create", "user:make_super_admin", "user:reset_password"):
        assert (by_action[action]["channel"], by_action[action]["actor_name"]) == ("cli", "pos user")
    assert by_action["user:make_super_admin"]["after"]["is_super_admin"] is True
    assert by_action["user:make_super_admin"]["before"]["is_super_admin"] is False
    assert not any(password in payload for password in passwords for _, payload in found)


@pytest.mark.req("RBC-15")
def test_the_mark_of_a_super_admin_is_set_and_taken_on_the_machine(pos: Pos) -> None:
    assert "manager is now a super administrator" in pos("user", "super-admin", "manager").output
    assert users(pos)["manager"]["is_super_admin"] is True
    assert "no longer" in pos("user", "super-admin", "admin", "--remove").output
    last = pos("user", "super-admin", "manager", "--remove")
    assert (last.exit_code, "last_super_admin" in last.output) == (1, True)
    assert users(pos)["manager"]["is_super_admin"] is True


@pytest.mark.req("PLT-15")
def test_super_admins_are_made_on_the_machine_only(ctx: Any, business: Any) -> None:
    from pos_core.errors import PosError
    from pos_core.rbac.schemas import MarkSuperAdmin

    with pytest.raises(PosError) as refused:
        ctx.perform("user:make_super_admin", MarkSuperAdmin(id=business.ids["manager"], version=1))
    assert refused.value.code.code == "super_admin_only"


def findings(pos: Pos, **env: str) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    done = pos("doctor", "--json", env={"POS_HTTP__PORT": "0", **env})
    found: dict[str, list[tuple[str, str]]] = {}
    for item in json.loads(done.stdout):
        found.setdefault(item["check"], []).append((item["level"], item["text"] + " " + item["cure"]))
    return done.exit_code, found


@pytest.mark.req("PLT-10")
def test_doctor_finds_nothing_wrong_with_a_sound_shop(pos: Pos, shop: Path, dialect: str) -> None:
    for name in ("logs", "backups", "exports"):
        (shop / name).mkdir(exist_ok=True)
    status, found = findings(pos)
    assert status == 0, found
    assert {level for items in found.values() for level, _ in items} <= {"ok", "warn"}
    assert [level for level, _ in found["schema"]] == ["ok"]
    assert ("connections" in found) == (dialect == "postgresql")
    if dialect == "sqlite":  # the test profile does not flush, and the doctor sees it
        assert found["durability"][0][0] == "warn"
        assert findings(pos, POS_DATABASE__SYNCHRONOUS="FULL")[1]["durability"][0][0] == "ok"


@pytest.mark.parametrize("harm", ["secrets", "directory", "configuration", "database", "port"])
def test_doctor_finds_what_is_wrong_and_exits_with_1(pos: Pos, shop: Path, harm: str, dialect: str) -> None:
    env = {}
    for name in ("logs", "backups", "exports"):
        (shop / name).mkdir(exist_ok=True)
    if harm == "secrets":
        (shop / "secrets.toml").chmod(0o644)
        check, said = "secrets", "chmod 600"
    elif harm == "directory":
        (shop / "backups").rmdir()
        check, said = "storage", "pos init"
    elif harm == "configuration":
        (shop / "pos.toml").write_text("[http]\nprot = 1\n")
        check, said = "configuration", "http.prot"
    elif harm == "database":
        env = {"POS_DATABASE__URL": "postgresql://till:s3cret-word@127.0.0.1:1/shop"}
        if dialect == "sqlite":
            (shop / "garbage.sqlite3").write_bytes(b"this is no database, whatever its name says " * 500)
            env = {"POS_DATABASE__URL": f"sqlite:///{shop / 'garbage.sqlite3'}"}
        check, said = "database", "does not answer as it should"
    else:
        import socket

        taken = socket.create_server(("127.0.0.1", 0))
        env = {"POS_HTTP__PORT": str(taken.getsockname()[1])}
        check, said = "server", "choose another http.port"
    status, found = findings(pos, **env)
    if harm == "port":
        taken.close()
    assert status == 1, found
    bad = [text for level, text in found[check] if level == "fail"]
    assert len(bad) == 1
    assert said in bad[0]
    assert "s3cret-word" not in str(found)


@pytest.mark.slow
@pytest.mark.req("PLT-13")
@pytest.mark.req("PLT-14")
def test_demo_opens_a_shop_whose_printed_commands_sell(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    first = _demo(shop)
    with first:
        shown = _greeting(first)
        assert stat.S_IMODE((shop / "demo").stat().st_mode) == 0o700
        login = json.loads((shop / "demo" / "cashier-login.json").read_text())
        assert stat.S_IMODE((shop / "demo" / "cashier-login.json").stat().st_mode) == 0o600
        assert login["password"] in shown
        assert login["device"]["key"] in shown
        assert json.loads((shop / "demo" / "admin-login.json").read_text())["password"] in shown
        answers = _paste(shown)
        assert answers[0]["data"]["status"] == "open"
        assert (answers[1]["data"]["status"], answers[1]["data"]["number"]) == ("completed", 1)
        assert first.stop() == 0
    with _demo(shop) as again:
        shown = _greeting(again)
        assert login["password"] not in shown
        assert login["device"]["key"] not in shown
        answers = _paste(shown)
        assert (answers[0]["status"], answers[0]["code"]) == (409, "register_session_open")
        assert answers[1]["data"]["number"] == 2
        assert again.stop() == 0


def _demo(shop: Path, *arguments: str) -> ServerProcess:
    command = [*POS, "--data-dir", str(shop), "demo", "--port", "0", *arguments]
    return ServerProcess(shop, command=command, variables={"POS_PROFILE": "test", "POS_LOG__FORMAT": "json"})


def _greeting(server: ServerProcess) -> str:
    server.wait_for("Ctrl-C stops the server.")
    return "\n".join(line["event"] for line in server.lines if line.get("raw"))


def _paste(shown: str) -> list[dict[str, Any]]:
    """Run the printed commands in one shell, as a newcomer would; the answers of all but the first, which signs in."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl to paste the printed commands to")
    commands = [line.strip() for line in shown.splitlines() if line.startswith(("  TOKEN=", "  curl "))]
    assert len(commands) == 3, shown
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", "\necho\n".join(commands)], capture_output=True, text=True, check=True,
                          env=environment(PATH=path))  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


@pytest.mark.slow
def test_demo_empty_has_no_data_and_keeps_no_password(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    with _demo(shop, "--empty") as server:
        shown = _greeting(server)
        assert "administrator  admin / " in shown
        assert "cashier" not in shown
        assert server.stop() == 0
    assert not (shop / "demo").exists()
    listed = json.loads(run_pos(shop, "user", "list", "--json", POS_PROFILE="test").stdout)
    assert [user["username"] for user in listed] == ["admin"]
    with _demo(shop) as server:
        assert "Sign-ins" not in _greeting(server)
    assert not (shop / "demo").exists(), "a shop that was begun empty stays without demonstration data"


def test_a_demonstration_that_was_cut_off_says_how_to_begin_again(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    assert run_pos(shop, "init", POS_PROFILE="test").returncode == 0
    (shop / "demo").mkdir()
    (shop / "demo" / "loading").touch()
    done = run_pos(shop, "demo", "--port", "0", POS_PROFILE="test")
    assert done.returncode == 3
    assert f"remove {shop}" in done.stderr
