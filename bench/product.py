"""The product as the bench sees it: how a scratch shop is made, served, found out about and sold from.

Everything the bench assumes about the product stands in this file:

* ``pos --data-dir DIR init --database URL --demo`` makes a shop with a demo catalogue in DIR;
  ``pos --data-dir DIR serve --port P --workers N`` serves it until SIGTERM.
* ``POST /api/v1/auth/login`` with ``DEMO_LOGIN`` (user name and password overridable by ``POS_BENCH_USER`` and
  ``POS_BENCH_PASSWORD``) answers ``{"data": {"access_token": ...}}``.
* ``GET /api/v1/registers`` and ``GET /api/v1/products`` list rows with ``id``; ``POST /api/v1/registers`` adds a till
  where the demo has too few.
* ``POST /api/v1/sales`` takes ``id``, ``register_id``, ``lines`` (product, quantity as decimal text) and ``tenders``
  and answers 201 with ``data.total_minor``.
* In process: :func:`open_kernel`, :func:`context_of` and :func:`command_of`.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from bench import drive, load, scratch, stats
from bench.scratch import BenchError
from bench.workload import LINES, new_id

DEMO_LOGIN = ("admin", "admin-demo-password")
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
PAGE = 100
MAX_PRODUCTS = 1000
TEMPLATES_PER_TILL = 64
CASH_MINOR = 1_000_000
SALES_PATH = "/api/v1/sales"


@dataclass(frozen=True)
class Demo:
    """A scratch shop: where it lives and whose ids a sale needs.

    Attributes:
        data_dir: the product's data directory.
        url: its database.
        store, registers, products: ids from its demo data.
        actor: id of the user who sells.
    """

    data_dir: Path
    url: str
    store: str
    registers: tuple[str, ...]
    products: tuple[str, ...]
    actor: str


def command_line(*arguments: str) -> list[str]:
    """Return the argument list of the product's command, from the environment this program runs in."""
    program = Path(sys.executable).with_name("pos")
    if not program.exists():
        raise BenchError(f"{program} is missing: install the project first (python3 dev.py does)")
    return [str(program), *arguments]


def make_demo(data_dir: Path, url: str, tills: int) -> Demo:
    """Initialise a shop in an empty database and return what a sale there needs.

    Raises:
        BenchError: the command failed or the demo data lacks something; the message holds the output's end.
    """
    done = subprocess.run(
        command_line("--data-dir", str(data_dir), "init", "--database", url, "--demo"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"pos init failed with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
    with serve(data_dir, workers=1) as server:
        return _discover(server, data_dir, url, tills)


@dataclass(frozen=True)
class Server:
    """A running product server."""

    port: int
    pid: int

    def call(self, method: str, path: str, token: str = "", body: Any = None) -> dict[str, Any]:
        """Send one request and return the answer's JSON.

        Raises:
            BenchError: the answer is no 2xx.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": new_id()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            raise BenchError(f"{method} {path}: {error.code} {error.read()[:800].decode()}") from error

    def rows(self, path: str, token: str, limit: int) -> list[dict[str, Any]]:
        """Return up to ``limit`` rows of a list, page by page."""
        rows: list[dict[str, Any]] = []
        cursor = ""
        while len(rows) < limit:
            answer = self.call("GET", f"{path}?limit={PAGE}{cursor}", token)
            rows += answer["data"]
            following = answer.get("meta", {}).get("next_cursor")
            if not following or not answer["data"]:
                break
            cursor = f"&cursor={following}"
        return rows[:limit]

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
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/registers", timeout=2):
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


def _discover(server: Server, data_dir: Path, url: str, tills: int) -> Demo:
    token, actor = log_in(server)
    registers = server.rows("/api/v1/registers", token, tills)
    if not registers:
        raise BenchError("the demo shop has no register")
    store = str(registers[0]["store_id"])
    registers = [row for row in registers if row["store_id"] == store]
    for number in range(len(registers), tills):
        body = {"store_id": store, "code": f"BENCH{number}", "name": f"Bench {number}"}
        registers.append(server.call("POST", "/api/v1/registers", token, body)["data"])
    products = [row["id"] for row in server.rows("/api/v1/products", token, MAX_PRODUCTS)]
    if len(products) < LINES:
        raise BenchError(f"the demo shop has {len(products)} products, a sale of the bench needs {LINES}")
    ids = tuple(str(row["id"]) for row in registers)
    return Demo(data_dir, url, store, ids, tuple(products), actor)


def log_in(server: Server) -> tuple[str, str]:
    """Return a fresh access token and its user's id; tokens do not live as long as a run of the bench."""
    user = os.environ.get("POS_BENCH_USER", DEMO_LOGIN[0])
    password = os.environ.get("POS_BENCH_PASSWORD", DEMO_LOGIN[1])
    answer = server.call("POST", "/api/v1/auth/login", body={"username": user, "password": password})["data"]
    return str(answer["access_token"]), str(answer.get("user_id", ""))


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


def sale_requests(demo: Demo, token: str, till: int, lines: int = LINES) -> tuple[bytes, ...]:
    """Return the ready-made requests that till number ``till`` sends in turn."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": load.ID_MARK.decode(),
    }
    rng = random.Random(till)
    return tuple(
        load.request_bytes("POST", SALES_PATH, "127.0.0.1", headers, sale_body(demo, demo.registers[till], rng, lines))
        for _ in range(TEMPLATES_PER_TILL)
    )


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
        token, _ = log_in(server)
        requests = tuple(sale_requests(demo, token, till) for till in range(tills))
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
    processes = workers if postgres else 1
    done = drive.measure(partial(crew, demo), tills, processes, seconds, warmup)
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
    posts = [partial(_perform_next, kernel, demo, demo.registers[number], _bodies(demo, number)) for number in numbers]
    return drive.Crew(posts, kernel.stop)


def _bodies(demo: Demo, till: int) -> Iterator[bytes]:
    rng = random.Random(till)
    return cycle([sale_body(demo, demo.registers[till], rng) for _ in range(TEMPLATES_PER_TILL)])


def _perform_next(kernel: Any, demo: Demo, register: str, bodies: Iterator[bytes]) -> None:
    identifier = new_id()
    command = command_of(kernel, next(bodies).replace(load.ID_MARK, identifier.encode()))
    with kernel.db.in_use():
        context_of(kernel, demo, register).perform("sale:complete", command, key=identifier)


def open_kernel(data_dir: Path) -> Any:
    """Return the product's kernel over an initialised data directory, started."""
    from pos_core.config.loader import load as load_config
    from pos_core.kernel import Kernel

    kernel = Kernel(load_config(data_dir))
    kernel.start()
    return kernel


def context_of(kernel: Any, demo: Demo, register: str) -> Any:
    """Return the context of a sale at ``register`` by the demo's user."""
    from pos_core.context import Actor, Context

    actor = Actor(id=demo.actor, name="bench", is_super_admin=True)
    return Context(kernel, actor, "pos", store_id=demo.store, register_id=register, revision=kernel.revision())


def command_of(kernel: Any, body: bytes) -> Any:
    """Return the frozen command that the route makes of a request body."""
    return kernel.action("sale:complete").command.model_validate_json(body)
