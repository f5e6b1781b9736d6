"""The audit verifier: recompute every chain, name what is broken, and hold the tables against what the chains say.

Everything is read in one snapshot while the shop goes on selling: one read transaction on SQLite, one repeatable read
on PostgreSQL. Nothing is written.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pos_core.audit.chain import GENESIS
from pos_core.audit.walk import COLUMNS, KEPT, Finding, Head, Walk
from pos_core.db.database import Database, PostgresDatabase, wrap_exceptions
from pos_core.errors import NOT_FOUND
from pos_core.registry.purging import purges

if TYPE_CHECKING:
    from pos_core.context import Context
    from pos_core.rules import Rule

#: Entries per batch: what is fetched at once, and what a module's `verify_facts` gets at once.
BATCH = 500

_HEADS = "SELECT id, kind, store_id, seq, head FROM core_chain ORDER BY id"
_UTC_TEXT = """to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What one chain's walk gave. `first_seq`: where it began (1: the whole chain was checked)."""

    chain: str
    kind: str
    store_id: str | None
    entries: int
    first_seq: int
    head_seq: int
    head: str
    ok: bool


@dataclass(slots=True)
class Report:
    """What a verification found. `unlisted` counts findings beyond those that are kept."""

    chains: list[ChainReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unlisted: int = 0
    facts_checked: bool = False

    @property
    def entries(self) -> int:
        return sum(chain.entries for chain in self.chains)

    @property
    def ok(self) -> bool:
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "ok": self.ok, "entries": self.entries, "facts_checked": self.facts_checked, "unlisted": self.unlisted,
            "chains": [asdict(chain) for chain in self.chains],
            "findings": [asdict(finding) for finding in self.findings],
        }  # fmt: skip


def anchors_of(report: Mapping[str, Any]) -> dict[str, dict[int, bytes]]:
    """The heads of an earlier report (`as_json`), to hold a later state against: {chain: {seq: hash}}.

    Raises ValueError or KeyError where it is no report.
    """
    return {c["chain"]: {int(c["head_seq"]): bytes.fromhex(c["head"])} for c in report["chains"] if c["head_seq"]}


def total(db: Database, chain: str | None = None) -> int:
    """How many entries the heads count, for a progress bar."""
    return sum(head.seq for head in _heads(db).values() if chain in (None, head.id))


def verify(
    ctx: Context, *, chain: str | None = None, newest: int | None = None, facts: bool = True,
    anchors: Mapping[str, Mapping[int, bytes]] | None = None, progress: Progress | None = None,
) -> Report:
    """Walk every chain (or one) and report all that is broken.

    newest: check no more than that many of the last entries of each chain; None checks all. facts: let every module
    that is on compare its tables with the sound entries (`verify_facts`). anchors: known hashes, see `anchors_of`.
    progress is called with the number of entries done since the last call. Raises PosError `not_found` for a chain
    that does not exist.
    """
    db, report = ctx.kernel.db, Report(facts_checked=facts)
    handlers = ctx.kernel.handlers("verify_facts", None, ctx.revision) if facts else []
    purged = purges(ctx.kernel) if handlers else {}
    with _snapshot(db):
        heads = _heads(db)
        names = sorted({*heads, *_chains_of_entries(db), *(anchors or {})})
        if chain is not None and chain not in names:
            raise NOT_FOUND("chain", entity="chain", id=chain)
        for name in names if chain is None else [chain]:
            head = heads.get(name)
            since = max(0, head.seq - newest) if newest is not None and head is not None else 0
            walk = Walk(name, since, (anchors or {}).get(name, {}), keeps=bool(handlers))
            for sound in _walked(db, walk, progress):
                if kept := [fact for fact in sound if fact["at"] > purged.get(fact.get("module") or "", "")]:
                    _facts(ctx, handlers, kept, report)
            walk.finish(head)
            _add(report, walk, head)
    return report


def _walked(db: Database, walk: Walk, progress: Progress | None) -> Iterator[list[dict[str, Any]]]:
    """The sound facts of a chain, batch by batch."""
    for rows in _batches(db, walk.chain, walk.since):
        done = walk.entries
        yield walk.take(rows)
        if progress is not None:
            progress(walk.entries - done)


