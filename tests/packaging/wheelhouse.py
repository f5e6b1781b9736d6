"""The distributions of this tree, and their wheels."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGS = sorted(
    path.parent for path in [*ROOT.glob("plugs/*/pyproject.toml"), *ROOT.glob("industries/*/pyproject.toml")]
)
IGNORED = {"__pycache__", "build", "tests"}
SUFFIXES = {".py", ".sql", ".json", ".typed", ".html", ".css", ".js", ".svg", ".png", ".tmpl", ".toml"}


@dataclass(frozen=True)
class Distribution:
    """One folder that pip installs: its wheel's name and where each installed package lies."""

    name: str
    folder: Path
    packages: dict[str, Path]

    def files(self) -> set[str]:
        """The paths the wheel must have, from the files that are in the tree."""
        found = set()
        for package, folder in self.packages.items():
            for path in folder.rglob("*"):
                relative = path.relative_to(folder)
                if path.is_file() and path.suffix in SUFFIXES and not IGNORED & set(relative.parts[:-1]):
                    found.add(f"{package}/{relative.as_posix()}")
        return found


def _distributions() -> list[Distribution]:
    core = Distribution(
        "pos_core", ROOT, {"pos_core": ROOT / "pos_core", "pos_core/migrations": ROOT / "migrations"}
    )
    others = []
    for folder in PLUGS:
        metadata = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        package = metadata["project"]["name"].replace("-", "_")
        others.append(Distribution(package, folder, {package: folder / package}))
    return [core, *others]


DISTRIBUTIONS = _distributions()


def build(source: Path, target: Path) -> dict[str, Path]:
    """The wheels of all distributions by name, built from a copy in `source`: building writes into the tree."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "dist", "node_modules")
    for name in ("pos_core", "plugs", "industries", "migrations"):
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    for name in (
        "setup.cfg",
        "setup.py",
        "pyproject.toml",
        "MANIFEST.in",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
    ):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source / name)
    folders = [str(source / d.folder.relative_to(ROOT)) for d in DISTRIBUTIONS]
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(target), *folders], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deprecat" not in done.stderr.lower(), done.stderr
    return {path.name.split("-")[0]: path for path in target.glob("*.whl")}
