"""The unit of work: one write transaction, which gathers rows and writes them late and together.

Services and after rules hand over rows (`insert`) and counters (`increment`); the flush writes them in lock order
just before commit: counters by key, then the chain's row (receipt numbers and chain head are one row), then rows,
audit entries, outbox and the stored answer. On PostgreSQL that is two messages whatever the number of rows: one up to
the lock of the chain's row, one with all that has its numbers in it. A till's own chain, which nobody else writes to
unless two requests of one till meet, takes a single message: it goes on from the row as it was read with the session,
and the key of the audit entries (chain, seq) refuses the one that comes too late, which then starts over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import peewee as pw

from pos_core.audit import chain as audit_chain
from pos_core.audit.chain import Deferred
from pos_core.audit.models import AuditEntry
from pos_core.db.database import Database, PostgresDatabase, SqliteDatabase, wrap_exceptions
from pos_core.db.errors import is_taken
from pos_core.db.statements import Statement, statement
from pos_core.db.tables import Increment, increment, rank, refers_to, writer
from pos_core.events import Event
from pos_core.ids import uuid7
from pos_core.outbox import Outbox

if TYPE_CHECKING:
    from pos_core.context import Context

#: From this many counters on one array statement is cheaper than a row EXECUTE each.
_ARRAY_FROM = 9

# A write path reads by key only. Plans are kept per connection, those of foreign-key checks too: one that was made
# while a table was nearly empty would scan it ever after (measured: ten times the cost after 1,500 sales).
_BEGIN_POSTGRES = "BEGIN READ WRITE;SET LOCAL enable_seqscan = off;"
_BEGIN_READ = statement(
    "SELECT c.seq, c.head, c.counters, c.fence, i.fingerprint, i.status, i.answer, i.chain_id, i.seq "
    "FROM core_chain c LEFT JOIN core_idempotency i ON i.key = ? AND i.scope = ? WHERE c.id = ?",
    "text text uuid",
)
_LOCK = statement(
    "SELECT seq, head, counters, fence FROM core_chain WHERE id = ? FOR NO KEY UPDATE",
    "uuid",
    sqlite="SELECT seq, head, counters, fence FROM core_chain WHERE id = ?",
)
_MOVE_HEAD = statement(
    "UPDATE core_chain SET seq = ?, head = ?, counters = ?, fence = ? WHERE id = ?", "bigint bytea text text uuid"
)
_ENTRY_KEY = "core_audit_entry_pkey"
_RAISE_REVISION = statement("UPDATE core_revision SET value = value + 1 WHERE id = 1")


class FenceMoved(Exception):
    """What the action was prepared against (an open session) changed before the chain's row was locked."""


@dataclass(slots=True)
class Stored:
    """What a key already stands for: the fingerprint of its request and the answer, here or in the audit entry."""

    fingerprint: bytes
    status: int
    answer: str | None
    chain_id: str | None
    seq: int | None


@dataclass(slots=True)
class ChainHead:
    """The chain's row: its last sequence number and hash (b"": not read), the counters of its series, and the fence."""

    id: str
    seq: int
    head: bytes
    counters: dict[str, int]
    fence: str | None


