"""The check that simulates upgrades: a pack's schema grows step by step, and a step that fails leaves nothing."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pos_core.db import migrate, schema
from pos_core.db.database import Database, close_all, connect_to

if TYPE_CHECKING:
    from pos_core.testing.lab import Lab

_FAILS = '''"""Fails on purpose."""


def migrate(migrator, database, **_):
    raise RuntimeError("fails on purpose")
'''


def upgrade(lab: Lab) -> Iterator[str]:
    """On a database of the core alone: undo the whole history, then run it one migration after the other."""
    own = lab.pack.migrations()
    if not own:
        return
    core = [(name, directory) for name, directory in migrate.distributions() if name == "core"]
    with lab.empty_database() as url, tempfile.TemporaryDirectory() as scratch:
        with _opened(url) as db:
            migrate.migrate(db, given=core)
        for name, directory in own:
            yield from _undone(url, name, directory, Path(scratch))
            yield from _step_by_step(url, name, directory, Path(scratch))
        with _opened(url) as db:
            found = schema.differences(db, lab.offline.models, lab.offline.running())
        mine = re.compile(rf"\b{lab.pack.prefix}_")
        yield from (f"after running one by one: {line}" for line in found if mine.search(line))


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    """The database as a process of its own would have it."""
    db = connect_to(url, synchronous="OFF")
    try:
        yield db
    finally:
        close_all(db)


def _undone(url: str, name: str, directory: Path, scratch: Path) -> Iterator[str]:
    """Run the history with one more migration that fails: nothing of it may stay."""
    copy = scratch / f"{name}_failing"
    shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "999_fails.py").write_text(_FAILS, "utf-8")
    with _opened(url) as db:
        before = _pieces(db)
        told = "success"
        try:
            migrate.migrate(db, given=[(name, copy)])
        except Exception as error:  # noqa: BLE001 - whatever the runner makes of the failure
            told = str(error)
    with _opened(url) as db:
        left = sorted(_pieces(db).keys() - before.keys())
    if left:
        yield f"a migration of {name} that failed left {', '.join(left[:3])}: those before it were not undone"
    elif "fails on purpose" not in told:
        yield f"a migration of {name} that fails on purpose was answered by {told}"


def _step_by_step(url: str, name: str, directory: Path, scratch: Path) -> Iterator[str]:
    """Run the migrations as shops do that upgrade at every release."""
    copy = scratch / name
    copy.mkdir()
    for step in migrate.files(directory):
        shutil.copy(directory / f"{step}.py", copy)
        try:
            with _opened(url) as db:
                migrate.migrate(db, given=[(name, copy)])
        except Exception as error:  # noqa: BLE001 - as above
            yield f"{step} does not run after those before it: {type(error).__name__}: {error}"
            return


def _pieces(db: Database) -> schema.Pieces:
    with db.in_use():
        return schema.pieces(db)
