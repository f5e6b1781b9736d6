"""`pos serve`: a small supervisor. It binds one socket, forks workers that serve on it, and replaces those that die.

    SIGTERM, SIGINT   stop: refuse new connections, finish running requests, close the database
    a second one      stop at once
    SIGHUP            read the configuration again and replace the workers one by one, without a gap
"""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from pos_core.http.shares import Share, Shares
from pos_core.http.worker import Worker
from pos_core.installer import checks, setup
from pos_core.plugins import StartError

if TYPE_CHECKING:
    from pos_core.config.loader import Config
    from pos_core.kernel import Kernel

log = logging.getLogger("pos.http.server")

#: A worker that lived shorter than this failed at once; so many in a row end the supervisor.
QUICK_SECONDS = 5.0
QUICK_DEATHS = 5
#: Quick deaths that lie further apart than this are not in a row.
FORGET_SECONDS = 60.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class Served:
    """What workers are forked with: everything is imported, read and checked, nothing is connected."""

    kernel: Kernel
    app: Any


@dataclass(eq=False, slots=True)
class _Child:
    pid: int
    ready_fd: int
    share: Share
    born: float = field(default_factory=time.monotonic)
    ready: bool = False
    asked: bool = False


def prepare(config: Config, make_kernel: Callable[[Config], Kernel] | None = None) -> Served:
    """Check everything that serving needs and build the application. StartError says what is wrong and what to do."""
    from pos_core.http.app import make_app
    from pos_core.kernel import Kernel
    from pos_core.registry import versions

    checks.require_shop(config)
    setup.prepare_directories(config)
    kernel = (make_kernel or Kernel)(config)
    try:
        checks.require_connections(config, kernel.db)
        found = checks.require_database(kernel.db)
        checks.require_schema(kernel.db, kernel)
        kernel.load_instance()
        assert kernel.tokens is not None  # read now: unusable secrets stop the start, not the first sign-in
        app = make_app(kernel)
        with kernel.db.in_use():
            versions.record(kernel, "pos serve")
    finally:
        checks.close(kernel.db)
    log.info("database ready", extra={k: v for k, v in found.items() if k != "path"})
    for module in kernel.modules:
        if module.error:
            log.error("a module was set aside", extra={"module_name": module.name, "reason": module.error})
    return Served(kernel, app)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; StartError when the address is taken or not this machine's."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        made = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise StartError(f"{host} port {port} cannot be listened on: {error.strerror or error}. Stop what uses it, or "
                         "choose another with --port or http.port") from error  # fmt: skip
    made.setblocking(False)
    return made


