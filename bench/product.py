"""The product as the bench sees it: how a scratch shop is made, served and sold from.

Everything the bench assumes about the product stands here and in :mod:`bench.shop`:

* ``pos --data-dir DIR init --database URL --demo`` makes a shop with demonstration data in DIR;
  ``pos --data-dir DIR serve --port P --workers N`` serves it until SIGTERM. Settings stand in ``DIR/pos.toml``.
* ``POST /api/v1/sales`` with a cashier's token takes ``id``, ``register_id``, ``lines`` (product, quantity as decimal
  text) and ``tenders`` and answers 201. The sale's id is its idempotency key.
* In process: :func:`open_kernel`, :func:`command_of`, and ``pos_core.auth.sessions.context_of``.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from bench import drive, load, scratch, shop, stats
from bench.scratch import BenchError
from bench.workload import LINES, new_id

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
ARTICLES = 1000
TEMPLATES_PER_TILL = 64
FIRST_SALES = 500
FILE = "shop.db"
CASH_MINOR = 10_000_000
SALES_PATH = "/api/v1/sales"
SETTINGS = """\
[auth]  # a run takes longer than an access token lives, and signing in is not what is measured
access_minutes = 1440
argon2_memory_kib = 1024
argon2_rounds = 1

[database]
url = {url}
"""
INIT = ("init", "--demo", "--tax-standard", "8.25", "--prices-without-tax")


@dataclass(frozen=True)
class Demo:
    """A scratch shop: where it lives and whose ids a sale needs.

    Attributes:
        data_dir: the product's data directory.
        url: its database.
        tills: where it can be sold.
        products: ids of the articles.
    """

    data_dir: Path
    url: str
    tills: tuple[shop.Till, ...]
    products: tuple[str, ...]


def command_line(*arguments: str) -> list[str]:
    """Return the argument list of the product's command, from the environment this program runs in."""
    program = Path(sys.executable).with_name("pos")
    if not program.exists():
        raise BenchError(f"{program} is missing: install the project first (python3 dev.py does)")
    return [str(program), *arguments]


