"""docs/security.md: every requirement once, and nothing on it that is not there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.documentation import pages
from pos_core.http import routes
from pos_core.http.routes import PREFIX
from pos_core.kernel import Kernel

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
#: How many requirements each section of the standard has (5.0, chapters 6 to 9).
SECTIONS = {
    "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2, "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
    "9.1": 3, "9.2": 4,
}  # fmt: skip
#: Their levels, in order.
LEVELS = (
    "122 111111112222 11223333 112233 22222333 2223 33 2222 222 1111 22 11222 223 22 1233 1123 133 23 111 1222"
)  # fmt: skip
STATES = ("met", "not met", "not applicable")
#: Settings that guard a way in begin with one of these.
GUARDING = ("auth.", "sign_in.", "password.", "pin.", "mfa.", "devices.", "roles.")
_TEST = re.compile(r"`((?:tests|plugs)/[\w/.]+\.py)::(\w+)`")
_FILE = re.compile(r"`((?:pos_core|plugs|bench|docs|migrations|tests)/[\w/.]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


class Row(NamedTuple):
    number: str
    requirement: str
    level: str
    state: str
    where: str
    shown: str


@pytest.fixture(scope="module")
def bare() -> Kernel:
    """A kernel of the installed modules that never asks its database."""
    return Kernel(Config(), db=SqliteDatabase(":memory:"))


@cache
def text() -> str:
    return PAGE.read_text("utf-8")


def rows() -> list[Row]:
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in text().splitlines()
             if re.match(r"\| \d\.\d+\.\d+ \|", line)]
    return [Row(*cells) for cells in found]


@cache
def functions_of(path: str) -> frozenset[str]:
    if not (ROOT / path).is_file():
        return frozenset()
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_requirement_stands_there_once_with_its_level() -> None:
    wanted = [f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)]
    assert [row.number for row in rows()] == wanted
    assert [row.level for row in rows()] == list(LEVELS.replace(" ", ""))


def test_what_is_met_says_where_and_names_its_test_and_what_is_not_says_why() -> None:
    for row in rows():
        assert row.state in STATES, row.number
        assert len(row.requirement.split()) >= 3, row.number
        if row.state == "met":
            assert row.where, row.number
            assert _TEST.search(row.shown), f"{row.number} names no test"
        else:
            assert len(row.shown.split()) >= 5, f"{row.number} does not say why"


def test_every_test_and_every_file_it_names_is_there() -> None:
    named = _TEST.findall(text())
    assert len(set(named)) > 50
    missing = [f"{path}::{name}" for path, name in named if name not in functions_of(path)]
    missing += [path for path in _FILE.findall(text()) if not (ROOT / path).exists()]
    assert missing == []


def test_its_links_lead_somewhere(bare: Kernel) -> None:
    known = {file.name for file in PAGE.parent.iterdir()} | set(pages.all_pages(bare, ROOT))
    headings = [re.sub(r"[^\w -]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
                for line in text().splitlines() if line.startswith("#")]
    for link in _LINK.findall(text()):
        page, _, anchor = link.partition("#")
        assert page in known if page else anchor in headings, link


def test_its_sums_are_those_of_its_rows() -> None:
    counted = Counter((row.level, row.state) for row in rows())
    for level in "123":
        figures = " | ".join(str(counted[level, state]) for state in STATES)
        assert f"| {level} | {figures} |" in text()


def test_every_way_in_is_told(bare: Kernel) -> None:
    """A door whose answer holds an access token is on the page."""
    giving = [door for door in routes.collect(bare) if "access_token" in getattr(door.does, "secrets", ())]
    paths = {f"{door.route.method} {door.route.path}" for door in giving}
    assert paths == {"POST /auth/login", "POST /auth/pin", "POST /auth/refresh"}
    assert all(f"`{path}`" in text() for path in paths), "a new way in belongs on the page"
    assert "`POST /setup`" in text()
    assert PREFIX == "/api/v1"


def test_every_setting_that_guards_a_way_in_is_told(bare: Kernel) -> None:
    guarding = [key for key in bare.declared_settings() if key.startswith(GUARDING)]
    assert len(guarding) > 15
    assert [key for key in guarding if f"`{key}`" not in text()] == []


@pytest.mark.parametrize("line", ["`tests/auth/test_limits.py::test_that_nobody_wrote`", "`pos_core/auth/nowhere.py`"])
def test_the_tests_of_the_page_can_fail(line: str) -> None:
    found = _TEST.findall(line)
    assert [name for path, name in found if name in functions_of(path)] == []
    assert all(not (ROOT / path).exists() for path in _FILE.findall(line))
