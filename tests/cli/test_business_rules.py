"""`pos business-rules`: checking files, listing, and the past."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.testing.harness import Business
from pos_core.testing.processes import settle
from tests.cli.conftest import call_on

RULE = {
    "code": "no-gifts", "name": "No gifts", "actions": ["department:create"],
    "condition": {"field": "command.name", "op": "contains", "value": "gift"},
    "message_en": "No department {command.name}.", "message_es": "Sin departamento {command.name}.",
}  # fmt: skip


def _file(directory: Path, name: str, content: Any) -> str:
    file = directory / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return str(file)


@pytest.mark.req("RUL-15")
def test_rules_in_files_are_checked_without_a_database(tmp_path: Path) -> None:
    pos = call_on(tmp_path / "nowhere")
    assert pos("business-rules", "check", _file(tmp_path, "good.json", RULE)).exit_code == 0
    wrong = {**RULE, "condition": {"field": "command.nam", "op": "contains", "value": "gift"}, "actions": ["x:y"]}
    result = pos("business-rules", "check", _file(tmp_path, "good.json", RULE), _file(tmp_path, "wrong.json", wrong))
    assert result.exit_code == 1
    assert "good.json: sound" in result.output
    assert "actions.0: No module here has the action x:y." in result.output
    unknown = {**RULE, "condition": {"field": "command.nam", "op": "contains", "value": "gift"}}
    assert "condition.field: command.nam is nothing that department:create has" in pos(
        "business-rules", "check", _file(tmp_path, "unknown.json", unknown)).output
    for broken in ("{", "[]", '{"code": "x"}'):
        assert pos("business-rules", "check", _file(tmp_path, "broken.json", broken)).exit_code == 1


@pytest.mark.req("RUL-15")
def test_rules_are_listed_and_tried_on_the_past(business: Business) -> None:
    for name in ("Gifts", "Garden"):
        business.perform("department:create", {"id": uuid7(), "code": name, "name": name})
    business.perform("business_rule:create", RULE)
    pos = call_on(settle(business))
    listed = pos("business-rules", "list")
    assert "no-gifts" in listed.output
    assert json.loads(pos("business-rules", "list", "--json").output)[0]["state"] == "draft"
    result = pos("business-rules", "past", "no-gifts", "--since", "2026-03-01", "--until", "2026-03-02")
    assert result.exit_code == 0, result.output
    assert "No department Gifts." in result.output
    assert "1 of 2 would have been stopped; 1 not, 0 cannot be told, 0 failed" in result.output
    none = pos("business-rules", "past", "nothing")
    assert none.exit_code == 1
    assert "there is no business rule 'nothing'" in none.output
