"""Opening and closing a drawer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pos_core import clock
from pos_core.actions import action
from pos_core.approvals.needs import Need
from pos_core.context import Context
from pos_core.db import records
from pos_ops.registers import errors, queries, reckoning, schemas
from pos_ops.registers.models import RegisterCount, RegisterSession


@dataclass(frozen=True, slots=True)
class OpenDraft:
    """What opening depends on: where the float lies, and the cashier's open session at another register."""

    float_tender_id: str | None
    elsewhere: str | None
    elsewhere_register: str
    cashier_name: str


@dataclass(frozen=True, slots=True)
class CloseDraft:
    """The session as it is, the sales in it, and each tender reckoned."""

    session: Mapping[str, Any]
    sales_count: int
    lines: tuple[reckoning.Reckoned, ...]


def prepare_open(ctx: Context, command: schemas.OpenSession) -> OpenDraft:
    """Read what the rules look at."""
    drawer = ctx.query("tender:directory").drawer()
    busy = queries.find_elsewhere(ctx)
    code = ctx.kernel.stores.register(busy.register_id, ctx.revision).code if busy else ""
    name = queries.names_of([ctx.actor.id]).get(ctx.actor.id, ctx.actor.name)
    return OpenDraft(drawer.id if drawer else None, busy.id if busy else None, code, name)


@action("register_session:open", command=schemas.OpenSession, permission="pos:register.open", status=201,
        key_field="id", prepare=prepare_open, constraints={
            "ops_register_session.cashier_id": errors.CASHIER_BUSY.at("", register=""),
            "ops_register_session.register_id": errors.SESSION_OPEN.at("", register=""),
        })  # fmt: skip
def open_session(ctx: Context, command: schemas.OpenSession, draft: OpenDraft) -> dict[str, Any]:
    """Open the till's drawer with a float; from now on it can sell."""
    row = RegisterSession(
        id=command.id, number=ctx.writing.number("register_session"), store=ctx.store_id, register=ctx.register_id,
        cashier=ctx.actor.id, device=ctx.device_id, channel=ctx.channel, business_date=ctx.business_date(),
        opened_at=ctx.at, float_minor=command.float_minor, float_tender=draft.float_tender_id,
        float_denominations=_pieces(command.denominations), status="open",
    )  # fmt: skip
    records.add(ctx, row)
    ctx.writing.set_fence(row.id)
    ctx.emit("register_session:opened", "register_session", row.id, register_id=row.register_id,
             cashier_id=row.cashier_id, float_minor=row.float_minor)
    return queries.session_view(row, draft.cashier_name)


def prepare_close(ctx: Context, command: schemas.CloseSession) -> CloseDraft:
    """Reckon what the drawer should hold from the stored sales, never from prices."""
    if ctx.register_id is None or not ctx.actor.id:
        raise errors.TILL_REQUIRED()
    session = queries.get_session(ctx, id=command.id)
    totals: dict[str, Any] = {"sales": 0, "tenders": []}
    if ctx.has("sale:session_totals"):
        totals = ctx.query("sale:session_totals", session_id=command.id)
    takings = [(taken["tender_id"], taken["amount_minor"]) for taken in totals["tenders"]]
    tenders = ctx.query("tender:directory")
    counts = {tenders[count.tender].id: count.counted_minor for count in command.counts if count.tender in tenders}
    should = reckoning.expected(session["float_minor"], session["float_tender_id"], takings)
    lines = reckoning.reckon(should, counts, ctx.settings["registers.over_short_alert_minor"])
    return CloseDraft(MappingProxyType(session), totals["sales"], lines)


def is_forced(ctx: Context, command: schemas.CloseSession, draft: CloseDraft) -> bool:
    """Closing another cashier's drawer, where one may, needs a reason."""
    return draft.session["cashier_id"] != ctx.actor.id and ctx.actor.may("pos:register.force_close")


def variance_above_limit(ctx: Context, command: schemas.CloseSession, draft: CloseDraft) -> Need | None:
    """A drawer that is over or short by more than the store lets its cashier close alone; 0 sets no limit."""
    limit = ctx.settings["registers.over_short_approval_minor"]
    worst = max(draft.lines, key=lambda line: abs(line.over_short_minor), default=None)
    if not limit or worst is None or abs(worst.over_short_minor) <= limit:
        return None
    why = errors.VARIANCE_ABOVE_LIMIT.at("counts", variance=worst.over_short_minor, limit=limit)
    return Need("register_variance", why, {
        "register_id": ctx.register_id, "cashier_id": draft.session["cashier_id"], "sales_count": draft.sales_count,
        "counts": [
            {"tender_id": line.tender_id, "expected_minor": line.expected_minor, "counted_minor": line.counted_minor}
            for line in draft.lines
        ],
    })  # fmt: skip


@action("register_session:close", command=schemas.CloseSession, permission="pos:register.close", prepare=prepare_close,
        approval=variance_above_limit, reason=is_forced)
def close_session(ctx: Context, command: schemas.CloseSession, draft: CloseDraft) -> dict[str, Any]:
    """Close the till's drawer with what was counted; the declared sums are final."""
    expected = sum(line.expected_minor for line in draft.lines)
    counted = sum(line.counted_minor for line in draft.lines)
    ctx.writing.was(draft.session)
    figures = {
        "status": "closed", "closed_at": ctx.at, "closed_by": ctx.actor.id, "sales_count": draft.sales_count,
        "expected_minor": expected, "counted_minor": counted, "over_short_minor": counted - expected,
        "is_marked": any(line.marked for line in draft.lines), "version": draft.session["version"] + 1,
        "updated_at": ctx.at,
    }  # fmt: skip
    # The condition, not the earlier read, decides between two who close at once.
    still_open = (RegisterSession.id == command.id, RegisterSession.status == "open")
    if RegisterSession.update(figures).where(*still_open).execute() != 1:
        raise errors.SESSION_CLOSED("id")
    counts = _write_counts(ctx, command, draft)
    ctx.writing.set_fence(None)
    ctx.writing.require_still()  # a sale that commits meanwhile belongs into the sums: reckon again
    ctx.emit("register_session:closed", "register_session", command.id, register_id=ctx.register_id,
             over_short_minor=counted - expected, is_marked=figures["is_marked"])
    now = clock.to_text(ctx.at)
    return {**draft.session, **figures, "closed_at": now, "updated_at": now, "counts": counts}


def _write_counts(ctx: Context, command: schemas.CloseSession, draft: CloseDraft) -> list[dict[str, Any]]:
    """Hand over a row per tender; returns them as the API shows them, in the tenders' order."""
    pieces = {count.tender: _pieces(count.denominations) for count in command.counts}
    tenders = ctx.query("tender:directory")
    by_tender = {line.tender_id: line for line in draft.lines}
    shown = []
    for entry in tenders.values():
        line = by_tender.get(entry.id)
        if line is None:
            continue
        row = RegisterCount(
            session=command.id, tender=entry.id, expected_minor=line.expected_minor,
            counted_minor=line.counted_minor, over_short_minor=line.over_short_minor, is_declared=line.declared,
            is_marked=line.marked, denominations=pieces.get(entry.code),
        )  # fmt: skip
        records.add(ctx, row)
        shown.append(queries.count_view(row, entry.code))
    return shown


def _pieces(pieces: list[schemas.Denomination] | None) -> list[dict[str, int]] | None:
    return None if pieces is None else [piece.model_dump() for piece in pieces]
