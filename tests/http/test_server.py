"""`pos serve` as real processes: workers, crashes, draining, refusing to start."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest
from pos_core.testing.harness import PASSWORD, Business, Client
from pos_core.testing.processes import ServerProcess, run_pos, settle

Start = Callable[..., ServerProcess]
#: An argon2id of this cost takes about a second: a slow request without anything made slow for the test.
SLOW = {"POS_AUTH__ARGON2_MEMORY_KIB": "131072", "POS_AUTH__ARGON2_ROUNDS": "12"}
pytestmark = pytest.mark.slow


@pytest.fixture
def shop(business: Business) -> Path:
    return settle(business)


@pytest.fixture
def start(shop: Path) -> Iterator[Start]:
    """Start servers on the shop; whatever still runs at the end is killed."""
    running: list[ServerProcess] = []

    def make(*arguments: str, **options: Any) -> ServerProcess:
        running.append(ServerProcess(shop, *arguments, **options))
        return running[-1]

    yield make
    for server in running:
        server.kill()


def sign_in(client: Client, username: str = "admin") -> str:
    answer = client.post("/auth/login", {"username": username, "password": PASSWORD, "app_context": "hq"})
    assert answer.status == 201, answer.text
    return str(answer.data["access_token"])


@pytest.mark.req("PLT-11")
@pytest.mark.req("PLT-14")
def test_several_workers_answer_many_requests_at_once(start: Start) -> None:
    server = start("--workers", "2")
    client = server.client()
    signed_in = server.client(sign_in(client))

    def ask(number: int) -> tuple[int, str]:
        answer = signed_in.get("/me") if number % 2 else client.get("/health/ready")
        return answer.status, answer.headers["x-request-id"]

    server.wait_for("worker ready", count=2)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(120)))
    assert {status for status, _ in answers} == {200}
    assert len({request_id for _, request_id in answers}) == 120, "ids made by forked workers must differ"
    server.wait_for("request", count=121)
    assert {line["pid"] for line in server.events("request")} <= set(server.workers())
    assert server.stop() == 0
    assert server.events("worker stopped") != []


@pytest.mark.req("PLT-17")
def test_a_killed_worker_is_replaced_and_the_others_serve_on(start: Start) -> None:
    server = start("--workers", "2")
    client = server.client()
    server.wait_for("worker ready", count=2)
    victim = server.workers()[0]
    os.kill(victim, signal.SIGKILL)
    died = server.wait_for("a worker died and is replaced")
    assert (died["worker"], died["how"]) == (victim, "signal SIGKILL")
    assert client.get("/health/ready").status == 200
    server.wait_for("worker ready", count=3)
    assert len(server.workers()) == 2
    assert client.get("/health/ready").status == 200
    assert server.stop() == 0


@pytest.mark.req("PLT-09")
def test_stopping_finishes_running_requests_and_refuses_new_ones(start: Start) -> None:
    server = start("--workers", "2", variables=SLOW)
    client = server.client()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(sign_in, client)
        time.sleep(0.3)
        assert not running.done(), "the request must still be running when the signal comes"
        server.signal(signal.SIGTERM)
        assert _refused(client, 20), "new connections must be refused"
        assert not running.done(), "the request must outlive the refusal for this to show anything"
        assert running.result(30).count(".") >= 2
    assert server.wait() == 0
    assert [line["drained"] for line in server.events("worker stopped")] == [True, True]


def _refused(client: Client, seconds: float) -> bool:
    """Whether the server comes to refuse connections within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((client.host, client.port), timeout=seconds).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.req("PLT-09")
def test_stopping_delivers_a_large_answer_to_a_slow_reader(start: Start) -> None:
    server = start()
    client = server.client()
    whole = client.get("/openapi.json").raw
    assert len(whole) > 100_000
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((client.host, client.port))
        slow.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n" * 30)
        time.sleep(0.3)
        server.signal(signal.SIGTERM)
        received = bytearray()
        while chunk := slow.recv(65536):
            received += chunk
    assert received.count(b"HTTP/1.1 200 OK") == 30
    assert received.count(whole) == 30
    assert server.wait() == 0


def test_a_second_signal_ends_at_once(start: Start) -> None:
    server = start(variables={**SLOW, "POS_AUTH__ARGON2_ROUNDS": "20"})
    client = server.client()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(sign_in, client)
        time.sleep(0.3)
        server.signal(signal.SIGINT)
        server.wait_for("stopping: finishing running requests")
        began = time.monotonic()
        server.signal(signal.SIGINT)
        assert server.wait() == 1
        assert time.monotonic() - began < 1
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            running.result(30)


