"""`pos serve`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from pos_core.cli.main import load_config

if TYPE_CHECKING:
    import socket

    from pos_core.config.loader import Config
    from pos_core.http.lock import ServerLock


@click.command(name="serve")
@click.option("--host", help="Address to listen on; 127.0.0.1 unless configured otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(0, 64), help="Processes; 0: one on SQLite, one per core on PostgreSQL.")
@click.option("--threads", type=click.IntRange(1, 64), help="Requests at a time in each process.")
@click.option("--setup", "with_setup", is_flag=True,
              help="On a new machine: wait for the first run at /api/v1/setup, then serve the business.")
@click.pass_context
def serve(
    context: click.Context, host: str | None, port: int | None, workers: int | None, threads: int | None,
    with_setup: bool,
) -> None:
    """Serve the API until stopped (SIGTERM or Ctrl-C: running requests are finished; SIGHUP: reconfigure).

    Refuses to start while the schema is behind, storage cannot be used or the database does not answer.
    """
    given = {"host": host, "port": port, "workers": workers, "threads": threads}
    overrides = {"http": {name: value for name, value in given.items() if value is not None}}
    sys.exit(run(context, load_config(context, overrides), overrides, with_setup=with_setup))


def run(
    context: click.Context, config: Config, overrides: Mapping[str, Any],
    announce: Callable[[str], None] = lambda url: None, *, with_setup: bool = False,
) -> int:
    """Serve a configuration; `announce` is given the URL when requests are answered. Returns the exit status.

    `with_setup`: where there is no business yet, wait for its first run before.
    """
    from pos_core import logs
    from pos_core.http import server
    from pos_core.http.lock import ServerLock
    from pos_core.installer import checks, setup

    os.umask(0o077)
    logs.configure_server(config.log)
    if with_setup:
        setup.prepare_directories(config)
    else:
        checks.require_shop(config)
    lock = ServerLock(config.data_dir)
    lock.acquire("serve")
    listener = server.listen(config.http.host, config.http.port) if with_setup else None
    if listener is not None and not _set_up(config, lock, listener):
        lock.release()
        return 0
    served = server.prepare(config)

    def again() -> server.Served:
        fresh = load_config(context, overrides)
        logs.configure_server(fresh.log)
        return server.prepare(fresh)

    listener = listener or server.listen(config.http.host, config.http.port)
    url, count = server.address(listener), server.worker_count(config, served.kernel.db.dialect)
    lock.describe(purpose="serve", url=url)
    supervisor = server.Supervisor(served, listener, count, again)

    def started() -> None:
        server.log.info("serving", extra={"url": url, "workers": count, "threads": config.http.threads})
        announce(url)

    try:
        return supervisor.run(started)
    finally:
        lock.release()


def _set_up(config: Config, lock: ServerLock, listener: socket.socket) -> bool:
    """Wait for the first run where there is no business; False when the server is to stop instead."""
    from pos_core.http import first_run as doors
    from pos_core.http import server
    from pos_core.installer import first_run

    if not first_run.is_needed(config):
        return True
    doors.require_loopback(listener)
    first, url = first_run.FirstRun(config), server.address(listener)
    lock.describe(purpose="setup", url=url)
    path = first.publish()
    if sys.stdout.isatty():
        click.echo(f"Setup code: {first.code}")

    def started() -> None:
        server.log.info("waiting for the first run", extra={"url": url, "code_file": str(path)})

    try:
        return doors.serve(first, listener, started)
    finally:
        first.withdraw()
