"""Where a sale's time goes: ``perform()`` in process under the profiler, its functions' own time summed by phase.

The profiler makes Python code look dearer beside the database than it is, so the phases are shares of the time that
the same sales take without it; the database's own share is what the profiler cannot see into: its driver's calls.
"""

from __future__ import annotations

import cProfile
import multiprocessing
import pstats
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from bench import drive
from bench.scratch import BenchError

WARM_SALES = 100
SALES = 300
PHASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("database and its driver", ("psycopg2", "apsw")),
    ("audit", ("pos_core/audit/", "_hashlib", "sha256")),
    ("validation", ("pydantic", "/schemas.py")),
    ("SQL text and parameters", ("pos_core/db/", "peewee", "playhouse")),
    ("tax, rounding, money", ("pos_core/tax/", "pos_core/taxes/", "pos_core/money.py", "decimal", "fractions")),
    ("rules", ("/rules.py", "/rules/", "pluggy")),
    ("services and queries", ("/service.py", "/queries.py", "/pricing.py", "plugs/", "industries/")),
    ("serialisation", ("orjson", "/json/", "'encode'", "'decode'")),
    ("pipeline", ("pos_core/",)),
)
OTHER = "everything else"


def phase_of(file: str, function: str) -> str:
    """Return the phase of a function by its file, or by its name where it is not written in Python."""
    place = f"{file.replace(chr(92), '/')} {function}"
    for phase, marks in PHASES:
        if any(mark in place for mark in marks):
            return phase
    return OTHER


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """Return each phase's share (0 to 1) of the profiled time, the phases in their usual order."""
    seconds = dict.fromkeys([*(phase for phase, _ in PHASES), OTHER], 0.0)
    for (file, _line, function), (_calls, _primitive, own, _total, _callers) in profile_rows(profile).items():
        seconds[phase_of(file, function)] += own
    total = sum(seconds.values()) or 1.0
    return {phase: own / total for phase, own in seconds.items() if own}


def profile_rows(profile: cProfile.Profile) -> dict[tuple[str, int, str], tuple[int, int, float, float, object]]:
    """Return the profiler's rows by function."""
    rows: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return rows


def measure(make: drive.MakeCrew) -> dict[str, float]:
    """Return microseconds per sale by phase, and their sum, for one till in a process of its own.

    Raises:
        BenchError: that process died.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_client, args=(sender, make))
    child.start()
    sender.close()
    try:
        phases: dict[str, float] = receiver.recv()
    except EOFError as error:
        raise BenchError("the profiled process died: see its traceback above") from error
    finally:
        child.join()
    return phases


def _client(sender: Connection, make: drive.MakeCrew) -> None:
    crew = make([0])
    sender.send(profiled(crew.posts[0]))
    crew.close()


def profiled(post: Callable[[], object]) -> dict[str, float]:
    """Return microseconds per call of ``post`` by phase, and their sum."""
    for _ in range(WARM_SALES):
        post()
    begun = time.perf_counter()
    for _ in range(SALES):
        post()
    each_us = (time.perf_counter() - begun) / SALES * 1e6
    profile = cProfile.Profile()
    with profile:
        for _ in range(SALES):
            post()
    return {**{phase: share * each_us for phase, share in shares(profile).items()}, "sum": each_us}
