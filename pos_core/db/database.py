"""Connections to SQLite and PostgreSQL that refuse a write outside an action.

A connection is read-only (`PRAGMA query_only`, `default_transaction_read_only`) until the unit of work opens it, so
the database itself says no to a write that went round `perform()`.
"""

from __future__ import annotations

import re
import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import apsw
import peewee as pw
import psycopg2.extensions
from playhouse.apsw_ext import APSWDatabase
from playhouse.pool import PooledPostgresqlDatabase

from pos_core.db import fields
from pos_core.db.statements import Statement
from pos_core.errors import READ_ONLY_OUTSIDE
from pos_core.plugins import StartError

#: SQLite 3.7.0 to 3.51.2 can corrupt a WAL when one connection writes while another checkpoints.
FIXED_SQLITE = (3, 51, 3)
#: A statement that writes, also behind a comment or as a part of a common table expression.
_WRITES = re.compile(
    r"^(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|TRUNCATE|MERGE|COPY|"
    r"WITH\b.*\b(?:INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|MERGE\s+INTO))\b", re.IGNORECASE | re.DOTALL,
)  # fmt: skip

wrap_exceptions = pw.__exception_wrapper__


class _State(threading.local):
    """What this thread may do with its connection, and how often it has talked to the database."""

    may_write = False
    sealed = False
    round_trips = 0
    #: A BEGIN that goes along with the next statement (PostgreSQL).
    begin = ""


class Guarded:
    """What both databases share: who may write, and a count of round trips."""

    dialect = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.pos = _State()
        super().__init__(*args, **kwargs)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        state = self.pos
        state.round_trips += 1
        if (not state.may_write or state.sealed) and _WRITES.search(sql):
            raise READ_ONLY_OUTSIDE()
        if state.begin:
            sql, state.begin = state.begin + sql, ""
        return super().execute_sql(sql, params)  # type: ignore[misc]

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """A connection for this thread, given back afterwards."""
        fresh = self.connect(reuse_if_open=True)  # type: ignore[attr-defined]
        try:
            yield
        finally:
            if fresh:
                self.release()

    @abstractmethod
    def release(self) -> None:
        """Give this thread's connection back."""

    @contextmanager
    def schema_access(self) -> Iterator[None]:
        """Write access without an action: for the migration runner and tests' set-up, nobody else."""
        state = self.pos
        state.may_write, before = True, state.may_write
        self._open_for_writing(True)
        try:
            yield
        finally:
            state.may_write = before
            self._open_for_writing(before)

    @abstractmethod
    def _open_for_writing(self, allowed: bool) -> None:
        """Let the database itself accept or refuse writes on this thread's connection."""


