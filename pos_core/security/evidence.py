"""Holding the security log against the audit chains: an event that was changed, taken away or put in is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pos_core import clock
from pos_core.audit.models import Chain
from pos_core.context import Context
from pos_core.security.models import SecurityEvent
from pos_core.security.recording import row_of


def disagreements(ctx: Context, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each event that is not as its audit entry says, for a batch of one chain's sound entries."""
    facts = {fact["seq"]: fact for fact in entries}
    if not facts:
        return
    chain_id, first, last = next(iter(facts.values()))["chain"], min(facts), max(facts)
    rows = SecurityEvent.select().where(
        SecurityEvent.chain_id == chain_id, SecurityEvent.seq >= first, SecurityEvent.seq <= last
    )
    stored = {row.id: row for row in rows}
    for seq, fact in facts.items():
        for made in fact.get("security", ()):
            yield from _compared(stored.pop(made["id"], None), seq, fact, made)
    for row in stored.values():
        if row.seq in facts:  # what is beside an entry that does not verify is the chain's own finding
            yield f"security event {row.id} ({row.kind}) was put in: entry {row.seq} does not know it"
    yield from _homeless(ctx, chain_id, last)


def _compared(
    row: SecurityEvent | None, seq: int, fact: Mapping[str, Any], made: Mapping[str, Any]
) -> Iterator[str]:
    if row is None:
        yield f"security event {made['id']} ({made['kind']}) is gone; entry {seq} says that it was there"
        return
    if row.seq != seq:
        yield f"security event {row.id}: seq is {row.seq}, it belongs to entry {seq}"
    for column, said in row_of(fact, made).items():
        value = clock.to_text(row.at) if column == "at" else getattr(row, column)
        if value != said:
            yield f"security event {row.id}: {column} is {value!r}, entry {seq} says {said!r}"


def _homeless(ctx: Context, chain_id: str, last: int) -> Iterator[str]:
    """Events beyond the end of their chain, told with its last entry; those of no chain with the server's."""
    head = Chain.select(Chain.seq).where(Chain.id == chain_id).scalar()
    if head is None or last < head:
        return
    beyond = (SecurityEvent.chain_id == chain_id) & (SecurityEvent.seq > head)
    if chain_id == ctx.kernel.instance_id:
        beyond = beyond | SecurityEvent.chain_id.not_in(Chain.select(Chain.id))
    for row in SecurityEvent.select().where(beyond):
        yield f"security event {row.id} ({row.kind}) was put in: its entry {row.seq} does not exist"
