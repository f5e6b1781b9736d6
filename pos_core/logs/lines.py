"""How a server's log line looks: structlog's processors over the standard library's records."""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from typing import Any, Literal

import orjson
import structlog

from pos_core import clock, logs
from pos_core.logs.masking import masked_value

EventDict = MutableMapping[str, Any]


def formatter(form: Literal["json", "text"]) -> logging.Formatter:
    """The formatter of every line but access lines."""
    processors: list[Callable[..., Any]] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.ExceptionRenderer() if form == "json" else structlog.processors.format_exc_info,
        _mask,
        structlog.processors.JSONRenderer(serializer=_dumps) if form == "json" else _as_text,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            _place,
        ],
        processors=processors,
    )


def _place(logger: Any, name: str, event: EventDict) -> EventDict:
    """When it was, and in which process and request."""
    record = event.get("_record")
    event["at"] = clock.to_text(clock.SystemClock().now())
    if isinstance(record, logging.LogRecord):
        event["pid"] = record.process
    current = logs.request_id.get()
    if current:
        event.setdefault("request_id", current)
    return event


def _mask(logger: Any, name: str, event: EventDict) -> EventDict:
    return {key: masked_value(key, value) for key, value in event.items()}


def _dumps(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


def _as_text(logger: Any, name: str, event: EventDict) -> str:
    exception = event.pop("exception", "")
    first = [str(event.pop(key, "")) for key in ("at", "level", "logger", "event")]
    rest = [f"{key}={_one_line(value)}" for key, value in event.items()]
    line = " ".join([first[0][11:23], f"{first[1]:<7}", first[2], first[3], *rest])
    return f"{line}\n{exception}" if exception else line


def _one_line(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)


class AccessFormatter(logging.Formatter):
    """Access lines, which carry their fields in `record.args`: no masking needed, nothing in them was sent as such."""

    def __init__(self, form: Literal["json", "text"]) -> None:
        super().__init__()
        self._text = form == "text"

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = record.args  # type: ignore[assignment]
        if self._text:
            who = fields["actor"] or "-"
            return (f"{fields['at'][11:23]} access  {fields['method']} {fields['path']} {fields['status']} "
                    f"{fields['ms']} ms request_id={fields['request_id']} actor={who}")  # fmt: skip
        return orjson.dumps({"event": "request", "level": "info", "logger": "pos.access", "pid": record.process,
                             **fields}).decode()  # fmt: skip
