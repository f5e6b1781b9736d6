"""Settings per store: enough of them over enough modules, each with its meaning, each changed through the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pos_core.config.schemas import SettingAnswer
from pos_core.testing.harness import Business, Client


def another(setting: dict[str, Any]) -> Any:
    """A value that the setting takes and that is not its default."""
    default = setting["default"]
    if setting["kind"] == "bool":
        return not default
    if setting["kind"] == "choice":
        return next(choice for choice in setting["choices"] if choice != default)
    if setting["kind"] == "int":
        return default + 1 if setting["maximum"] is None or default < setting["maximum"] else default - 1
    return {"registers.quick_floats": "1000", "numbering.receipt": "{register}/{number:06}"}.get(
        setting["key"], "09:00-17:00" if setting["key"].startswith("security.hours") else "X"
    )


@pytest.mark.req("CFG-07", "CFG-05")
def test_a_store_differs_in_each_of_its_settings(
    business: Business, client_as: Callable[..., Client], second: str
) -> None:
    client = client_as("admin")
    answer = client.get("/settings?limit=200")
    listed = [SettingAnswer.model_validate(one).model_dump() for one in answer.data]
    own = [one for one in listed if one["per_store"]]
    counts = Counter(one["module"] for one in own)
    assert sum(counts.values()) >= 16
    assert len(counts) >= 5
    for setting in own:
        assert len(setting["description"]) >= 15
        assert setting["permission"].startswith("hq:")
        body = {"value": another(setting), "store_id": business.store_id, "version": 0}
        changed = client.request("PUT", f"/settings/{setting['key']}", body)
        assert changed.status == 200, f"{setting['key']}: {changed.text}"
    here = {one["key"]: one for one in client.get(f"/settings?limit=200&store_id={business.store_id}").data}
    there = {one["key"]: one for one in client.get(f"/settings?limit=200&store_id={second}").data}
    for setting in own:
        assert here[setting["key"]]["effective"] == another(setting)
        assert there[setting["key"]]["effective"] == setting["default"]
    ctx = business.context("manager")
    assert ctx.settings["sales.maximum_lines"] == 1001
