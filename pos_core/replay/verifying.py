"""The client's ledger against the server's sales, read over HTTP: nothing lost, nothing doubled, nothing changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pos_core import clock
from pos_core.ids import derived_uuid7
from pos_core.replay import ledger as ledgers
from pos_core.replay.preparing import KeyRing
from pos_core.replay.wire import Wire

KEPT = 10


@dataclass(slots=True)
class Verdict:
    """What was found. `unacknowledged`: sales of this file that the server has and the ledger does not (yet) know."""

    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    unacknowledged: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.changed)

    def sentence(self) -> str:
        """The result in one line."""
        text = f"{self.acknowledged:,} acknowledged: {self.lost} lost, {self.doubled} doubled, {self.changed} changed"
        if self.unacknowledged:
            text += f"; {self.unacknowledged} sold without an acknowledgement: start the replay again to settle them"
        return text

    def note(self, text: str) -> None:
        if len(self.findings) < KEPT:
            self.findings.append(text)


def verify(admin: Wire, path: Path) -> Verdict:
    """Compare a ledger with the sales of the tills that it was written with.

    lost: acknowledged, but the server has no such sale. doubled: acknowledged more than once under different numbers,
    or another sale of the same receipt at the same moment. changed: another total, number or state than was answered.
    """
    header = ledgers.read_header(path)
    known = ledgers.acknowledged(path)
    verdict = Verdict(acknowledged=len(known))
    by_receipt = _by_receipt(known)
    moments = {_moment(sale_id) for sale_id in known}
    open_ids = set(known)
    registers = [access.register_id for access in KeyRing(path.parent).all()]
    for row in _sales(admin, registers):
        entry = known.get(row["id"])
        if entry is None:
            _look_at_unknown(admin, row, header["file"], by_receipt, moments, verdict)
            continue
        if row["id"] not in open_ids:
            verdict.doubled += 1
            verdict.note(f"receipt {entry.receipt} is listed twice: {row['receipt_number']}")
        open_ids.discard(row["id"])
        if (row["total_minor"], row["receipt_number"], row["status"]) != (entry.total_minor, entry.number, "completed"):
            verdict.changed += 1
            verdict.note(f"receipt {entry.receipt} was acknowledged as {entry.number} with {entry.total_minor}, now it "
                         f"is {row['receipt_number']} with {row['total_minor']}, {row['status']}")  # fmt: skip
    verdict.lost = len(open_ids)
    for sale_id in sorted(open_ids):
        verdict.note(f"receipt {known[sale_id].receipt} (sale {sale_id}) was acknowledged and is not there")
    return verdict


def _sales(admin: Wire, registers: Iterable[str]) -> Iterable[dict[str, Any]]:
    for register in registers:
        yield from admin.pages("/sales", register_id=register)


def _by_receipt(known: Mapping[str, ledgers.Entry]) -> dict[str, str]:
    return {entry.receipt: sale_id for sale_id, entry in known.items()}


def _moment(sale_id: str) -> int:
    """The milliseconds in an id that was derived from a moment."""
    return int(sale_id.replace("-", "")[:12], 16)


def _look_at_unknown(
    admin: Wire, row: Mapping[str, Any], source: str, by_receipt: Mapping[str, str], moments: set[int],
    verdict: Verdict,
) -> None:
    """A sale of the tills that the ledger does not know: a double, one whose answer was lost, or another file's.

    Only a sale of a moment in the ledger can be a double, and an id derived from its own moment an unacknowledged one;
    other files' sales at the same tills are told by that, mostly without asking for each.
    """
    sold_at = clock.from_text(row["sold_at"])
    at = int(sold_at.timestamp() * 1000)
    if at not in moments and _moment(row["id"]) != at:
        return
    sale = admin.get(f"/sales/{row['id']}").data
    printed = sale["printed_number"] or ""
    if row["id"] == derived_uuid7(sold_at, source, printed):
        verdict.unacknowledged += 1
    elif printed in by_receipt and _moment(by_receipt[printed]) == at:
        verdict.doubled += 1
        verdict.note(f"receipt {printed} was sold a second time as {row['receipt_number']} (sale {row['id']})")
