"""Runs tills side by side in client processes and measures them between two moments.

Used by the layers without HTTP: a layer says how to make one process' crew (a function per till that posts one sale),
and gets back what the tills did while all of them were busy.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from bench import stats
from bench.scratch import BenchError


@dataclass
class Crew:
    """The tills of one process.

    Attributes:
        posts: one function per till; each call posts one sale and returns when it is durable.
        close: called after the last sale.
        backend_pids: the database's processes that work for this one, where they are on this machine.
        counted_elsewhere: another process of the run counts them for all.
    """

    posts: Sequence[Callable[[], object]]
    close: Callable[[], None]
    backend_pids: Callable[[], list[int]] = list
    counted_elsewhere: bool = False


MakeCrew = Callable[[Sequence[int]], Crew]
"""Given the numbers of the tills of one process; called in that process, so it must be picklable."""


@dataclass
class Worker:
    """What one client process measured; ``all_sales`` includes those outside the interval."""

    all_sales: int = 0
    seconds: float = 0.0
    latencies_ns: list[int] = field(default_factory=list)
    client_cpu_seconds: float = 0.0
    backend_cpu_seconds: float | None = None


@dataclass
class _Till:
    post: Callable[[], object]
    latencies_ns: list[int] = field(default_factory=list)
    stopped: bool = False

    def run(self) -> None:
        """Post until stopped."""
        while not self.stopped:
            begun = time.perf_counter_ns()
            self.post()
            self.latencies_ns.append(time.perf_counter_ns() - begun)


def measure(make: MakeCrew, tills: int, processes: int, seconds: float, warmup: float) -> list[Worker]:
    """Run ``tills`` tills spread over ``processes`` client processes.

    Args:
        seconds: measured interval; ``warmup`` seconds before it are not counted.

    Raises:
        BenchError: a client process died.
    """
    context = multiprocessing.get_context("spawn")
    processes = min(processes, tills)
    barrier = context.Barrier(processes)
    running = []
    for number in range(processes):
        receiver, sender = context.Pipe(duplex=False)
        numbers = range(tills)[number::processes]
        child = context.Process(target=_client, args=(sender, barrier, make, numbers, seconds, warmup))
        child.start()
        sender.close()
        running.append((child, receiver))
    try:
        return [receiver.recv() for _, receiver in running]
    except EOFError as error:
        raise BenchError("a client process died: see its traceback above") from error
    finally:
        for child, _ in running:
            child.join()


def figures(layer: str, database: str, tills: int, workers: Sequence[Worker]) -> stats.Figures:
    """Return one measurement's figures from its processes'."""
    latencies = [value for worker in workers for value in worker.latencies_ns]
    if not latencies:
        raise BenchError(f"{layer} on {database} with {tills} tills finished no sale in the measured interval")
    seen = [worker.backend_cpu_seconds for worker in workers if worker.backend_cpu_seconds is not None]
    return stats.Figures(
        layer=layer,
        database=database,
        tills=tills,
        sales=len(latencies),
        seconds=sum(worker.seconds for worker in workers) / len(workers),
        **stats.latency_figures(latencies),
        client_cpu_ms=sum(worker.client_cpu_seconds for worker in workers) / len(latencies) * 1e3,
        database_cpu_ms=sum(seen) / len(latencies) * 1e3 if len(seen) == len(workers) else None,
    )


def _client(
    sender: Connection,
    barrier: Barrier,
    make: MakeCrew,
    numbers: Sequence[int],
    seconds: float,
    warmup: float,
) -> None:
    try:
        crew = make(numbers)
    except BaseException:
        barrier.abort()
        raise
    tills = [_Till(post) for post in crew.posts]
    barrier.wait()
    with ThreadPoolExecutor(len(tills)) as pool:
        running = [pool.submit(till.run) for till in tills]
        try:
            time.sleep(warmup)
            worker = _interval(crew, tills, seconds)
            barrier.wait()  # one process may count the backends of all: none goes before they are read
        except BaseException:
            barrier.abort()
            raise
        finally:
            for till in tills:
                till.stopped = True
    crew.close()
    for each in running:
        each.result()
    worker.all_sales = sum(len(till.latencies_ns) for till in tills)
    sender.send(worker)


def _interval(crew: Crew, tills: Sequence[_Till], seconds: float) -> Worker:
    """Wait ``seconds`` and return what was done meanwhile."""
    pids = crew.backend_pids()
    watched = crew.counted_elsewhere or (bool(pids) and all(stats.is_local_postgres(pid) for pid in pids))
    cpu, backend, begun = time.process_time(), _cpu(pids), time.perf_counter()
    skip = [len(till.latencies_ns) for till in tills]
    time.sleep(seconds)
    taken = [len(till.latencies_ns) for till in tills]
    elapsed = time.perf_counter() - begun
    cpu, backend = time.process_time() - cpu, _cpu(pids) - backend
    latencies = [
        value for till, low, high in zip(tills, skip, taken, strict=True) for value in till.latencies_ns[low:high]
    ]
    return Worker(0, elapsed, latencies, cpu, backend if watched else None)


def _cpu(pids: Sequence[int]) -> float:
    return sum(stats.process_cpu_seconds(pid) for pid in pids)
