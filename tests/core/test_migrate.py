"""The migration runner: all or nothing, one at a time, and never while serving."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_core.db import migrate
from pos_core.db.database import Database, connect_to
from pos_core.plugins import StartError

MIGRATION = '''
"""A migration of a test."""

def migrate(migrator, database, *, fake=False, **_):
    {body}
'''


@pytest.fixture
def empty(dialect: str, pos_templates: Any, tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    name = f"pos_empty_{os.getpid()}_{abs(hash(str(tmp_path))) % 10**8}"
    server = pos_templates._server
    url = f"sqlite:///{tmp_path / 'empty.sqlite3'}" if dialect == "sqlite" else server.create_database(name)
    db = connect_to(url)
    with db.in_use():
        yield db
    if dialect == "sqlite":
        db.close()
    else:
        db.close_all()
        server.drop_database(name)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., tuple[str, Path]]:
    """write("pack", "001_one", body): add a migration file to a distribution; gives (name, directory)."""

    def make(distribution: str, name: str, body: str) -> tuple[str, Path]:
        directory = tmp_path / distribution
        directory.mkdir(exist_ok=True)
        (directory / f"{name}.py").write_text(MIGRATION.format(body=textwrap.indent(body, "    ").strip()))
        return distribution, directory

    return make


def create(table: str) -> str:
    return f'migrator.sql("CREATE TABLE {table} (id INTEGER PRIMARY KEY, text TEXT)")'


def tables(db: Database) -> set[str]:
    return {name for name in db.get_tables() if not name.startswith("sqlite_")}


@pytest.mark.req("DBM-12", "DBM-13")
def test_each_distribution_has_its_own_history(empty: Database, write: Any) -> None:
    given = [write("one", "001_initial", create("one_a")), write("two", "001_initial", create("two_a"))]
    assert migrate.migrate(empty, given=given) == [("one", "001_initial"), ("two", "001_initial")]
    assert tables(empty) == {"one_a", "two_a", "mig_one", "mig_two"}
    write("two", "002_more", create("two_b"))
    assert migrate.migrate(empty, given=given) == [("two", "002_more")]
    assert migrate.migrate(empty, given=given) == []


@pytest.mark.req("DBM-14")
def test_a_failure_anywhere_leaves_the_schema_of_all_as_it_was(empty: Database, write: Any) -> None:
    first = write("one", "001_initial", create("one_a"))
    migrate.migrate(empty, given=[first])
    write("one", "002_more", create("one_b"))
    broken = write("two", "001_initial", create("two_a") + '\nmigrator.sql("CREATE NONSENSE")')
    with pytest.raises(Exception, match=r"NONSENSE|syntax"):
        migrate.migrate(empty, given=[first, broken])
    assert tables(empty) == {"one_a", "mig_one"}
    write("two", "001_initial", create("two_a"))
    assert migrate.migrate(empty, given=[first, broken]) == [("one", "002_more"), ("two", "001_initial")]


@pytest.mark.req("DBM-14")
def test_a_dry_run_leaves_nothing(empty: Database, write: Any) -> None:
    given = [write("one", "001_initial", create("one_a"))]
    assert migrate.migrate(empty, given=given, dry_run=True) == [("one", "001_initial")]
    assert tables(empty) == set()
    assert migrate.migrate(empty, given=given) == [("one", "001_initial")]


def test_a_rebuilt_parent_keeps_its_children(empty: Database, write: Any) -> None:
    """SQLite empties ON DELETE CASCADE children when a parent is dropped while foreign keys are on."""
    tables_ = (
        'migrator.sql("CREATE TABLE one_parent (id INTEGER PRIMARY KEY)")\n'
        'migrator.sql("CREATE TABLE one_child (id INTEGER PRIMARY KEY, parent INTEGER '
        'REFERENCES one_parent (id) ON DELETE CASCADE)")\n'
        'migrator.sql("INSERT INTO one_parent VALUES (1)")\nmigrator.sql("INSERT INTO one_child VALUES (7, 1)")'
    )
    given = [write("one", "001_initial", tables_)]
    migrate.migrate(empty, given=given)
    if empty.dialect == "sqlite":
        rebuild = (
            'migrator.sql("CREATE TABLE one_new (id INTEGER PRIMARY KEY, more TEXT)")\n'
            'migrator.sql("INSERT INTO one_new (id) SELECT id FROM one_parent")\n'
            'migrator.sql("DROP TABLE one_parent")\nmigrator.sql("ALTER TABLE one_new RENAME TO one_parent")'
        )
    else:
        rebuild = 'migrator.sql("ALTER TABLE one_parent ADD COLUMN more TEXT")'
    write("one", "002_rebuild", rebuild)
    migrate.migrate(empty, given=given)
    assert empty.execute_sql("SELECT id, parent FROM one_child").fetchall() == [(7, 1)]


def test_broken_references_stop_a_migration(empty: Database, write: Any) -> None:
    body = (
        'migrator.sql("CREATE TABLE one_parent (id INTEGER PRIMARY KEY)")\n'
        'migrator.sql("CREATE TABLE one_child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES one_parent (id))")\n'
        'migrator.sql("INSERT INTO one_child VALUES (7, 1)")'
    )
    with pytest.raises(Exception, match=r"broken references|foreign key"):
        migrate.migrate(empty, given=[write("one", "001_initial", body)])
    assert tables(empty) == set()


def test_foreign_keys_are_on_again_afterwards(empty: Database, write: Any) -> None:
    migrate.migrate(empty, given=[write("one", "001_initial", create("one_a"))])
    with pytest.raises(Exception, match=r"NONSENSE|syntax"):
        migrate.migrate(empty, given=[write("one", "002_bad", 'migrator.sql("CREATE NONSENSE")')])
    if empty.dialect == "sqlite":
        assert empty.pragma("foreign_keys") == 1
    with pytest.raises(Exception, match="outside an action"):
        empty.execute_sql("DELETE FROM one_a")


@pytest.mark.parametrize("name", ["0001_initial", "1_initial", "initial", "001-initial", "001_Initial"])
def test_files_that_would_never_run_are_refused(empty: Database, write: Any, name: str) -> None:
    with pytest.raises(StartError, match="would never run"):
        migrate.migrate(empty, given=[write("one", name, create("one_a"))])
    assert tables(empty) == set()


def test_a_missing_directory_is_refused_and_not_made(empty: Database, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="there is no directory"):
        migrate.migrate(empty, given=[("one", tmp_path / "nowhere")])
    assert not (tmp_path / "nowhere").exists()


_RUNNER = """
import sys
from pathlib import Path
from pos_core.db import migrate
from pos_core.db.database import connect_to
print(migrate.migrate(connect_to(sys.argv[1]), given=[("one", Path(sys.argv[2]))]))
"""


@pytest.mark.req("DBM-12")
def test_two_processes_at_once_apply_each_migration_once(
    empty: Database, write: Any, dialect: str, tmp_path: Path
) -> None:
    _, directory = write("one", "001_initial", "import time; time.sleep(0.3)\n" + create("one_a"))
    url = empty.url if dialect == "postgresql" else f"sqlite:///{empty.path}"
    runs = [
        subprocess.Popen([sys.executable, "-c", _RUNNER, url, str(directory)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = sorted(run.communicate(timeout=60)[0].strip() for run in runs)
    assert answers == ["[('one', '001_initial')]", "[]"]
    assert [run.returncode for run in runs] == [0, 0]


@pytest.mark.req("DBM-12", "PLT-10")
def test_a_server_does_not_serve_a_schema_that_is_behind(
    empty: Database, business: Any, monkeypatch: pytest.MonkeyPatch, write: Any
) -> None:
    with pytest.raises(StartError, match=r"core/001_initial.*run `pos migrate`"):
        migrate.require_current(empty)
    db = business.kernel.db
    migrate.require_current(db)
    installed = migrate.distributions()
    assert installed[0][0] == "core"
    monkeypatch.setattr(migrate, "distributions", lambda: [*installed, write("extra", "001_initial", create("x_a"))])
    assert [s.name for s in migrate.state(db) if s.distribution == "extra" and not s.done] == ["001_initial"]
    with pytest.raises(StartError, match="extra/001_initial"):
        migrate.require_current(db)


@pytest.mark.req("DBM-12")
def test_the_installed_migrations_apply_in_one_go(empty: Database) -> None:
    done = migrate.migrate(empty)
    assert done[0] == ("core", "001_initial")
    assert {name for name, _ in done} == {name for name, _ in migrate.distributions()}
    migrate.require_current(empty)
    assert migrate.migrate(empty) == []
