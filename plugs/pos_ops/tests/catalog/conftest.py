"""What the catalogue's tests share: the business' figures by name and the folder of shared data."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.testing.harness import Business


@pytest.fixture
def shared_data() -> Path:
    """The folder of shared data; skips where it is not there."""
    checkout = Path(__file__).resolve().parents[4]
    folder = Path(os.environ.get("POS_SHARED", checkout.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data in {folder}: set POS_SHARED")
    return folder


@pytest.fixture
def product(business: Business) -> Callable[..., dict[str, Any]]:
    """Make a product: product(sku="A", unit_price_minor=100, ...)."""

    def make(**values: Any) -> dict[str, Any]:
        given = {"id": uuid7(), "name": f"Product {values.get('sku')}", "unit_price_minor": 100, **values}
        return business.perform("product:create", given)

    return make


@pytest.fixture
def tax_group(business: Business) -> str:
    """The id of the standard tax group."""
    found: str = business.query("tax_group:by_code", code="standard")["id"]
    return found
