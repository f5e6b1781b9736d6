"""Every tender, cached by the business' revision: a sale reads no tender table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from pos_core.context import Context
from pos_core.db.statements import statement

_ALL = statement(
    "SELECT id, code, name, kind, sort_order, opens_drawer, needs_reference, cash_rounding, is_active "
    "FROM ops_tender ORDER BY sort_order, code"
)


@dataclass(frozen=True, slots=True)
class TenderEntry:
    """A tender as sales and closes look it up."""

    id: str
    code: str
    name: str
    kind: str
    sort_order: int
    opens_drawer: bool
    needs_reference: bool
    cash_rounding: bool
    is_active: bool


class TenderDirectory(Mapping[str, TenderEntry]):
    """Tenders by code, in their order on the screen, with those out of use; `by_id` finds them by id."""

    __slots__ = ("_by_code", "by_id")

    def __init__(self, entries: Iterable[TenderEntry]) -> None:
        self._by_code = {entry.code: entry for entry in entries}
        self.by_id: Mapping[str, TenderEntry] = MappingProxyType({e.id: e for e in self._by_code.values()})

    def __getitem__(self, code: str) -> TenderEntry:
        return self._by_code[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_code)

    def __len__(self) -> int:
        return len(self._by_code)

    def drawer(self) -> TenderEntry | None:
        """The tender that a drawer's float is in: the first cash tender in use; None where no cash is taken."""
        return next((e for e in self._by_code.values() if e.kind == "cash" and e.is_active), None)


_known: WeakKeyDictionary[Any, tuple[int, TenderDirectory]] = WeakKeyDictionary()


def directory(ctx: Context) -> TenderDirectory:
    """The tenders as they stand at the request's revision; no SQL while the revision stays."""
    known = _known.get(ctx.kernel)
    if known is not None and known[0] == ctx.revision:
        return known[1]
    rows = ctx.kernel.db.fetch(_ALL)
    found = TenderDirectory(TenderEntry(*row[:5], *map(bool, row[5:])) for row in rows)
    if ctx.uow is None or not ctx.uow.bumps:  # a transaction's own unsaved edits are nobody else's truth
        _known[ctx.kernel] = (ctx.revision, found)
    return found
