"""Scratch databases of the bench: made for one run, dropped after it, with the server's durability untouched."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from psycopg2.extensions import connection as PgConnection

SERVER_VARIABLES = ("POS_BENCH_POSTGRES", "POS_TEST_POSTGRES")
RAM_FILE_SYSTEMS = {"tmpfs", "ramfs"}


class BenchError(Exception):
    """The run cannot give a figure worth printing; the message says why and what to do."""


@dataclass(frozen=True)
class WalMark:
    """The server's write-ahead-log counters at one moment."""

    lsn: int
    bytes: int
    flushes: int
    page_images: int


def server_url() -> str | None:
    """Return the URL of the PostgreSQL server named in the environment, None when none is.

    A server that merely runs on this machine may be a shop's own and is left alone; ``python3 dev.py bench`` starts
    one for the bench where none is named.

    Raises:
        BenchError: the named server does not answer.
    """
    for name in SERVER_VARIABLES:
        url = os.environ.get(name)
        if url:
            with contextlib.closing(connect(url)):
                return url
    return None


def connect(url: str) -> PgConnection:
    """Return an autocommitting connection, each statement durable by itself.

    Raises:
        BenchError: the server cannot be reached.
    """
    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.OperationalError as error:
        raise BenchError(f"PostgreSQL at {url} does not answer: {error}") from error
    connection.autocommit = True
    return connection


def require_durable(url: str) -> dict[str, str]:
    """Return the server's settings that decide the figures.

    Raises:
        BenchError: fsync or synchronous_commit is off: such a figure would compare nothing.
    """
    names = ("server_version", "fsync", "synchronous_commit", "wal_sync_method", "full_page_writes",
             "shared_buffers", "max_wal_size", "wal_compression")  # fmt: skip
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        settings = {}
        for name in names:
            cursor.execute(f"SHOW {name}")
            settings[name] = str(cursor.fetchone()[0])
    for name in ("fsync", "synchronous_commit"):
        if settings[name] != "on":
            raise BenchError(f"{name} is {settings[name]} at {url}: the bench needs a durable server")
    return settings


@contextlib.contextmanager
def postgres_database(server: str, label: str, template: str = "") -> Iterator[str]:
    """Create a database on ``server``, yield its URL and drop it.

    It is empty, or a copy of the database with the URL ``template``, to which nobody may be connected.
    """
    name = f"pos_bench_{label}_{os.getpid()}"
    with contextlib.closing(connect(server)) as admin, admin.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        source = urlsplit(template).path.lstrip("/") if template else "template0"
        encoding = "" if template else "ENCODING 'UTF8'"
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" {encoding}')
        try:
            yield with_database(server, name)
        finally:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def with_database(server: str, name: str) -> str:
    """Return the URL of another database on the same server.

    Raises:
        BenchError: ``server`` is no URL, such as a list of key=value pairs.
    """
    parts = urlsplit(server)
    if parts.scheme not in ("postgres", "postgresql"):
        raise BenchError(f"{server!r} is no postgresql:// URL")
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/{name}{query}"


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    """Yield a temporary directory on a real disk: ``POS_BENCH_DIR``, the system's, or one below the home directory.

    Raises:
        BenchError: all of them are kept in memory.
    """
    named = os.environ.get("POS_BENCH_DIR")
    candidates = [named] if named else [tempfile.gettempdir(), str(Path.home()), os.getcwd()]
    for candidate in candidates:
        if file_system(Path(candidate)) not in RAM_FILE_SYSTEMS and os.access(candidate, os.W_OK):
            with tempfile.TemporaryDirectory(prefix="pos-bench-", dir=candidate) as path:
                yield Path(path)
            return
    raise BenchError(f"no directory on a disk among {', '.join(candidates)}: set POS_BENCH_DIR")


def file_system(path: Path) -> str:
    """Return the type of the file system that holds ``path``, "unknown" where the kernel does not say."""
    best, kind = "", "unknown"
    resolved = str(path.resolve())
    mounts = Path("/proc/mounts")
    for line in mounts.read_text().splitlines() if mounts.exists() else []:
        point, type_name = line.split()[1:3]
        if (resolved + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, kind = point, type_name
    return kind


def wal_mark(url: str) -> WalMark:
    """Return the log counters of the whole server: other work on it is counted too."""
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn, wal_bytes, wal_sync, wal_fpi FROM pg_stat_wal"
        )
        return WalMark(*(int(value) for value in cursor.fetchone()))


def checkpoint(url: str) -> None:
    """Write a checkpoint now, so that none falls into the measured interval."""
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def wal_without_page_images(url: str, start: WalMark, end: WalMark) -> float | None:
    """Return the bytes logged between two marks less their full-page images, exactly; None without pg_walinspect.

    A full-page image is written once per page and checkpoint: what a sale pays for it depends on when the last
    checkpoint was, not on the program.
    """
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        try:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
            cursor.execute(
                "SELECT coalesce(sum(fpi_size), 0) FROM pg_get_wal_stats('0/0'::pg_lsn + %s::numeric,"
                " '0/0'::pg_lsn + %s::numeric)",
                (start.lsn, end.lsn),
            )
        except psycopg2.Error:
            return None
        return end.lsn - start.lsn - float(cursor.fetchone()[0])


def wal_by_table(url: str, start: WalMark, end: WalMark) -> dict[str, float]:
    """Return the bytes logged between two marks by table or index, full-page images left out; {} without pg_walinspect.

    Records without a table (commits, running transactions) are named by their kind, other databases' by "elsewhere".
    """
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        try:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
            cursor.execute(_WAL_BY_TABLE, (start.lsn, end.lsn))
        except psycopg2.Error:
            return {}
        return {str(name): float(size) for name, size in cursor.fetchall()}


_WAL_BY_TABLE = """
WITH records AS (
    SELECT record_length - fpi_length AS size, resource_manager || ' ' || record_type AS kind,
           regexp_match(block_ref, 'rel [0-9]+/([0-9]+)/([0-9]+)') AS place
    FROM pg_get_wal_records_info('0/0'::pg_lsn + %s::numeric, '0/0'::pg_lsn + %s::numeric)
), mine AS (SELECT oid FROM pg_database WHERE datname = current_database())
SELECT CASE WHEN place IS NULL THEN kind
            WHEN place[1]::oid <> mine.oid THEN 'elsewhere'
            ELSE coalesce(c.relname::text, kind) END AS name, sum(size) AS size
FROM records CROSS JOIN mine
LEFT JOIN pg_class c ON c.relfilenode = place[2]::oid AND place[1]::oid = mine.oid
GROUP BY 1 ORDER BY 2 DESC
"""


def backend_pids(url: str) -> list[int]:
    """Return the ids of the server processes that work for the database's other connections."""
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return [int(row[0]) for row in cursor.fetchall()]


def wait_until_alone(url: str, seconds: float = 5.0) -> None:
    """Wait until the database's other connections are gone: a backend hands over its last counters at its end."""
    end = time.monotonic() + seconds
    while backend_pids(url) and time.monotonic() < end:
        time.sleep(0.02)
