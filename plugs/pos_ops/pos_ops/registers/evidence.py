"""Holding the sessions' tables against what the audit chains say of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pos_core.context import Context
from pos_ops.registers import queries
from pos_ops.registers.models import RegisterCount, RegisterSession

#: What opening settles for ever.
FIXED = (
    "number", "store_id", "register_id", "cashier_id", "device_id", "channel", "business_date", "opened_at",
    "float_minor", "float_tender_id", "float_denominations",
)  # fmt: skip
#: What closing adds.
FINAL = (
    *FIXED, "status", "closed_at", "closed_by", "sales_count", "expected_minor", "counted_minor", "over_short_minor",
    "is_marked", "version",
)  # fmt: skip
_LOOKED_AT = {"register_session:open": FIXED, "register_session:close": FINAL}


def disagreements(ctx: Context, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each session whose rows say something else than its opening or its close was audited with."""
    facts = [fact for fact in entries if fact["action"] in _LOOKED_AT and fact["outcome"] == "done"]
    ids = sorted({fact["id"] for fact in facts})
    if not ids:
        return
    rows = {row.id: queries.session_view(row, "") for row in RegisterSession.select().where(RegisterSession.id << ids)}
    codes = {entry.id: entry.code for entry in ctx.query("tender:directory").values()}
    counts: dict[str, list[dict[str, Any]]] = {}
    for count in RegisterCount.select().where(RegisterCount.session << ids):
        counts.setdefault(count.session_id, []).append(queries.count_view(count, codes[count.tender_id]))
    for fact in facts:
        row, after = rows.get(fact["id"]), fact["after"]
        if row is None:
            yield f"register session {fact['id']} is gone; entry {fact['seq']} says that it was there"
            continue
        for name in _LOOKED_AT[fact["action"]]:
            if row[name] != after[name]:
                yield f"register session {fact['id']}: {name} is {row[name]}, entry {fact['seq']} says {after[name]}"
        if "counts" in after and _by_tender(counts.get(fact["id"], [])) != _by_tender(after["counts"]):
            yield f"register session {fact['id']}: its counts are not those of entry {fact['seq']}"


def _by_tender(counts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(counts, key=lambda count: str(count["tender_id"]))
