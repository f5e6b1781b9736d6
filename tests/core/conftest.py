"""What the core's tests share: modules made in a test, and raw access beside the framework."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pos_core import Manifest
from pos_core.db.database import Database
from tests.core.lab import lab, make_lab

__all__ = ["lab", "make_lab", "module_of", "package", "raw_writes"]


@contextmanager
def raw_writes(db: Database) -> Iterator[Callable[..., Any]]:
    """Execute statements as somebody with the database's password would: no action, no triggers."""

    def execute(text: str, *parameters: Any) -> Any:
        return db.execute_sql(text.replace("?", "%s") if db.dialect == "postgresql" else text, parameters)

    with db.schema_access():
        if db.dialect == "postgresql":
            db.execute_sql("SET session_replication_role = replica")  # triggers do not fire
        else:
            db.execute_sql("PRAGMA foreign_keys = 0")
            triggers = db.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in triggers:
                db.execute_sql(f"DROP TRIGGER {name}")
        try:
            yield execute
        finally:
            if db.dialect == "postgresql":
                db.execute_sql("SET session_replication_role = DEFAULT")
            else:
                for _, text in triggers:
                    db.execute_sql(text)
                db.execute_sql("PRAGMA foreign_keys = 1")


@pytest.fixture
def module_of(request: pytest.FixtureRequest) -> Callable[..., tuple[str, ModuleType]]:
    """module_of("x.one", rule, manifest={...}): a POS module made of functions, to pass as `extra`."""

    def make(
        name: str, *functions: Any, manifest: dict[str, Any] | None = None, **members: Any
    ) -> tuple[str, ModuleType]:
        python = ModuleType(f"made_{name.replace('.', '_')}")
        python.MANIFEST = Manifest(**{"name": name, "version": "1.0", **(manifest or {})})  # type: ignore[attr-defined]
        for function in functions:
            function.__module__ = python.__name__
            setattr(python, function.__name__, function)
        for member, value in members.items():
            setattr(python, member, value)
        return name, python

    return make


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, str]], ModuleType]:
    """package("pack", {"plugin.py": "..."}): an importable package written to disk; gives its plugin module."""
    import importlib

    monkeypatch.syspath_prepend(str(tmp_path / "packs"))

    def make(name: str, files: dict[str, str]) -> ModuleType:
        directory = tmp_path / "packs" / name
        directory.mkdir(parents=True)
        (directory / "__init__.py").write_text("")
        for file, text in files.items():
            (directory / file).write_text(text)
        for loaded in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
            monkeypatch.delitem(sys.modules, loaded)
        importlib.invalidate_caches()
        return importlib.import_module(f"{name}.plugin")

    return make