def _add(report: Report, walk: Walk, head: Head | None) -> None:
    known = head or Head(walk.chain, "", None, 0, GENESIS)
    report.findings += walk.findings
    report.unlisted += walk.unlisted
    report.chains.append(ChainReport(
        walk.chain, known.kind, known.store_id, walk.entries, walk.since + 1, known.seq, known.head.hex(), walk.ok
    ))  # fmt: skip


def _facts(ctx: Context, handlers: Iterable[Rule], sound: list[dict[str, Any]], report: Report) -> None:
    """Let the modules compare their tables with a batch of sound facts of one chain."""
    for handler in handlers:
        for sentence in handler.call({"ctx": ctx, "entries": sound}) or ():
            if sum(f.kind == "fact" for f in report.findings) >= KEPT:
                report.unlisted += 1
                continue
            first, last, text = sound[0], sound[-1], f"{handler.module}: {sentence}"
            place = (first["chain"], first["seq"], last["seq"], first["at"], last["at"])
            report.findings.append(Finding("fact", *place, text))


# -- reading -------------------------------------------------------------------------------------------------------


@contextmanager
def _snapshot(db: Database) -> Iterator[None]:
    """One state of the database for the whole walk, however long it takes."""
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if isinstance(db, PostgresDatabase) else "BEGIN"
    if db.transaction_depth():
        raise RuntimeError("the verifier needs a snapshot of its own: it does not run inside an action")
    _execute(db, begin)
    try:
        yield
    finally:
        if not db.is_closed():
            _execute(db, "ROLLBACK")


def _execute(db: Database, text: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(db, PostgresDatabase):
        return db.send(text, parameters, fetch=not text.startswith(("BEGIN", "ROLLBACK", "DECLARE", "CLOSE")))
    with wrap_exceptions:
        return list(db.connection().execute(text.replace("%s", "?"), parameters))


def _heads(db: Database) -> dict[str, Head]:
    return {row[0]: Head(row[0], row[1], row[2], row[3], bytes(row[4])) for row in _execute(db, _HEADS)}


def _chains_of_entries(db: Database) -> Iterator[str]:
    """Every chain that has entries, by skipping from one to the next in the primary key."""
    text = "SELECT chain_id FROM core_audit_entry {} ORDER BY chain_id LIMIT 1"
    found = _execute(db, text.format(""))
    while found:
        yield found[0][0]
        found = _execute(db, text.format("WHERE chain_id > %s"), (found[0][0],))


def _batches(db: Database, chain: str, since: int) -> Iterable[Iterable[tuple[Any, ...]]]:
    read = _postgres_batches if isinstance(db, PostgresDatabase) else _sqlite_batches
    return read(db, chain, since)  # type: ignore[operator]


def _columns(at: str) -> str:
    return ", ".join(at if name == "at" else name for name in COLUMNS)


def _sqlite_batches(db: Any, chain: str, since: int) -> Iterator[Iterable[tuple[Any, ...]]]:
    text = (
        f"SELECT {_columns('at')}, encoding, CAST(payload AS BLOB), previous, hash FROM core_audit_entry "
        "WHERE chain_id = ? AND seq > ? ORDER BY seq"
    )
    with wrap_exceptions:
        rows = db.connection().cursor().execute(text, (chain, since))
        for first in rows:  # streamed, not listed: objects that are kept cost the garbage collector more than the hash
            yield itertools.chain((first,), itertools.islice(rows, BATCH - 1))


def _postgres_batches(db: PostgresDatabase, chain: str, since: int) -> Iterator[list[tuple[Any, ...]]]:
    db.send(
        f"DECLARE pos_verify NO SCROLL CURSOR FOR SELECT {_columns(_UTC_TEXT)}, encoding, payload, previous, hash "
        "FROM core_audit_entry WHERE chain_id = %s AND seq > %s ORDER BY seq",
        (chain, since),
    )
    while rows := db.send(f"FETCH {4 * BATCH} FROM pos_verify", (), fetch=True):
        yield [(*row[:-3], row[-3].encode(), bytes(row[-2]), bytes(row[-1])) for row in rows]
    db.send("CLOSE pos_verify", ())
