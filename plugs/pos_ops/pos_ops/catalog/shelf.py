"""The products that were sold lately, kept by the business' revision: a sale of known products reads no table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from pos_core.context import Context
from pos_ops.catalog.lines import Found, SaleItem, find_lines

#: A process keeps so many of them (some 10 MB), then starts anew.
_MOST = 20_000


class _Shelf:
    """Products as they stand at one revision: by id, SKU, and the barcode that was asked for."""

    __slots__ = ("known", "revision")

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.known: Found = ({}, {}, {})


_shelves: WeakKeyDictionary[Any, _Shelf] = WeakKeyDictionary()


def take(ctx: Context, ids: Sequence[str] = (), skus: Sequence[str] = (), barcodes: Sequence[str] = ()) -> Found:
    """What `find_lines` finds, read only where this process has not sold it since the revision was raised last."""
    if ctx.uow is not None and ctx.uow.bumps:  # a transaction's own unsaved edits are nobody else's truth
        return find_lines(ids, skus, barcodes)
    known = _shelf(ctx).known
    asked = (ids, skus, barcodes)
    missing = [[name for name in names if name not in kept] for names, kept in zip(asked, known, strict=True)]
    if any(missing):
        for kept, found in zip(known, find_lines(*missing), strict=True):
            kept.update(found)
    by_id, by_sku, by_barcode = (_of(names, kept) for names, kept in zip(asked, known, strict=True))
    return by_id, by_sku, by_barcode


def _of(names: Sequence[str], kept: dict[str, SaleItem]) -> dict[str, SaleItem]:
    return {name: kept[name] for name in names if name in kept}


def _shelf(ctx: Context) -> _Shelf:
    shelf = _shelves.get(ctx.kernel)
    if shelf is None or shelf.revision != ctx.revision or sum(map(len, shelf.known)) > _MOST:
        shelf = _shelves[ctx.kernel] = _Shelf(ctx.revision)
    return shelf
