"""Every sales representative, cached by the business' revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from pos_core.context import Context
from pos_core.db.statements import statement

_ALL = statement("SELECT id, code, name, is_active FROM ops_representative ORDER BY code")


@dataclass(frozen=True, slots=True)
class RepresentativeEntry:
    """A representative as a sale looks them up."""

    id: str
    code: str
    name: str
    is_active: bool


_known: WeakKeyDictionary[Any, tuple[int, Mapping[str, RepresentativeEntry]]] = WeakKeyDictionary()


def directory(ctx: Context) -> Mapping[str, RepresentativeEntry]:
    """The representatives by id as they stand at the request's revision; no SQL while the revision stays."""
    known = _known.get(ctx.kernel)
    if known is not None and known[0] == ctx.revision:
        return known[1]
    rows = ctx.kernel.db.fetch(_ALL)
    found = MappingProxyType({row[0]: RepresentativeEntry(row[0], row[1], row[2], bool(row[3])) for row in rows})
    if ctx.uow is None or not ctx.uow.bumps:  # a transaction's own unsaved edits are nobody else's truth
        _known[ctx.kernel] = (ctx.revision, found)
    return found
