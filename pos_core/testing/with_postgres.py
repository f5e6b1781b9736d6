"""Run a command beside a PostgreSQL server.

    python -m pos_core.testing.with_postgres [--durable] -- COMMAND [arguments]

The command finds the server's URL in `POS_TEST_POSTGRES`; when it ends, a server started for it ends too.
Which server that is, and what `--durable` means, see `pos_core.testing.postgres`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from types import FrameType

from pos_core.testing.postgres import PostgresUnavailable, find_or_start

USAGE = "usage: python -m pos_core.testing.with_postgres [--durable] -- COMMAND [arguments]"


def main(arguments: list[str]) -> int:
    """Run the command; returns its status, or 128 + n if signal n ended it; 1 without a server, 2 misused."""
    if "--" not in arguments:
        sys.stderr.write(USAGE + "\n")
        return 2
    at = arguments.index("--")
    options, command = arguments[:at], arguments[at + 1 :]
    if not command or set(options) - {"--durable"}:
        sys.stderr.write(USAGE + "\n")
        return 2
    try:
        server = find_or_start(durable="--durable" in options)
    except PostgresUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with server:
        server.export()
        return _run(command)


def _run(command: list[str]) -> int:
    process = subprocess.Popen(command)

    def forward(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    # The terminal sends Ctrl-C to the command as well: here we only wait, or the server would go first.
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, forward),
    }
    try:
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