def address(listener: socket.socket) -> str:
    """The URL under which a socket of this machine is reached."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def worker_count(config: Config, dialect: str) -> int:
    """The configured number; 0 means one on SQLite (it has one writer anyway) and one per core on PostgreSQL."""
    return config.http.workers or (1 if dialect == "sqlite" else os.cpu_count() or 1)


class Supervisor:
    """Keeps `workers` processes serving on `listener` until it is told to stop.

    `again` builds what to serve anew from the configuration as it stands then; SIGHUP uses it.
    """

    def __init__(
        self, served: Served, listener: socket.socket, workers: int, again: Callable[[], Served] | None = None
    ) -> None:
        self._served, self._listener, self._count, self._again = served, listener, workers, again
        self._children: dict[int, _Child] = {}
        self._due: list[float] = []
        self._quick: list[float] = []
        self._old: list[_Child] = []
        self._new: _Child | None = None
        self._stop_by: float | None = None
        self._killed = False
        self._status = 0
        self._shares = Shares(workers)
        self._lifeline, self._life = os.pipe()
        self._wake_read, self._wake_write = os.pipe()
        # A terminal that closes ends what runs in it; without a terminal SIGHUP means: read the configuration again.
        self._hangup_ends = sys.stdin is not None and sys.stdin.isatty()

    def run(self, started: Callable[[], None] = lambda: None) -> int:
        """Serve until told to stop; returns the exit status: 0, or 1 when workers kept dying
        or requests had to be cut off. `started` is called when the first worker answers."""
        for fd in (self._wake_read, self._wake_write):
            os.set_blocking(fd, False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._freeze()
        self._due = [0.0] * self._count
        announced = False
        while self._children or self._stop_by is None:
            self._start_due()
            self._wait()
            self._reap()
            self._go_on_replacing()
            self._enforce_deadline()
            if not announced and any(child.ready for child in self._children.values()):
                announced = True
                started()
        signal.set_wakeup_fd(-1)
        log.info("server stopped", extra={"status": self._status})
        return self._status

    @staticmethod
    def _freeze() -> None:
        """What is there now is shared with all workers: a collector that touches it would copy its pages."""
        gc.collect()
        gc.freeze()
        # a request makes some thousand objects and few circles: look for those less often than every 700 objects
        gc.set_threshold(50_000, 20, 50)

    # -- waiting ---------------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        pending = {c.ready_fd: c for c in self._children.values() if not c.ready}
        readable, _, _ = select.select([self._wake_read, *pending], [], [], self._patience())
        for fd in readable:
            if fd != self._wake_read:
                child = pending[fd]
                child.ready = os.read(fd, 1) == b"1"
                if not child.ready:
                    time.sleep(0.01)  # it is dying: no spinning on its closed pipe until the system says so
                continue
            for number in os.read(self._wake_read, 4096):
                self._on_signal(number)

    def _patience(self) -> float:
        moments = [*self._due, *([self._stop_by] if self._stop_by is not None else [])]
        return max(0.0, min([moment - time.monotonic() for moment in moments] + [60.0])) + 0.005

    def _on_signal(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT) or (number == signal.SIGHUP and self._hangup_ends):
            if self._stop_by is not None:
                self._kill()
            else:
                log.info("stopping: finishing running requests", extra={"signal": signal.Signals(number).name})
                self._stop()
        elif number == signal.SIGHUP:
            self._replace_all()

    # -- children --------------------------------------------------------------------------------------------------

    def _start_due(self) -> None:
        now = time.monotonic()
        for moment in [m for m in self._due if m <= now]:
            self._due.remove(moment)
            if self._stop_by is None:
                self._fork()

    def _fork(self) -> _Child:
        sys.stdout.flush()
        sys.stderr.flush()
        ready_read, ready_write = os.pipe()
        share = self._shares.take()
        # Blocked until the child has its own handlers: an early signal would land in the parent's wake-up pipe.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            os.close(ready_read)
            self._be_worker(ready_write, share)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(ready_write)
        child = self._children[pid] = _Child(pid, ready_read, share)
        return child

    def _be_worker(self, ready: int, share: Share) -> NoReturn:
        """The child's whole life; never returns into the parent's code."""
        status = 70
        try:
            self._served.kernel.db.dispose()  # first of all: nothing of the parent's connections may be used
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # the supervisor decides what they mean
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            for fd in (self._life, self._wake_read, self._wake_write, *(c.ready_fd for c in self._children.values())):
                os.close(fd)
            worker = Worker(self._served.kernel, self._served.app, self._listener, self._lifeline, share)
            status = worker.run(lambda: _tell(ready))
        except BaseException:
            log.exception("the worker failed")
        finally:
            logging.shutdown()
            sys.stdout.flush()
            os._exit(status)

    def _reap(self) -> None:
        for child in list(self._children.values()):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid == 0:
                continue
            del self._children[pid]
            os.close(child.ready_fd)
            self._shares.give_back(child.share)
            if self._stop_by is None and not child.asked:
                self._on_death(child, status)

    def _on_death(self, child: _Child, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        how = f"exit status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        now = time.monotonic()
        if child is self._new:  # the old ones serve on
            log.error("a replacement failed, the old workers stay", extra={"worker": child.pid, "how": how})
            self._new, self._old = None, []
            return
        if child in self._old:
            self._old.remove(child)
        self._quick = [moment for moment in self._quick if now - moment < FORGET_SECONDS]
        if now - child.born < QUICK_SECONDS:
            self._quick.append(now)
        else:
            self._quick = []
        log.error("a worker died and is replaced", extra={"worker": child.pid, "how": how})
        if len(self._quick) >= QUICK_DEATHS:
            log.critical("workers die as soon as they start; giving up. The lines above say why",
                         extra={"deaths": len(self._quick)})  # fmt: skip
            self._status = 1
            self._stop()
            return
        self._due.append(now + (0.1 * 2 ** (len(self._quick) - 1) if self._quick else 0.0))

    # -- replacing and stopping ------------------------------------------------------------------------------------

    def _replace_all(self) -> None:
        if self._stop_by is not None or self._old:
            return
        try:
            if self._again is not None:
                self._served = self._again()
                self._freeze()
        except Exception:
            log.exception("the configuration was not taken over, the workers stay")
            return
        log.info("replacing the workers one by one")
        self._old = [child for child in self._children.values() if not child.asked]

    def _go_on_replacing(self) -> None:
        """One step: a new worker first; when it answers, the old one is asked to finish."""
        if self._stop_by is not None or not self._old:
            return
        if self._new is None:
            self._new = self._fork()
        elif self._new.ready:
            leaving = self._old.pop(0)
            leaving.asked = True
            os.kill(leaving.pid, signal.SIGTERM)
            self._new = self._fork() if self._old else None

    def _stop(self) -> None:
        self._listener.close()
        self._due, self._old, self._new = [], [], None
        self._stop_by = time.monotonic() + self._served.kernel.config.http.drain_seconds + 3
        for child in self._children.values():
            child.asked = True
            os.kill(child.pid, signal.SIGTERM)

    def _enforce_deadline(self) -> None:
        if self._stop_by is not None and not self._killed and time.monotonic() > self._stop_by:
            log.error("workers did not stop in time")
            self._kill()

    def _kill(self) -> None:
        self._killed, self._status = True, 1
        for child in self._children.values():
            os.kill(child.pid, signal.SIGKILL)


def _tell(fd: int) -> None:
    try:
        os.write(fd, b"1")
    except BrokenPipeError:
        log.warning("the supervisor ended before the worker was ready")  # its lifeline ends the worker in a moment
    finally:
        os.close(fd)
