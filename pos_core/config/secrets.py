"""Secrets: made at init into a file that only the service's user can read, and printed by nothing."""

from __future__ import annotations

import os
import secrets
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pos_core.plugins import StartError

MINIMUM = 32


@dataclass(frozen=True, slots=True)
class Secrets:
    """`token_keys`: oldest first, the last one signs and all of them verify."""

    token_keys: tuple[str, ...]

    def __repr__(self) -> str:
        return "Secrets(***)"


def create(path: Path) -> None:
    """Write new secrets with mode 0600; does nothing where the file is there already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("# Made by `pos init`. Keep it private and backed up: whoever has it can sign in as anybody.\n")
        file.write(f'token_keys = ["{secrets.token_urlsafe(48)}"]\n')
        file.flush()
        os.fsync(file.fileno())


def load(path: Path) -> Secrets:
    """Read the secrets; StartError when they are missing, readable by others, or too short."""
    try:
        mode = path.stat().st_mode
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise StartError(f"there is no {path}: run `pos init`, or restore the file from your backup") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StartError(f"{path} can be read by others: run `chmod 600 {path}`")
    keys = content.get("token_keys")
    if not isinstance(keys, list) or not keys or any(not isinstance(k, str) or len(k) < MINIMUM for k in keys):
        raise StartError(f"{path}: token_keys must be a list of secrets of at least {MINIMUM} characters")
    return Secrets(tuple(keys))
