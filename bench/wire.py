"""Counts round trips to PostgreSQL on the wire, whatever driver or process makes them.

A relay between the program and the server that reads the server's messages: each ReadyForQuery ends one round trip,
be it a statement, a BEGIN the driver sends by itself, or a message with ten statements. It is only used where trips
are counted, never where time is taken.
"""

from __future__ import annotations

import socket
import struct
import threading
from urllib.parse import parse_qsl, urlencode, urlsplit

READY_FOR_QUERY = ord("Z")
HEADER = 5
SOCKET_DIRECTORY = "/var/run/postgresql"


class MessageReader:
    """Splits the server's byte stream into messages and counts those that end a round trip."""

    def __init__(self) -> None:
        self.round_trips = 0
        self._buffer = bytearray()
        self._skip = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream, cut anywhere."""
        buffer = self._buffer
        buffer += data
        while True:
            drop = min(self._skip, len(buffer))
            del buffer[:drop]
            self._skip -= drop
            if self._skip or len(buffer) < HEADER:
                return
            kind, length = struct.unpack_from("!BI", buffer)
            self.round_trips += kind == READY_FOR_QUERY
            self._skip = length + 1


class CountingRelay:
    """Listens on a free port of 127.0.0.1 and relays every connection to a PostgreSQL server.

    Args:
        url: the server's database; :attr:`url` is the same database through the relay, without TLS (encrypted
            messages cannot be counted).
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        self._target = query.pop("host", parts.hostname or SOCKET_DIRECTORY), int(query.pop("port", parts.port or 5432))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._readers: list[MessageReader] = []
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        credentials = parts.netloc.rpartition("@")
        port = self._listener.getsockname()[1]
        query |= {"sslmode": "disable", "gssencmode": "disable"}
        netloc = f"{credentials[0]}{credentials[1]}127.0.0.1:{port}"
        self.url = f"{parts.scheme}://{netloc}{parts.path}?{urlencode(query)}"
        self._threads[0].start()

    def __enter__(self) -> CountingRelay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def round_trips(self) -> int:
        """Round trips of all connections so far, log-ins included."""
        return sum(reader.round_trips for reader in self._readers)

    def close(self) -> None:
        """Close the listener and all connections."""
        _shut(self._listener)
        for each in self._sockets:
            _shut(each)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = self._connect()
            reader = MessageReader()
            self._readers.append(reader)
            self._sockets += [client, server]
            for source, target, watch in ((client, server, None), (server, client, reader)):
                thread = threading.Thread(target=_relay, args=(source, target, watch), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _connect(self) -> socket.socket:
        host, port = self._target
        if not host.startswith("/"):
            server = socket.create_connection((host, port))
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return server
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server


def _relay(source: socket.socket, target: socket.socket, reader: MessageReader | None) -> None:
    """Pass bytes on until either side closes, then close both."""
    try:
        while data := source.recv(65_536):
            if reader is not None:
                reader.feed(data)
            target.sendall(data)
    except OSError:
        return
    finally:
        _shut(source)
        _shut(target)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        sock.close()
        return
    sock.close()
