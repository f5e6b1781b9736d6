"""Functions and files stay readable, nothing is left half done, and columns say their unit."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import peewee as pw
import pytest

from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.db.fields import BoolField, IdField, MoneyField, QuantityField, RateField, UtcField
from pos_core.kernel import Kernel
from tests.architecture.test_imports import PACKAGES, ROOT, files

LONGEST_FUNCTION = 60
LONGEST_FILE = 450

#: What is longer on purpose, with the reason.
LONG_FUNCTIONS: dict[str, str] = {}
LONG_FILES: dict[str, str] = {
    "pos_core/actions.py": "the pipeline, read in one go from perform() to the commit",
    "pos_core/db/unit_of_work.py": "one transaction's gathering and its flush on both databases",
    "pos_core/testing/postgres.py": "everything about a PostgreSQL of one's own",
}


def sources() -> list[Path]:
    return [path for directory in PACKAGES.values() for path in files(directory)]


def test_functions_are_short() -> None:
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                name = f"{path.relative_to(ROOT)}:{node.name}"
                if length > LONGEST_FUNCTION and name not in LONG_FUNCTIONS:
                    found.append(f"{name} has {length} lines")
    assert found == []


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in sources()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE and name not in LONG_FILES} == {}


def test_exceptions_to_the_lengths_are_still_there() -> None:
    assert all((ROOT / name.partition(":")[0]).exists() for name in (*LONG_FUNCTIONS, *LONG_FILES))


_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def test_nothing_is_left_half_done() -> None:
    found = []
    for path in sources():
        text = path.read_text("utf-8")
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            unfinished = token.type == tokenize.COMMENT and _UNFINISHED.search(token.string)
            if unfinished or (token.type == tokenize.NAME and token.string == "NotImplementedError"):
                found.append(f"{path.relative_to(ROOT)}:{token.start[0]} {token.string}")
    assert found == []


def test_exceptions_are_not_swallowed() -> None:
    """An `except` whose body is only `pass` hides what nobody will ever see."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler) and all(isinstance(part, ast.Pass) for part in node.body)
    ]
    assert found == []


def test_public_functions_and_classes_are_documented() -> None:
    """pos_core is the public API of pack authors; every module says what it is for."""
    found = []
    for path in sources():
        tree = ast.parse(path.read_text("utf-8"))
        if tree.body and ast.get_docstring(tree) is None:
            found.append(f"{path.relative_to(ROOT)} says not what it is for")
    assert found == []


@pytest.fixture(scope="module")
def models() -> list[type[pw.Model]]:
    return list(Kernel(Config(), db=SqliteDatabase(":memory:")).models)


@pytest.mark.req("VAL-04", "DBM-07")
def test_columns_say_their_unit_and_have_its_type(models: list[type[pw.Model]]) -> None:
    found = []
    for model in models:
        for field in model._meta.sorted_fields:
            name, kind = f"{model._meta.table_name}.{field.column_name}", type(field)
            if (field.column_name.endswith("_minor")) != issubclass(kind, MoneyField):
                found.append(f"{name}: amounts end in _minor and are MoneyFields")
            if "quantity" in field.column_name and not issubclass(kind, (QuantityField, BoolField)):
                found.append(f"{name}: quantities are QuantityFields")
            if field.column_name.endswith("_at") and not issubclass(kind, UtcField):
                found.append(f"{name}: moments are UtcFields")
            if isinstance(field, (pw.FloatField, pw.DoubleField, pw.DecimalField)):
                found.append(f"{name}: no float and no decimal in the database")
            if field.column_name.endswith("_rate") and not issubclass(kind, RateField):
                found.append(f"{name}: rates are RateFields")
    assert found == []


@pytest.mark.req("DBM-09", "DBM-11")
def test_ids_are_uuids(models: list[type[pw.Model]]) -> None:
    numbered = {"core_revision"}
    for model in models:
        if model._meta.table_name not in numbered and "id" in model._meta.fields:
            assert isinstance(model._meta.fields["id"], IdField), model
