"""A real business on a real database with a real HTTP server, for the tests of the core, the plugs and packs."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from pos_core.clock import FrozenClock
from pos_core.config import loader
from pos_core.config.loader import Config
from pos_core.context import Actor, Context
from pos_core.db import migrate
from pos_core.db.database import close_all, connect_to
from pos_core.http.app import make_app
from pos_core.ids import uuid7
from pos_core.installer import setup
from pos_core.kernel import Kernel
from pos_core.rbac import grants
from pos_core.testing.postgres import PostgresServer
from pos_core.tracing import Watch

PASSWORD = "correct-horse-7"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@dataclass(slots=True)
class Business:
    """A business that is ready to sell: an administrator, a manager, two tills with their cashiers.

    `till(n)` says which register, device, key and cashier belong together.
    """

    kernel: Kernel
    clock: FrozenClock
    ids: dict[str, str]
    keys: dict[str, str]
    directory: Path

    @property
    def store_id(self) -> str:
        return self.ids["store"]

    def till(self, number: int = 1) -> dict[str, str]:
        return {name: self.ids[f"{name}{number}"] for name in ("register", "device", "cashier")}

    def context(self, role: str = "admin", till: int = 1) -> Context:
        """A context as the person's request would have it: admin (hq), manager (store) or cashier (pos)."""
        revision = self.kernel.revision()
        place: dict[str, Any] = {"revision": revision}
        if role == "admin":
            return Context(self.kernel, actor=Actor(self.ids["admin"], "admin", ("admin",), frozenset(), True),
                           app_context="hq", **place)
        app_context = "store" if role == "manager" else "pos"
        user = self.ids["manager"] if role == "manager" else self.ids[f"cashier{till}"]
        held = grants.of(user, app_context, self.store_id, revision)
        if role == "cashier":
            place |= {"register_id": self.ids[f"register{till}"], "device_id": self.ids[f"device{till}"]}
        permissions = self.kernel.granted(held.permissions, self.store_id, revision)
        return Context(self.kernel, actor=Actor(user, f"{role}{till}", held.roles, permissions),
                       app_context=app_context, store_id=self.store_id, **place)

    def perform(self, action: str, command: Mapping[str, Any], *, role: str = "admin", till: int = 1,
                key: str | None = None) -> dict[str, Any]:
        """Run an action as somebody; returns the answer's data. JSON-like values are accepted as over HTTP."""
        schema = self.kernel.action(action).command
        return self.kernel.perform(
            self.context(role, till), action, schema.model_validate_json(json.dumps(command)), key=key
        ).data

    def query(self, name: str, *, role: str = "admin", till: int = 1, **arguments: Any) -> Any:
        """Ask a query as somebody."""
        return self.kernel.query(self.context(role, till), name, arguments)


