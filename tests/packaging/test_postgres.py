"""The PostgreSQL for tests: which server is chosen, that it works, and that it is gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from pos_core.testing import postgres
from pos_core.testing.postgres import ENVIRONMENT_VARIABLE, PostgresServer, PostgresUnavailable, find_or_start

needs_binaries = pytest.mark.skipif(
    postgres.find_binaries() is None, reason="no PostgreSQL server binaries on this machine"
)


@pytest.fixture
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(ENVIRONMENT_VARIABLE, raising=False)
        with find_or_start() as started:
            yield started


def _one(url: str, sql: str) -> object:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


@needs_binaries
@pytest.mark.slow
@pytest.mark.xdist_group("private-postgres")
class TestPrivateServer:
    def test_it_waits_for_no_disk_and_listens_on_no_network(self, server: PostgresServer) -> None:
        assert server.private
        assert _one(server.url, "SELECT current_setting('fsync')") == "off"
        assert _one(server.url, "SELECT current_setting('listen_addresses')") == ""
        assert _one(server.url, "SELECT current_setting('server_encoding')") == "UTF8"

    def test_databases_are_made_from_templates_and_dropped(self, server: PostgresServer) -> None:
        first = server.create_database("shop-1")
        with closing(psycopg2.connect(first)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE item AS SELECT 42 AS answer")
        copy = server.create_database('odd "name"', template="shop-1")
        assert _one(copy, "SELECT answer FROM item") == 42
        with closing(psycopg2.connect(copy)):
            server.drop_database('odd "name"')
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(copy)
        server.drop_database("shop-1")
        server.drop_database("shop-1")

    def test_export_hands_it_down_and_stop_takes_it_back(
        self, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, "postgresql:///before")
        named = PostgresServer(url=server.url)
        named.export()
        with find_or_start() as found:
            assert found.url == server.url
            assert not found.private
        assert _one(server.url, "SELECT 1") == 1, "a server that was found must survive"
        named.stop()
        assert os.environ[ENVIRONMENT_VARIABLE] == "postgresql:///before"

    def test_a_role_that_may_not_create_databases_is_refused(
        self, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        postgres._execute(server.url, "CREATE ROLE cashier LOGIN")
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, server.url.replace(postgres.ROLE, "cashier"))
        with pytest.raises(PostgresUnavailable, match="may not create databases"):
            find_or_start()

    @pytest.mark.usefixtures("nothing_named")
    def test_it_is_gone_afterwards(self) -> None:
        with find_or_start() as started:
            directory, url = started._directory, started.url
            assert directory is not None
            assert directory.is_dir()
        assert not directory.exists()
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(url)
        started.stop()

    @pytest.mark.usefixtures("nothing_named")
    def test_a_durable_one_flushes(self) -> None:
        with find_or_start(durable=True) as started:
            assert _one(started.url, "SELECT current_setting('fsync')") == "on"
            assert _one(started.url, "SELECT current_setting('synchronous_commit')") == "on"

    @pytest.mark.usefixtures("nothing_named")
    def test_what_a_killed_run_left_is_swept(self) -> None:
        program = (
            "from pos_core.testing.postgres import find_or_start\n"
            "server = find_or_start()\n"
            "print(server._directory, server.url, flush=True)\n"
            "import time; time.sleep(60)\n"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            directory, url = process.stdout.readline().split()
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert _one(url, "SELECT 1") == 1, "the server outlives the killed run"
        with find_or_start():
            assert not Path(directory).exists()
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(url)

    @pytest.mark.usefixtures("nothing_named")
    def test_a_command_runs_beside_one(self) -> None:
        command = [sys.executable, "-m", "pos_core.testing.with_postgres", "--durable", "--"]
        program = (
            "import os, sys, psycopg2\n"
            "connection = psycopg2.connect(os.environ['POS_TEST_POSTGRES'])\n"
            "cursor = connection.cursor(); cursor.execute('SHOW fsync'); print(cursor.fetchone()[0])\n"
            "sys.exit(9)\n"
        )
        done = subprocess.run(
            [*command, sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout.strip()) == (9, "on"), done.stderr


@pytest.mark.parametrize("words", [[], ["--durable"], ["--"], ["--quick", "--", "true"]])
def test_a_misused_runner_says_how_it_is_used(words: list[str]) -> None:
    command = [sys.executable, "-m", "pos_core.testing.with_postgres", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("dbname=postgres", "must be a URL"),
        (
            "postgresql://till:secret@127.0.0.1:1/postgres",
            r"till:\*\*\*@127\.0\.0\.1:1/postgres does not answer",
        ),
    ],
)
def test_a_named_server_that_is_no_use_is_an_error(
    monkeypatch: pytest.MonkeyPatch, url: str, complaint: str
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, url)
    with pytest.raises(PostgresUnavailable, match=complaint) as caught:
        find_or_start()
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("nothing_named")
def test_without_any_postgresql_the_reason_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_binaries", lambda: None)
    with pytest.raises(PostgresUnavailable, match=r"apt install postgresql.*POS_TEST_POSTGRES"):
        find_or_start()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql:///postgres", "postgresql:///a%20b"),
        ("postgresql://u:p@h:5433/postgres?sslmode=require", "postgresql://u:p@h:5433/a%20b?sslmode=require"),
        ("postgresql://u@/postgres?host=%2Ftmp%2Fs", "postgresql://u@/a%20b?host=%2Ftmp%2Fs"),
    ],
)
def test_a_databases_url_keeps_everything_but_the_name(url: str, expected: str) -> None:
    assert PostgresServer(url=url).database_url("a b") == expected


def test_a_forked_child_does_not_stop_its_parents_server(tmp_path: Path) -> None:
    server = PostgresServer(url="postgresql:///x", private=True, _directory=tmp_path, _owner=os.getpid() + 1)
    server.stop()
    assert tmp_path.is_dir()


def test_directories_of_running_owners_are_not_swept(tmp_path: Path) -> None:
    for name, owner in (("pos-pg-mine", str(os.getpid())), ("pos-pg-odd", "not a number"), ("other", "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "owner.pid").write_text(owner, encoding="ascii")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    (tmp_path / "pos-pg-left").mkdir()
    (tmp_path / "pos-pg-left" / "owner.pid").write_text(str(ended.pid), encoding="ascii")
    postgres._sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "pos-pg-mine", "pos-pg-odd"]


def test_newer_servers_come_first() -> None:
    found = [
        Path("/usr/lib/postgresql/9.6/bin"),
        Path("/usr/lib/postgresql/16/bin"),
        Path("/x/pginstall18/bin"),
    ]
    assert [p.parent.name for p in sorted(found, key=postgres._version, reverse=True)] == [
        "pginstall18",
        "16",
        "9.6",
    ]


def test_the_module_loads_without_what_pos_core_needs() -> None:
    """dev.py loads it with a Python that has nothing installed."""
    program = (
        f"import sys, runpy; runpy.run_path({postgres.__file__!r}); assert 'psycopg2' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
