"""The tutorial of packs, followed to the letter outside the checkout, on released wheels and without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.wheelhouse import ROOT

TUTORIAL = ROOT / "docs" / "packs" / "tutorial.md"
#: A block that is run, or a file that is written: its first line says which.
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^# ([\w/]+\.py)\n")
_OURS = re.compile(r"^(pos[_-]|__editable__|__pycache__)|\.pth$")

pytestmark = [pytest.mark.xdist_group("wheels"), pytest.mark.slow]


def blocks() -> Iterator[tuple[str, str]]:
    """(kind, text) of the tutorial's commands and files, in their order."""
    yield from _BLOCK.findall(TUTORIAL.read_text("utf-8"))


def clean_environment(folder: Path, house: Path) -> dict[str, str]:
    """A virtual environment that knows the libraries of this one, none of its distributions of ours, and no network."""
    venv.create(folder / "env", symlinks=True)
    libraries, site = folder / "libraries", _site(folder / "env")
    libraries.mkdir()
    for item in Path(sysconfig.get_path("purelib")).iterdir():
        if not _OURS.search(item.name):
            (libraries / item.name).symlink_to(item)
    (site / "libraries.pth").write_text(f"{libraries}\n", "utf-8")
    programs = folder / "env" / "bin"
    for name, place in (("pip", "pip._internal.cli.main:main"), ("pytest", "pytest:main")):
        module, _, function = place.partition(":")
        (programs / name).write_text(
            f"#!{programs / 'python'}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n", "utf-8"
        )
        (programs / name).chmod(0o755)
    foreign = ("POS_", "PIP_", "PYTHON", "PYTEST", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {
        **kept, "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(house), "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say that setuptools comes from the environment
        "PIP_QUIET": "1", "PYTEST_ADDOPTS": "-q -p no:cacheprovider",
    }  # fmt: skip


def _site(environment: Path) -> Path:
    return environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


class Reader:
    """Somebody who does what the tutorial says, in one shell after another."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.here, self.environment = folder, environment
        self.told: list[str] = []

    def run(self, commands: str) -> None:
        done = subprocess.run(
            ["bash", "-euc", f"{commands}\npwd"], cwd=self.here, env=self.environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        output, _, here = done.stdout.rstrip("\n").rpartition("\n")
        self.here = Path(here)
        self.told.append(output + done.stderr)

    def write(self, text: str) -> None:
        named = _FILE.match(text)
        assert named is not None, f"a block of Python without a file's name:\n{text}"
        (self.here / named[1]).write_text(text[named.end():], "utf-8")


@pytest.mark.req("IND-01", "MOD-11", "V2X-09")
def test_the_tutorial_works_from_nothing_to_a_published_pack(wheels: dict[str, Path], tmp_path: Path) -> None:
    house = next(iter(wheels.values())).parent
    reader = Reader(tmp_path, clean_environment(tmp_path, house))
    for kind, text in blocks():
        reader.run(text) if kind == "sh" else reader.write(text)
    told = "\n".join(reader.told)
    assert not told.count(str(ROOT)), "something came from the checkout"
    assert re.search(r"^liquor\.counter +0\.1\.0 +on ", told, re.MULTILINE)
    assert re.search(r"before +100 +3 +liquor\.counter +check_quantities", told)
    assert re.search(r"\d ms +after +sale:complete +liquor\.counter:note_large_sale", told)
    assert told.count("21 ok, 0 failed, 0 not run") == 2
    assert re.search(r"\b2[0-9] passed", told)
    assert "warnings summary" not in told
    packed = _site(tmp_path / "env") / "pos_liquor" / "migrations" / "001_initial.py"
    assert packed.is_file(), "the published wheel was not installed"


def test_the_tutorial_has_commands_and_files() -> None:
    found = list(blocks())
    assert sum(kind == "sh" for kind, _ in found) >= 7
    assert [_FILE.match(text)[1] for kind, text in found if kind == "python"] == [  # type: ignore[index]
        "pos_liquor/rules.py", "tests/test_large_sales.py",
    ]  # fmt: skip