def test_hangup_replaces_the_workers_one_by_one_without_a_gap(start: Start, shop: Path) -> None:
    server = start("--workers", "2")
    client = server.client()
    server.wait_for("worker ready", count=2)
    before, done, statuses = server.workers(), threading.Event(), []

    def keep_asking() -> None:
        while not done.is_set():
            statuses.append(client.get("/health/ready").status)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(keep_asking) for _ in range(2)]
        with (shop / "pos.toml").open("a", encoding="utf-8") as file:
            file.write("\n[http]\nmax_body_bytes = 2048\n")
        server.signal(signal.SIGHUP)
        server.wait_for("worker ready", count=4)
        server.wait_for("worker stopped", count=2)
        done.set()
        for future in asking:
            future.result(10)
    assert set(statuses) == {200}
    deadline = time.monotonic() + 10
    while set(before) & set(server.workers()) and time.monotonic() < deadline:
        time.sleep(0.02)  # the last line of a worker is written a moment before its end
    assert not set(before) & set(server.workers())
    assert len(server.workers()) == 2
    assert client.post("/auth/login", {"username": "x" * 3000}).status == 413, "the new configuration holds"


def test_a_wrong_configuration_at_hangup_changes_nothing(start: Start, shop: Path) -> None:
    server = start("--workers", "1")
    client = server.client()
    before = server.workers()
    (shop / "pos.toml").write_text("[http]\nprot = 1\n", encoding="utf-8")
    server.signal(signal.SIGHUP)
    server.wait_for("the configuration was not taken over, the workers stay")
    assert client.get("/health/ready").status == 200
    assert server.workers() == before


def test_workers_end_with_a_killed_supervisor_and_the_next_start_succeeds(start: Start) -> None:
    server = start("--workers", "2")
    server.client()
    server.wait_for("worker ready", count=2)
    server.signal(signal.SIGKILL)
    again = start("--workers", "1")
    assert again.client().get("/health/ready").status == 200  # the lock was free: the orphans have ended
    assert server.workers() == []
    assert len(server.events("the supervisor is gone: stopping")) == 2, server.text()


_BROKEN = """
    import sys
    from pathlib import Path
    from pos_core import logs
    from pos_core.config import loader
    from pos_core.http import server
    from pos_core.kernel import Kernel

    class Broken(Kernel):
        def start(self):
            raise RuntimeError("the scale does not answer")

    config = loader.load(Path(sys.argv[1]))
    logs.configure_server(config.log)
    served = server.prepare(config, Broken)
    sys.exit(server.Supervisor(served, server.listen("127.0.0.1", 0), 2).run())
"""


def test_workers_that_die_at_once_end_the_supervisor_with_the_reason(start: Start, shop: Path) -> None:
    server = start(command=[sys.executable, "-c", textwrap.dedent(_BROKEN), str(shop)])
    assert server.wait(60) == 1
    assert len(server.events("a worker died and is replaced")) == 5
    gave_up = server.wait_for("workers die as soon as they start; giving up. The lines above say why")
    assert gave_up["level"] == "critical"
    assert "the scale does not answer" in server.events("the worker failed")[0]["exception"]


@pytest.mark.req("PLT-10")
def test_a_schema_that_is_behind_stops_the_start_and_names_the_command(business: Business) -> None:
    with business.kernel.db.schema_access():
        business.kernel.db.execute_sql("DELETE FROM mig_ops")
    done = run_pos(settle(business), "serve", "--port", "0")
    assert done.returncode == 3
    assert "the database schema is behind (ops/001_initial): stop all servers and run `pos migrate`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.req("PLT-10")
def test_a_database_that_does_not_answer_stops_the_start(shop: Path) -> None:
    url = "postgresql://till:s3cret-word@127.0.0.1:1/shop"
    done = run_pos(shop, "serve", "--port", "0", POS_DATABASE__URL=url)
    assert done.returncode == 3
    assert "the database does not answer" in done.stderr
    assert "s3cret-word" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.req("PLT-10")
def test_a_storage_path_that_cannot_be_used_stops_the_start(shop: Path) -> None:
    (shop / "backups").write_text("in the way", encoding="utf-8")
    done = run_pos(shop, "serve", "--port", "0")
    assert done.returncode == 3
    assert str(shop / "backups") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_stops_the_start(shop: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_pos(shop, "serve", "--port", port)
    assert done.returncode == 3
    assert f"127.0.0.1 port {port} cannot be listened on" in done.stderr


@pytest.mark.req("CFG-03")
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"POS_HTTP__DRAIN_SECONDS": "-1"}, "http.drain_seconds"),
        ({"POS_HTTP__PROT": "80"}, "http.prot"),
        ({"POS_PROFILE": "production"}, "profile must be one of dev, test, prod"),
    ],
)
def test_a_bad_value_prevents_the_start(shop: Path, variables: dict[str, str], said: str) -> None:
    done = run_pos(shop, "serve", "--port", "0", **variables)
    assert done.returncode == 3
    assert said in done.stderr


