"""Nothing loads but what the operator has allowed: distributions by name, version and content.

`[modules] allow` in pos.toml lists them; `pos modules --allowlist` writes the list of what is installed. The content's
hash is over the distribution's own files as the installer recorded them, and every file is held against its record, so
that one that was changed after it was installed is noticed. What is not allowed is not even imported.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib.metadata import Distribution, entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pos_core.config.loader import AllowedDistribution

GROUP = "pos.modules"


class ContentChanged(Exception):
    """A file is not the one that was installed; the message names it."""


def content_hash(distribution: Distribution) -> str:
    """SHA-256 over the names and hashes of a distribution's own files.

    ContentChanged where a file differs from its record, and where there is nothing to hold it against (an editable
    installation: its files lie elsewhere and may change at any time).
    """
    lines = []
    for file in distribution.files or ():
        own = file.hash is not None and file.hash.mode == "sha256" and ".dist-info" not in file.parts[0]
        if not own or ".." in file.parts or file.suffix == ".pyc":
            continue
        if file.name.startswith("__editable__"):
            raise ContentChanged(f"{distribution.name} is installed editable: its content cannot be held to a hash")
        assert file.hash is not None
        try:
            found = hashlib.sha256(file.read_binary()).digest()
        except OSError as error:
            raise ContentChanged(f"{file} cannot be read: {error.strerror}") from error
        if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != file.hash.value:
            raise ContentChanged(f"{file} is not as it was installed")
        lines.append(f"{file.as_posix()} {file.hash.value}")
    if not lines:
        raise ContentChanged(f"{distribution.name} has no record of its files")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def objection(distribution: Distribution | None, allowed: Iterable[AllowedDistribution] | None) -> str:
    """Why a distribution may not be loaded; empty where it may. Without a list everything may."""
    if allowed is None:
        return ""
    if distribution is None:
        return "it belongs to no installed distribution, and modules.allow lists those that may load"
    name = distribution.name.lower().replace("_", "-")
    entry = next((one for one in allowed if one.distribution.lower().replace("_", "-") == name), None)
    if entry is None:
        return "" if name == "pos-core" else f"modules.allow does not list {distribution.name}"
    if entry.version and entry.version != distribution.version:
        return f"modules.allow lists {distribution.name} {entry.version}, installed is {distribution.version}"
    if not entry.sha256:
        return ""
    try:
        found = content_hash(distribution)
    except ContentChanged as error:
        return f"modules.allow lists {distribution.name} with a hash: {error}"
    same = found == entry.sha256
    return "" if same else f"modules.allow lists another hash of {distribution.name} than that of what is installed"


def installed() -> list[tuple[str, str, str]]:
    """(name, version, content's hash or "") of every distribution that brings modules."""
    found = {p.dist.name: p.dist for p in entry_points(group=GROUP) if p.dist is not None}
    told = []
    for name in sorted(found):
        try:
            sha256 = content_hash(found[name])
        except ContentChanged:
            sha256 = ""
        told.append((name, found[name].version, sha256))
    return told
