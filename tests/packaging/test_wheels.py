"""Every distribution's wheel holds every file of its packages, and announces what it brings."""

from __future__ import annotations

import configparser
import importlib
import re
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.packaging.wheelhouse import DISTRIBUTIONS, PLUGS, ROOT, SUFFIXES, Distribution

pytestmark = [pytest.mark.xdist_group("wheels")]


@pytest.mark.slow
@pytest.mark.req("PLT-06")
def test_there_is_one_wheel_per_distribution(wheels: dict[str, Path]) -> None:
    assert set(wheels) == {d.name for d in DISTRIBUTIONS}
    assert {"pos_core", "pos_ops", "pos_mgmt", "pos_admin"} <= set(wheels)


@pytest.mark.slow
@pytest.mark.req("PLT-03")
@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.name)
def test_wheel_holds_every_file_of_its_packages(wheels: dict[str, Path], distribution: Distribution) -> None:
    packed = set(zipfile.ZipFile(wheels[distribution.name]).namelist())
    assert sorted(distribution.files() - packed) == [], "in the tree, not in the wheel"
    own = {name for name in packed if ".dist-info/" not in name and Path(name).suffix in SUFFIXES}
    assert sorted(own - distribution.files()) == [], "in the wheel, not in the tree"


@pytest.mark.slow
@pytest.mark.req("PLT-04")
@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.name)
def test_wheel_claims_one_top_level_name(wheels: dict[str, Path], distribution: Distribution) -> None:
    packed = zipfile.ZipFile(wheels[distribution.name]).namelist()
    assert {name.split("/")[0] for name in packed if ".dist-info/" not in name} == {distribution.name}


@pytest.mark.slow
@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.name)
def test_wheel_announces_every_module_folder(wheels: dict[str, Path], distribution: Distribution) -> None:
    """A folder with a plugin.py that no entry point names would never be found by anyone."""
    archive = zipfile.ZipFile(wheels[distribution.name])
    points = configparser.ConfigParser(delimiters=("=",))
    points.read_string(
        archive.read(next(n for n in archive.namelist() if n.endswith("entry_points.txt"))).decode()
    )
    announced = set(points["pos.modules"].values()) if points.has_section("pos.modules") else set()
    present = {
        name.removesuffix(".py").replace("/", ".")
        for name in archive.namelist()
        if name.endswith("/plugin.py")
    }
    # pos_core.testing.plugin is pytest's, announced in its own group.
    assert announced == present - {"pos_core.testing.plugin"}
    histories = set(points["pos.migrations"].values()) if points.has_section("pos.migrations") else set()
    migrations = {
        n.rsplit("/", 1)[0].replace("/", ".") for n in archive.namelist() if "/migrations/__init__.py" in n
    }
    assert histories == migrations


@pytest.mark.req("PLT-06")
@pytest.mark.parametrize("group", ["pos.modules", "pos.migrations", "console_scripts", "pytest11"])
def test_installed_entry_points_can_be_loaded(group: str) -> None:
    ours = [entry for entry in entry_points(group=group) if entry.value.startswith(("pos_", "pos-"))]
    assert ours, f"nothing of ours is installed in {group}"
    for entry in ours:
        assert entry.load() is not None


def test_versions_agree() -> None:
    """One version for the core and the plugs, the same in the metadata and in the code."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    version = setup["metadata"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version)
    for name in ("pos_core", "pos_ops", "pos_mgmt", "pos_admin"):
        assert getattr(importlib.import_module(name), "__version__", version) == version, name
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_distribution_is_installed_by_the_requirements() -> None:
    """dev.py finds packs by itself, tox and a plain pip do not."""
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    listed = {line.removeprefix("-e ./") for line in lines if line.startswith("-e ./")}
    assert listed == {folder.relative_to(ROOT).as_posix() for folder in PLUGS}
    assert any(line.startswith("-e .[") for line in lines)
