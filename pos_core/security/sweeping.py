"""The sweep: what happened since the last one is counted by the detectors, each entry once.

Reading is done before the transaction opens, so that a sale never waits for it; the transaction moves each chain's
cursor under a condition, and drops what another sweep has taken meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import orjson

from pos_core.audit.models import AuditEntry, Chain
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import NOT_FOUND, PosError
from pos_core.ids import uuid7
from pos_core.kernel import Kernel
from pos_core.security import detectors
from pos_core.security.detectors import Detector, Seen
from pos_core.security.models import SecurityEvent, SecurityFinding, Sighting, SweepCursor
from pos_core.security.recording import note

#: Entries of one chain that one sweep looks at; the next sweep takes what is left.
BATCH = 2000
#: How long a sighting that came to nothing is kept: a day longer than the longest window.
KEPT = timedelta(days=8)
ACTION = "security:detect"


@dataclass(slots=True)
class Stretch:
    """The entries of one chain after `since` up to `until`, and what of them some detector may count."""

    chain_id: str
    since: int
    until: int
    seen: list[Seen] = field(default_factory=list)


@dataclass(slots=True)
class Reading:
    """What a sweep found to do. `more`: there is more than one sweep takes."""

    stretches: list[Stretch] = field(default_factory=list)
    more: bool = False


def known_detectors(kernel: Kernel) -> Mapping[str, Detector]:
    """The detectors of the running modules, collected once per kernel."""
    found = _known.get(id(kernel))
    if found is None or found[0] is not kernel:
        found = _known[id(kernel)] = (kernel, detectors.collect(kernel))
        for other in [key for key in _known if key != id(kernel)]:
            del _known[other]
    return found[1]


_known: dict[int, tuple[Kernel, Mapping[str, Detector]]] = {}


def read(ctx: Context, _: Any = None) -> Reading:
    """What happened since the last sweep, chain by chain; a read."""
    found, reading = known_detectors(ctx.kernel), Reading()
    cursors = dict(SweepCursor.select(SweepCursor.chain_id, SweepCursor.seq).tuples())
    watched = _watched(ctx.kernel, found.values())
    for chain_id, head in Chain.select(Chain.id, Chain.seq).order_by(Chain.id).tuples():
        since = cursors.get(chain_id, 0)
        if since >= head:
            continue
        stretch = Stretch(chain_id, since, min(head, since + BATCH))
        stretch.seen = [*_entries(ctx, stretch, watched), *_events(ctx, stretch, found.values())]
        reading.stretches.append(stretch)
        reading.more = reading.more or stretch.until < head
    return reading


def is_due(ctx: Context) -> bool:
    """Whether anything happened since the last sweep but sweeps."""
    cursors = dict(SweepCursor.select(SweepCursor.chain_id, SweepCursor.seq).tuples())
    return any(
        AuditEntry.select().where(
            AuditEntry.chain_id == chain_id, AuditEntry.seq > cursors.get(chain_id, 0), AuditEntry.action != ACTION
        ).exists()
        for (chain_id,) in Chain.select(Chain.id).tuples()
    )  # fmt: skip


def _watched(kernel: Kernel, found: Iterable[Detector]) -> list[str]:
    """The names of actions that some detector counts: those it names, and those of modules that its patterns meet."""
    patterns = {pattern for one in found for pattern in one.actions}
    names = {action.name for action in kernel.actions()}
    return sorted({p for p in patterns if "*" not in p} | {
        name for name in names if any(fnmatchcase(name, p) for p in patterns)
    })  # fmt: skip


def _entries(ctx: Context, stretch: Stretch, watched: list[str]) -> Iterator[Seen]:
    rows = AuditEntry.select(AuditEntry.seq, AuditEntry.payload).where(
        AuditEntry.chain_id == stretch.chain_id, AuditEntry.seq > stretch.since, AuditEntry.seq <= stretch.until,
        AuditEntry.action.in_(watched),
    )
    for seq, payload in rows.tuples():
        fact = orjson.loads(payload)
        yield Seen(
            stretch.chain_id, seq, datetime.fromisoformat(fact["at"]), fact["action"], fact["outcome"],
            fact["actor"], fact["store"], fact["register"], fact["device"], fact["ip"] or None,
            *_place(ctx, fact["store"]), fact=fact,
        )  # fmt: skip


def _events(ctx: Context, stretch: Stretch, found: Iterable[Detector]) -> Iterator[Seen]:
    kinds = {kind for one in found for kind in one.kinds}
    rows = SecurityEvent.select().where(
        SecurityEvent.chain_id == stretch.chain_id, SecurityEvent.seq > stretch.since,
        SecurityEvent.seq <= stretch.until, SecurityEvent.kind.in_(sorted(kinds)),
    )
    for row in rows:
        yield Seen(
            stretch.chain_id, row.seq, row.at, row.action, row.result, row.actor_id, row.store_id, row.register_id,
            row.device_id, row.ip or None, *_place(ctx, row.store_id), kind=row.kind,
            user=row.user_id or row.name_digest, fact=row.details or {},
        )  # fmt: skip


def _place(ctx: Context, store_id: str | None) -> tuple[Mapping[str, Any], str]:
    """The settings and the time zone of a store."""
    settings = ctx.kernel.settings.for_store(store_id, ctx.revision)
    if store_id is None:
        return settings, "UTC"
    try:
        return settings, ctx.kernel.stores.get(store_id, ctx.revision).time_zone
    except PosError as error:
        if error.code is not NOT_FOUND:
            raise
        return settings, "UTC"


# -- inside the action -------------------------------------------------------------------------------------------------


def take(ctx: Context, reading: Reading) -> list[Stretch]:
    """Move the cursors; the stretches that are this sweep's own. One sweep at a time gets beyond the first line."""
    ids = sorted({ctx.kernel.instance_id, *(stretch.chain_id for stretch in reading.stretches)})
    for chain_id in ids:
        SweepCursor.insert(chain_id=chain_id, seq=0).on_conflict_ignore().execute()
    SweepCursor.update(seq=SweepCursor.seq).where(SweepCursor.chain_id == ctx.kernel.instance_id).execute()
    return [
        stretch for stretch in reading.stretches
        if SweepCursor.update(seq=stretch.until).where(
            SweepCursor.chain_id == stretch.chain_id, SweepCursor.seq == stretch.since
        ).execute() == 1
    ]  # fmt: skip


