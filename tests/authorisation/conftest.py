"""One business with two stores per database, for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pos_core.testing.harness import Templates
from tests.authorisation import planting
from tests.authorisation.world import World


@pytest.fixture(scope="module")
def world(pos_templates: Templates, dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    extra = [("tests.planting", planting)]
    with pos_templates.business(dialect, tmp_path_factory.mktemp("world"), extra=extra) as business:
        made = World(business)
        yield made
        made.close()
