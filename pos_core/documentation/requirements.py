"""The page of requirements: which tests show which row, from the marks alone."""

from __future__ import annotations

import re
from pathlib import Path

from pos_core.documentation.markdown import code, page, table
from pos_core.documentation.source import MarkError, requirement_tests

#: Where a checkout may name all rows, one `ID title` per line, so that rows without a test are seen too.
ROWS = "docs/requirements-rows.txt"
_ID = re.compile(r"^([A-Z][A-Z0-9]*)-(\d+)(?:-(\d+))?$")


def requirements(root: Path) -> str:
    """The page for the checkout at `root`. MarkError where a mark or a named row is not as it must be."""
    tests = requirement_tests(root)
    titles = read_rows(root / ROWS)
    wanted = sorted({*tests, *titles}, key=_order)
    rows = [
        (code(row), *([titles.get(row, "")] if titles else []), "shown" if row in tests else "not yet",
         "; ".join(_file(name, found) for name, found in sorted(tests.get(row, {}).items())))
        for row in wanted
    ]  # fmt: skip
    heads = ("Row", *(["What"] if titles else []), "State", "Tests")
    intro = (
        "A test that shows a requirement is marked with its row: `@pytest.mark.req(\"PRC-03\")`. This page lists the "
        f"marks: {sum(row in tests for row in wanted)} rows are shown"
        + (f", {sum(row not in tests for row in wanted)} are not yet." if titles else ".")
    )
    return page("Requirements", intro, table(heads, rows))


def read_rows(file: Path) -> dict[str, str]:
    """Row ids and titles of a file with one `ID title` per line; empty when there is none.

    MarkError for a line that is neither that nor a comment.
    """
    if not file.exists():
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        row, _, title = line.strip().partition(" ")
        if not _ID.match(row) or row in found:
            raise MarkError(f"{file}:{number}: {row!r} is not a row id, or stands there twice")
        found[row] = title.strip()
    return found


def _order(row: str) -> tuple[str, int, int, str]:
    match = _ID.match(row)
    return (match[1], int(match[2]), int(match[3] or 0), "") if match else (row, 0, 0, row)


def _file(name: str, tests: list[str]) -> str:
    shown = [code(test) for test in tests if test] or ["the whole file"]
    return f"[{name}](../{name}): {', '.join(shown)}"