class SqliteDatabase(Guarded, APSWDatabase):  # type: ignore[misc]
    """Embedded SQLite through apsw, which carries a fixed SQLite: WAL, FULL, foreign keys, one writer at a time."""

    dialect = "sqlite"
    field_types = {**APSWDatabase.field_types, **fields.SQLITE_TYPES}

    def __init__(self, path: str, *, busy_timeout_ms: int = 10_000, synchronous: str = "FULL") -> None:
        #: In one process writers queue here; SQLite's own busy handler would starve some of them.
        self._turn = threading.Lock()
        self._writer: Any = None
        self._reader = threading.local()
        self.path = path
        super().__init__(
            path,
            pragmas={
                "journal_mode": "wal",
                "synchronous": synchronous,
                "foreign_keys": 1,
                "busy_timeout": busy_timeout_ms,
                "cache_size": -8_000,
                "temp_store": "memory",
                "wal_autocheckpoint": 8_000,
                "journal_size_limit": 64 * 1024 * 1024,
            },
            lock_type="IMMEDIATE",
            autoconnect=False,
            timeout=busy_timeout_ms / 1000,
        )

    def _connect(self) -> Any:
        connection = super()._connect()
        connection.execute("PRAGMA query_only = 1")
        return connection

    def take_writer(self) -> None:
        """Wait for the turn and put the process' one writing connection in the place of this thread's reading one.

        Two connections, because `PRAGMA query_only` makes SQLite compile every statement anew whenever it is set.
        """
        self._turn.acquire()
        try:
            if self._writer is None:
                with wrap_exceptions:
                    self._writer = super()._connect()
                    # one cache that is worth its memory: it holds the inner pages of every index a sale writes to
                    self._writer.execute("PRAGMA cache_size = -64000")
            self._reader.connection, self._state.conn = self._state.conn, self._writer
        except BaseException:
            self._turn.release()
            raise

    def return_writer(self) -> None:
        """Put this thread's reading connection back and let the next writer have its turn."""
        self._state.conn = self._reader.connection
        self._turn.release()

    def dispose(self) -> None:
        """Forget every connection without closing it: first thing in a forked child."""
        self._writer, self._turn = None, threading.Lock()
        super().dispose()

    def close_writer(self) -> None:
        """Close the writing connection, which also checkpoints the log when it was the last one."""
        with self._turn:
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def release(self) -> None:
        """Nothing: a thread keeps its connection, opening one costs more than a sale's reads."""

    def fetch(self, statement: Statement, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a prepared read."""
        self.pos.round_trips += 1
        with wrap_exceptions:
            return list(self.connection().execute(statement.sqlite, tuple(parameters)))

    def _open_for_writing(self, allowed: bool) -> None:
        if not self.is_closed():
            self.connection().execute(f"PRAGMA query_only = {0 if allowed else 1}")

    def check(self) -> dict[str, Any]:
        """Version and settings of the connection; StartError when one is not as it must be."""
        version = apsw.sqlite_lib_version()
        if tuple(int(part) for part in version.split(".")) < FIXED_SQLITE:
            wanted = ".".join(map(str, FIXED_SQLITE))
            raise StartError(f"SQLite {version} can corrupt its log; install apsw >= {wanted}")
        found = {
            name: self.connection().execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        if found["journal_mode"] not in ("wal", "memory") or not found["foreign_keys"]:
            raise StartError(f"SQLite came up with other settings than asked for: {found}")
        return {"database": f"SQLite {version} (apsw)", "path": self.path, **found}


_SHOWN = ("server_version", "server_encoding", "fsync", "full_page_writes", "standard_conforming_strings")
#: PostgreSQL's type number of uuid.
_UUID = 2950


class PostgresConnection(psycopg2.extensions.connection):
    """A connection that knows which statements it has prepared."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: set[str] = set()
        #: Names whose PREPARE is under way; where its message fails nobody knows which of them the server has.
        self.preparing: set[str] = set()
        self.doubtful = False


class PostgresDatabase(Guarded, PooledPostgresqlDatabase):  # type: ignore[misc]
    """PostgreSQL through psycopg2 and a pool; sessions are read-only by default and in UTC."""

    dialect = "postgresql"
    field_types = {**PooledPostgresqlDatabase.field_types, **fields.POSTGRES_TYPES}

    def __init__(self, url: str, *, max_connections: int = 16, prepared: bool = True) -> None:
        self.url = url
        self.keeps_prepared = prepared
        name, options = _connection_options(url)
        super().__init__(
            name, max_connections=max_connections, timeout=10, autoconnect=False,
            connection_factory=PostgresConnection, **options,
        )

    def _connect(self) -> Any:
        connection = super()._connect()
        # ids are text everywhere (`pos_core.ids`); peewee asks psycopg2 for UUID objects, a conversion each
        connection.string_types[_UUID] = psycopg2.extensions.UNICODE
        return connection

    def release(self) -> None:
        """Back to the pool; a connection that broke is thrown away."""
        if self.is_closed():
            return
        if self.connection().closed or not self.is_connection_usable():
            self.manual_close()
        else:
            self.close()

    def _is_closed(self, connection: Any) -> bool:
        return bool(connection.closed)

    def send(
        self, text: str, parameters: Sequence[Any] | None = None, *, fetch: bool = False
    ) -> list[tuple[Any, ...]]:
        """One message of one or more statements; the rows of the last one where `fetch`.

        Without parameters the text is sent as it is; with them psycopg2 fills in its `%s`.
        """
        self.pos.round_trips += 1
        if "\x00" in text:
            raise ValueError("a NUL character has no place in a statement: the driver would cut it off there")
        connection, state = self.connection(), self.pos
        if state.begin:
            text, state.begin = state.begin + text, ""
        try:
            with wrap_exceptions, connection.cursor() as cursor:
                cursor.execute(text, parameters)
                return cursor.fetchall() if fetch else []
        except BaseException:
            connection.doubtful = connection.doubtful or bool(connection.preparing)
            raise
        finally:
            connection.preparing.clear()

    def compose(self, calls: Sequence[tuple[Statement, Sequence[Any]]]) -> str:
        """One message for several statements, with a PREPARE for those that the connection does not know yet."""
        if not self.keeps_prepared:
            return ";".join([statement.plain(parameters) for statement, parameters in calls])
        connection = self.connection()
        known, fresh, texts = connection.prepared, [], []
        if connection.doubtful:
            known.clear()
            fresh.append("DEALLOCATE ALL")
            connection.doubtful = False
        for statement, parameters in calls:
            if statement.name not in known:
                known.add(statement.name)
                connection.preparing.add(statement.name)
                fresh.append(statement.prepare)
            texts.append(statement.execute(parameters))
        return ";".join(fresh + texts)

    def fetch(self, statement: Statement, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a prepared read, in one round trip."""
        return self.send(self.compose([(statement, parameters)]), fetch=True)

    def _open_for_writing(self, allowed: bool) -> None:
        if not self.is_closed():
            state = "off" if allowed else "on"
            with self.connection().cursor() as cursor:
                cursor.execute(f"SET default_transaction_read_only = {state}")

    def check(self) -> dict[str, Any]:
        """Version and settings of the server; StartError when one would lose or garble data."""
        shown = {}
        with self.connection().cursor() as cursor:
            for name in _SHOWN:
                cursor.execute(f"SHOW {name}")
                shown[name] = cursor.fetchone()[0]
        if shown["server_encoding"] != "UTF8":
            raise StartError(f"the PostgreSQL database is encoded in {shown['server_encoding']}; create it with UTF8")
        if shown["standard_conforming_strings"] != "on":
            raise StartError("PostgreSQL's standard_conforming_strings must be on; something switches it off")
        return {"database": f"PostgreSQL {shown.pop('server_version')} (psycopg2)", **shown}


def _connection_options(url: str) -> tuple[str, dict[str, Any]]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    options: dict[str, Any] = {
        "options": "-c default_transaction_read_only=on -c timezone=UTC -c standard_conforming_strings=on "
        "-c client_encoding=UTF8 -c plan_cache_mode=force_generic_plan -c lock_timeout=10s "
        "-c idle_in_transaction_session_timeout=60s",
        "application_name": "pos",
        "keepalives_idle": 30,
        "connect_timeout": int(query.pop("connect_timeout", "5")),
        **query,
    }
    given = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
    options |= {key: unquote(value) if isinstance(value, str) else value for key, value in given.items() if value}
    return unquote(parts.path.lstrip("/")), options


Database = SqliteDatabase | PostgresDatabase


def connect_to(url: str, *, max_connections: int = 16, prepared: bool = True, synchronous: str = "FULL") -> Database:
    """The database of a URL: `sqlite:///file` (or `sqlite:////absolute/file`) or `postgresql://user:secret@host/name`.

    Raises StartError for anything else. Nothing is opened yet.
    """
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        path = url.removeprefix("sqlite://").removeprefix("/") if url.startswith("sqlite:///") else ""
        if not path:
            raise StartError(f"{url!r} names no file: write sqlite:///pos.sqlite3")
        return SqliteDatabase(str(Path(path)) if path != ":memory:" else path, synchronous=synchronous)
    if scheme in ("postgresql", "postgres"):
        return PostgresDatabase(url, max_connections=max_connections, prepared=prepared)
    raise StartError("database.url must begin with sqlite:/// or postgresql://")


def close_all(db: Database) -> None:
    """Close what this process holds open of a database: this thread's connection, the writer's, the pool's."""
    if isinstance(db, PostgresDatabase):
        db.close_all()
        return
    if not db.is_closed():
        db.close()
    db.close_writer()
