"""Log lines: structure, masking, and what an access line costs."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core import logs
from pos_core.config.loader import LogConfig
from pos_core.logs import access
from pos_core.logs.access import Access
from pos_core.logs.masking import MASK, masked, masked_value


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where a server's lines go; logging is as before afterwards."""
    root, own = logging.getLogger(), logging.getLogger("pos.access")
    before = (list(root.handlers), root.level, list(own.handlers), own.propagate)
    yield io.StringIO()
    root.handlers, own.handlers, own.propagate = before[0], before[2], before[3]
    root.setLevel(before[1])


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.req("CFG-04")
def test_a_line_has_its_fields_and_no_secret(stream: io.StringIO) -> None:
    logs.configure_server(LogConfig(), stream)
    log = logging.getLogger("pos.anything")
    logs.request_id.set("r-1")
    log.warning("connected to %s", "postgresql://till:s3cret@db/shop", extra={
        "password": "s3cret", "device": {"id": "d1", "key": "s3cret"}, "items": ["Bearer s3cretabcdef"], "count": 3,
    })  # fmt: skip
    logs.request_id.set("")
    try:
        raise ValueError("login with password=s3cret failed")
    except ValueError:
        log.exception("it failed")
    first, second = lines(stream)
    assert first["event"] == f"connected to postgresql://till:{MASK}@db/shop"
    assert (first["level"], first["logger"]) == ("warning", "pos.anything")
    assert (first["request_id"], first["count"]) == ("r-1", 3)
    assert (first["password"], first["device"]) == (MASK, {"id": "d1", "key": MASK})
    assert first["at"].endswith("Z")
    assert "request_id" not in second
    assert "ValueError" in second["exception"]
    assert "s3cret" not in stream.getvalue()


def test_text_lines_are_for_people_and_masked_too(stream: io.StringIO) -> None:
    logs.configure_server(LogConfig(format="text"), stream)
    logging.getLogger("pos.anything").info("token=abcdef arrived", extra={"place": "the back\noffice"})
    assert f"info    pos.anything token={MASK} arrived place='the back\\noffice'" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_configuring_again_does_not_write_lines_twice(stream: io.StringIO) -> None:
    for _ in range(3):
        logs.configure_server(LogConfig(), stream)
    logging.getLogger("pos.anything").info("once")
    assert len(lines(stream)) == 1


def test_levels_hold_and_libraries_are_quiet(stream: io.StringIO) -> None:
    logs.configure_server(LogConfig(level="debug"), stream)
    logging.getLogger("peewee").debug("SELECT secret FROM everything")
    logging.getLogger("pos.anything").debug("shown")
    logs.configure_server(LogConfig(level="error"), stream)
    logging.getLogger("pos.anything").warning("not shown")
    assert [line["event"] for line in lines(stream)] == ["shown"]


@pytest.mark.req("CFG-04")
@given(st.text(st.characters(categories=("Lu", "Ll", "Nd")), min_size=8, max_size=40))
def test_whatever_the_secret_it_is_masked(secret: str) -> None:
    hidden = "Q" + secret + "Z"
    for text in (
        f"postgresql://user:{hidden}@host:5432/db", f"password={hidden}", f"'access_token': '{hidden}'",
        f'{{"password": "{hidden}"}}', f"api_key: {hidden}",
    ):  # fmt: skip
        assert hidden not in masked(text)
        assert hidden not in str(masked_value("event", {"deep": [text]}))
    for name in ("password", "new_password", "access_token", "Authorization", "device_key", "secret", "pin"):
        assert masked_value(name, hidden) == MASK


@pytest.mark.parametrize("text", ["3 keys found", "http://127.0.0.1:8080/docs", "a cashier's token sale", "pos:sell"])
def test_ordinary_texts_stay(text: str) -> None:
    assert masked(text) == text
    assert masked_value("event", text) == text


def ask(middleware: Access, **context: Any) -> None:
    """What the HTTP server does with the middleware, without the server."""
    req = SimpleNamespace(
        context=SimpleNamespace(request_id="till-1-000042", **context), method="GET", uri_template="/api/v1/sales/{id}",
        remote_addr="127.0.0.1",
    )  # fmt: skip
    resp = SimpleNamespace(status_code=200)
    middleware.process_request(req, resp)
    assert logs.request_id.get() == "till-1-000042"
    middleware.process_response(req, resp, None, True)
    assert logs.request_id.get() == ""


def test_an_access_line_names_the_actor_and_never_the_path_as_sent(stream: io.StringIO) -> None:
    logs.configure_server(LogConfig(), stream)
    ask(Access(), actor_id="01890000-0000-7000-8000-000000000001")
    access.flush()
    (line,) = lines(stream)
    assert (line["actor"], line["path"], line["status"]) == (
        "01890000-0000-7000-8000-000000000001", "/api/v1/sales/{id}", 200,
    )  # fmt: skip
    logs.configure_server(LogConfig(format="text"), stream)
    ask(Access())
    access.flush()
    assert "access  GET /api/v1/sales/{id} 200" in stream.getvalue().splitlines()[-1]


def test_there_is_a_line_per_request_and_none_when_off(stream: io.StringIO) -> None:
    for level, count in (("info", 500), ("warning", 500)):
        logs.configure_server(LogConfig(level=level), stream)
        for _ in range(500):
            ask(Access())
        access.flush()
        assert len(lines(stream)) == count

