"""Nothing loads but what was allowed: distributions by name, version and content."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import pytest

from pos_core import plugins
from pos_core.config.loader import AllowedDistribution, Config, ModulesConfig
from pos_core.db.database import SqliteDatabase
from pos_core.kernel import Kernel
from pos_core.registry import allowlist

Install = Callable[..., Path]
PLUGIN = 'from pos_core import Manifest\nMANIFEST = Manifest(name="gifts.wrapping", version="1.2"{more})\n'


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """install(version="1.2", more=...): a distribution pos-gifts as pip installs it, with a record of its files."""

    def make(version: str = "1.2", more: str = "", **files: str) -> Path:
        site = tmp_path / "site"
        content = {
            "pos_gifts/__init__.py": "", "pos_gifts/plugin.py": PLUGIN.format(more=more),
            f"pos_gifts-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: pos-gifts\nVersion: {version}\n",
            f"pos_gifts-{version}.dist-info/entry_points.txt":
                "[pos.modules]\ngifts.wrapping = pos_gifts.plugin\n\n[pos.migrations]\ngifts = pos_gifts.migrations\n",
            "pos_gifts/migrations/__init__.py": "", **files,
        }  # fmt: skip
        lines = []
        for name, text in content.items():
            path = site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(text)}")
        (site / f"pos_gifts-{version}.dist-info/RECORD").write_text("\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(str(site))
        for loaded in [name for name in sys.modules if name.partition(".")[0] == "pos_gifts"]:
            monkeypatch.delitem(sys.modules, loaded)
        return site

    return make


def errors(*allowed: tuple[str, str, str]) -> dict[str, str]:
    entries = [AllowedDistribution(distribution=name, version=version, sha256=sha) for name, version, sha in allowed]
    return {module.name: module.error for module in plugins.discover(allow=entries)}


@pytest.mark.req("MOD-05")
def test_only_what_is_listed_is_loaded_and_the_rest_is_not_even_imported(install: Install) -> None:
    install()
    found = errors(("pos-ops", "", ""))
    assert found["gifts.wrapping"] == "modules.allow does not list pos-gifts"
    assert "pos_gifts" not in sys.modules
    assert found["ops.sales"] == ""
    assert found["core.audit"] == "", "the core is always allowed"
    assert found["mgmt.reports"] == "modules.allow does not list pos-mgmt"
    assert errors(("pos_gifts", "", ""))["gifts.wrapping"] == ""
    assert {module.error for module in plugins.discover() if module.name == "gifts.wrapping"} == {""}


@pytest.mark.req("MOD-05", "MOD-04")
def test_version_and_content_have_to_be_those_that_were_allowed(install: Install) -> None:
    site = install()
    sha = allowlist.content_hash(distribution("pos-gifts"))
    assert ("pos-gifts", "1.2", sha) in allowlist.installed()
    assert errors(("pos-gifts", "1.2", sha))["gifts.wrapping"] == ""
    assert errors(("pos-gifts", "1.3", sha))["gifts.wrapping"] == (
        "modules.allow lists pos-gifts 1.3, installed is 1.2"
    )
    assert "another hash" in errors(("pos-gifts", "1.2", "0" * 64))["gifts.wrapping"]
    (site / "pos_gifts/plugin.py").write_text("raise SystemExit\n")
    assert "pos_gifts/plugin.py is not as it was installed" in errors(("pos-gifts", "1.2", sha))["gifts.wrapping"]
    assert "editable" in errors(("pos-ops", "", "0" * 64))["ops.sales"]


def test_the_list_comes_from_the_configuration(install: Install) -> None:
    install()
    config = Config(modules=ModulesConfig(allow=(AllowedDistribution(distribution="pos-ops"),)))
    kernel = Kernel(config, db=SqliteDatabase(":memory:"))
    assert {m.distribution for m in kernel.running()} == {"pos-core", "pos-ops"}
    assert Config().modules.allow is None


@pytest.mark.req("DBM-12", "MOD-02")
def test_a_trade_s_distribution_may_be_behind_and_its_modules_are_set_aside(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from pos_core.cli.main import cli
    from pos_core.installer import checks, setup
    from pos_core.testing.harness import PASSWORD, make_config

    directory = tmp_path / "shop"
    directory.mkdir()
    first = setup.first_run(make_config(directory), {"admin_password": PASSWORD})
    checks.close(first.kernel.db)
    head = "def migrate(migrator, database, **_):\n    "
    bad = head + "migrator.sql('CREATE NONSENSE')\n"
    good = head + "migrator.sql('CREATE TABLE gifts_paper (id INTEGER PRIMARY KEY)')\n"
    install(more=', industry="gifts"', **{"pos_gifts/migrations/001_initial.py": bad})

    def pos(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["--data-dir", str(directory), *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "nothing to do" in pos("migrate"), "its failure is its own"
    listed = {one["name"]: one for one in json.loads(pos("modules", "--json"))}
    assert listed["gifts.wrapping"]["state"] == "set aside"
    assert listed["gifts.wrapping"]["error"] == "its tables are behind (gifts/001_initial): run `pos migrate`"
    assert listed["ops.sales"]["state"] == "on"
    install(more=', industry="gifts"', **{"pos_gifts/migrations/001_initial.py": good})
    assert "gifts/001_initial  done" in pos("migrate")
    listed = {one["name"]: one for one in json.loads(pos("modules", "--json"))}
    assert (listed["gifts.wrapping"]["state"], listed["gifts.wrapping"]["error"]) == ("off", "")
    assert "Now on: gifts.wrapping" in pos("modules", "enable", "gifts.wrapping")
    assert "gifts.wrapping: on (switched " in pos("modules", "--why")
