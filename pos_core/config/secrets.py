"""Secrets: made at init into a file that only the service's user can read, and printed by nothing.

The file is written whole and put in place at once, so whoever reads it sees the old one or the new one. Processes
look at it before each use: a rotation needs no restart.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
import stat
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pos_core import clock
from pos_core.plugins import StartError

log = logging.getLogger("pos.config.secrets")

MINIMUM = 32
_HEAD = "# Made by `pos init`. Keep it private and backed up: whoever has it can sign in as anybody.\n"


@dataclass(frozen=True, slots=True)
class Secrets:
    """`token_keys`: oldest first, the last one signs and all of them verify; `made`: when each was ("" unknown).

    `data_keys`: oldest first, what the database keeps sealed or digested; they stay as long as the data does.
    """

    token_keys: tuple[str, ...]
    data_keys: tuple[str, ...] = ()
    made: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Secrets(***)"


def key_id(key: str) -> str:
    """A short name of a key that tells nothing about it."""
    return hashlib.sha256(b"pos.key.id|" + key.encode()).hexdigest()[:12]


def create(path: Path) -> None:
    """Write new secrets with mode 0600; a file that is there already only gets the data keys that it lacks."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if not load(path).data_keys:
            change(path, lambda content: content.setdefault("data_keys", [secrets.token_urlsafe(48)]))
        return
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(_HEAD)
        file.write(f'token_keys = ["{secrets.token_urlsafe(48)}"]\n')
        file.write(f'data_keys = ["{secrets.token_urlsafe(48)}"]\n')
        file.flush()
        os.fsync(file.fileno())


def load(path: Path) -> Secrets:
    """Read the secrets; StartError when they are missing, readable by others, or too short."""
    content = _read(path)
    keys = _keys(path, content, "token_keys")
    if not keys:
        raise StartError(f"{path}: token_keys must be a list of secrets of at least {MINIMUM} characters")
    made = content.get("token_keys_made", [])
    if not isinstance(made, list) or any(not isinstance(moment, str) for moment in made):
        raise StartError(f"{path}: token_keys_made must be a list of times, one for each of token_keys")
    return Secrets(keys, _keys(path, content, "data_keys"), tuple([*made, *[""] * len(keys)][: len(keys)]))


def _keys(path: Path, content: dict[str, Any], name: str) -> tuple[str, ...]:
    found = content.get(name, [])
    if not isinstance(found, list) or any(not isinstance(key, str) or len(key) < MINIMUM for key in found):
        raise StartError(f"{path}: {name} must be a list of secrets of at least {MINIMUM} characters")
    return tuple(found)


def _read(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise StartError(f"there is no {path}: run `pos init`, or restore the file from your backup") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StartError(f"{path} can be read by others: run `chmod 600 {path}`")
    return content


class SecretsFile:
    """The secrets as they stand in their file now: read again when the file was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._secrets: Secrets | None = None

    def current(self) -> Secrets:
        """The secrets; the same object while the file is the same. StartError when there were never usable ones."""
        try:
            found = os.stat(self._path)
            seen = (found.st_mtime_ns, found.st_ino, found.st_size)
        except FileNotFoundError:
            seen = (0, 0, 0)
        if self._secrets is not None and seen == self._seen:
            return self._secrets
        try:
            self._secrets = load(self._path)
        except (StartError, OSError, ValueError):
            if self._secrets is None:
                raise
            log.exception("the secrets file cannot be used; what was read before stays")
        self._seen = seen
        return self._secrets


def rotate(path: Path, at: datetime, keep: timedelta | None) -> tuple[str, list[str]]:
    """Put a new signing key behind the others and drop those that signed nothing for `keep`; None drops them all.

    Returns (the new key's id, the dropped keys' ids). StartError when the file cannot be used.
    """
    new = secrets.token_urlsafe(48)
    with _exclusively(path):
        held = _held(path)
        kept, dropped = _sorted_out(held, at, keep) if keep is not None else ([], held)
        _replace(path, [*kept, (new, clock.to_text(at))])
    return key_id(new), [key_id(key) for key, _ in dropped]


def prune(path: Path, at: datetime, keep: timedelta) -> list[str]:
    """Drop the keys that nothing valid was signed with for `keep`; returns their ids."""
    with _exclusively(path):
        held = _held(path)
        kept, dropped = _sorted_out(held, at, keep)
        if dropped:
            _replace(path, kept)
    return [key_id(key) for key, _ in dropped]


_Key = tuple[str, str]


def _held(path: Path) -> list[_Key]:
    found = load(path)
    return list(zip(found.token_keys, found.made, strict=True))


def _sorted_out(held: list[_Key], at: datetime, keep: timedelta) -> tuple[list[_Key], list[_Key]]:
    """(kept, dropped): a key ceased to sign when the next one was made, so its last token ends `keep` later."""
    kept: list[_Key] = []
    dropped: list[_Key] = []
    for place, key in enumerate(held):
        after = held[place + 1][1] if place + 1 < len(held) else ""
        over = after != "" and clock.from_text(after) + keep <= at
        (dropped if over else kept).append(key)
    return kept, dropped


@contextmanager
def _exclusively(path: Path) -> Iterator[None]:
    """One change of the file at a time, over all processes of the machine."""
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, keys: list[_Key]) -> None:
    """Write the file anew with these token keys and everything else that stands in it."""
    content = _read(path)
    content |= {"token_keys": [key for key, _ in keys], "token_keys_made": [made for _, made in keys]}
    write(path, content)


def write(path: Path, content: dict[str, Any]) -> None:
    """Put a new file in the place of the old one, at once and with mode 0600. Values are texts and lists of texts."""
    text = _HEAD + "".join(f"{name} = {_toml(value)}\n" for name, value in content.items())
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if not isinstance(value, str) or any(c in '"\\' or not c.isprintable() for c in value):
        raise StartError("the secrets file holds something other than plain texts: change it by hand")
    return f'"{value}"'


def change(path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Let `edit` change the file's content (a mapping) and write it; one change at a time over all processes."""
    with _exclusively(path):
        content = _read(path)
        edit(content)
        write(path, content)