def count(ctx: Context, stretches: Iterable[Stretch]) -> list[SecurityFinding]:
    """Count what was seen, by detector and subject; the findings that came of it."""
    grouped: dict[tuple[str, str], list[tuple[Seen, int]]] = {}
    every = sorted((seen for stretch in stretches for seen in stretch.seen), key=lambda s: (s.at, s.chain_id, s.seq))
    for name, one in known_detectors(ctx.kernel).items():
        for seen in every:
            if not one.matches(seen) or not ctx.kernel.registry.enabled(one.module, seen.store, ctx.revision):
                continue
            weight = one.weigh(seen) if one.weigh is not None else 1
            if weight > 0 and seen.settings[one.threshold] > 0:
                grouped.setdefault((name, one.subject_of(seen)), []).append((seen, weight))
    made: list[SecurityFinding] = []
    for (name, subject), seen_here in grouped.items():
        made += _Tally(ctx, known_detectors(ctx.kernel)[name], subject, seen_here[0][0]).count(seen_here)
    Sighting.delete().where(Sighting.finding.is_null(), Sighting.at < ctx.at - KEPT).execute()
    return made


@dataclass(slots=True)
class _Mark:
    """A sighting, stored or to be stored."""

    at: datetime
    weight: int
    value: str | None
    chain_id: str
    seq: int
    finding: str | None = None
    stored: bool = False


