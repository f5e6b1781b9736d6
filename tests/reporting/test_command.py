"""`pos report`: a shop of its own in a directory, asked the way people ask."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pos_core.cli.reports import _print
from pos_core.db.database import close_all
from pos_core.installer import setup
from pos_core.testing.harness import make_config


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shop")
    (directory / "pos.toml").write_text('profile = "test"\n')
    close_all(setup.first_run(make_config(directory), {"name": "Shop", "currency": "EUR"}).kernel.db)
    return directory


def pos(shop: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pos_core.cli", "--data-dir", str(shop), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.req("RPT-04")
def test_it_lists_the_reports(shop: Path) -> None:
    shown = pos(shop, "report")
    assert shown.returncode == 0, shown.stderr
    listed = pos(shop, "report", "--json")
    for entry in json.loads(listed.stdout):
        assert entry["id"] in shown.stdout


@pytest.mark.req("RPT-04")
@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("no.such",), 1, "There is no report no.such here"),
        (("sales", "--json", "--csv"), 2, "choose one of --json and --csv"),
        (("sales", "--store", "NOWHERE"), 2, "there is no store 'NOWHERE'; there are S1"),
        (("sales", "--filter", "by"), 2, "is not NAME=VALUE"),
        (("sales", "--limit", "0"), 2, "--limit"),
    ],
)
def test_wrong_usage_and_refusals_are_told_apart(
    shop: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    found = pos(shop, "report", *arguments)
    assert found.returncode == status, found.stdout + found.stderr
    assert said in found.stderr
    assert "Traceback" not in found.stderr


COLUMNS = [
    {"name": "label", "kind": "text", "title": "Name", "summed": False},
    {"name": "total_minor", "kind": "money", "title": "Total", "summed": True},
]
ROWS = [{"label": "A" * 200, "total_minor": 1_234_567}, {"label": "bell\a", "total_minor": None}]


@pytest.mark.req("RPT-04")
@pytest.mark.parametrize(("language", "amount"), [("en", "€12,345.67"), ("es", "12.345,67\xa0€")])
def test_people_see_whole_names_and_amounts_as_they_write_them(
    capsys: pytest.CaptureFixture[str], language: str, amount: str
) -> None:
    made = {"columns": COLUMNS, "rows": ROWS, "totals": {"total_minor": 1_234_567},
            "meta": {"currency": "EUR", "complete": False, "count": 7}}  # fmt: skip
    _print(made, language)
    shown = capsys.readouterr()
    heading, first, second, total = shown.out.splitlines()
    assert heading.split() == ["Name", "Total"]
    assert first == "A" * 200 + "  " + amount
    assert second == "bell?"
    assert total.split(None, 0)[0].strip() == amount
    assert "2 of 7 rows" in shown.err
