"""A shop on disk, and `pos` called inside this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pos_core.cli.main import cli
from pos_core.testing.harness import Business
from pos_core.testing.processes import settle

Pos = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_configuration_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("POS_") and not name.startswith("POS_TEST_")]:
        monkeypatch.delenv(name)
    # Commands make what they write private to their user; the process that runs the tests gets its own mask back.
    mask = os.umask(0o022)
    os.umask(mask)
    monkeypatch.setattr(os, "umask", lambda new: mask)


@pytest.fixture
def shop(business: Business) -> Path:
    """The directory of a populated business that nobody has open."""
    return settle(business)


@pytest.fixture
def pos(shop: Path) -> Pos:
    """Call `pos` on the shop: pos("user", "list")."""
    return call_on(shop)


def call_on(directory: Path) -> Pos:
    """A function that calls `pos` on a data directory."""
    runner = CliRunner()

    def call(*arguments: str, env: dict[str, str] | None = None) -> Result:
        return runner.invoke(cli, ["--data-dir", str(directory), *arguments], env=env)

    return call
