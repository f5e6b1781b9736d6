"""Write a new pack from the templates."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path
from string import Template

from pos_core import __version__

_NAME = re.compile(r"^[a-z][a-z0-9]{1,29}$")
#: Prefixes of what is there already, or would be taken for it.
_TAKEN = frozenset({"core", "ops", "mgmt", "admin", "pos", "test", "tests", "mig", "sqlite", "pg"})
_CORE_RELEASE = ".".join(__version__.split(".")[:2])
_SPACE = " " * 4


class PackRefused(Exception):
    """The pack cannot be written; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class PackOptions:
    """What the pack has beside its rule. A report needs a table to report on."""

    table: bool = False
    setting: bool = False
    report: bool = False

    @property
    def keeps(self) -> bool:
        """Whether the pack has a table, and with it actions and routes."""
        return self.table or self.report


def write_pack(name: str, into: Path, options: PackOptions = PackOptions()) -> list[Path]:
    """Write the pack pos-`name` into a new folder of that name in `into`; returns its files. Raises PackRefused."""
    _check_name(name)
    folder = into / f"pos-{name}"
    if folder.exists():
        raise PackRefused(f"{folder} exists already: choose another name or folder, or remove it")
    files = _files(name, options)
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return [folder / path for path in files]


def _check_name(name: str) -> None:
    wrong = []
    if not _NAME.match(name):
        wrong.append("a name is 2 to 30 lower case letters and digits, a letter first, such as liquor (without pos-)")
    if name in _TAKEN or keyword.iskeyword(name):
        wrong.append(f"{name} is taken by the product or by Python")
    elif _NAME.match(name) and importlib.util.find_spec(f"pos_{name}") is not None:
        wrong.append(f"a package pos_{name} is installed already")
    elif name in {point.name.partition(".")[0] for point in entry_points(group="pos.modules")}:
        wrong.append(f"modules called {name}... are installed already")
    if wrong:
        raise PackRefused(f"{name!r} is no name for a new pack: {'; '.join(wrong)}")


def _files(name: str, options: PackOptions) -> dict[str, str]:
    """The pack's files by their paths below its folder."""
    package = f"pos_{name}"
    words = _words(name, package, options)
    made = {
        "pyproject.toml": "base/pyproject.toml", "README.md": "base/README.md",
        f"{package}/__init__.py": "base/package__init__.py", f"{package}/rules.py": "base/rules.py",
        f"tests/test_{name}.py": "base/test.py",
    }  # fmt: skip
    if options.keeps:
        made |= {f"{package}/{part}.py": f"table/{part}.py"
                 for part in ("models", "schemas", "service", "queries", "routes", "examples")}  # fmt: skip
        made |= {f"{package}/migrations/__init__.py": "table/migrations__init__.py",
                 f"{package}/migrations/001_initial.py": "table/001_initial.py"}  # fmt: skip
    if options.report:
        made[f"{package}/reports.py"] = "report/reports.py"
    files = {path: _filled(template, words) for path, template in made.items()}
    files[f"{package}/plugin.py"] = _plugin(name, package, options)
    return dict(sorted(files.items()))


def _words(name: str, package: str, options: PackOptions) -> dict[str, str]:
    base = {"name": name, "package": package, "distribution": f"pos-{name}", "module": f"{name}.counter",
            "title": name.capitalize(), "core": _CORE_RELEASE}  # fmt: skip
    more_tests = (_filled("table/test.py", base) if options.keeps else "") + (
        _filled("report/test.py", base) if options.report else "")  # fmt: skip
    queries = _filled("report/query.py", base) if options.report else ""
    return base | {
        "migrations": f'\n[project.entry-points."pos.migrations"]\n{name} = "{package}.migrations"\n'
        if options.keeps else "",
        "most_constant": "" if options.setting else "\n#: So many units are sold at once.\nMOST = 24\n",
        "most_arguments": "ctx, command" if options.setting else "command",
        "most_read": f'{_SPACE}most = ctx.settings["{name}.most_per_line"]\n' if options.setting
        else f"{_SPACE}most = MOST\n",
        "about_data": f"- Data: `{name}_note` holds notes, with their store, person and day." if options.keeps
        else "- Data: none of its own.",
        "more_tests": more_tests.rstrip("\n"), "more_queries": queries.rstrip("\n"),
        "query_imports": "from datetime import date\n" if options.report else "",
        "query_libraries": "import peewee as pw\n\n" if options.report else "",
    }  # fmt: skip


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = resources.files(__package__).joinpath(f"templates/{template}.tmpl").read_text("utf-8")
    return Template(text).substitute(words).rstrip("\n") + "\n"


def _plugin(name: str, package: str, options: PackOptions) -> str:
    """plugin.py: the manifest, and the hooks that the options need."""
    names = ["Manifest"]
    names += ["Permission"] if options.keeps else []
    names += ["Setting"] if options.setting else []
    names += ["hookimpl"] if options.keeps else []
    parts = (["reports"] if options.report else []) + (["routes"] if options.keeps else [])
    lines = [f'"""{name}.counter: what {name} needs at the counter."""', "", "from __future__ import annotations", ""]
    lines += [f"from pos_core import {', '.join(names)}", f"from {package} import {', '.join(['__version__', *parts])}"]
    lines += ["", "MANIFEST = Manifest(", f'    name="{name}.counter",', "    version=__version__,",
              f'    title="{name.capitalize()}",', '    core_api=">=1,<2",', '    depends=("ops.sales",),']  # fmt: skip
    if options.keeps:
        lines += [f'    roots=("/{name}",),', "    permissions=(",
                  f'        Permission("pos:{name}.add", "Note something at a till", ("cashier", "shift_supervisor")),',
                  f'        Permission("pos:{name}.view", "See the store\'s notes", ("cashier", "shift_supervisor")),',
                  f'        Permission("store:{name}.view", "See the store\'s notes", ("store_manager",)),',
                  "    ),"]  # fmt: skip
    if options.setting:
        lines += ["    settings=(",
                  f'        Setting("{name}.most_per_line", "int", 24, "So many units of a product are sold at once.",',
                  "                minimum=1, maximum=1_000_000),", "    ),"]  # fmt: skip
    lines.append(")")
    for part in sorted(parts, reverse=True):
        lines += ["", "", "@hookimpl", f"def register_{part}():", f"    return {part}.{part.upper()}"]
    return "\n".join(lines) + "\n"
