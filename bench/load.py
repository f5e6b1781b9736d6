"""A closed-loop HTTP/1.1 load generator that leaves the processor to the server.

One process, one thread, one epoll, one keep-alive connection per till: a till sends its next request as soon as the
answer to the last one is there. Requests are ready-made bytes in which only a fresh id is patched in, because a
client library would cost more than the server it measures.
"""

from __future__ import annotations

import multiprocessing
import re
import select
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import uuid_utils

from bench.scratch import BenchError

ID_MARK = b"00000000-0000-0000-0000-00000000beef"
"""Stands in a template wherever the request's fresh UUIDv7 goes; same length, so Content-Length stays right."""

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
WILL_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
END_OF_HEAD = b"\r\n\r\n"
KEPT_ANSWERS = 5
DRAIN_SECONDS = 10.0


@dataclass(frozen=True)
class Load:
    """What to send where.

    Attributes:
        host, port: the server.
        templates: one sequence of requests per till, sent in turn; each is made by :func:`request_bytes`.
        seconds: measured interval.
        warmup: seconds before it, not counted.
        per_till: stop each till after this many requests instead of by time; then everything is counted.
    """

    host: str
    port: int
    templates: tuple[tuple[bytes, ...], ...]
    seconds: float = 5.0
    warmup: float = 1.0
    per_till: int | None = None


@dataclass
class LoadResult:
    """What came back.

    Attributes:
        statuses: answers inside the interval by status code; 0 is a connection that broke.
        all_statuses: the same for the whole run, warm-up and last answers included.
        latencies_ns: of the interval's answers with a 2xx status.
        seconds: length of the interval.
        cpu_us: processor time of the generator per request.
        samples: the first answers that were not 2xx, cut.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    all_statuses: Counter[int] = field(default_factory=Counter)
    latencies_ns: list[int] = field(default_factory=list)
    seconds: float = 0.0
    cpu_us: float = 0.0
    samples: list[str] = field(default_factory=list)


def request_bytes(method: str, path: str, host: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return one HTTP/1.1 request; write :data:`ID_MARK` where a fresh id belongs."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + END_OF_HEAD + body


class Till:
    """One connection: what it sends next, what it has received so far."""

    def __init__(self, load: Load, templates: tuple[bytes, ...]) -> None:
        self.address = (load.host, load.port)
        self.parts = [template.split(ID_MARK) for template in templates]
        self.sent = 0
        self.begun = 0
        self.received = b""
        self.expected = 0
        self.closing = False
        self.socket = self.connect()

    def connect(self) -> socket.socket:
        """Open the connection anew."""
        self.socket = socket.create_connection(self.address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(None)  # a timeout would cost a poll() in each send and each recv
        return self.socket

    def send(self) -> None:
        """Send the next request with a fresh id."""
        parts = self.parts[self.sent % len(self.parts)]
        self.sent += 1
        self.received, self.expected, self.closing = b"", 0, False
        self.begun = time.perf_counter_ns()
        self.socket.sendall(str(uuid_utils.uuid7()).encode().join(parts))

    def receive(self) -> int | None:
        """Take what has arrived; return the status once the answer is complete, 0 when the connection broke."""
        try:
            data = self.socket.recv(65_536)
        except ConnectionError:
            return 0
        if not data:
            return 0
        self.received = self.received + data if self.received else data
        if not self.expected:
            self._read_head()
        if self.expected > 0 and len(self.received) >= self.expected:
            return int(self.received[9:12])
        if self.expected < 0 and self.received.endswith(b"0\r\n\r\n"):
            return int(self.received[9:12])
        return None

    def _read_head(self) -> None:
        """Set ``expected`` to the length of the whole answer, -1 for a chunked one; 0 while the head is incomplete."""
        end = self.received.find(END_OF_HEAD)
        if end < 0:
            return
        length = CONTENT_LENGTH.search(self.received, 0, end + 2)
        self.closing = WILL_CLOSE.search(self.received, 0, end + 2) is not None
        if length:
            self.expected = end + 4 + int(length[1])
        elif CHUNKED.search(self.received, 0, end + 2):
            self.expected = -1
        else:
            self.expected = end + 4


def run(load: Load) -> LoadResult:
    """Run the load in this process and return what came back."""
    tills = {till.socket.fileno(): till for till in (Till(load, templates) for templates in load.templates)}
    poll = select.epoll()
    for number in tills:
        poll.register(number, select.EPOLLIN)
    result = LoadResult()
    try:
        _drive(load, tills, poll, result)
    finally:
        poll.close()
        for till in tills.values():
            till.socket.close()
    return result


def _drive(load: Load, tills: dict[int, Till], poll: select.epoll, result: LoadResult) -> None:
    """Keep every till busy until the time, or its number of requests, is up; then take the last answers."""
    clock = time.perf_counter_ns
    start = clock()
    counted = load.per_till is not None
    opens = start if counted else start + int(load.warmup * 1e9)
    closes = None if counted else opens + int(load.seconds * 1e9)
    cpu = time.process_time()
    for till in tills.values():
        till.send()
    waiting, total, last = len(tills), 0, start
    while waiting:
        events = poll.poll(DRAIN_SECONDS)
        if not events:
            result.all_statuses[0] += waiting
            result.samples.append(f"{waiting} requests unanswered for {DRAIN_SECONDS:.0f} s")
            break
        for number, _ in events:
            till = tills[number]
            status = till.receive()
            if status is None:
                continue
            last, total = clock(), total + 1
            inside = last >= opens and (closes is None or last < closes)
            _record(result, till, status, last - till.begun, inside)
            if status == 0 or till.closing:
                till = _reopen(tills, poll, number)
            if (closes is None and till.sent >= (load.per_till or 0)) or (closes is not None and last >= closes):
                waiting -= 1
            else:
                till.send()
    result.cpu_us = (time.process_time() - cpu) / max(total, 1) * 1e6
    result.seconds = ((last if closes is None else closes) - opens) / 1e9


def _record(result: LoadResult, till: Till, status: int, latency_ns: int, inside: bool) -> None:
    result.all_statuses[status] += 1
    if inside:
        result.statuses[status] += 1
        if 200 <= status < 300:
            result.latencies_ns.append(latency_ns)
    if not 200 <= status < 300 and len(result.samples) < KEPT_ANSWERS:
        result.samples.append(till.received[:600].decode(errors="replace") or "connection closed by the server")


def _reopen(tills: dict[int, Till], poll: select.epoll, number: int) -> Till:
    till = tills.pop(number)
    poll.unregister(number)
    till.socket.close()
    till.connect()
    tills[till.socket.fileno()] = till
    poll.register(till.socket.fileno(), select.EPOLLIN)
    return till


def run_apart(load: Load) -> LoadResult:
    """Run the load in a process of its own and return what came back.

    Raises:
        BenchError: that process ended without a result.
    """
    running = start_apart(load)
    return running.result()


@dataclass
class RunningLoad:
    """A load under way in another process."""

    process: multiprocessing.process.BaseProcess
    receiver: Connection

    def result(self) -> LoadResult:
        """Wait for the end and return what came back."""
        try:
            outcome: LoadResult = self.receiver.recv()
        except EOFError as error:
            raise BenchError("the load generator died: see its traceback") from error
        finally:
            self.process.join()
        return outcome


def start_apart(load: Load) -> RunningLoad:
    """Start the load in a process of its own; collect it with :meth:`RunningLoad.result`."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_apart, args=(sender, load))
    process.start()
    sender.close()
    return RunningLoad(process, receiver)


def _apart(sender: Connection, load: Load) -> None:
    sender.send(run(load))
