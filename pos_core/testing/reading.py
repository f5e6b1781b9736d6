"""The checks that read a pack: its manifests, what it registers, its schema, its files and its wheel."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

import pos_core
from pos_core import plugins
from pos_core.db import schema
from pos_core.errors import ErrorCode
from pos_core.http import routes as doors
from pos_core.manifest import CORE_API, Manifest
from pos_core.plugins import StartError
from pos_core.public import PUBLIC
from pos_core.reporting import registry as reports

if TYPE_CHECKING:
    from pos_core.actions import Action, Query
    from pos_core.kernel import Kernel
    from pos_core.testing.lab import Lab
    from pos_core.testing.packs import Pack

_FIGURES = re.compile(r"\{(\w+)\}")
_CORE_API = "core_api"
_ITSELF = "depends on itself"
#: Libraries that belong to the core's edges: a pack that uses them goes round it.
_EDGES = ("falcon", "waitress")
_NOT_PACKED = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "dist", ".git", ".venv", ".*_cache")


def manifests(pack: Pack) -> Iterator[tuple[str, Manifest]]:
    """(entry point's name, manifest) of the modules that have one."""
    for point, plugin in pack.plugins:
        found = getattr(plugin, "MANIFEST", None)
        if isinstance(found, Manifest):
            yield point.name, found


def manifest(lab: Lab) -> Iterator[str]:
    """Each module has a sound manifest."""
    sound = dict(manifests(lab.pack))
    for point in lab.pack.points:
        if point.error:
            yield f"{point.value} cannot be imported: {point.error}"
        elif point.name not in sound:
            yield f"{point.value} has no MANIFEST"
    for name, found in sound.items():
        yield from (f"{name}: {problem}" for problem in found.problems()
                    if _CORE_API not in problem and problem != _ITSELF)  # fmt: skip
        if found.name != name:
            yield f"the manifest's name {found.name} is not the entry point's {name}"
        if lab.pack.version and found.version != lab.pack.version:
            yield f"{name}: the manifest's version {found.version} is not the distribution's {lab.pack.version}"
        if not found.title.strip():
            yield f"{name} has no title"


def core_api(lab: Lab) -> Iterator[str]:
    """The range is one, holds this core, and ends somewhere."""
    for name, found in manifests(lab.pack):
        try:
            wanted = SpecifierSet(found.core_api)
        except InvalidSpecifier:
            yield f"{name}: {found.core_api!r} is not a version range"
            continue
        if CORE_API not in wanted:
            yield f"{name} needs core_api {found.core_api}, this core offers {CORE_API}"
        elif "999" in wanted:
            yield f"{name}: core_api {found.core_api} has no upper bound: a new contract would break it in a shop"


def dependencies(lab: Lab) -> Iterator[str]:
    """Discovery finds the modules whole, and pip would install what they need."""
    for name, found in manifests(lab.pack):
        if name in (*found.depends, *found.extras):
            yield f"{name} {_ITSELF}"
    for module in plugins.discover(lab.pack.extra()):
        if module.name in lab.pack.module_names and re.search("^needs (?!core_api)|circle", module.error):
            yield f"{module.name} {module.error}"
    required = {canonicalize_name(Requirement(text).name) for text in lab.pack.requires}
    if "pos-core" not in required:
        yield "the distribution does not require pos-core"
    brings = {point.name: point.dist.name for point in entry_points(group=plugins.GROUP) if point.dist is not None}
    for name, found in manifests(lab.pack):
        for need in found.depends:
            other = canonicalize_name(brings.get(need, lab.pack.name))
            if other not in required and other not in ("pos-core", canonicalize_name(lab.pack.name)):
                yield f"{name} depends on {need}, and the distribution does not require {other}"


def hooks(lab: Lab) -> Iterator[str]:
    """The modules are registered: hook implementations fit, no wrappers, no name taken."""
    known = {module.name: module for module in lab.offline.modules}
    for name in sorted(lab.pack.module_names):
        if known[name].error:
            yield f"{name} was set aside: {known[name].error}"


def routes(lab: Lab) -> Iterator[str]:
    """The doors and reports of the pack are as they must be."""
    for collect in (doors.collect, reports.collect):
        try:
            collect(lab.offline)
        except StartError as error:
            lines = [line.strip() for line in str(error).splitlines()[1:]]
            yield from (line for line in lines if line.partition(":")[0] in lab.pack.module_names)


def documented(lab: Lab) -> Iterator[str]:
    """Whatever the pack declares says what it is."""
    own = lab.pack.module_names
    for code in codes(lab.pack):
        if not all(words.strip() for words in (code.en, code.es, code.cure)):
            yield f"the error code {code.code} lacks a sentence or a cure"
        elif code.en == code.es:
            yield f"the error code {code.code}: the Spanish sentence is the English one"
        elif set(_FIGURES.findall(code.en)) != set(_FIGURES.findall(code.es)):
            yield f"the error code {code.code}: the sentences name different figures"
    for name, found in manifests(lab.pack):
        said = [(f"setting {s.key}", s.description) for s in found.settings]
        said += [(f"permission {p.code}", p.description) for p in found.permissions]
        yield from (f"{name}: the {what} has no description" for what, text in said if not text.strip())
    named: list[Action | Query] = [*lab.offline.actions(), *lab.offline.queries()]
    for one in named:
        if one.module in own and not (one.function.__doc__ or "").strip():
            yield f"{one.name} has no docstring: it is its text in the API's reference"


def codes(pack: Pack) -> list[ErrorCode]:
    """The error codes that the pack's own modules define."""

    def of(packages: Iterable[str]) -> dict[str, ErrorCode]:
        chosen = tuple(packages)
        loaded = [m for n, m in sys.modules.items() if n.partition(".")[0] in chosen and isinstance(m, ModuleType)]
        return {v.code: v for module in loaded for v in vars(module).values() if isinstance(v, ErrorCode)}

    foreign = of(["pos_core"])
    return [code for name, code in sorted(of(pack.packages).items()) if name not in foreign]


def tables(lab: Lab) -> Iterator[str]:
    """Tables are named after their distribution."""
    for model in lab.offline.models:
        table = model._meta.table_name
        if model.__module__.partition(".")[0] in lab.pack.packages and not table.startswith(f"{lab.pack.prefix}_"):
            yield f"{table} does not begin with {lab.pack.prefix}_"


def migrations(lab: Lab) -> Iterator[str]:
    """A database made by the migrations is what the models declare."""
    own = re.compile(rf"\b{lab.pack.prefix}_")
    try:
        with lab.another() as business:
            kernel = business.kernel
            found = schema.differences(kernel.db, kernel.models, kernel.running())
            yield from (line for line in found if own.search(line))
    except Exception as error:  # noqa: BLE001 - whatever a migration does wrong is what is to be told
        yield f"the migrations do not run: {type(error).__name__}: {error}"


def imports(lab: Lab) -> Iterator[str]:
    """The code keeps to what is promised."""
    plugs = {point.value.partition(".")[0] for point in entry_points(group=plugins.GROUP)}
    foreign = (plugs | set(_EDGES)) - {"pos_core", *lab.pack.packages}
    for dotted, path in lab.pack.sources():
        for line, name in _imported(dotted, path):
            top = name.partition(".")[0]
            if top in foreign:
                yield f"{dotted}:{line} imports {name}"
            elif top == "pos_core" and not _promised(name):
                yield f"{dotted}:{line} imports {name}, which is not public"


def _imported(dotted: str, path: Path) -> Iterator[tuple[int, str]]:
    package = dotted if path.name == "__init__.py" else dotted.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = importlib.util.resolve_name("." * node.level + base, package)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _promised(name: str) -> bool:
    """Whether a dotted name is a public module or a name in one."""
    if name in PUBLIC:
        return True
    parent, _, last = name.rpartition(".")
    if parent == "pos_core":
        return last in pos_core.__all__
    return parent in PUBLIC and importlib.util.find_spec(name) is None if _is_package(parent) else parent in PUBLIC


def _is_package(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.submodule_search_locations is not None


def wheel(lab: Lab) -> Iterator[str]:
    """What pip would install is whole."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            packed, announced = _built(lab.pack, Path(scratch)) if lab.pack.project else _recorded(lab.pack)
        except subprocess.CalledProcessError as error:
            yield f"the wheel cannot be built: {(error.stderr or error.stdout).strip()[-500:]}"
            return
    for folder in lab.pack.folders():
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder.parent).as_posix()
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc" and name not in packed:
                yield f"{name} is in the package's folder and not in the wheel"
    missing = {point.value for point in lab.pack.points} - announced
    yield from (f"the wheel announces no module {value}" for value in sorted(missing))


def _recorded(pack: Pack) -> tuple[set[str], set[str]]:
    from importlib.metadata import distribution

    found = distribution(pack.name)
    announced = {point.value for point in found.entry_points if point.group == plugins.GROUP}
    return {str(path) for path in found.files or ()}, announced


def _built(pack: Pack, scratch: Path) -> tuple[set[str], set[str]]:
    assert pack.project is not None
    source = shutil.copytree(pack.project, scratch / "source", ignore=_NOT_PACKED)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", "--wheel-dir", str(scratch), str(source)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    with zipfile.ZipFile(next(scratch.glob("*.whl"))) as archive:
        names = set(archive.namelist())
        points = configparser.ConfigParser(delimiters=("=",))
        for name in names:
            if name.endswith(".dist-info/entry_points.txt"):
                points.read_string(archive.read(name).decode())
    return names, set(points[plugins.GROUP].values()) if points.has_section(plugins.GROUP) else set()


def offline_kernel(pack: Pack) -> Kernel:
    """A kernel that knows the pack and has no business: for what is declared."""
    from pos_core.config.loader import Config
    from pos_core.db.database import SqliteDatabase
    from pos_core.kernel import Kernel

    return Kernel(Config(), db=SqliteDatabase(":memory:"), extra=pack.extra())
