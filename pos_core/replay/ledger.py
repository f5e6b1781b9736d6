"""What the server has acknowledged, as the client knows it: an append-only file that survives a kill.

The first line says in JSON which run this is; each further line is one answer, its fields separated by tabs:
sale id, receipt, total in minor units, the server's receipt number, status. A sale without a line, or with a refusal,
is sent (again) at the next start; its id and body are the same then, so the server tells a repeat from a new sale.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from pos_core.replay.errors import ReplayError

DONE = "done"
REFUSED = "refused"
_FORMAT = "pos-replay-ledger-1"


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer. `status`: done, or refused with the problem's code behind a colon."""

    sale_id: str
    receipt: str
    total_minor: int
    number: str
    status: str

    @property
    def done(self) -> bool:
        return self.status == DONE

    def line(self) -> bytes:
        receipt = self.receipt.replace("\t", " ")
        return f"{self.sale_id}\t{receipt}\t{self.total_minor}\t{self.number}\t{self.status}\n".encode()


def _parse(line: bytes, path: Path, number: int) -> Entry:
    parts = line.decode().rstrip("\n").split("\t")
    if len(parts) != 5 or not parts[2].lstrip("-").isdigit():
        raise ReplayError(f"{path} line {number} is no ledger entry: {line[:60]!r}")
    return Entry(parts[0], parts[1], int(parts[2]), parts[3], parts[4])


class Ledger:
    """An open ledger; one process at a time writes it."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self._file = path, file

    @classmethod
    def begin(cls, path: Path, header: Mapping[str, Any]) -> Ledger:
        """Open the ledger of a run, or begin it.

        ReplayError when the ledger there belongs to another run (file, profile, tills ...): an id or a till that
        changed in the middle would make second sales of old ones. A last line that a kill cut off is taken away.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
        try:
            cls._make_ready(path, file, header)
        except BaseException:
            file.close()
            raise
        return cls(path, file)

    @staticmethod
    def _make_ready(path: Path, file: BinaryIO, header: Mapping[str, Any]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ReplayError(f"{path} is in use: another replay writes it") from error
        if path.stat().st_size:
            require_same_run(path, header)
            _cut_torn_line(path)
        else:
            file.write(orjson.dumps({"format": _FORMAT, **header}) + b"\n")
            _to_disk(file)

    def append(self, entries: Iterable[Entry]) -> None:
        """Write entries and wait until they are on the disk: one flush for all of them."""
        self._file.write(b"".join(entry.line() for entry in entries))
        _to_disk(self._file)

    def close(self) -> None:
        self._file.close()


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _cut_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - 65_536)
        file.seek(start)
        tail = file.read()
        whole = tail.rfind(b"\n") + 1
        if start + whole < size:
            file.truncate(start + whole)
            _to_disk(file)


def read_header(path: Path) -> dict[str, Any]:
    """The first line of a ledger; ReplayError when the file is none."""
    try:
        with path.open("rb") as file:
            header = orjson.loads(file.readline())
    except OSError as error:
        raise ReplayError(f"{path}: {error.strerror or error}") from error
    except orjson.JSONDecodeError:
        header = None
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise ReplayError(f"{path} is no ledger of `pos replay`")
    return header


def require_same_run(path: Path, header: Mapping[str, Any]) -> None:
    """ReplayError when the ledger at this path belongs to a run with another header."""
    found = read_header(path)
    other = [name for name, value in header.items() if found.get(name) != value]
    if other:
        was = ", ".join(f"{name} {found.get(name)!r} (now {header[name]!r})" for name in other)
        raise ReplayError(f"{path} belongs to another run: {was}; give another --ledger")


def entries(path: Path) -> Iterator[Entry]:
    """The entries of a ledger in their order; a last line that was cut off is left out."""
    with path.open("rb") as file:
        file.readline()
        for number, line in enumerate(file, start=2):
            if line.endswith(b"\n"):
                yield _parse(line, path, number)


def acknowledged(path: Path) -> dict[str, Entry]:
    """The sales that were acknowledged, by sale id."""
    return {entry.sale_id: entry for entry in entries(path) if entry.done} if path.exists() else {}