def make_demo(data_dir: Path, url: str, tills: int) -> Demo:
    """Initialise a shop in an empty database, make ``tills`` tills ready to sell and post the first sales.

    Raises:
        BenchError: a command failed; the message holds the output's end.
    """
    (data_dir / "pos.toml").write_text(SETTINGS.format(url=json.dumps(url)))
    _run(command_line("--data-dir", str(data_dir), *INIT))
    _run([sys.executable, "-m", "bench.shop", str(data_dir), str(tills), str(ARTICLES)])
    demo = Demo(data_dir, url, *shop.read(data_dir))
    # Plans made for empty tables would scan them, and a connection keeps its plans (those of the foreign keys' checks
    # too) while the tables grow: some sales and ANALYZE come first, as in any shop that is open. Every till sells each
    # of its baskets, for the bare drivers to repeat them.
    with serve(data_dir, workers=1) as server:
        sell(server, demo, tills, max(TEMPLATES_PER_TILL, FIRST_SALES // tills))
    if url.startswith("postgres"):
        with contextlib.closing(scratch.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return demo


@contextlib.contextmanager
def copy_of(demo: Demo, data_dir: Path, server: str) -> Iterator[Demo]:
    """Yield a second shop with the same rows in a database of its own, made from one that is not being served.

    Args:
        demo: the shop; on SQLite its file is :data:`FILE` in its data directory.
        data_dir: the copy's, which is not there yet.
        server: URL of the PostgreSQL server, where the shop is on one; its copy is dropped after the block.
    """
    shutil.copytree(demo.data_dir, data_dir)
    with contextlib.ExitStack() as stack:
        if demo.url.startswith("postgres"):
            scratch.wait_until_alone(demo.url)
            url = stack.enter_context(scratch.postgres_database(server, "bare", demo.url))
        else:
            url = f"sqlite:///{data_dir / FILE}"
        (data_dir / "pos.toml").write_text(SETTINGS.format(url=json.dumps(url)))
        yield replace(demo, data_dir=data_dir, url=url)


def _run(arguments: list[str]) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise BenchError(f"{' '.join(arguments)} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")


@dataclass(frozen=True)
class Server:
    """A running product server."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Return the processor time of the server and all its processes so far."""
        return sum(stats.process_cpu_seconds(pid) for pid in stats.descendants(self.pid))


@contextlib.contextmanager
def serve(data_dir: Path, workers: int) -> Iterator[Server]:
    """Serve the shop on a free port for the length of the block.

    Raises:
        BenchError: the server did not answer in time, or ended by itself; the message holds its output's end.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = data_dir / "bench-serve.log"
    arguments = ("--data-dir", str(data_dir), "serve", "--port", str(port), "--workers", str(workers))
    with log.open("wb") as output:
        process = subprocess.Popen(
            command_line(*arguments), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_until_up(process, port, log)
        yield Server(port, process.pid)
    finally:
        _stop(process)


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/products", timeout=2):
                return
        except urllib.error.HTTPError:
            return  # it answers; that it wants a token is another matter
        except OSError:
            time.sleep(0.1)
    raise BenchError(f"pos serve does not answer on port {port}:\n{log.read_text(errors='replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server the way an operator does; its whole session if that does not help."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def sale_body(demo: Demo, register: str, rng: random.Random, lines: int = LINES) -> bytes:
    """Return the JSON of a sale of ``lines`` lines, paid 5.00 by card and the rest in cash with change.

    The sale's id is :data:`load.ID_MARK`. Above the number of products the selection repeats.
    """
    chosen = rng.sample(demo.products, min(lines, len(demo.products)))
    chosen += rng.choices(demo.products, k=lines - len(chosen))
    body = {
        "id": load.ID_MARK.decode(),
        "register_id": register,
        "lines": [{"product_id": product, "quantity": rng.choice(("1", "1", "2", "3"))} for product in chosen],
        "tenders": [
            {"tender": "card", "amount_minor": 500},
            {"tender": "cash", "amount_minor": CASH_MINOR},
        ],
    }
    return json.dumps(body, separators=(",", ":")).encode()


def sale_requests(demo: Demo, number: int, lines: int = LINES) -> tuple[bytes, ...]:
    """Return the ready-made requests that till number ``number`` sends in turn."""
    till = demo.tills[number]
    headers = {
        "Authorization": f"Bearer {till.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": load.ID_MARK.decode(),
    }
    rng = random.Random(number)
    return tuple(
        load.request_bytes("POST", SALES_PATH, "127.0.0.1", headers, sale_body(demo, till.register, rng, lines))
        for _ in range(TEMPLATES_PER_TILL)
    )


def sell(server: Server, demo: Demo, tills: int, per_till: int, lines: int = LINES) -> load.LoadResult:
    """Sell at ``tills`` tills, ``per_till`` sales each, and return what came back.

    Raises:
        BenchError: an answer was not 201.
    """
    requests = tuple(sale_requests(demo, number, lines) for number in range(tills))
    result = load.run_apart(load.Load("127.0.0.1", server.port, requests, per_till=per_till))
    if set(result.all_statuses) != {201}:
        raise BenchError(f"sales of {lines} lines failed: {dict(result.all_statuses)} {result.samples[:1]}")
    return result


def measure_http(demo: Demo, tills: int, seconds: float, warmup: float, workers: int) -> stats.Figures:
    """Sell over HTTP with ``tills`` keep-alive connections and return the figures.

    The server is started for this measurement and stopped before the log counters are read, because a PostgreSQL
    backend hands over its counters at its end.

    Raises:
        BenchError: not one sale was answered 201.
    """
    postgres = demo.url.startswith("postgres")
    start = scratch.wal_mark(demo.url) if postgres else None
    with serve(demo.data_dir, workers) as server:
        requests = tuple(sale_requests(demo, number) for number in range(tills))
        running = load.start_apart(load.Load("127.0.0.1", server.port, requests, seconds, warmup))
        cpu = _cpu_while(server, demo.url if postgres else "", warmup, seconds)
        result = running.result()
    if not result.latencies_ns:
        raise BenchError(f"no sale succeeded over HTTP: {dict(result.all_statuses)} {result.samples[:1]}")
    figures = stats.Figures(
        layer="http",
        database="postgresql" if postgres else "sqlite",
        tills=tills,
        sales=len(result.latencies_ns),
        seconds=result.seconds,
        **stats.latency_figures(result.latencies_ns),
        client_cpu_ms=cpu[0] / len(result.latencies_ns) * 1e3,
        database_cpu_ms=cpu[1] / len(result.latencies_ns) * 1e3 if cpu[1] is not None else None,
        errors={str(status): count for status, count in result.statuses.items() if not 200 <= status < 300},
    )
    if start is not None:
        scratch.wait_until_alone(demo.url)
        end = scratch.wal_mark(demo.url)
        posted = sum(count for status, count in result.all_statuses.items() if 200 <= status < 300)
        figures.flushes = (end.flushes - start.flushes) / posted
        figures.wal_bytes = (end.lsn - start.lsn) / posted
    return figures


def _cpu_while(server: Server, url: str, warmup: float, seconds: float) -> tuple[float, float | None]:
    """Return processor seconds of the server and of its database backends in the middle of the load."""
    time.sleep(warmup + 0.5)  # the generator's process takes about that long to come up
    pids = scratch.backend_pids(url) if url else []
    watched = bool(pids) and all(stats.is_local_postgres(pid) for pid in pids)
    before = server.cpu_seconds(), sum(stats.process_cpu_seconds(pid) for pid in pids)
    span = max(seconds - 1.0, seconds / 2)
    time.sleep(span)
    after = server.cpu_seconds(), sum(stats.process_cpu_seconds(pid) for pid in pids)
    scale = seconds / span
    return (after[0] - before[0]) * scale, (after[1] - before[1]) * scale if watched else None


def measure_perform(demo: Demo, tills: int, seconds: float, warmup: float, workers: int) -> stats.Figures:
    """Sell through ``perform()`` without HTTP and return the figures: a thread per till in ``workers`` processes."""
    postgres = demo.url.startswith("postgres")
    start = scratch.wal_mark(demo.url) if postgres else None
    done = drive.measure(partial(crew, demo), tills, workers, seconds, warmup)
    figures = drive.figures("perform", "postgresql" if postgres else "sqlite", tills, done)
    if start is not None:
        scratch.wait_until_alone(demo.url)
        end = scratch.wal_mark(demo.url)
        posted = sum(worker.all_sales for worker in done)
        figures.flushes = (end.flushes - start.flushes) / posted
        figures.wal_bytes = (end.lsn - start.lsn) / posted
    return figures


def crew(demo: Demo, numbers: Any) -> drive.Crew:
    """Return the in-process tills with these numbers over one kernel."""
    kernel = open_kernel(demo.data_dir)
    posts = [partial(_perform_next, kernel, demo.tills[number], _bodies(demo, number)) for number in numbers]
    if not demo.url.startswith("postgres"):
        return drive.Crew(posts, kernel.stop)
    # The processes of a run share the database, so the one with the first till counts its backends for all.
    first = 0 in numbers
    return drive.Crew(
        posts, kernel.stop, partial(scratch.backend_pids, demo.url) if first else list, counted_elsewhere=not first
    )


def _bodies(demo: Demo, number: int) -> Iterator[bytes]:
    rng = random.Random(number)
    return cycle([sale_body(demo, demo.tills[number].register, rng) for _ in range(TEMPLATES_PER_TILL)])


def _perform_next(kernel: Any, till: shop.Till, bodies: Iterator[bytes]) -> None:
    """Do what a request does between its token and its answer: session, schema, action."""
    from pos_core.auth.sessions import context_of

    identifier = new_id()
    body = next(bodies).replace(load.ID_MARK, identifier.encode())
    with kernel.db.in_use():
        ctx = context_of(kernel, till.session)
        ctx.perform("sale:complete", command_of(kernel, body), key=identifier)


def open_kernel(data_dir: Path) -> Any:
    """Return the product's kernel over an initialised data directory, started."""
    from pos_core.config.loader import load as load_config
    from pos_core.kernel import Kernel

    kernel = Kernel(load_config(data_dir))
    kernel.start()
    return kernel


def command_of(kernel: Any, body: bytes) -> Any:
    """Return the frozen command that the route makes of a request body."""
    return kernel.action("sale:complete").command.model_validate_json(body)
