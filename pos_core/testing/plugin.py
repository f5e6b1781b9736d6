"""The pytest plugin of pos-core: real databases, a real server, a clock that stands still.

Loaded by pytest through its entry point wherever pos-core is installed; everything heavy is imported when a fixture
asks for it, so that other projects' test runs pay nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pos_core.clock import FrozenClock
    from pos_core.context import Context
    from pos_core.kernel import Kernel
    from pos_core.testing.app import App
    from pos_core.testing.factories import Shop
    from pos_core.testing.harness import Business, Client, Server, Templates

DIALECTS = {"sqlite": ("sqlite",), "postgresql": ("postgresql",), "both": ("sqlite", "postgresql")}

#: What passlib 1.7 brings along, so that packs can let other warnings be errors.
OLD_LIBRARIES = (
    "ignore:'crypt' is deprecated and slated for removal:DeprecationWarning",
    "ignore:Accessing argon2.__version__ is deprecated:DeprecationWarning",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", choices=sorted(DIALECTS), default="sqlite", help="databases that the fixtures run on")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "req(id): the requirement that a test shows")
    for line in OLD_LIBRARIES:
        config.addinivalue_line("filterwarnings", line)
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
    from pos_core.testing.app import sign_in

    return lambda role, till=1: sign_in(business, server, role, till)


@pytest.fixture
def shop(business: Business) -> Shop:
    """Makes products, customers, open tills and sales: `shop.sale(("WINE", "2"))`."""
    from pos_core.testing.factories import Shop

    return Shop(business)


@pytest.fixture
def outbox(business: Business) -> Callable[..., list[dict[str, Any]]]:
    """outbox("sale:completed"): the events written for delivery, oldest first; all of them without a name."""
    from pos_core.testing import app

    return app.outbox


@pytest.fixture
def audit(business: Business) -> Callable[..., list[dict[str, Any]]]:
    """audit("sale:complete"): the facts of the audit; all of them without an action."""
    from pos_core.testing import app

    return app.audit


@pytest.fixture
def make_app(pos_templates: Templates, dialect: str, tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Make the whole product with a pack in it: make_app(modules=["liquor.counter"], disabled=["ops.stock"]).

    modules: names of installed modules, which are switched on, or (name, plugin) pairs. disabled: what is off.
    migrations: (name, directory) of distributions that are not installed. Whatever else is named is configuration.
    """
    from contextlib import ExitStack

    from pos_core.testing.app import App, switch_on

    with ExitStack() as stack:
        count = iter(range(100))

        def make(modules: Iterable[Any] = (), disabled: Iterable[str] = (), **options: Any) -> App:
            given = [module for module in modules if not isinstance(module, str)]
            options = {"modules": {"disabled": list(disabled)}, **options}
            made = pos_templates.business(dialect, tmp_path / f"a{next(count)}", given, **options)
            business = stack.enter_context(made)
            switch_on(business, modules)
            app = App(business)
            stack.callback(app.close)
            return app

        yield make
