"""What only the source text says: which events a module emits, and which requirement a test shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_EVENT = re.compile(r"^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$")
_TEST_FOLDERS = ("tests", "plugs/*/tests", "industries/*/tests", "bench/tests")


class MarkError(Exception):
    """A requirement's mark or row that cannot be listed; the message says where."""


def emitted(file: Path) -> set[str]:
    """The names of the events that `emit` calls of a file publish, given as text or through a local name."""
    found: set[str] = set()
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef):
            continue
        for call in ast.walk(scope):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "emit":
                for argument in call.args[:1]:
                    found.update(_texts(argument, scope))
    return {name for name in found if _EVENT.match(name)}


def _texts(node: ast.expr, scope: ast.FunctionDef) -> Iterator[str]:
    """The texts that an expression can be: its own, those of a choice, those assigned to a local name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, scope)
        yield from _texts(node.orelse, scope)
    elif isinstance(node, ast.Name):
        assignments = [line for line in ast.walk(scope) if isinstance(line, ast.Assign)]
        for line in assignments:
            named = any(isinstance(target, ast.Name) and target.id == node.id for target in line.targets)
            if named and not isinstance(line.value, ast.Name):
                yield from _texts(line.value, scope)


def requirement_tests(root: Path) -> dict[str, dict[str, list[str]]]:
    """{requirement: {file relative to `root`: [tests]}} of all tests of a checkout, read without running them.

    A mark on a class counts for the class, one on `pytestmark` for the file ("" as the test). MarkError where a mark's
    id is not written out.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for file in test_files(root):
        reader = _Marks(file)
        reader.visit(ast.parse(file.read_text(encoding="utf-8"), filename=str(file)))
        for requirement, test in reader.found:
            tests = found.setdefault(requirement, {}).setdefault(file.relative_to(root).as_posix(), [])
            if test not in tests:
                tests.append(test)
    return found


def test_files(root: Path) -> list[Path]:
    """The test files of a checkout, in order."""
    folders = [folder for pattern in _TEST_FOLDERS for folder in root.glob(pattern)]
    return sorted({file for folder in folders for file in folder.rglob("test_*.py")})


class _Marks(ast.NodeVisitor):
    """Collects (requirement, test) of every `pytest.mark.req(...)`, with the class or function it belongs to."""

    def __init__(self, file: Path) -> None:
        self.found: list[tuple[str, str]] = []
        self._file = file
        self._inside: list[str] = []

    def _within(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self._inside.append(node.name)
        self.generic_visit(node)
        self._inside.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _within

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "req" and _is_mark(node.func.value):
            for argument in node.args:
                if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                    raise MarkError(f"{self._file}:{node.lineno}: write the requirement's id out")
                self.found.append((argument.value, "::".join(self._inside[:2])))
        self.generic_visit(node)


def _is_mark(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "mark"
