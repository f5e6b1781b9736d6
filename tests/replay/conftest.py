"""What the tests of replaying share: a small file of receipts, and a plan to sell it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pos_core.replay.profiles import PROFILES
from pos_core.replay.running import Plan
from pos_core.testing.harness import PASSWORD, Server

RECEIPTS = 60


class Silence:
    """A screen that remembers instead of showing."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.moved: dict[str, int] = {}
        self._what = ""

    def say(self, text: str) -> None:
        self.said.append(text)

    def begin(self, what: str, count: int) -> None:
        self._what = what

    def move(self, count: int) -> None:
        self.moved[self._what] = self.moved.get(self._what, 0) + count


@pytest.fixture
def screen() -> Silence:
    return Silence()


@pytest.fixture
def receipts_file(tmp_path: Path) -> Path:
    """60 receipts of 1 to 5 lines, one product twice in some, a price below the cent, a customer on every third."""
    rows = ["receipt,time,sku,name,quantity,unit_price,customer"]
    for number in range(RECEIPTS):
        for position in range(number % 5 + 1):
            product = (number + position // 2) % 9
            rows.append(
                f"{1000 + number},2025-{number % 12 + 1:02d}-05 10:{number:02d}:00,ART-{product},Article {product},"
                f"{position + 1},{'0.005' if product == 4 else f'{product + 1}.{number % 90 + 10}'},"
                f"{number if number % 3 == 0 else ''}"
            )
    path = tmp_path / "receipts.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def make_plan(server: Server, receipts_file: Path, tmp_path: Path) -> Callable[..., Plan]:
    """make_plan(tills=3, ...): a plan to sell the file to the test's server."""

    def make(**options: Any) -> Plan:
        given: dict[str, Any] = {
            "file": receipts_file, "profile": PROFILES["plain"].adapted(["customer=customer"]),
            "ledger": tmp_path / "replay" / "receipts.ledger", "url": f"http://{server.host}:{server.port}",
            "admin": "admin", "password": PASSWORD, "tills": 3, "patience": 20.0, **options,
        }  # fmt: skip
        return Plan(**given)

    return make


@pytest.fixture(scope="session")
def faults() -> ModuleType:
    """The module beside this file; test folders are no packages."""
    spec = importlib.util.spec_from_file_location("replay_faults", Path(__file__).with_name("faults.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
