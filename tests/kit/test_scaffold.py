"""`pos new-pack`: what it writes is a pack that keeps everything that packs must keep."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from pos_core.cli.main import cli
from pos_core.scaffold import PackOptions, PackRefused, write_pack
from pos_core.testing.checks import run
from pos_core.testing.lab import Lab

OPTIONS = [
    PackOptions(), PackOptions(setting=True), PackOptions(table=True),
    PackOptions(table=True, setting=True, report=True),
]  # fmt: skip


@pytest.mark.req("IND-01", "V2X-09")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_new_pack_passes_every_check(made_pack, pos_templates, dialect, tmp_path, options) -> None:
    with closing(Lab(made_pack(options=options), pos_templates, dialect, tmp_path)) as lab:
        found = {result.check.name: result.problems for result in run(lab, without=("wheel",)) if result.state != "ok"}
    assert found == {}


def test_a_new_pack_is_small(tmp_path: Path) -> None:
    files = write_pack("liquor", tmp_path)
    own = [path for path in files if path.parent.name == "pos_liquor"]
    lines = [line for path in own for line in path.read_text("utf-8").splitlines() if line.strip()]
    assert {path.name for path in own} == {"__init__.py", "plugin.py", "rules.py"}
    assert len(lines) <= 36


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_new_pack_is_clean_code(tmp_path: Path, options: PackOptions) -> None:
    write_pack("liquor", tmp_path, options)
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "120", "--ignore", "E501",
               "--select", "E,F,W,UP,B,SIM,BLE,DTZ", str(tmp_path)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Liquor", "lower case"), ("pos-liquor", "without pos-"), ("liquor_shop", "lower case"),
        ("1liquor", "a letter first"),
        ("x", "2 to 30"), ("../liquor", "lower case"), ("core", "taken by the product"), ("class", "by Python"),
        ("ops", "taken by the product"),
    ],
)  # fmt: skip
def test_names_are_checked(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(PackRefused, match=why):
        write_pack(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(cli, ["new-pack", "liquor", "--into", str(tmp_path / "file" / "below")])
    assert done.exit_code == 1
    assert "cannot be written" in done.output


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pos-liquor").mkdir()
    done = CliRunner().invoke(cli, ["new-pack", "liquor", "--into", str(tmp_path)])
    assert done.exit_code == 1
    assert "exists already" in done.output
    assert list((tmp_path / "pos-liquor").iterdir()) == []


def test_the_command_says_what_to_do_next(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["new-pack", "liquor", "--with-report", "--into", str(tmp_path)])
    assert done.exit_code == 0
    for said in ("pip install -e '.[test]'", "pytest", "pos check pos-liquor", "pos modules", "pos migrate"):
        assert said in done.output
    assert (tmp_path / "pos-liquor" / "pos_liquor" / "reports.py").is_file()
