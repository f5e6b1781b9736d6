"""A pack is installed, migrated, taken in and switched on while tills sell: no request fails."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_core.ids import uuid7
from pos_core.testing.factories import Shop
from pos_core.testing.harness import PASSWORD, Business, Client
from pos_core.testing.processes import ServerProcess, run_pos, settle

pytestmark = pytest.mark.slow

FILES = {
    "pyproject.toml": """
        [build-system]
        requires = ["setuptools>=77"]
        build-backend = "setuptools.build_meta"
        [project]
        name = "pos-gifts"
        version = "1.0"
        [project.entry-points."pos.modules"]
        "gifts.wrapping" = "pos_gifts.wrapping.plugin"
        [project.entry-points."pos.migrations"]
        gifts = "pos_gifts.migrations"
        [tool.setuptools.packages.find]
        include = ["pos_gifts", "pos_gifts.*"]
    """,
    "pos_gifts/__init__.py": "",
    "pos_gifts/wrapping/__init__.py": "",
    "pos_gifts/wrapping/plugin.py": """
        from pos_core import Manifest, Permission, hookimpl
        from pos_core.http.routes import Route
        from pos_core.schemas import Answer

        MANIFEST = Manifest(
            name="gifts.wrapping", version="1.0", title="Gift wrapping", industry="gifts", roots=("/wrappings",),
            permissions=(Permission("hq:wrappings.view", "See the wrappings", ("admin",)),),
        )

        class Count(Answer):
            count: int

        @hookimpl
        def register_routes():
            return (Route("GET", "/wrappings", query="wrapping:count", answer=Count),)
    """,
    "pos_gifts/wrapping/models.py": """
        from pos_core.db.fields import BigField, IdField
        from pos_core.db.model import Table
        from pos_core.ids import uuid7

        class Wrapping(Table):
            id = IdField(primary_key=True, default=uuid7)
            total_count = BigField()

            class Meta:
                table_name = "gifts_wrapping"
    """,
    "pos_gifts/wrapping/rules.py": """
        from pos_core import after
        from pos_core.ids import uuid7
        from pos_gifts.wrapping.models import Wrapping

        @after("sale:complete")
        def wrap(ctx, command):
            ctx.uow.insert(Wrapping, {"id": uuid7(), "total_count": len(command.lines)})
    """,
    "pos_gifts/wrapping/queries.py": """
        from pos_core import query
        from pos_gifts.wrapping.models import Wrapping

        @query("wrapping:count", permission="hq:wrappings.view")
        def count(ctx):
            "How many were wrapped."
            return {"count": Wrapping.select().count()}
    """,
    "pos_gifts/migrations/__init__.py": "",
    "pos_gifts/migrations/001_initial.py": """
        def migrate(migrator, database, **_):
            kind = "TEXT" if database.dialect == "sqlite" else "UUID"
            migrator.sql(f"CREATE TABLE gifts_wrapping (id {kind} NOT NULL PRIMARY KEY, total_count BIGINT NOT NULL)")
    """,
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The pack as what pip installs."""
    source = tmp_path / "source"
    for name, text in FILES.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(tmp_path / "wheels"), str(source))
    [made] = (tmp_path / "wheels").glob("*.whl")
    return made


def pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "-q", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Tills:
    """Both tills selling without a pause, each sale a request on a connection of its own."""

    def __init__(self, business: Business, client: Client, sku: str) -> None:
        self._stop = threading.Event()
        self.statuses: list[int] = []
        signed_in = [Client(client.host, client.port, sign_in(business, client, till)) for till in (1, 2)]
        self._threads = [threading.Thread(target=self._sell, args=(one, sku)) for one in signed_in]
        for thread in self._threads:
            thread.start()

    def _sell(self, client: Client, sku: str) -> None:
        while not self._stop.is_set():
            body = {"id": uuid7(), "lines": [{"sku": sku, "quantity": "1"}],
                    "tenders": [{"tender": "cash", "amount_minor": 10_000}]}  # fmt: skip
            self.statuses.append(client.post("/sales", body).status)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)


def sign_in(business: Business, client: Client, till: int) -> str:
    body: dict[str, Any] = {
        "username": f"cashier{till}", "password": PASSWORD, "app_context": "pos", "delivery": "body",
        "device": {"id": business.ids[f"device{till}"], "key": business.keys[f"device{till}"]},
    }  # fmt: skip
    answer = client.post("/auth/login", body)
    assert answer.status == 201, answer.text
    return str(answer.data["access_token"])


