"""What packs may import is there, is written down, and is enough for every hook."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

import pos_core
from pos_core import hookspecs, testing
from pos_core.manifest import CORE_API, Manifest
from pos_core.public import PUBLIC
from pos_core.testing import plugin
from pos_core.testing.checks import CHECKS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.req("IND-01")
def test_public_modules_are_there_and_listed_in_the_promise() -> None:
    text = (ROOT / "docs" / "packs" / "compatibility.md").read_text("utf-8")
    for name, purpose in PUBLIC.items():
        assert importlib.import_module(name).__doc__, name
        assert f"| `{name}` | {purpose[0].upper()}{purpose[1:]} |" in text
    assert all(hasattr(pos_core, name) for name in pos_core.__all__)


def test_the_checks_and_fixtures_are_listed() -> None:
    text = (ROOT / "docs" / "packs" / "testing.md").read_text("utf-8")
    fixtures, _, rest = text.partition("## Factories")
    listed = re.findall(r"^\| `(\w+)` \| (.+) \|$", rest, re.MULTILINE)
    assert listed == [(check.name, check.holds) for check in CHECKS]
    for fixture in re.findall(r"^\| (`[^|]+`) \| ", fixtures, re.MULTILINE):
        for name in re.findall(r"`(\w+)", fixture):
            assert hasattr(plugin, name), name


def test_nothing_promised_has_gone() -> None:
    """What contract.json lists stays until the first number of CORE_API is raised; what is new is added to it."""
    promised = json.loads((Path(__file__).parent / "contract.json").read_text("utf-8"))
    assert CORE_API.partition(".")[0] == promised["core_api"], "a new contract: write its list anew"
    assert set(promised["names"]) <= set(pos_core.__all__)
    assert set(promised["modules"]) <= PUBLIC.keys()
    for hook, arguments in promised["hooks"].items():
        assert set(arguments) <= set(inspect.signature(getattr(hookspecs, hook)).parameters), hook
    assert set(promised["manifest"]) <= {field.name for field in fields(Manifest)}
    assert set(promised["testing"]) <= {*testing.__all__, *vars(plugin)}
    assert set(promised["checks"]) <= {check.name for check in CHECKS}


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "packs").glob("*.md")), ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.req("DOC-06")
def test_what_hooks_are_given_and_give_is_public() -> None:
    tree = ast.parse(Path(hookspecs.__file__).read_text("utf-8"))
    named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert len(named) > 8
    assert {name for name in named if name.startswith("pos_core") and name not in PUBLIC} == set()
