"""One server per data directory: a lock file that the running server holds and that says where it serves."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from pos_core.plugins import StartError

#: Workers of a server that was killed need this long at most to notice and to finish.
ORPHANS_SECONDS = 15.0


class ServerLock:
    """Holds `server.lock` of a data directory; processes forked from the holder hold it with it."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "server.lock"
        self._fd: int | None = None

    def acquire(self, purpose: str) -> None:
        """Take the lock; StartError naming who has it. Waits for the last requests of a server that was killed."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end = time.monotonic() + ORPHANS_SECONDS
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = self.holder()
                if _alive(holder.get("pid")) or time.monotonic() > end:
                    os.close(fd)
                    raise StartError(_busy(self.path, holder, purpose)) from None
                time.sleep(0.05)
        self._fd = fd
        self.describe(purpose=purpose)

    def describe(self, **about: Any) -> None:
        """Write into the file who holds it and what for."""
        assert self._fd is not None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps({"pid": os.getpid(), **about}).encode(), 0)

    def holder(self) -> dict[str, Any]:
        """What the last holder wrote; empty where that cannot be read."""
        try:
            found = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def held_elsewhere(self) -> dict[str, Any] | None:
        """What the holder wrote when some process holds the lock; None when it is free."""
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self.holder()
        finally:
            os.close(fd)
        return None

    def release(self) -> None:
        """Give the lock back; the file stays, a new holder takes it over."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None


def _alive(pid: Any) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _busy(path: Path, holder: dict[str, Any], purpose: str) -> str:
    who = f"process {holder.get('pid', '?')}"
    if url := holder.get("url"):
        return f"a server for {path.parent} runs already ({who}, {url}): stop it first (kill {holder.get('pid')})"
    return f"{who} is at work on {path.parent} ({holder.get('purpose', 'unknown')}): wait for it before you {purpose}"