@pytest.fixture
def selling(business: Business, tmp_path: Path) -> Iterator[tuple[ServerProcess, Client, Tills, Path, Path]]:
    sku = str(Shop(business).product("WINE", unit_price_minor=100)["sku"])
    for till in (1, 2):
        business.perform("register_session:open", {"id": uuid7(), "float_minor": 0}, role="cashier", till=till)
    site, directory = tmp_path / "site", settle(business)
    site.mkdir()
    with ServerProcess(directory, "--workers", "2", variables={"PYTHONPATH": str(site)}) as server:
        server.wait_for("worker ready", count=2)
        client = server.client()
        body = {"username": "admin", "password": PASSWORD, "app_context": "hq"}
        client.token = client.post("/auth/login", body).data["access_token"]
        tills = Tills(business, client, sku)
        try:
            yield server, client, tills, site, directory
        finally:
            tills.end()


@pytest.mark.req("MOD-01", "MOD-02", "MOD-05", "DBM-12", "OPX-26")
def test_a_pack_comes_and_goes_while_tills_sell(
    selling: tuple[ServerProcess, Client, Tills, Path, Path], wheel: Path
) -> None:
    server, client, tills, site, directory = selling
    pip("install", "--no-deps", "--no-index", "--target", str(site), str(wheel))
    assert client.get("/health/ready").status == 200, "what is installed and not taken in hinders nobody"
    refused = run_pos(directory, "migrate", PYTHONPATH=str(site))
    assert "runs already" in refused.stderr
    made = run_pos(directory, "migrate", "--new", PYTHONPATH=str(site))
    assert made.returncode == 0, made.stdout + made.stderr
    assert "gifts/001_initial  done" in made.stdout
    server.signal(signal.SIGHUP)
    server.wait_for("worker ready", count=4)
    server.wait_for("worker stopped", count=2)
    assert client.get("/modules/gifts.wrapping").data["state"] == "off"
    assert client.get("/wrappings").code == "module_disabled"
    before = len(tills.statuses)
    assert client.post("/modules/gifts.wrapping/enable").status == 200
    wait_until(lambda: client.get("/wrappings").data["count"] >= 3)
    assert client.post("/modules/gifts.wrapping/disable", {"reason": "not_in_use"}).status == 200
    wait_until(lambda: len(tills.statuses) > before + 10)
    tills.end()
    assert set(tills.statuses) == {201}, "not one sale failed"
    assert client.post("/modules/gifts.wrapping/enable").status == 200
    assert 3 <= client.get("/wrappings").data["count"] < len(tills.statuses), "wrapped while it was on, and kept"
    verified = run_pos(directory, "audit", "verify", PYTHONPATH=str(site))
    assert verified.returncode == 0, verified.stdout


def wait_until(holds: Any) -> None:
    waited = threading.Event()
    for _ in range(600):
        if holds():
            return
        waited.wait(0.05)
    raise AssertionError("it did not come about")


@pytest.mark.req("DBM-12")
def test_only_own_tables_are_made_while_a_server_runs(
    business: Business, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pos_core.db import migrate
    from pos_core.plugins import StartError

    folder = tmp_path / "gifts"
    folder.mkdir()
    real = migrate.distributions()
    monkeypatch.setattr(migrate, "distributions", lambda: [*real, ("gifts", folder)])
    head = "def migrate(migrator, database, **_):\n"
    own = "    migrator.sql('CREATE TABLE gifts_a (id BIGINT NOT NULL PRIMARY KEY)')\n"
    for more in ("ALTER TABLE core_store ADD COLUMN gift BIGINT", "CREATE TABLE other_a (id BIGINT)",
                 "CREATE INDEX other_i ON core_store (name)"):  # fmt: skip
        (folder / "001_initial.py").write_text(f"{head}{own}    migrator.sql({more!r})\n")
        with pytest.raises(StartError, match="does more than to add its own tables"):
            migrate.migrate_new(business.kernel.db, {"gifts"})
        assert "gifts_a" not in business.kernel.db.get_tables()
    (folder / "001_initial.py").write_text(head + own)
    assert migrate.migrate_new(business.kernel.db, set()) == []
    assert migrate.migrate_new(business.kernel.db, {"gifts"}) == [("gifts", "001_initial")]
    assert migrate.migrate_new(business.kernel.db, {"gifts"}) == [], "it is not new any more"
    assert "gifts_a" in business.kernel.db.get_tables()
