"""Who may import whom, and who may open a write transaction: the import contracts of the architecture."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGS = {path.name: path / path.name for path in sorted((ROOT / "plugs").iterdir()) if (path / path.name).is_dir()}
PACKS = {
    package.name: package
    for path in sorted((ROOT / "industries").glob("*/"))
    for package in path.iterdir()
    if (package / "__init__.py").exists() and package.name != "tests"
}
CORE = ROOT / "pos_core"
PACKAGES = {"pos_core": CORE, **PLUGS, **PACKS}


def files(directory: Path) -> list[Path]:
    """A package's own code: no templates, no numbered migrations."""
    return [p for p in sorted(directory.rglob("*.py")) if not {"templates", "migrations"} & set(p.parts)]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that a file imports, also inside functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.relative_to(_root_of(path)).with_suffix("").parts[: -node.level]
                base = ".".join((*package, *(base.split(".") if base else ())))
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _root_of(path: Path) -> Path:
    return next(directory.parent for directory in PACKAGES.values() if path.is_relative_to(directory))


def offenders(directory: Path, *forbidden: str) -> list[str]:
    """Where files of a directory import a forbidden package or anything in it."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files(directory)
        for line, name in imports(path)
        if any(name == bad or name.startswith(f"{bad}.") for bad in forbidden)
    ]


def test_the_packages_are_there() -> None:
    """The other tests here would hold of an empty directory too."""
    assert {"pos_ops", "pos_mgmt", "pos_admin"} <= PLUGS.keys()
    assert all(len(files(directory)) > 3 for directory in PACKAGES.values())


@pytest.mark.req("MOD-10", "PLT-04")
def test_the_core_imports_no_plug_and_no_pack() -> None:
    assert offenders(CORE, *PLUGS, *PACKS) == []


@pytest.mark.req("MOD-10", "PLT-04")
@pytest.mark.parametrize("package", [*PLUGS, *PACKS])
def test_plugs_and_packs_import_the_core_and_themselves_only(package: str) -> None:
    assert offenders(PACKAGES[package], *(PLUGS.keys() | PACKS.keys()) - {package}) == []


@pytest.mark.req("MOD-09", "PLT-02")
@pytest.mark.parametrize("package", PACKAGES)
def test_only_the_http_package_knows_falcon(package: str) -> None:
    found = [line for line in offenders(PACKAGES[package], "falcon") if not line.startswith("pos_core/http/")]
    assert [line for line in found if not line.startswith("pos_core/logs/access.py")] == []


@pytest.mark.req("MOD-08", "MOD-09")
@pytest.mark.parametrize("package", PACKAGES)
def test_services_rules_and_models_know_no_http(package: str) -> None:
    found = offenders(PACKAGES[package], "pos_core.http", "waitress")
    inner = ("service.py", "rules.py", "models.py", "queries.py", "events.py", "errors.py")
    assert [f for f in found if f.split(":")[0].rsplit("/", 1)[-1] in inner] == []


def test_the_tax_engine_imports_nothing_of_the_rest() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files(CORE / "tax")
        for line, name in imports(path)
        if name.startswith("pos_core") and not name.startswith("pos_core.tax")
    ]
    assert found == []


#: Who may open a transaction that writes, and why.
WRITERS = {
    "pos_core/actions.py": "perform() begins the unit of work",
    "pos_core/db/unit_of_work.py": "perform()'s transaction",
    "pos_core/db/migrate.py": "the migration runner",
    "pos_core/db/database.py": "defines the access",
    "pos_core/db/schema.py": "a scratch schema that is always rolled back",
    "pos_core/installer/setup.py": "the three rows that every action needs",
    "pos_core/registry/purging.py": "drops a module's tables, after the action that says so",
}


def _opens_writing(node: ast.AST) -> str:
    """What in a piece of code opens a transaction that writes; empty where nothing does."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        of = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        opens = node.func.attr in ("atomic", "transaction", "schema_access", "_open_for_writing")
        opens = opens or (node.func.attr == "begin" and of == "uow")
        return f"calls {node.func.attr}" if opens else ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        opens = node.value.startswith(("BEGIN READ WRITE", "BEGIN IMMEDIATE", "PRAGMA query_only"))
        return f"says {node.value[:30]}" if opens else ""
    return ""


@pytest.mark.req("PLT-07", "AUD-02")
def test_only_the_unit_of_work_and_the_migration_runner_open_write_transactions() -> None:
    found = []
    for directory in PACKAGES.values():
        for path in files(directory):
            name = str(path.relative_to(ROOT))
            if name in WRITERS or name.startswith("pos_core/testing/"):
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                opened = _opens_writing(node)
                if opened:
                    found.append(f"{name}:{node.lineno} {opened}")
    assert found == [], "\n".join(found)
    assert all((ROOT / name).exists() for name in WRITERS)


@pytest.mark.req("MOD-10")
@pytest.mark.parametrize("package", sorted(PLUGS.keys() | PACKS.keys()))
def test_modules_of_a_distribution_do_not_import_each_others_services(package: str) -> None:
    """Neighbours are reached through ctx.perform and ctx.query; models and plain helpers may be shared."""
    found = []
    for path in files(PACKAGES[package]):
        own = path.relative_to(PACKAGES[package]).parts[0]
        for line, name in imports(path):
            parts = name.split(".")
            foreign = parts[0] == package and len(parts) > 2 and parts[1] != own
            if foreign and parts[2] in ("service", "rules", "routes", "plugin"):
                found.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert found == []
