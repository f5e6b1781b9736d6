"""`pos import` as a shopkeeper types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def pos(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pos_core.cli", "--data-dir", str(directory), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
@pytest.mark.req("V2X-12")
def test_a_template_is_printed_checked_imported_and_repeated(tmp_path: Path) -> None:
    shop, file = tmp_path / "shop", tmp_path / "list.csv"
    assert pos(shop, "init").returncode == 0
    template = pos(shop, "import", "template")
    assert template.returncode == 0
    file.write_text(template.stdout + "BAD,,No price,,,,\n")
    refused = pos(shop, "import", "products", str(file))
    assert refused.returncode == 1
    assert "Line 4: selling_price is missing" in refused.stderr
    dry = pos(shop, "import", "products", str(file), "--skip-bad", "--dry-run")
    assert "would be created 2" in dry.stdout
    done = pos(shop, "import", "products", str(file), "--skip-bad")
    assert (done.returncode, "created 2, updated 0, unchanged 0, wrong 1" in done.stdout) == (0, True)
    assert "line 4: selling_price is missing" in done.stdout
    again = pos(shop, "import", "products", str(file), "--skip-bad")
    assert "created 0, updated 0, unchanged 2, wrong 1" in again.stdout
    wrong = pos(shop, "import", "products", str(file), "--map", "sku")
    assert wrong.returncode == 2
    assert "COLUMN=FIELD" in wrong.stderr
