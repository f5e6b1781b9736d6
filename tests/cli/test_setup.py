"""`pos init`, `pos migrate`, and how errors leave the command line."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pos_core.cli import main
from pos_core.db.database import connect_to
from pos_core.http.lock import ServerLock
from pos_core.installer import checks
from pos_core.rbac.catalogue import TEMPLATES
from pos_core.testing.harness import Business
from pos_core.testing.processes import environment, run_pos, settle

TEST_PROFILE = {"POS_PROFILE": "test"}


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call `pos` on a directory that is not there yet."""
    monkeypatch.setenv("POS_PROFILE", "test")
    runner = CliRunner()

    def call(*arguments: str) -> Result:
        return runner.invoke(main.cli, ["--data-dir", str(tmp_path / "shop"), *arguments])

    return call


def rows(directory: Path, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds in a shop's SQLite file."""
    db = connect_to(f"sqlite:///{directory / 'pos.sqlite3'}")
    try:
        with db.in_use():
            return list(db.execute_sql(sql))
    finally:
        checks.close(db)


@pytest.mark.req("PLT-12")
@pytest.mark.req("PLT-15")
def test_init_sets_up_a_business_that_only_its_user_can_read(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    done = run_pos(shop, "init", "--name", "Corner shop", "--currency", "GBP", "--time-zone", "Europe/London",
                   "--store-code", "LON", "--store-name", "London", "--prices-without-tax", "--tax-standard", "8.25",
                   "--tax-reduced", "0", "--admin", "olga", **TEST_PROFILE)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^Administrator: olga\nPassword:      [a-z2-9]{5}(-[a-z2-9]{5}){3}$", done.stdout, re.MULTILINE)
    assert rows(shop, "SELECT name, currency FROM core_instance") == [("Corner shop", "GBP")]
    assert rows(shop, "SELECT code, name, time_zone FROM core_store") == [("LON", "London", "Europe/London")]
    assert rows(shop, "SELECT username, is_super_admin, must_change_password FROM core_user") == [("olga", 1, 1)]
    assert 82_500 in [rate for (rate,) in rows(shop, "SELECT rate FROM core_tax_rate")]
    assert len(rows(shop, "SELECT code FROM core_role WHERE is_template = 1")) == len(TEMPLATES)
    assert {path.name for path in shop.iterdir() if path.is_dir()} == {"logs", "backups", "exports"}
    for path in [shop, *shop.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.req("PLT-12")
def test_init_again_changes_nothing_and_says_so(new: Callable[..., Result], tmp_path: Path) -> None:
    assert new("init").exit_code == 0
    shop = tmp_path / "shop"
    secrets = (shop / "secrets.toml").read_bytes()
    entries = rows(shop, "SELECT count(*) FROM core_audit_entry")
    again = new("init", "--name", "Another name", "--currency", "USD")
    assert again.exit_code == 0
    assert "is set up already: nothing was changed" in again.output
    assert "Password" not in again.output
    assert rows(shop, "SELECT name, currency FROM core_instance") == [("My shop", "EUR")]
    assert rows(shop, "SELECT count(*) FROM core_audit_entry") == entries
    assert (shop / "secrets.toml").read_bytes() == secrets


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--currency", "XYZ"), "XYZ is no current ISO 4217 currency code"),
        (("--currency", "euro"), "--currency"),
        (("--time-zone", "Mars/Olympus"), "--time-zone: unknown time zone"),
        (("--tax-standard", "120"), "--tax-standard"),
        (("--tax-standard", "1.23456"), "--tax-standard"),
        (("--tax-standard", "NaN"), "--tax-standard"),
        (("--store-code", "a b"), "--store-code"),
        (("--name", ""), "--name"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_before_anything_is_made(
    new: Callable[..., Result], tmp_path: Path, arguments: tuple[str, str], said: str
) -> None:
    done = new("init", *arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert not (tmp_path / "shop").exists()


def test_a_database_address_is_kept_for_the_service_user_only(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    url = f"sqlite:///{tmp_path / 'elsewhere.sqlite3'}"
    assert run_pos(shop, "init", "--database", url, **TEST_PROFILE).returncode == 0
    assert tomllib.loads((shop / "pos.toml").read_text())["database"]["url"] == url
    assert stat.S_IMODE((shop / "pos.toml").stat().st_mode) == 0o600
    assert (tmp_path / "elsewhere.sqlite3").exists()
    assert "set up already" in run_pos(shop, "init", "--database", url, **TEST_PROFILE).stdout
    other = run_pos(shop, "init", "--database", "sqlite:///other.sqlite3", **TEST_PROFILE)
    assert other.returncode == 2
    assert "names another database" in other.stderr


def test_demonstration_data_is_never_poured_into_a_shop(new: Callable[..., Result]) -> None:
    assert new("init").exit_code == 0
    again = new("init", "--demo")
    assert again.exit_code == 2
    assert "demonstration data goes into a new shop only" in again.output


def test_migrate_has_nothing_to_do_on_a_current_schema(shop: Path) -> None:
    for arguments in (("migrate",), ("migrate", "--dry-run")):
        done = run_pos(shop, *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "The schema is current: nothing to do.\n"


def test_migrate_brings_new_permissions_into_the_catalogue(business: Business) -> None:
    with business.kernel.db.schema_access():
        business.kernel.db.execute_sql("DELETE FROM core_role_permission WHERE permission = 'hq:users.manage'")
        business.kernel.db.execute_sql("DELETE FROM core_permission WHERE code = 'hq:users.manage'")
    shop = settle(business)
    assert "permissions     not in the catalogue yet: hq:users.manage" in run_pos(shop, "doctor").stdout
    done = run_pos(shop, "migrate")
    assert done.returncode == 0, done.stderr
    assert "1 new permissions: hq:users.manage" in done.stdout
    assert "not in the catalogue" not in run_pos(shop, "doctor").stdout


def test_two_inits_at_once_make_one_business(tmp_path: Path) -> None:
    done = []

    def start() -> None:
        done.append(run_pos(tmp_path / "shop", "init", **TEST_PROFILE))

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("Password:" in one.stdout for one in done) == 1
    assert all(one.returncode in (0, 3) and "Traceback" not in one.stderr for one in done), done
    assert rows(tmp_path / "shop", "SELECT count(*) FROM core_user") == [(1,)]


def test_a_command_on_no_shop_says_so_and_makes_nothing(new: Callable[..., Result], tmp_path: Path) -> None:
    for arguments in (("serve",), ("user", "list"), ("migrate",), ("report",)):
        done = new(*arguments)
        assert done.exit_code == 3, arguments
        assert f"there is no shop in {tmp_path / 'shop'}" in done.output
    assert not (tmp_path / "shop").exists()


def test_debug_shows_the_traceback(new: Callable[..., Result]) -> None:
    done = CliRunner().invoke(main.cli, ["--debug", "--data-dir", "/nonexistent", "user", "list"])
    assert type(done.exception).__name__ == "StartError"


def test_wrong_usage_is_2() -> None:
    for arguments in (["frobnicate"], ["--lang", "fr", "doctor"], ["serve", "--port", "70000"]):
        assert CliRunner().invoke(main.cli, arguments).exit_code == 2


def test_every_command_can_be_imported_and_has_help() -> None:
    context = main.cli.make_context("pos", ["--help"], resilient_parsing=True)
    for name in main.COMMANDS:
        done = CliRunner().invoke(main.cli, [name, "--help"])
        assert done.exit_code == 0, (name, done.output)
        command = main.cli.get_command(context, name)
        assert command is not None
        assert command.help, name


def test_help_imports_no_command() -> None:
    probe = (
        "import sys; from pos_core.cli.main import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m.startswith('pos_core.cli.') or m == 'falcon'])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.splitlines()[-1] == "['pos_core.cli.main']"


def test_a_lock_left_by_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "server.lock").write_text(json.dumps({"pid": 2**22 + 1, "url": "http://127.0.0.1:1"}))
    lock = ServerLock(tmp_path)
    assert lock.held_elsewhere() is None
    lock.acquire("serve")
    lock.describe(url="http://127.0.0.1:2")
    assert ServerLock(tmp_path).held_elsewhere()["url"] == "http://127.0.0.1:2"  # type: ignore[index]
    lock.release()
    assert ServerLock(tmp_path).held_elsewhere() is None
