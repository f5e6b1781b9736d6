"""What the tests of packaging share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging import wheelhouse


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of all distributions by name, built once."""
    return wheelhouse.build(tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels"))
