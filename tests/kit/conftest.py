"""Packs that are written for a test: the scaffold's, as it is or broken in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

import pytest

from pos_core import errors
from pos_core.scaffold import PackOptions, write_pack
from pos_core.testing.packs import Pack, find

_NUMBERS = count(1)
Edit = tuple[str, str, str]


@pytest.fixture(autouse=True)
def no_codes_left() -> Iterator[None]:
    """What these packs define is gone after each test: others look at all codes that there are."""
    yield
    for code in [code for code in errors._CATALOGUE if code.startswith("kit")]:
        del errors._CATALOGUE[code]


@pytest.fixture
def made_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Pack]:
    """made_pack(("rules.py", "old", "new"), ...): a pack with a table and a setting, imported from its folder.

    Files are named below the package, others by "/"; "" adds at the end. NAME stands for the pack's name.
    """

    def make(*edits: Edit, options: PackOptions = PackOptions(table=True, setting=True)) -> Pack:
        name = f"kit{next(_NUMBERS)}"
        write_pack(name, tmp_path, options)
        folder = tmp_path / f"pos-{name}"
        _edit(folder, name, edits)
        monkeypatch.syspath_prepend(str(folder))
        return find(str(folder))

    return make


def _edit(folder: Path, name: str, edits: Iterable[Edit]) -> None:
    for file, old, new in edits:
        old, new = old.replace("NAME", name), new.replace("NAME", name)
        path = folder / file.removeprefix("/") if file.startswith("/") else folder / f"pos_{name}" / file
        text = path.read_text("utf-8") if path.exists() else ""
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new) if old else text + new, encoding="utf-8")
