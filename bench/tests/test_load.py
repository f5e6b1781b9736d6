"""The load generator against a real server on a socket, with the awkward answers a server may give."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from bench import load


class Recorder:
    """A little HTTP server: one thread per connection, answers from a list, keeps every request's body."""

    def __init__(self, answers: list[list[bytes]]) -> None:
        self.answers = answers
        self.bodies: list[bytes] = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            while line := stream.readline():
                length = 0
                while line not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                    line = stream.readline()
                body = stream.read(length)
                with self.lock:
                    pieces = self.answers[len(self.bodies) % len(self.answers)]
                    self.bodies.append(body)
                for piece in pieces:
                    client.sendall(piece)
                if b"connection: close" in pieces[0].lower():
                    return

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


@contextlib.contextmanager
def recorder(*answers: list[bytes]) -> Iterator[Recorder]:
    server = Recorder(list(answers))
    try:
        yield server
    finally:
        server.close()


CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\n"


def request() -> bytes:
    body = b'{"id":"' + load.ID_MARK + b'"}'
    return load.request_bytes("POST", "/sales", "x", {"Idempotency-Key": load.ID_MARK.decode()}, body)


@pytest.mark.req("TST-04")
def test_each_request_carries_a_fresh_id() -> None:
    with recorder([CREATED + b'{"data":{}}']) as server:
        result = load.run(load.Load("127.0.0.1", server.port, ((request(),), (request(),)), per_till=25))
    ids = {json.loads(body)["id"] for body in server.bodies}
    assert result.statuses == {201: 50}
    assert len(result.latencies_ns) == 50
    assert len(ids) == 50
    assert load.ID_MARK.decode() not in ids


@pytest.mark.parametrize(
    "pieces",
    [
        [CREATED[:9], CREATED[9:30], CREATED[30:] + b'{"data"', b":{}}"],
        [b"HTTP/1.1 201 Created\r\ncontent-length:11\r\nConnection: close\r\n\r\n" + b'{"data":{}}'],
        [b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n", b'{"data":{}}\r\n', b"0\r\n\r\n"],
    ],
    ids=["in pieces", "closing each time", "chunked"],
)
@pytest.mark.req("TST-04")
def test_answers_are_read_however_they_come(pieces: list[bytes]) -> None:
    with recorder(pieces) as server:
        result = load.run(load.Load("127.0.0.1", server.port, ((request(),),), per_till=10))
    assert result.statuses == {201: 10}
    assert result.samples == []


@pytest.mark.req("TST-04")
def test_refusals_are_counted_and_shown_but_give_no_latency() -> None:
    refused = b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 4\r\n\r\nnope"
    with recorder([CREATED + b'{"data":{}}'], [refused]) as server:
        result = load.run(load.Load("127.0.0.1", server.port, ((request(),),), per_till=10))
    assert result.statuses == {201: 5, 422: 5}
    assert len(result.latencies_ns) == 5
    assert "nope" in result.samples[0]


@pytest.mark.req("TST-04")
def test_only_the_interval_counts_when_time_decides() -> None:
    with recorder([CREATED + b'{"data":{}}']) as server:
        result = load.run(load.Load("127.0.0.1", server.port, ((request(),),), seconds=0.3, warmup=0.2))
    assert result.seconds == pytest.approx(0.3)
    assert 0 < result.statuses[201] < result.all_statuses[201] == len(server.bodies)
