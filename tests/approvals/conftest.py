"""An office for each test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.approvals.lab import Office, make_office


@pytest.fixture
def office(make_business: Any) -> Office:
    """A business whose module asks for approvals, with people who decide."""
    return make_office(make_business)
