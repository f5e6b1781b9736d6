"""What the tests of the registry share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.testing.harness import Business
from tests.core.conftest import module_of, package

__all__ = ["module_of", "package"]


@pytest.fixture
def second(business: Business) -> str:
    """Another store of the business."""
    made = business.perform("store:create", {"id": uuid7(), "code": "S2", "name": "Second", "time_zone": "UTC"})
    return str(made["id"])


@pytest.fixture
def switch(business: Business) -> Callable[..., dict[str, Any]]:
    """switch("x.one", False, store): switch a module."""
    return switch_of(business)


def switch_of(business: Business) -> Callable[..., dict[str, Any]]:
    def act(module: str, enabled: bool, store_id: str | None = None, **given: Any) -> dict[str, Any]:
        command = {"module": module, "store_id": store_id, **given}
        if not enabled and not given.get("dry_run"):
            command.setdefault("reason", "not_in_use")
        return business.perform("module:enable" if enabled else "module:disable", command)

    return act
