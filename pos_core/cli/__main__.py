"""`python -m pos_core.cli`: the command line where no `pos` script is on the path."""

from __future__ import annotations

from pos_core.cli.main import main

if __name__ == "__main__":
    main()
