"""Logs: one line per thing that happened, on standard output when serving and on standard error for commands."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, TextIO

from pos_core.logs.masking import MaskedFormatter

if TYPE_CHECKING:
    from pos_core.config.loader import LogConfig

#: The request that this thread is working on, empty between requests: every line written meanwhile names it.
request_id: ContextVar[str] = ContextVar("pos_request_id", default="")


def configure_command(config: LogConfig, *, debug: bool = False) -> None:
    """Logging of a command: warnings and worse, as text on standard error, so that output can be piped."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskedFormatter("pos: %(levelname)s: %(message)s"))
    _install(handler, logging.DEBUG if debug else max(logging.WARNING, _level(config)))


def configure_server(config: LogConfig, stream: TextIO | None = None) -> None:
    """Logging of a server: structured lines (JSON, or text for people) on standard output, access lines included."""
    from pos_core.logs import lines

    stream = stream or sys.stdout
    handler = logging.StreamHandler(stream)
    handler.setFormatter(lines.formatter(config.format))
    _install(handler, _level(config))
    access = logging.getLogger("pos.access")
    access.handlers = [logging.StreamHandler(stream)]
    access.handlers[0].setFormatter(lines.AccessFormatter(config.format))
    access.propagate = False


def _level(config: LogConfig) -> int:
    return logging.getLevelNamesMapping()[config.level.upper()]


def _install(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    for old in [h for h in root.handlers if getattr(h, "pos_handler", False)]:
        root.removeHandler(old)
    handler.pos_handler = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(level)
    # What the libraries tell below a warning is about themselves, and peewee's debug lines are every statement.
    for name in ("waitress", "waitress.queue", "peewee", "peewee_migrate", "asyncio"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # waitress warns whenever a request waits for a thread; under load that is one line per request
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
