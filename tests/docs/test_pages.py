"""The generated pages: everything is on them, every text is there, and they are current."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from string import Formatter

import pytest
from click.testing import CliRunner

from pos_core import hookspecs
from pos_core.cli.main import cli
from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.documentation import pages
from pos_core.documentation.requirements import read_rows, requirements
from pos_core.documentation.source import MarkError, emitted, requirement_tests
from pos_core.http import routes
from pos_core.http.catalogue import error_codes
from pos_core.kernel import Kernel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bare() -> Kernel:
    """A kernel of the installed modules that never asks its database."""
    return Kernel(Config(), db=SqliteDatabase(":memory:"))


@pytest.mark.req("DOC-06")
def test_every_hook_is_documented(bare: Kernel) -> None:
    text = pages.hooks(bare)
    found = pages.hook_specifications(bare)
    assert {name for _, name, _ in found} >= {n for n in vars(hookspecs) if n in ("register_routes", "before_action")}
    called = {name for name in vars(bare.manager.hook) if not name.startswith("_")}
    assert {name for _, name, _ in found} == called
    for owner, name, function in found:
        assert f"## {name}\n" in text
        assert len((function.__doc__ or "").split()) >= 12, f"{owner}: the hook {name} says too little of itself"


@pytest.mark.req("API-03")
def test_every_error_code_has_both_languages_and_a_cure(bare: Kernel) -> None:
    text = pages.errors(bare)
    codes = error_codes(bare)
    assert len(codes) > 20
    for code in codes:
        assert f"| `{code.code}` |" in text
        assert code.en.strip(), code.code
        assert code.es.strip(), code.code
        assert code.cure.strip(), code.code
        assert re.fullmatch(r"[a-z][a-z0-9_]*", code.code)
        named = [{field for _, field, _, _ in Formatter().parse(part) if field} for part in (code.en, code.es)]
        if code.code != "field_invalid":  # whose two sentences are figures themselves
            assert named[0] == named[1], f"{code.code}: its Spanish sentence names other figures"


def test_every_permission_setting_action_query_and_route_is_on_its_page(bare: Kernel) -> None:
    doors = routes.collect(bare)
    allowed, kept = pages.permissions(bare), pages.settings(bare)
    done, reached = pages.actions(bare, doors), pages.api(bare, doors)
    for permission in bare.permissions().values():
        assert f"| `{permission.code}` | {permission.description}" in allowed
        assert permission.description.strip(), permission.code
    for setting in bare.declared_settings().values():
        assert f"| `{setting.key}` |" in kept
        assert setting.description.strip(), setting.key
    for one in (*bare.actions(), *bare.queries()):
        assert f"| `{one.name}` |" in done
        assert (one.function.__doc__ or "").strip(), f"{one.name} has no docstring"
    for door in doors:
        assert f"| `{door.route.method} {door.route.path}` | `{door.operation_id}` |" in reached


def test_a_table_has_as_many_cells_in_every_row(bare: Kernel) -> None:
    for name, text in pages.all_pages(bare, ROOT).items():
        width = 0
        for line in text.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not (width and cells) or cells == width, f"{name}: {line[:80]}"
            width = cells


def _checkout_distributions() -> set[str]:
    files = [*ROOT.glob("plugs/*/pyproject.toml"), *ROOT.glob("industries/*/pyproject.toml")]
    return {"pos-core"} | {tomllib.loads(file.read_text())["project"]["name"] for file in files}


def _installed(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


def test_the_pages_in_the_checkout_are_current(bare: Kernel) -> None:
    ours = _checkout_distributions()
    if missing := [name for name in ours if not _installed(name)]:
        pytest.skip(f"not all of the checkout is installed: {', '.join(sorted(missing))}")
    if strangers := {module.distribution for module in bare.modules} - ours:
        pytest.skip(f"other packs are installed here: {', '.join(sorted(strangers))}")
    # a process of its own: tests define error codes too
    command = [sys.executable, "-m", "pos_core.cli", "docs", "--check", "--out", "docs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_writing_then_checking(tmp_path: Path, bare: Kernel) -> None:
    if broken := [module.name for module in bare.modules if module.error]:
        pytest.fail(f"modules were set aside: {', '.join(broken)}")
    out = tmp_path / "docs"
    missing = CliRunner().invoke(cli, ["docs", "--out", str(out), "--check"])
    assert missing.exit_code == 1
    assert not out.exists()
    assert CliRunner().invoke(cli, ["docs", "--out", str(out)]).exit_code == 0
    names = {file.name for file in out.iterdir()}
    reference = {"hooks.md", "errors.md", "permissions.md", "settings.md", "actions.md", "api.md"}
    assert names == {*reference, "authorisation.md", "fields.md", "modules.md", "security-events.md"}
    assert CliRunner().invoke(cli, ["docs", "--out", str(out), "--check"]).exit_code == 0
    (out / "hooks.md").write_text((out / "hooks.md").read_text().replace("# Hooks", "# Something"))
    changed = CliRunner().invoke(cli, ["docs", "--out", str(out), "--check"])
    assert changed.exit_code == 1
    assert "hooks.md is not current" in changed.output
    assert "errors.md" not in changed.output


_TESTS = '''
import pytest
pytestmark = pytest.mark.req("ABC-02")

@pytest.mark.req("ABC-10")
@pytest.mark.req("ABC-02")
def test_one(): ...

@pytest.mark.req("ABC-10")
class TestMany:
    @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.req("XYZ-01"))])
    def test_two(self, x): ...
'''


def test_marks_are_found_wherever_they_stand(tmp_path: Path) -> None:
    folder = tmp_path / "plugs" / "some" / "tests"
    folder.mkdir(parents=True)
    (folder / "test_it.py").write_text(_TESTS)
    file = "plugs/some/tests/test_it.py"
    assert requirement_tests(tmp_path) == {
        "ABC-02": {file: ["", "test_one"]},
        "ABC-10": {file: ["test_one", "TestMany"]},
        "XYZ-01": {file: ["TestMany::test_two"]},
    }
    text = requirements(tmp_path)
    assert re.findall(r"^\| `([^`]+)`", text, re.MULTILINE) == ["ABC-02", "ABC-10", "XYZ-01"]
    assert f"| `ABC-02` | shown | [{file}](../{file}): `test_one` |" in text


def test_rows_without_a_test_are_seen_where_the_rows_are_named(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(_TESTS)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "requirements-rows.txt").write_text("# rows\nABC-02 The second\nABC-03 The third\n")
    text = requirements(tmp_path)
    assert "| `ABC-03` | The third | not yet |" in text
    assert "| `ABC-02` | The second | shown |" in text
    assert "3 rows are shown, 1 are not yet." in text


@pytest.mark.parametrize("line", ["abc-1 x", "ABC-02 again", "nothing"])
def test_a_row_that_is_none_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "rows.txt").write_text(f"ABC-02 first\n{line}\n")
    with pytest.raises(MarkError, match=r"rows\.txt:2"):
        read_rows(tmp_path / "rows.txt")


def test_a_mark_that_hides_its_row_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    text = "import pytest\nROW = 'A-1'\n@pytest.mark.req(ROW)\ndef test(): ...\n"
    (tmp_path / "tests" / "test_it.py").write_text(text)
    with pytest.raises(MarkError, match=r"test_it\.py:3"):
        requirement_tests(tmp_path)


def test_events_are_read_from_the_source(tmp_path: Path) -> None:
    file = tmp_path / "service.py"
    file.write_text(
        "def one(ctx, yes):\n"
        "    ctx.emit('sale:completed', 'sale', '1')\n"
        "    name = 'sale:held' if yes else 'sale:resumed'\n"
        "    ctx.emit(name, 'sale', '1')\n"
        "    ctx.writing.emit(ctx, 'no', 'sale:entity')\n"
        "    other('sale:ignored')\n"
    )
    assert emitted(file) == {"sale:completed", "sale:held", "sale:resumed"}
