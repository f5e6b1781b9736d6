"""Small measuring helpers shared by every layer: percentiles, processor time of processes, one run's figures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Figures:
    """What one layer did in one measured interval.

    Attributes:
        layer: ``bare``, ``perform`` or ``http`` (with a variant after a colon).
        database: ``sqlite`` or ``postgresql``.
        tills: how many tills posted at once.
        sales: sales finished inside the interval.
        seconds: length of the interval.
        p50_ms, p95_ms, p99_ms: latency of one sale as its till saw it.
        client_cpu_ms: processor time per sale of the program that writes (driver process or server processes).
        database_cpu_ms: processor time per sale of the database's own processes; None where it cannot be seen.
        flushes: flushes to disk per sale, PostgreSQL only.
        wal_bytes: write-ahead log per sale, PostgreSQL only.
        errors: answers that were not a finished sale, by kind.
    """

    layer: str
    database: str
    tills: int
    sales: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    client_cpu_ms: float | None = None
    database_cpu_ms: float | None = None
    flushes: float | None = None
    wal_bytes: float | None = None
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Sales per second."""
        return self.sales / self.seconds


def percentile(ordered: Sequence[int], share: float) -> float:
    """Return the value below which ``share`` (0..1) of the ascending ``ordered`` lies; 0 when there is none."""
    if not ordered:
        return 0.0
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def latency_figures(latencies_ns: Iterable[int]) -> dict[str, Any]:
    """Return ``p50_ms``, ``p95_ms`` and ``p99_ms`` of latencies in nanoseconds."""
    ordered = sorted(latencies_ns)
    return {
        name: percentile(ordered, share) / 1e6 for name, share in (("p50_ms", 0.50), ("p95_ms", 0.95), ("p99_ms", 0.99))
    }


def process_cpu_seconds(pid: int) -> float:
    """Return user plus system time of a running process, 0 when it is gone.

    Read from the scheduler's nanosecond counter where the kernel has it: clock ticks of 10 ms are too coarse for a
    process that is busy for less than a second.
    """
    try:
        return (
            sum(
                int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
                for task in os.listdir(f"/proc/{pid}/task")
            )
            / 1e9
        )
    except (FileNotFoundError, ProcessLookupError):
        return _ticks(pid)


def _ticks(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def descendants(pid: int) -> list[int]:
    """Return ``pid`` and all processes below it."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            parent = _parent(int(entry))
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        current = todo.pop()
        found.append(current)
        todo.extend(children.get(current, []))
    return found


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return -1


def is_local_postgres(pid: int) -> bool:
    """Return whether ``pid`` is a PostgreSQL process on this machine (a remote server's pid is somebody else's)."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
