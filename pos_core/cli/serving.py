"""`pos serve`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from pos_core.cli.main import load_config

if TYPE_CHECKING:
    from pos_core.config.loader import Config


@click.command(name="serve")
@click.option("--host", help="Address to listen on; 127.0.0.1 unless configured otherwise.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(0, 64), help="Processes; 0: one on SQLite, one per core on PostgreSQL.")
@click.option("--threads", type=click.IntRange(1, 64), help="Requests at a time in each process.")
@click.pass_context
def serve(context: click.Context, host: str | None, port: int | None, workers: int | None, threads: int | None) -> None:
    """Serve the API until stopped (SIGTERM or Ctrl-C: running requests are finished; SIGHUP: reconfigure).

    Refuses to start while the schema is behind, storage cannot be used or the database does not answer.
    """
    given = {"host": host, "port": port, "workers": workers, "threads": threads}
    overrides = {"http": {name: value for name, value in given.items() if value is not None}}
    sys.exit(run(context, load_config(context, overrides), overrides))


def run(
    context: click.Context, config: Config, overrides: Mapping[str, Any],
    announce: Callable[[str], None] = lambda url: None,
) -> int:
    """Serve a configuration; `announce` is given the URL when requests are answered. Returns the exit status."""
    from pos_core import logs
    from pos_core.http import server
    from pos_core.http.lock import ServerLock
    from pos_core.installer import checks

    os.umask(0o077)
    logs.configure_server(config.log)
    checks.require_shop(config)
    lock = ServerLock(config.data_dir)
    lock.acquire("serve")
    served = server.prepare(config)

    def again() -> server.Served:
        fresh = load_config(context, overrides)
        logs.configure_server(fresh.log)
        return server.prepare(fresh)

    listener = server.listen(config.http.host, config.http.port)
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
