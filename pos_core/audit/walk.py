"""Walking one chain entry by entry, and naming what is broken in it.

The way through an unbroken chain is short, because a shop of some years has millions of entries; only an entry that
does not fit takes the long way, which works out what was done to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import orjson

from pos_core.audit.chain import DOMAIN, ENCODING, GENESIS, link

#: The columns of an entry in the order in which `Walk.take` gets them, with the fact's name for each.
COLUMNS = {
    "seq": "seq", "chain_id": "chain", "at": "at", "action": "action", "outcome": "outcome", "entity_type": "entity",
    "entity_id": "id", "store_id": "store", "actor_id": "actor",
}  # fmt: skip
_WIDTH = len(COLUMNS)
_facts_columns = itemgetter(*COLUMNS.values())
_LENGTHS = tuple(n.to_bytes(4, "big") for n in range(33))
_32 = _LENGTHS[32]
#: Findings that a chain keeps; a chain that was destroyed wholly need not fill the memory.
KEPT = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One break: its kind, the entries first_seq..last_seq it is about, and the time window it lies in.

    kind: edit, deletion, insertion, truncation, rewrite, fork, head_missing, column, encoding, anchor or fact.
    after, before: the times (ISO text) of the last entry that is sound before the break and of the first one behind
    it; None where there is none.
    """

    kind: str
    chain: str
    first_seq: int | None
    last_seq: int | None
    after: str | None
    before: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Head:
    """A chain's row: where the chain says that it ends."""

    id: str
    kind: str
    store_id: str | None
    seq: int
    head: bytes


@dataclass(slots=True)
class _Row:
    """An entry that takes the long way."""

    seq: int
    at: str
    payload: bytes
    previous: bytes
    hash: bytes
    columns: tuple[Any, ...]
    encoding: int
    fact: Any


@dataclass(slots=True)
class _Suspect:
    """An entry whose hash does not fit: whether payload or hash was changed shows in what follows it."""

    row: _Row
    expected: bytes
    after: str | None