@dataclass(slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def text(self) -> str:
        return self.raw.decode()

    def paths(self) -> set[str]:
        """The paths that a problem names."""
        return {item["path"] for item in self.json["errors"]}


@dataclass(slots=True)
class Client:
    """Speaks HTTP to a running server, signed in or not."""

    host: str
    port: int
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request; a dict or list is sent as JSON, bytes as they are (Content-Type JSON unless given)."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        sent = dict(self.headers)
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        try:
            connection.request(method, path if path.startswith(("/health", "/docs", "/openapi")) else f"/api/v1{path}",
                               content, sent)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.request("POST", path, body if body is not None else {}, headers)

    def patch(self, path: str, body: Any, version: int | None = None) -> Answer:
        return self.request("PATCH", path, body, {"If-Match": f'"{version}"'} if version is not None else None)


class Server:
    """The product's WSGI application on waitress, on a free port of the loopback, in threads of this process."""

    def __init__(self, kernel: Kernel, threads: int = 4) -> None:
        self.kernel = kernel
        self._server = create_server(
            make_app(kernel), host="127.0.0.1", port=0, threads=threads, clear_untrusted_proxy_headers=True
        )
        self._server.adj.asyncore_loop_timeout = 0.05  # its loop notices the end of a test that much later
        self.host, self.port = "127.0.0.1", int(self._server.effective_port)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._server.run()
        except OSError:
            if not self._closing:
                raise

    _closing = False

    def client(self, token: str | None = None) -> Client:
        return Client(self.host, self.port, token)

    def close(self) -> None:
        self._closing = True
        self._server.task_dispatcher.shutdown()
        self._server.close()
        self._thread.join(timeout=5)
        for channel in list(self._server.active_channels.values()):
            for request in (*channel.requests, channel.request):
                if request is not None:
                    request.close()
            channel.handle_close()  # its buffers too: a large body lies in a temporary file
        wasyncore.close_all(self._server._map, ignore_all=True)


def make_config(directory: Path, url: str = "sqlite:///pos.sqlite3", **overrides: Any) -> Config:
    """A configuration of the test profile in a directory, deaf to the environment."""
    given = {"profile": "test", "database": {"url": url, "max_connections": 24}, **overrides}
    return loader.load(directory, environment={}, overrides=given)


def populate(directory: Path, url: str) -> dict[str, Any]:
    """Set up a business in an empty database: what every test starts from. Returns its ids and keys."""
    clock = FrozenClock(NOW)
    config = make_config(directory, url)
    kernel = Kernel(config, clock=clock, db=connect_to(config.database.url, max_connections=24, synchronous="OFF"))
    setup.first_run(config, {"admin_password": PASSWORD, "currency": "EUR", "name": "Test shop"}, kernel=kernel)
    with kernel.db.in_use():
        ids, keys = _people(kernel)
    close_all(kernel.db)
    return {"ids": ids, "keys": keys}


def _people(kernel: Kernel) -> tuple[dict[str, str], dict[str, str]]:
    ctx = kernel.system_context("tests")
    store = kernel.query(ctx, "store:list", {})[0][0]["id"]
    admin = kernel.query(ctx, "user:find", {"username": "admin"})["id"]
    ids, keys = {"store": store, "admin": admin}, {}

    def act(action: str, **command: Any) -> dict[str, Any]:
        return kernel.perform(ctx, action, kernel.action(action).command.model_validate_json(json.dumps(command))).data

    def person(name: str, role: str) -> str:
        made = act("user:create", id=uuid7(), username=name, full_name=name.title(), password=PASSWORD)
        act("user:assign", user_id=made["id"], role=role, store_id=store)
        return str(made["id"])

    ids["manager"] = person("manager", "store_manager")
    ids["register1"] = kernel.query(ctx, "register:list", {})[0][0]["id"]
    ids["register2"] = act("register:create", id=uuid7(), store_id=store, code="R2", name="Register 2")["id"]
    for number in (1, 2):
        ids[f"cashier{number}"] = person(f"cashier{number}", "cashier")
        register = ids[f"register{number}"]
        made = act("device:enrol", id=uuid7(), store_id=store, register_id=register, name=f"Till {number}")
        ids[f"device{number}"], keys[f"device{number}"] = made["id"], made["key"]
    return ids, keys


class Templates:
    """Databases ready to be copied: one populated template per dialect, made when first asked for."""

    def __init__(self, base: Path, server: PostgresServer | None, name: str) -> None:
        self._base, self._server, self._name = base, server, name
        self._made: dict[str, dict[str, Any]] = {}
        self._count = 0

    def close(self) -> None:
        """Drop the templates: a named server keeps nothing of a test run."""
        if self._server is not None and "postgresql" in self._made:
            self._server.drop_database(f"pos_template_{self._name}")

    def template(self, dialect: str) -> dict[str, Any]:
        if dialect not in self._made:
            directory = self._base / f"template-{dialect}"
            url = "sqlite:///pos.sqlite3"
            if dialect == "postgresql":
                assert self._server is not None
                url = self._server.create_database(f"pos_template_{self._name}")
            self._made[dialect] = populate(directory, url)
        return self._made[dialect]

    @contextmanager
    def empty(self, dialect: str, directory: Path) -> Iterator[str]:
        """The URL of a database with nothing in it."""
        self._count += 1
        name = f"pos_test_{self._name}_{self._count}"
        if dialect == "postgresql":
            assert self._server is not None
            url = self._server.create_database(name)
        else:
            url = f"sqlite:///{directory / name}.sqlite3"
        try:
            yield url
        finally:
            if dialect == "postgresql" and self._server is not None:
                self._server.drop_database(name)

    @contextmanager
    def business(
        self, dialect: str, directory: Path, extra: Iterable[tuple[str, ModuleType]] = (), *,
        migrations: Iterable[tuple[str, Path]] = (), watch: Watch | None = None, **overrides: Any,
    ) -> Iterator[Business]:
        """A fresh copy of the populated business, with `extra` modules and configuration overrides.

        migrations: (name, directory) of distributions that are not installed. watch: stands before rules and hooks.
        """
        made = self.template(dialect)
        directory.mkdir(parents=True, exist_ok=True)
        source = self._base / f"template-{dialect}"
        shutil.copy(source / "secrets.toml", directory / "secrets.toml")
        self._count += 1
        name = f"pos_test_{self._name}_{self._count}"
        if dialect == "postgresql":
            assert self._server is not None
            url = self._server.create_database(name, template=f"pos_template_{self._name}")
        else:
            shutil.copy(source / "pos.sqlite3", directory / "pos.sqlite3")
            url = "sqlite:///pos.sqlite3"
        clock = FrozenClock(NOW)
        kernel = Kernel(make_config(directory, url, **overrides), clock=clock, extra=extra, watch=watch)
        try:
            if migrations := tuple(migrations):
                migrate.migrate(kernel.db, given=migrations)
            kernel.load_instance()
            with kernel.db.in_use():
                yield Business(kernel, clock, dict(made["ids"]), dict(made["keys"]), directory)
        finally:
            close_all(kernel.db)
            if dialect == "postgresql" and self._server is not None:
                self._server.drop_database(name)
