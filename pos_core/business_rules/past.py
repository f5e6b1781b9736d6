"""What a rule would have stopped: its condition held against the audited actions of a time gone by. Reads only.

Each chain's entries are numbered in the order of their time, so the two ends of a period are found by halving, and a
page walks on from where the one before stopped. Requests may overtake each other a little; hence the margin.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from pos_core import clock
from pos_core.audit.models import AuditEntry, Chain
from pos_core.business_rules import facts
from pos_core.business_rules.book import works_out
from pos_core.business_rules.evaluating import CannotTell, Scope, Unavailable
from pos_core.business_rules.sound import Fitted

if TYPE_CHECKING:
    from pos_core.context import Context

MARGIN = timedelta(hours=1)
#: A page ends after this long, too.
PATIENCE_S = 5.0
_WINDOW = 200


@dataclass(frozen=True, slots=True)
class Period:
    """Which part of the past, and how much of it at once."""

    since: datetime
    until: datetime
    store_id: str | None
    entries: int
    examples: int
    after: tuple[str, int] | None = None


@dataclass(slots=True)
class Run:
    """A test run's figures."""

    entries: int = 0
    actions: int = 0
    held: int = 0
    passed: int = 0
    unknown: int = 0
    failed: int = 0
    unavailable: set[str] = field(default_factory=set)
    by_day: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None


def run(ctx: Context, rules: dict[str, Fitted], period: Period) -> Run:
    """Hold a rule, compiled for each of its actions, against a page of the past."""
    made = Run()
    until = time.monotonic() + PATIENCE_S
    for chain, first, last in _stretches(period):
        for seq in range(first, last + 1, _WINDOW):
            left = period.entries - made.entries
            if left <= 0 or (made.entries and time.monotonic() > until):
                made.next = f"{chain}.{seq}"
                return made
            end = min(seq + min(_WINDOW, left) - 1, last)
            for row in _window(ctx, chain, seq, end, rules, period):
                _judge(ctx, rules[row.action], row, made, period.examples)
            made.entries += end - seq + 1
            if end < min(seq + _WINDOW - 1, last):  # the page ends inside a window
                made.next = f"{chain}.{end + 1}"
                return made
    return made


def _stretches(period: Period) -> Iterator[tuple[str, int, int]]:
    """(chain, first, last) of every chain's part of the period, from where the page before stopped."""
    chains = Chain.select(Chain.id, Chain.seq).order_by(Chain.id)
    if period.after is not None:
        chains = chains.where(Chain.id >= period.after[0])
    for chain_id, head in chains.tuples():
        first = _first_at(chain_id, head, period.since - MARGIN)
        last = _first_at(chain_id, head, period.until + MARGIN) - 1
        if period.after is not None and chain_id == period.after[0]:
            first = max(first, period.after[1])
        if first <= last:
            yield chain_id, first, last


def _first_at(chain_id: str, head: int, moment: datetime) -> int:
    """The number of a chain's first entry at or after a moment; one behind the last where there is none."""
    low, high = 1, head + 1
    while low < high:
        middle = (low + high) // 2
        at = AuditEntry.select(AuditEntry.at).where(AuditEntry.chain_id == chain_id, AuditEntry.seq == middle).scalar()
        if at is None or at < moment:
            low = middle + 1
        else:
            high = middle
    return low


def _window(
    ctx: Context, chain: str, first: int, last: int, actions: Iterable[str], period: Period
) -> Iterable[AuditEntry]:
    rows = AuditEntry.select().where(
        AuditEntry.chain_id == chain, AuditEntry.seq.between(first, last), AuditEntry.action.in_(list(actions)),
        AuditEntry.outcome == "done", AuditEntry.at >= period.since, AuditEntry.at < period.until,
    )  # fmt: skip
    store_id = period.store_id or ctx.store_id
    if store_id is not None:
        rows = rows.where(AuditEntry.store_id == store_id)
    return rows.order_by(AuditEntry.seq)  # type: ignore[no-any-return]


def _judge(ctx: Context, fitted: Fitted, row: AuditEntry, made: Run, examples: int) -> None:
    fact = orjson.loads(row.payload)
    book = ctx.kernel.business_rules
    roots = facts.rebuilt(fitted.action, book.facts.get(fitted.action.name), fact)
    there = replace(ctx, store_id=fact.get("store"), register_id=fact.get("register"))
    scope = book.scope(there, roots, facts.surroundings_then(ctx, fact))
    made.actions += 1
    try:
        held = works_out(fitted, scope)
    except Unavailable as missing:
        made.unknown += 1
        made.unavailable.add(str(missing))
        return
    except CannotTell:
        made.failed += 1
        return
    if not held:
        made.passed += 1
        return
    made.held += 1
    made.by_day[scope.surroundings.business_date.isoformat()] += 1
    if len(made.examples) < examples:
        made.examples.append(_example(ctx, fitted, row, scope))


def _example(ctx: Context, fitted: Fitted, row: AuditEntry, scope: Scope) -> dict[str, Any]:
    said = fitted.message.told(scope, ctx.kernel.currency)
    return {
        "at": clock.to_text(row.at), "action": row.action, "entity_type": row.entity_type, "entity_id": row.entity_id,
        "store_id": row.store_id, "actor_id": row.actor_id, "chain_id": row.chain_id, "seq": row.seq,
        "message_en": said.message("en"), "message_es": said.message("es"),
    }  # fmt: skip