@dataclass(slots=True)
class Walk:
    """The walk through one chain: `take` the entries in order, then `finish`.

    since: entries up to this number are not looked at, and the first one behind it is trusted (0: the whole chain).
    anchors: hashes by number that are known from elsewhere, such as an earlier report. keeps: `take` gives sound facts.
    """

    chain: str
    since: int = 0
    anchors: Mapping[int, bytes] = field(default_factory=dict)
    keeps: bool = True
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)
    unlisted: int = 0
    last: int = 0
    _before: bytes | None = GENESIS
    _at: str | None = None
    _suspect: _Suspect | None = None
    _shift: int = 0
    _forks: set[bytes] = field(default_factory=set)
    _prefix: bytes = b""

    def __post_init__(self) -> None:
        self.last = self.since
        self._before = GENESIS if self.since == 0 else None
        name = self.chain.encode()
        self._prefix = _LENGTHS[len(DOMAIN)] + DOMAIN + len(name).to_bytes(4, "big") + name

    @property
    def ok(self) -> bool:
        return not self.findings

    # -- the short way ---------------------------------------------------------------------------------------------

    def take(self, rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Check entries: rows of COLUMNS, then encoding, payload, previous and hash. Returns the sound facts."""
        sha256, loads, prefix, keeps = hashlib.sha256, orjson.loads, self._prefix, self.keeps
        wanted, before, at = self.last + 1, self._before, self._at
        sound: list[dict[str, Any]] = []
        plain = not self.anchors
        for row in rows:
            _, _, _, _, _, _, _, _, _, encoding, payload, previous, stored = row
            number = b"%d" % row[0]
            text = prefix + _LENGTHS[len(number)] + number + _32 + previous + _32 + sha256(payload).digest()
            expected = sha256(text).digest()
            try:
                fact = loads(payload)
                fits = _facts_columns(fact) == row[:_WIDTH]
            except (ValueError, KeyError, TypeError):
                fact, fits = None, False
            if (
                plain and fits and expected == stored and previous == before and row[0] == wanted
                and encoding == ENCODING and self._suspect is None
            ):  # fmt: skip
                before, at = stored, row[2]
                wanted += 1
                if keeps:
                    sound.append(fact)
                continue
            self._catch_up(before, wanted - 1, at)
            odd = _Row(row[0], row[2], payload, previous, stored, row[:_WIDTH], encoding, fact)
            if self._take_odd(odd, expected) and keeps:
                sound.append(fact)
            before, wanted, at = self._before, self.last + 1, self._at
        self._catch_up(before, wanted - 1, at)
        return sound

    def _catch_up(self, before: bytes | None, last: int, at: str | None) -> None:
        """Note where the short way has come to; every number on it was counted by the number itself."""
        self.entries += last - self.last
        self._before, self.last, self._at = before, last, at

    # -- the long way ----------------------------------------------------------------------------------------------

    def _take_odd(self, row: _Row, expected: bytes) -> bool:
        """Name what is wrong with an entry; True when its hash and its place are right after all."""
        self.entries += 1
        follows = self._before is None or row.previous == self._before or row.previous in self._forks
        follows = self._settle(row.previous, row.at) or follows
        if row.seq == self.last and self.entries > 1:
            return self._fork(row, expected)
        self._forks = set()
        own = expected == row.hash
        shift = 0 if own else self._shift_of(row)
        if row.seq > self.last + 1:
            self._gap(row, relinked=own and follows and self._before is not None)
            follows = True
        if own and not follows:
            self._rewritten(row)
        elif shift:
            self._moved(row, shift)
        elif not own:
            self._edited(row, expected, follows)
        sound = own and row.fact is not None
        if own:
            sound = self._columns(row) and sound
            self._anchor(row)
        self._shift, self._before, self._at, self.last = shift, row.hash, row.at, row.seq
        return sound

    def _settle(self, following: bytes, at: str | None) -> bool:
        """What was done to the entry before, now that what follows it is known; True where that explains the link."""
        suspect, self._suspect = self._suspect, None
        if suspect is None:
            return False
        row = suspect.row
        if following == row.hash:
            what = "its payload is not what was sealed"
        elif following == suspect.expected:
            what = "its hash was changed; its payload is what was sealed"
        else:
            what = "payload and hash were changed"
        self._add("edit", row.seq, row.seq, suspect.after, at, f"entry {row.seq} was edited: {what}")
        return True

    def _fork(self, row: _Row, expected: bytes) -> bool:
        """A second entry under a number that is taken: either may be what the next one follows."""
        sealed = "sealed like the first" if expected == row.hash else "with a hash that does not fit"
        self._add("fork", row.seq, row.seq, self._at, row.at, f"entry {row.seq} is there twice, the other one {sealed}")
        self._forks |= {row.hash}
        return False

    def _shift_of(self, row: _Row) -> int:
        """By how much an entry was renumbered (or 1 where it is from another chain); 0 when its place is its own."""
        if not isinstance(row.fact, dict):
            return 0
        chain, seq = row.fact.get("chain"), row.fact.get("seq")
        if not isinstance(chain, str) or not isinstance(seq, int) or (chain, seq) == (self.chain, row.seq):
            return 0
        if link(chain, seq, row.previous, row.payload) != row.hash:
            return 0
        return row.seq - seq if chain == self.chain and seq != row.seq else 1

    def _moved(self, row: _Row, shift: int) -> None:
        chain, seq = row.fact["chain"], row.fact["seq"]
        if chain != self.chain:
            text = f"entry {row.seq} is entry {seq} of chain {chain}, put here"
            self._add("insertion", row.seq, row.seq, self._at, row.at, text)
        elif shift > 0 and shift != self._shift:
            text = f"before entry {row.seq} something was inserted: from here on entries are renumbered by {shift}"
            self._add("insertion", row.seq - shift, row.seq - 1, self._at, row.at, text)
        elif shift < 0 and shift != self._shift:
            text = f"before entry {row.seq} {-shift} were deleted, and what follows was renumbered"
            self._add("deletion", row.seq, row.seq - shift - 1, self._at, row.at, text)

    def _gap(self, row: _Row, *, relinked: bool) -> None:
        first, last = self.last + 1, row.seq - 1
        text = f"entries {first} to {last} are missing" if last > first else f"entry {first} is missing"
        if relinked:
            text += "; what follows was linked anew"
        self._add("deletion", first, last, self._at, row.at, text)

    def _rewritten(self, row: _Row) -> None:
        if self.last == 0:
            text = "entry 1 does not begin the chain: what stood before it was cut off, or it was sealed anew"
        else:
            text = f"entry {row.seq} does not follow from entry {self.last}: entry {self.last} was sealed anew"
        self._add("rewrite", max(self.last, 1), row.seq, self._at, row.at, text)

    def _edited(self, row: _Row, expected: bytes, follows: bool) -> None:
        if self._before is not None and link(self.chain, row.seq, self._before, row.payload) == row.hash:
            text = f"entry {row.seq} was edited: its column previous was changed"
        elif not follows:
            text = f"entry {row.seq} was replaced: it neither follows from what is before it nor fits its own hash"
        else:
            self._suspect = _Suspect(row, expected, self._at)
            return
        self._add("edit", row.seq, row.seq, self._at, row.at, text)

    def _columns(self, row: _Row) -> bool:
        """Whether the columns say what the sealed payload says; the payload is what counts."""
        before = len(self.findings) + self.unlisted
        if row.encoding != ENCODING:
            text = f"entry {row.seq} has the encoding {row.encoding}, known is {ENCODING}"
            self._add("encoding", row.seq, row.seq, self._at, row.at, text)
        if not isinstance(row.fact, dict):
            self._add("encoding", row.seq, row.seq, self._at, row.at, f"entry {row.seq} holds no fact: not an object")
            return False
        for (column, name), value in zip(COLUMNS.items(), row.columns, strict=True):
            if name not in row.fact or row.fact[name] != value:
                said = row.fact.get(name, "nothing")
                text = f"entry {row.seq}: column {column} says {value!r}, the sealed payload {said!r}"
                self._add("column", row.seq, row.seq, self._at, row.at, text)
        return len(self.findings) + self.unlisted == before

    def _anchor(self, row: _Row) -> None:
        known = self.anchors.get(row.seq)
        if known is not None and known != row.hash:
            text = f"entry {row.seq} has another hash than was reported before: it or an earlier one was rewritten"
            self._add("anchor", self.since + 1, row.seq, None, row.at, text)

    # -- the end ---------------------------------------------------------------------------------------------------

    def finish(self, head: Head | None) -> None:
        """Compare the end of the walk with the chain's own row (None: it is not there)."""
        if head is None:
            self._settle(b"", None)
            text = f"the chain's row is missing; its entries go up to {self.last}"
            self._add("head_missing", None, None, self._at, None, text)
            return
        settled = self._settle(head.head, None)
        if head.seq > self.last:
            text = f"the chain's row counts {head.seq} entries, but they end with {self.last}"
            self._add("truncation", self.last + 1, head.seq, self._at, None, text)
        elif head.seq < self.last:
            text = f"the chain's row ends with {head.seq}, but there are entries up to {self.last}"
            self._add("insertion", head.seq + 1, self.last, None, self._at, text)
        elif not settled and self._before is not None and head.head != self._before and head.head not in self._forks:
            text = f"entry {self.last} is not what the chain's row was sealed with: it or earlier ones were rewritten"
            self._add("rewrite", self.since + 1, self.last, None, self._at, text)
        missing = [seq for seq in self.anchors if seq > max(self.last, head.seq)]
        if missing:
            text = f"an earlier report knew entries up to {max(missing)}, the chain ends with {self.last}"
            self._add("truncation", self.last + 1, max(missing), self._at, None, text)

    def _add(
        self, kind: str, first: int | None, last: int | None, after: str | None, before: str | None, message: str
    ) -> None:
        if len(self.findings) < KEPT:
            self.findings.append(Finding(kind, self.chain, first, last, after, before, message))
        else:
            self.unlisted += 1