class _Tally:
    """The count of one detector for one subject: windows that do not overlap, each of which is at most one finding."""

    def __init__(self, ctx: Context, one: Detector, subject: str, first: Seen) -> None:
        self._ctx, self._one, self._subject = ctx, one, subject
        self._window = timedelta(minutes=int(first.settings[one.window]))
        self._findings = list(SecurityFinding.select().where(
            SecurityFinding.detector == one.name, SecurityFinding.subject == subject,
            SecurityFinding.ends_at > first.at,
        ).order_by(SecurityFinding.started_at))  # fmt: skip
        self._marks = [
            _Mark(row.at, row.weight, row.value, row.chain_id, row.seq, row.finding_id, stored=True)
            for row in Sighting.select().where(
                Sighting.detector == one.name, Sighting.subject == subject,
                (Sighting.finding.in_([finding.id for finding in self._findings]))
                | (Sighting.finding.is_null() & (Sighting.at > first.at - self._window)),
            )
        ]  # fmt: skip
        self._made: list[SecurityFinding] = []
        self._grown: dict[str, SecurityFinding] = {}

    def count(self, seen_here: list[tuple[Seen, int]]) -> list[SecurityFinding]:
        """Count in order of time, and write; the new findings."""
        before = {mark.seq: mark.finding for mark in self._marks}
        for seen, weight in seen_here:
            value = self._one.distinct(seen) if self._one.distinct is not None else None
            if self._one.distinct is not None and value is None:
                continue
            mark = _Mark(seen.at, weight, value, seen.chain_id, seen.seq)
            self._marks.append(mark)
            self._place(mark, seen)
        self._write()
        assert all(mark.finding == before[mark.seq] for mark in self._marks if mark.stored and before[mark.seq])
        return self._made

    def _place(self, mark: _Mark, seen: Seen) -> None:
        for finding in self._findings:
            if finding.started_at <= mark.at < finding.ends_at:
                mark.finding = finding.id
                finding.count = self._figure([m for m in self._marks if m.finding == finding.id])
                self._grown[finding.id] = finding
                return
        loose = [m for m in self._marks if m.finding is None and mark.at - self._window < m.at <= mark.at]
        threshold = int(seen.settings[self._one.threshold])
        if (figure := self._figure(loose)) >= threshold:
            began = min(m.at for m in loose)
            finding = SecurityFinding(
                id=uuid7(), detector=self._one.name, subject=self._subject, severity=self._one.severity,
                started_at=began, ends_at=began + self._window, count=figure, threshold=threshold, state="open",
                **{f"{part}_id" if part != "ip" else "ip": getattr(seen, part) for part in self._one.by},
            )  # fmt: skip
            self._findings.append(finding)
            self._made.append(finding)
            for m in loose:
                m.finding = finding.id

    def _figure(self, marks: list[_Mark]) -> int:
        if self._one.distinct is not None:
            return len({mark.value for mark in marks})
        return sum(mark.weight for mark in marks)

    def _write(self) -> None:
        ctx, made = self._ctx, {finding.id for finding in self._made}
        for finding in self._made:
            records.add(ctx, finding)
            _tell(ctx, self._one, finding)
        ctx.writing.write_pending()
        for finding_id in self._grown.keys() - made:
            SecurityFinding.update(count=self._grown[finding_id].count, updated_at=ctx.at).where(
                SecurityFinding.id == finding_id
            ).execute()
        for mark in self._marks:
            if mark.stored and mark.finding in made:
                Sighting.update(finding=mark.finding).where(
                    Sighting.detector == self._one.name, Sighting.chain_id == mark.chain_id, Sighting.seq == mark.seq
                ).execute()
            elif not mark.stored:
                ctx.writing.insert(Sighting, {
                    "detector": self._one.name, "chain_id": mark.chain_id, "seq": mark.seq, "subject": self._subject,
                    "at": mark.at, "weight": mark.weight, "value": mark.value, "finding_id": mark.finding,
                })  # fmt: skip


def _tell(ctx: Context, one: Detector, finding: SecurityFinding) -> None:
    """A security event of a new finding, and an event for whoever wants to be told at once."""
    figures = {"detector": one.name, "count": finding.count, "threshold": finding.threshold}
    note(ctx, "suspicion", user_id=finding.actor_id, store_id=finding.store_id, severity=one.severity,
         details={"finding": finding.id, **figures})
    ctx.emit("security:suspected", "finding", finding.id, severity=one.severity, store_id=finding.store_id, **figures)
