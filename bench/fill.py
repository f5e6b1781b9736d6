"""Fills a database with a business' history by copying real sales into the past.

Some hundred sales are posted the ordinary way. Every row they left, whatever table it stands in, is then copied as
often as needed, each copy moved further back in time, so that the rows look exactly as the program writes them and
this file has to know no table. What is changed in a copy:

* a UUIDv7 made since the sample began (the sale, its lines, ...): its time; older ids (products, tills) stay;
* an integer in a unique index that no changed id makes unique (receipt numbers, audit numbers): moved below the
  sample's, if need be below zero;
* a time or a day: moved along.

The copies' hashes are not recomputed: nothing that is measured here reads them.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bench.scratch import BenchError

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.*")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
COPIES_PER_COMMIT = 10


@dataclass
class Table:
    """A table that sales write to: its columns, and what happens to each in a copy (none of them: nothing)."""

    name: str
    columns: list[str]
    unique: list[list[str]]
    kinds: dict[str, str] = field(default_factory=dict)
    offset: int = 0
    stride: int = 1

    def back(self, copy: int) -> int:
        """Return how far copy number ``copy`` (from 1) moves a number: below the sample's and all older ones."""
        return self.offset + copy * self.stride


class Filler(ABC):
    """Copies a sample into the past; made for one database, used by :func:`take_sample` and :meth:`grow`."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.sales = 0
        self.copies = 0
        self.step_s = 1

    def take_sample(self, post: Callable[[], int]) -> None:
        """Note what is there, let ``post`` sell (it returns the number of sales), and keep the rows it left.

        Raises:
            BenchError: it left none.
        """
        every = self.table_names()
        self.remember(every)
        began_ms = now_ms()
        self.sales = post()
        self.step_s = (now_ms() - began_ms) // 1000 + 2
        for name in every:
            if self.keep_new_rows(name):
                table = Table(name, self.column_names(name), self.unique_columns(name))
                if self._is_counter(table, began_ms):
                    continue
                self._classify(table, began_ms)
                self.tables.append(table)
        if not self.tables or not self.sales:
            raise BenchError("the sample of sales left no rows: nothing to copy")
        self.prepare(began_ms)

    def grow(self, stored: int, progress: Callable[[int], object]) -> int:
        """Copy until the database holds about ``stored`` sales and return how many it holds."""
        wanted = max(0, round(stored / self.sales) - 1)
        numbers = list(range(wanted, self.copies, -1))
        for start in range(0, len(numbers), COPIES_PER_COMMIT):
            self.copy(numbers[start : start + COPIES_PER_COMMIT])
            progress(min(start + COPIES_PER_COMMIT, len(numbers)) * self.sales)
        self.copies = max(self.copies, wanted)
        self.settle()
        return (self.copies + 1) * self.sales

    def _is_counter(self, table: Table, began_ms: int) -> bool:
        """Return whether rows are keyed by masters alone (a stock level): a first sale makes them, not every one."""

        def old(column: str) -> bool:
            values = [str(value) for value in self.sample_values(table.name, column)]
            return all(UUID.fullmatch(value) and uuid_ms(value) < began_ms for value in values)

        return any(all(old(column) for column in columns) for columns in table.unique)

    def _classify(self, table: Table, began_ms: int) -> None:
        for column in table.columns:
            kind = kind_of(self.sample_values(table.name, column), began_ms)
            if kind:
                table.kinds[column] = kind
        for columns in table.unique:
            if any(table.kinds.get(column) == "id" for column in columns):
                continue
            numbers = [column for column in columns if self.is_number(table.name, column)]
            if not numbers:
                raise BenchError(f"{table.name}: a copy would repeat the unique ({', '.join(columns)})")
            column = numbers[-1]
            table.kinds[column] = "number"
            values = [int(str(value)) for value in self.sample_values(table.name, column)]
            table.offset = max(table.offset, min(values) - self.smallest(table.name, column))
            table.stride = max(table.stride, max(values) - min(values) + 1)

    def is_number(self, table: str, column: str) -> bool:
        """Return whether a column holds plain integers."""
        return all(type(value) is int for value in self.sample_values(table, column))

    @abstractmethod
    def table_names(self) -> list[str]:
        """Return all ordinary tables."""

    @abstractmethod
    def column_names(self, table: str) -> list[str]:
        """Return a table's columns in order."""

    @abstractmethod
    def unique_columns(self, table: str) -> list[list[str]]:
        """Return the columns of each unique index, the primary key's included."""

    @abstractmethod
    def remember(self, tables: Sequence[str]) -> None:
        """Note the rows that are there before the sample."""

    @abstractmethod
    def keep_new_rows(self, table: str) -> bool:
        """Keep the rows that came since :meth:`remember` as the sample; return whether there are any."""

    @abstractmethod
    def sample_values(self, table: str, column: str) -> list[object]:
        """Return the column's values in the sample, without nulls."""

    @abstractmethod
    def smallest(self, table: str, column: str) -> int:
        """Return the smallest number in the whole column, older rows included."""

    @abstractmethod
    def prepare(self, began_ms: int) -> None:
        """Make the sample ready to be copied."""

    @abstractmethod
    def copy(self, numbers: Sequence[int]) -> None:
        """Write the copies with these numbers, the oldest first, in one transaction."""

    @abstractmethod
    def settle(self) -> None:
        """Leave the database as one that is in use: checks on, statistics up to date, the log written back."""


def kind_of(values: Iterable[object], began_ms: int) -> str:
    """Return what to change in a column with these values: ``id``, ``time``, ``day`` or nothing."""
    kinds = {_kind(value, began_ms) for value in values}
    for kind in ("id", "time", "day"):
        if kind in kinds:
            return kind
    return ""


def _kind(value: object, began_ms: int) -> str:
    if not isinstance(value, str):
        return ""
    if UUID.fullmatch(value):
        return "id" if uuid_ms(value) >= began_ms else ""
    if DAY.fullmatch(value):
        return "day"
    return "time" if TIME.fullmatch(value) else ""


def now_ms() -> int:
    """Return this machine's time in milliseconds since the epoch, as a UUIDv7 made now would carry it."""
    return time.time_ns() // 1_000_000


def uuid_ms(text: str) -> int:
    """Return a UUIDv7's time in milliseconds."""
    return int(text[:8] + text[9:13], 16)
