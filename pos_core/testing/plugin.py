"""The pytest plugin of pos-core: real databases, a real server, a clock that stands still.

Loaded by pytest through its entry point wherever pos-core is installed; everything heavy is imported when a fixture
asks for it, so that other projects' test runs pay nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pos_core.clock import FrozenClock
    from pos_core.context import Context
    from pos_core.kernel import Kernel
    from pos_core.testing.harness import Business, Client, Server, Templates

DIALECTS = {"sqlite": ("sqlite",), "postgresql": ("postgresql",), "both": ("sqlite", "postgresql")}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", choices=sorted(DIALECTS), default="sqlite", help="databases that the fixtures run on")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "req(id): the requirement that a test shows")
    if config.getoption("db") != "sqlite" and not hasattr(config, "workerinput"):
        from pos_core.testing.postgres import find_or_start

        server = find_or_start()
        server.export()
        config.add_cleanup(server.stop)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dialect" in metafunc.fixturenames:
        metafunc.parametrize("dialect", DIALECTS[metafunc.config.getoption("db")], scope="session")


@pytest.fixture(scope="session")
def pos_templates(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Templates]:
    """Populated databases to copy from, per worker."""
    from pos_core.testing.harness import Templates
    from pos_core.testing.postgres import find_or_start

    server = find_or_start() if request.config.getoption("db") != "sqlite" else None
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    templates = Templates(tmp_path_factory.mktemp("pos"), server, f"{worker}_{os.getpid()}")
    yield templates
    templates.close()


@pytest.fixture
def business(pos_templates: Templates, dialect: str, tmp_path: Path) -> Iterator[Business]:
    """A business ready to sell, on each database."""
    with pos_templates.business(dialect, tmp_path) as made:
        yield made


@pytest.fixture
def make_business(pos_templates: Templates, dialect: str, tmp_path: Path) -> Iterator[Callable[..., Business]]:
    """Make a business with extra modules or other configuration: make_business(extra=[("x.y", plugin)], http={...})."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        count = iter(range(100))

        def make(**options: Any) -> Business:
            return stack.enter_context(pos_templates.business(dialect, tmp_path / f"b{next(count)}", **options))

        yield make


@pytest.fixture
def kernel(business: Business) -> Kernel:
    """The business' kernel."""
    return business.kernel


@pytest.fixture
def clock(business: Business) -> FrozenClock:
    """The business' clock: `clock.advance(timedelta(...))`."""
    return business.clock


@pytest.fixture
def ctx(business: Business) -> Context:
    """The administrator's context at the headquarters."""
    return business.context("admin")


@pytest.fixture
def server(business: Business) -> Iterator[Server]:
    """The business' HTTP server on a port of its own."""
    from pos_core.testing.harness import Server

    running = Server(business.kernel)
    yield running
    running.close()


@pytest.fixture
def client(server: Server) -> Client:
    """An HTTP client that is not signed in."""
    return server.client()


@pytest.fixture
def client_as(business: Business, server: Server) -> Callable[..., Client]:
    """client_as("admin" | "manager" | "cashier", till=1): an HTTP client that signed in over HTTP."""
    from pos_core.testing.harness import PASSWORD

    def sign_in(role: str, till: int = 1) -> Client:
        client = server.client()
        body: dict[str, Any] = {"username": role, "password": PASSWORD, "app_context": "hq"}
        if role == "manager":
            body |= {"app_context": "store", "store_id": business.store_id}
        if role == "cashier":
            device = {"id": business.ids[f"device{till}"], "key": business.keys[f"device{till}"]}
            body |= {"username": f"cashier{till}", "app_context": "pos", "device": device}
        answer = client.post("/auth/login", body)
        assert answer.status == 201, answer.text
        client.token = answer.data["access_token"]
        return client

    return sign_in
