"""What a machine must have before a shop is set up on it: findings, each with what to do."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pos_core.config.loader import Config
from pos_core.db.database import connect_to
from pos_core.installer import checks, setup
from pos_core.plugins import StartError

Level = Literal["ok", "warn", "fail"]

#: Below the first a shop is warned, below the second it should not go on: bytes free where the database lies.
LOW_BYTES, EMPTY_BYTES = 1_000_000_000, 100_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `cure` says what to do, empty where nothing is to be done."""

    check: str
    level: Level
    text: str
    cure: str = ""


def survey(config: Config) -> Iterator[Finding]:
    """Whether a shop can be set up with this configuration, in the order in which one would mend things."""
    yield from storage(config)
    if config.data_dir.is_dir():
        yield free_space(config.data_dir)
    yield database(config)


def storage(config: Config) -> Iterator[Finding]:
    """The data directory and its storage paths: there or creatable, writable, nobody else's to write."""
    try:
        setup.prepare_directories(config)
    except StartError as error:
        yield Finding("storage", "fail", str(error), f"chown {config.data_dir} to the service's user")
        return
    for path in (config.data_dir, *(config.directory(name) for name in setup.DIRECTORIES)):
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            owner = "" if path.stat().st_uid == os.getuid() else " (it belongs to another user)"
            yield Finding("storage", "warn", f"others can look into {path}{owner}", f"chmod 700 {path}")
        else:
            yield Finding("storage", "ok", f"{path} is private and can be written")


def free_space(path: Path) -> Finding:
    """Whether there is room on the disk."""
    free = shutil.disk_usage(path).free
    text = f"{free // 1_000_000:,} MB free at {path}"
    if free < EMPTY_BYTES:
        return Finding("disk space", "fail", text, "make room now: a database that cannot write stops selling")
    if free < LOW_BYTES:
        return Finding("disk space", "warn", text, "make room before it runs out")
    return Finding("disk space", "ok", text)


def database(config: Config) -> Finding:
    """Whether the database answers, keeps what it is told, and is empty. A SQLite file is not made by asking."""
    path = checks.sqlite_path(config)
    if path is not None and not path.exists():
        return Finding("database", "ok", f"SQLite will be made at {path}")
    db = connect_to(config.database.url, synchronous=config.database.synchronous)
    try:
        found = checks.require_database(db)
        used = checks.has_people(db)
    except StartError as error:
        return Finding("database", "fail", str(error), "start it, or correct database.url")
    finally:
        checks.close(db)
    if used:
        return Finding("database", "fail", "the database holds a business already", "choose an empty database")
    return Finding("database", "ok", f"{found['database']} answers and holds no business")