def test_one_server_per_data_directory_and_no_migration_beside_it(start: Start, shop: Path) -> None:
    server = start()
    url = f"http://127.0.0.1:{server.client().port}"
    for command in (("serve", "--port", "0"), ("migrate",), ("migrate", "--dry-run")):
        done = run_pos(shop, *command)
        assert done.returncode == 3, command
        assert f"runs already (process {server.process.pid}, {url})" in done.stderr
    assert server.stop() == 0
    assert run_pos(shop, "migrate").returncode == 0


def raw(client: Client, request: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    """The answer to bytes that no HTTP client would send."""
    with socket.create_connection((client.host, client.port), timeout=20) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, json.loads(response.read())


@pytest.mark.req("OPX-12")
def test_what_the_server_refuses_before_the_application_is_a_problem_too(start: Start) -> None:
    server = start(variables={"POS_HTTP__MAX_UPLOAD_BYTES": "4096", "POS_HTTP__MAX_BODY_BYTES": "2048"})
    client = server.client()
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
    cases = [
        (head + b"Content-Length: 10000\r\n\r\n" + b" " * 10_000, 413, "body_too_large"),
        (head + b"Content-Length: 3000\r\n\r\n" + b" " * 3000, 413, "body_too_large"),
        (head + b"Transfer-Encoding: chunked\r\n\r\n1388\r\n" + b" " * 5000 + b"\r\n0\r\n\r\n", 413, "body_too_large"),
        (head + b"X-Long: " + b"x" * 40_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (head + b"Content-Length: ten\r\n\r\n", 400, "request_malformed"),
        (head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400, "request_malformed"),
    ]
    for request, status, code in cases:
        found, headers, problem = raw(client, request)
        assert (found, problem["status"], problem["code"]) == (status, status, code)
        assert headers["content-type"] == "application/problem+json"
        assert problem["class"] == "user_can_correct"
        assert problem["request_id"] == headers["x-request-id"]
    assert client.get("/health/live").status == 200
    assert "server" not in client.get("/health/live").headers


@pytest.mark.req("CFG-04")
def test_each_request_is_one_line_and_no_secret_is_in_any(start: Start, business: Business) -> None:
    server = start()
    client = server.client()
    token = sign_in(client)
    answer = server.client(token).get(f"/stores/{business.store_id}", **{"X-Request-Id": "till-1-000042"})
    assert answer.status == 200
    line = server.wait_for(lambda found: found.get("request_id") == "till-1-000042")
    assert {key: line[key] for key in ("event", "level", "logger", "method", "path", "status")} == {
        "event": "request", "level": "info", "logger": "pos.access", "method": "GET", "path": "/api/v1/stores/{id}",
        "status": 200,
    }  # fmt: skip
    assert 0 < line["ms"] < 30_000
    client.get("/nothing/here")
    assert server.wait_for(lambda found: found.get("status") == 404)["path"] == "(none)"
    assert server.stop() == 0
    assert token not in server.text()
    assert PASSWORD not in server.text()
    assert business.store_id not in server.text()


def test_no_access_lines_at_level_warning(start: Start) -> None:
    server = start(variables={"POS_LOG__LEVEL": "warning"}, command=())
    deadline = time.monotonic() + 20
    while (held := _lock_of(server)) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert held is not None
    client = Client("127.0.0.1", int(held.rpartition(":")[2]))
    assert client.get("/health/ready").status == 200
    assert server.stop() == 0
    assert server.lines == []


def _lock_of(server: ServerProcess) -> str | None:
    directory = Path(server.process.args[server.process.args.index("--data-dir") + 1])  # type: ignore[union-attr,index]
    try:
        return json.loads((directory / "server.lock").read_text("utf-8")).get("url")
    except (OSError, ValueError):
        return None


@pytest.mark.req("PLT-08")
def test_start_and_stop_hooks_run_in_dependency_order_and_its_reverse(make_business: Callable[..., Business]) -> None:
    order: list[str] = []
    first = _noting("x.first", (), order)
    second = _noting("x.second", ("x.first",), order)
    # given in the wrong order, and by their names too: only the dependency decides
    third = _noting("x.aaa", ("x.second",), order)
    kernel = make_business(extra=[("x.aaa", third), ("x.second", second), ("x.first", first)]).kernel
    kernel.start()
    assert order == ["start x.first", "start x.second", "start x.aaa"]
    order.clear()
    kernel.stop()
    assert order == ["stop x.aaa", "stop x.second", "stop x.first"]
    assert kernel.db.is_closed()


def _noting(name: str, depends: tuple[str, ...], order: list[str]) -> ModuleType:
    plugin = ModuleType(name.replace(".", "_"))
    plugin.__package__ = plugin.__name__

    @hookimpl
    def kernel_started(kernel: Any) -> None:
        order.append(f"start {name}")

    @hookimpl
    def kernel_stopping(kernel: Any) -> None:
        order.append(f"stop {name}")

    plugin.MANIFEST = Manifest(name=name, version="1.0", depends=depends)  # type: ignore[attr-defined]
    plugin.kernel_started, plugin.kernel_stopping = kernel_started, kernel_stopping  # type: ignore[attr-defined]
    return plugin
