"""A pack as the checks see it: its modules, its files, its schema; installed, or a project's folder that is not."""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from pos_core import plugins
from pos_core.db import migrate


class PackNotFound(Exception):
    """There is no such pack; the message says what to do."""


@dataclass(slots=True)
class Point:
    """An entry point of `pos.modules`, with its plugin or why that could not be imported."""

    name: str
    value: str
    plugin: ModuleType | None = None
    error: str = ""


@dataclass
class Pack:
    """A distribution that brings modules.

    name: as pip knows it (pos-liquor). version: as its metadata says it. points: its modules. histories: its entry
    points of `pos.migrations`. project: the folder with its pyproject.toml, where there is one. installed: whether
    pip installed it, so that the product finds it by itself. requires: what it depends on.
    """

    name: str
    version: str
    points: list[Point]
    histories: Mapping[str, str]
    requires: list[str]
    project: Path | None = None
    installed: bool = False

    @property
    def prefix(self) -> str:
        """What its tables' names begin with, before the underscore: its name without "pos-"."""
        return self.name.removeprefix("pos-").replace("-", "").replace("_", "")

    @cached_property
    def packages(self) -> list[str]:
        """The top-level packages of its modules."""
        return sorted({point.value.partition(":")[0].partition(".")[0] for point in self.points})

    @property
    def module_names(self) -> frozenset[str]:
        return frozenset(point.name for point in self.points)

    @property
    def plugins(self) -> list[tuple[Point, ModuleType]]:
        """The plugins that could be imported."""
        return [(point, point.plugin) for point in self.points if point.plugin is not None]

    def extra(self) -> list[tuple[str, ModuleType]]:
        """What a kernel has to be given to know the modules: nothing where they are installed."""
        return [] if self.installed else [(point.name, plugin) for point, plugin in self.plugins]

    def migrations(self) -> list[tuple[str, Path]]:
        """(name, directory) of its histories of schema changes."""
        return [
            (name, Path(next(iter(importlib.import_module(value).__path__)))) for name, value in self.histories.items()
        ]

    def folders(self) -> Iterator[Path]:
        """Where its packages lie."""
        for package in self.packages:
            yield from (Path(place) for place in importlib.import_module(package).__path__)

    def sources(self) -> Iterator[tuple[str, Path]]:
        """(dotted name, file) of its own code: neither tests nor numbered migrations."""
        for folder in self.folders():
            for path in sorted(folder.rglob("*.py")):
                parts = path.relative_to(folder.parent).with_suffix("").parts
                if not {"migrations", "tests", "templates"} & set(parts):
                    yield ".".join(parts).removesuffix(".__init__"), path


def find(what: str) -> Pack:
    """The pack of that name (pos-liquor, or one of its modules), or in that folder. Raises PackNotFound."""
    folder = Path(what)
    if (folder / "pyproject.toml").is_file():
        return in_folder(folder.resolve())
    try:
        return installed(what)
    except PackageNotFoundError:
        for point in plugins.entry_points(group=plugins.GROUP):
            if point.name == what and point.dist is not None:
                return installed(point.dist.name)
    raise PackNotFound(
        f"{what} is neither an installed distribution, nor a module, nor a folder with a pyproject.toml; "
        "name one of them, such as pos-liquor or ./liquor"
    )


def installed(name: str) -> Pack:
    """A pack that pip installed. PackageNotFoundError where it did not; PackNotFound where it brings no modules."""
    found = distribution(name)
    points = [Point(p.name, p.value) for p in found.entry_points if p.group == plugins.GROUP]
    if not points:
        raise PackNotFound(f"{found.name} brings no modules: its metadata has no entry points in {plugins.GROUP}")
    histories = {p.name: p.value for p in found.entry_points if p.group == migrate.GROUP}
    pack = Pack(found.name, found.version, points, histories, list(found.requires or ()), _project(found), True)
    return _imported(pack)


def _project(found: Distribution) -> Path | None:
    """The folder that an editable installation points to."""
    text = found.read_text("direct_url.json")
    if not text or not json.loads(text).get("dir_info", {}).get("editable"):
        return None
    folder = Path(unquote(urlsplit(json.loads(text)["url"]).path))
    return folder if (folder / "pyproject.toml").is_file() else None


def in_folder(folder: Path) -> Pack:
    """A pack by its project's folder, installed or not; its packages are imported from there."""
    data: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    project = data.get("project", {})
    points = project.get("entry-points", {})
    if not points.get(plugins.GROUP):
        raise PackNotFound(f"{folder}/pyproject.toml has no [project.entry-points.\"{plugins.GROUP}\"]")
    name = project["name"]
    try:
        there = installed(name)
    except (PackageNotFoundError, PackNotFound):
        there = None
    if there is not None and there.project == folder:
        return there
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
    pack = Pack(
        name, project.get("version", ""), [Point(n, v) for n, v in points[plugins.GROUP].items()],
        points.get(migrate.GROUP, {}), list(project.get("dependencies", ())), folder,
    )  # fmt: skip
    return _imported(pack)


def _imported(pack: Pack) -> Pack:
    for point in pack.points:
        try:
            point.plugin = importlib.import_module(point.value)
        except Exception as error:  # noqa: BLE001 - a pack's own fault is what the checks are to tell
            point.error = f"{type(error).__name__}: {error}"
    return pack
