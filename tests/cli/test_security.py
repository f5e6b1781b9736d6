"""`pos security`: the sweep that a timer calls, and the list of findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pos_core import uuid7
from pos_core.testing.harness import Business
from pos_core.testing.processes import settle
from tests.cli.conftest import Pos, call_on


@pytest.fixture
def edited_late(business: Business) -> Path:
    """A shop where somebody edited after hours."""
    business.perform("security:detect", {})
    business.perform("setting:change", {"key": "security.hours_monday", "value": "closed"})
    customer = {"id": uuid7(), "first_name": "Ann", "phone": "+34600111222"}
    business.perform("customer:create", customer, role="manager")
    return settle(business)


@pytest.mark.req("SEC-04")
def test_detect_tells_what_it_found_and_then_has_nothing_to_do(edited_late: Path) -> None:
    pos = call_on(edited_late)
    first = pos("security", "detect")
    assert first.exit_code == 0, first.output
    assert "WARNING  security.after_hours: 1 edits outside the opening hours" in first.output
    assert first.output.strip().endswith("1 new finding(s)")
    assert json.loads(pos("security", "detect", "--json").stdout) == {"entries": 0, "findings": []}
    listed = json.loads(pos("security", "findings", "--json").stdout)
    assert [(row["detector"], row["state"]) for row in listed] == [("security.after_hours", "open")]
    assert "security.after_hours" in pos("security", "findings", "--all").output


def test_detect_on_a_quiet_shop(pos: Pos) -> None:
    assert "0 new finding(s)" in pos("security", "detect").output
    assert pos("security", "detect").output == "0 entries looked at, 0 new finding(s)\n"
    assert json.loads(pos("security", "findings", "--json").stdout) == []
