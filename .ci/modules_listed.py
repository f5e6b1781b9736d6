"""Check that `pos modules` named every module that the installed distributions announce.

    python modules_listed.py FILE_WITH_THE_COMMANDS_OUTPUT

Run with the Python of the environment under test. Exit status 1 when one is missing or there are none at all.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path


def main(path: str) -> int:
    """Compare; returns the exit status."""
    output = Path(path).read_text(encoding="utf-8")
    announced = sorted(entry.name for entry in entry_points(group="pos.modules"))
    missing = [name for name in announced if name not in output]
    if not announced or missing:
        print(f"`pos modules` does not list: {', '.join(missing) or 'anything'}", file=sys.stderr)
        return 1
    print(f"all {len(announced)} announced modules are listed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