@dataclass(slots=True)
class Entry:
    """An audit entry to come: `fact` is completed with its place in the chain and then sealed."""

    fact: dict[str, Any]
    action: str
    outcome: str
    entity_type: str
    entity_id: str | None
    store_id: str | None
    actor_id: str | None
    parent: Entry | None = None
    seq: int = 0
    before: Any = None
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class UnitOfWork:
    """See the module. Made by `perform()`; handlers see it as `ctx.uow`."""

    db: Database
    chain_id: str
    rows: dict[Any, list[Mapping[str, Any]]] = field(default_factory=dict)
    counters: dict[tuple[Increment, tuple[Any, ...]], dict[str, Any]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    numbers: dict[str, Deferred] = field(default_factory=dict)
    head: ChainHead | None = None
    stored: Stored | None = None
    answers: list[Callable[[], tuple[Any, Mapping[str, Any]]]] = field(default_factory=list)
    new_fence: tuple[str | None] | None = None
    open: bool = False
    current: Entry | None = None
    bumps: bool = False
    still: bool = False
    locked: bool = False
    looked_up: bool = True
    broken: Exception | None = None
    verdict: Exception | None = None

    # -- what services and after rules use -------------------------------------------------------------------------

    def insert(self, model: Any, row: Mapping[str, Any]) -> None:
        """Hand over a new row as a mapping of column names; it is written with the rest, parents first."""
        self._must_be_writable()
        self.rows.setdefault(model, []).append(row)

    def increment(
        self, model: Any, row: dict[str, Any], *, key: tuple[str, ...], add: tuple[str, ...],
        replace: tuple[str, ...] = (),
    ) -> None:
        """Add `row[add]` to the counter row of `key`, making it when it is not there; equal keys are joined.

        `replace` names columns that take the new row's value; "floor=next_floor" takes that of another column.
        """
        self._must_be_writable()
        shape = increment(model, key, add, replace)
        place = (shape, tuple(row[name] for name in key))
        known = self.counters.get(place)
        if known is None:
            self.counters[place] = dict(row)
        else:
            sums = {name: known[name] + row[name] for name in add}
            known.update(row, **sums)

    def number(self, series: str) -> Deferred:
        """The next number of a series of this chain, gapless; its value is there once the row is locked."""
        if series not in self.numbers:
            self.numbers[series] = Deferred(lambda: self._count(series))
        return self.numbers[series]

    def later(self, make: Callable[[], Any]) -> Deferred:
        """A value made of numbers, worked out when they are known."""
        return Deferred(make)

    @property
    def fence(self) -> str | None:
        """What guards this chain (the open register session), as it was when the action began."""
        return self.head.fence if self.head is not None else None

    def set_fence(self, value: str | None) -> None:
        """Change the fence with this commit: whoever prepared against the old one starts over."""
        self._must_be_writable()
        self.new_fence = (value,)

    def require_still(self) -> None:
        """Start over when anything was committed on this chain since the action began: its totals must be exact."""
        self.still = True

    def raise_revision(self) -> None:
        """Tell every process that settings, roles, taxes or stores changed: their caches go by this number."""
        self.bumps = True

    def emit(self, ctx: Context, name: str, entity_type: str, entity_id: str, data: Mapping[str, Any]) -> None:
        """An event with its outbox row."""
        self._must_be_writable()
        event = Event(uuid7(), name, entity_type, entity_id, ctx.at, ctx.store_id, data)
        self.events.append(event)

    def was(self, before: Mapping[str, Any]) -> None:
        """What the entity looked like before: stands in the audit entry beside what it became."""
        assert self.current is not None
        self.current.before = dict(before)

    def note(self, **notes: Any) -> None:
        """Add to the running action's audit entry: a reason, an approval, a source."""
        assert self.current is not None
        self.current.notes.update(notes)

    def refuse_after_commit(self, error: Exception) -> None:
        """Commit what was done and then answer this refusal: where the refusal itself has consequences that stay."""
        self.verdict = error

    def on_commit(self, function: Callable[[], None]) -> None:
        """Run after the commit; a failure is logged, never raised."""
        self.after_commit.append(function)

    # -- what perform() uses ---------------------------------------------------------------------------------------

    def begin(self, key: str, scope: str, known: ChainHead | None = None) -> None:
        """Open the transaction, read the chain's row and what is stored under the key, in one round trip.

        `known`: the chain's row as it was read with the session a moment ago. Then nothing is read or sent yet: BEGIN
        goes along with the action's first statement, and whether the key is known is asked only if that matters,
        because the action was refused or its key was found taken at the end (`looked_up` stays false).
        """
        db, state = self.db, self.db.pos
        if known is not None and isinstance(db, PostgresDatabase) and not db.connection().closed:
            self.open, self.looked_up, self.head = True, False, known
            state.may_write, state.begin = True, _BEGIN_POSTGRES
            db.push_transaction(self)
            return
        if isinstance(db, PostgresDatabase):
            if db.connection().closed:
                db.manual_close()
                db.connect()
            text = db.compose([(_BEGIN_READ, (key, scope, self.chain_id))])
            self.open = True
            rows = db.send(_BEGIN_POSTGRES + text, fetch=True)
        else:
            db.take_writer()
            try:
                with wrap_exceptions:
                    db.connection().execute("BEGIN IMMEDIATE")
            except BaseException:
                db.return_writer()
                raise
            self.open = True
            rows = db.fetch(_BEGIN_READ, (key, scope, self.chain_id))
        state.may_write = True
        db.push_transaction(self)
        if not rows:
            raise LookupError(f"the chain {self.chain_id} does not exist")
        seq, head, counters, fence, fingerprint, status, answer, chain_id, answer_seq = rows[0]
        self.head = ChainHead(self.chain_id, seq, bytes(head), orjson.loads(counters), fence)
        if fingerprint is not None:
            self.stored = Stored(bytes(fingerprint), status, answer, chain_id, answer_seq)

    def commit(self) -> None:
        """Flush everything in lock order and commit; raises what a nested action raised, whoever caught it there."""
        if self.broken is not None:
            raise self.broken
        self.db.pos.sealed = False
        before = self.fence
        if isinstance(self.db, PostgresDatabase):
            self._flush_postgres(self.db, before)
        else:
            self._flush_sqlite(self.db, before)
        self._close()

    def rollback(self) -> None:
        """Undo everything; quiet when the connection is gone, because then it is undone already."""
        if not self.open:
            return
        try:
            if isinstance(self.db, PostgresDatabase):
                if not self.db.connection().closed and not self.db.pos.begin:
                    self.db.send("ROLLBACK")
            else:
                connection = self.db.connection()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except pw.DatabaseError:
            self.db.manual_close() if isinstance(self.db, PostgresDatabase) else self.db.close()
        finally:
            self._close()

    def _close(self) -> None:
        if not self.open:
            return
        self.open = False
        state = self.db.pos
        state.may_write = state.sealed = False
        state.begin = ""
        if self.db.transaction_depth():
            self.db.pop_transaction()
        if isinstance(self.db, SqliteDatabase):
            self.db.return_writer()

    def write_pending(self) -> None:
        """Write the rows handed over so far, for a read or a nested action that needs to see them.

        Rows that wait for a number stay, and so does every table that refers to theirs.
        """
        waiting = {m for m, rows in self.rows.items() if any(type(v) is Deferred for row in rows for v in row.values())}
        ready = [m for m in sorted(self.rows, key=rank) if m not in waiting and not refers_to(m, waiting)]
        sealed, self.db.pos.sealed = self.db.pos.sealed, False
        try:
            for model in ready:
                self._write(model, self.rows.pop(model))
        finally:
            self.db.pos.sealed = sealed

    def _write(self, model: Any, rows: list[Mapping[str, Any]]) -> None:
        table = writer(model)
        if isinstance(self.db, PostgresDatabase):
            self.db.send(self.db.compose([self._insert_of(model, rows)]))
        else:
            with wrap_exceptions:
                self.db.connection().cursor().executemany(table.insert.sqlite, [table.values(row) for row in rows])

    def _insert_of(self, model: Any, rows: list[Mapping[str, Any]]) -> tuple[Statement, Any]:
        table = writer(model)
        if len(rows) == 1:
            return table.insert, table.for_postgres(table.values(rows[0]))
        return table.insert_many, table.many(rows)

    # -- the flush -------------------------------------------------------------------------------------------------

    def _must_be_writable(self) -> None:
        if self.db.pos.sealed:
            raise RuntimeError("a before rule and prepare write nothing: hand rows over in a service or an after rule")

    def _count(self, series: str) -> int:
        if not self.locked:  # counting from an unlocked row would give two tills the same number
            raise RuntimeError(f"a number of {series!r} is known at the commit only: hand it over as it is")
        assert self.head is not None
        self.head.counters[series] = self.head.counters.get(series, 0) + 1
        return self.head.counters[series]

    def _ordered_counters(self) -> list[tuple[Increment, list[list[Any]]]]:
        """The counters by table and key: every transaction locks them in the same order."""
        places = sorted(self.counters, key=lambda place: (place[0].table.table, place[1]))
        grouped: dict[Increment, list[list[Any]]] = {}
        for place in places:
            grouped.setdefault(place[0], []).append(place[0].table.values(self.counters[place]))
        return list(grouped.items())

    @property
    def _assumes_head(self) -> bool:
        """Whether the chain's row is taken to be as it was read with the session."""
        return not self.looked_up and self.head is not None and self.head.head != b""

    def _take_head(self, rows: list[tuple[Any, ...]], before: str | None) -> None:
        seq, head, counters, fence = rows[0]
        assert self.head is not None
        if self.still and seq != self.head.seq:
            raise FenceMoved
        self.head = ChainHead(self.chain_id, seq, bytes(head), orjson.loads(counters), fence)
        if fence != before:
            raise FenceMoved
        self._give_numbers()

    def _give_numbers(self) -> None:
        self.locked = True
        for number in self.numbers.values():
            number.value  # noqa: B018 - counts, in the order the numbers were asked for

    def _seal(self) -> None:
        """Give the entries their places and hashes; add audit, outbox and answer rows."""
        head = self.head
        assert head is not None
        for entry in self.entries:
            head.seq += 1
            entry.seq = head.seq
        for entry in self.entries:
            entry.fact |= {"chain": head.id, "seq": entry.seq, "parent": entry.parent.seq if entry.parent else None}
            payload = audit_chain.canonical(entry.fact)
            previous, head.head = head.head, audit_chain.link(head.id, entry.seq, head.head, payload)
            self.rows.setdefault(AuditEntry, []).append({
                "chain_id": head.id, "seq": entry.seq, "at": entry.fact["at"], "action": entry.action,
                "outcome": entry.outcome, "entity_type": entry.entity_type, "entity_id": entry.entity_id,
                "store_id": entry.store_id, "actor_id": entry.actor_id, "encoding": audit_chain.ENCODING,
                "payload": payload.decode(), "previous": previous, "hash": head.head,
            })  # fmt: skip
        last = self.entries[-1].seq if self.entries else head.seq
        for event in self.events:
            self.rows.setdefault(Outbox, []).append({
                "id": event.id, "event": event.name, "entity_type": event.entity_type, "entity_id": event.entity_id,
                "store_id": event.store_id, "chain_id": head.id, "chain_seq": last, "created_at": event.at,
                "next_try_at": event.at, "data": dict(event.data) or None,
            })  # fmt: skip
        for answer in self.answers:
            model, row = answer()
            self.rows.setdefault(model, []).append(row)

    def _head_row(self) -> tuple[Any, ...]:
        head = self.head
        assert head is not None
        fence = self.new_fence[0] if self.new_fence is not None else head.fence
        return head.seq, head.head, orjson.dumps(head.counters).decode(), fence, head.id

    def _flush_postgres(self, db: PostgresDatabase, before: str | None) -> None:
        first: list[tuple[Statement, Any]] = []
        for shape, rows in self._ordered_counters():
            encoded = [shape.table.for_postgres(row) for row in rows]
            if len(encoded) < _ARRAY_FROM:
                first += [(shape.one, row) for row in encoded]
            else:
                first.append((shape.many, shape.table.arrays(encoded)))
        if self._assumes_head:
            self._give_numbers()
        else:
            first.append((_LOCK, (self.chain_id,)))
            self._take_head(db.send(db.compose(first), fetch=True), before)
            first = []
        self._seal()
        seq, head, counters, fence, chain_id = self._head_row()
        first.append((_MOVE_HEAD, (seq, "\\x" + head.hex(), counters, fence, chain_id)))
        first += [self._insert_of(model, self.rows[model]) for model in sorted(self.rows, key=rank)]
        if self.bumps:
            first.append((_RAISE_REVISION, ()))
        try:
            db.send(db.compose(first) + ";COMMIT")
        except pw.IntegrityError as error:
            if self._assumes_head and is_taken(error, _ENTRY_KEY):
                raise FenceMoved from error
            raise

    def _flush_sqlite(self, db: SqliteDatabase, before: str | None) -> None:
        with wrap_exceptions:
            cursor = db.connection().cursor()
            for shape, rows in self._ordered_counters():
                cursor.executemany(shape.one.sqlite, rows)
            self._take_head(list(cursor.execute(_LOCK.sqlite, (self.chain_id,))), before)
            self._seal()
            for model in sorted(self.rows, key=rank):
                table = writer(model)
                cursor.executemany(table.insert.sqlite, [table.values(row) for row in self.rows[model]])
            cursor.execute(_MOVE_HEAD.sqlite, self._head_row())
            if self.bumps:
                cursor.execute(_RAISE_REVISION.sqlite)
            cursor.execute("COMMIT")
