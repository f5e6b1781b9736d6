"""Reads of register sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pos_core import clock, scope
from pos_core.actions import query
from pos_core.audit.models import AuditEntry
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import NOT_FOUND
from pos_core.rbac.models import User
from pos_ops.registers import reckoning, slip
from pos_ops.registers.errors import SESSION_NOT_CLOSED, TILL_REQUIRED
from pos_ops.registers.models import RegisterCount, RegisterSession

#: How much of a hash is printed: enough to tell a forged slip, short enough to read out.
CODE_LENGTH = 12

READERS = ("hq:register_sessions.view", "store:register_sessions.view", "pos:register.view")


def reach(ctx: Context) -> tuple[Any, ...]:
    """A till sees its own register's sessions, a manager the store's, the headquarters all."""
    if ctx.register_id is not None:
        return (RegisterSession.register == ctx.register_id, RegisterSession.store == ctx.store_id)
    return records.reach(ctx, RegisterSession.store)


def names_of(user_ids: Iterable[str | None]) -> dict[str, str]:
    """Full names by user id, in one read."""
    wanted = sorted({user_id for user_id in user_ids if user_id})
    if not wanted:
        return {}
    return {user.id: user.full_name for user in User.select(User.id, User.full_name).where(User.id << wanted)}


def session_view(row: RegisterSession, cashier_name: str) -> dict[str, Any]:
    """A session as the API shows it."""
    return {
        "id": row.id, "number": row.number, "store_id": row.store_id, "register_id": row.register_id,
        "cashier_id": row.cashier_id, "cashier_name": cashier_name, "device_id": row.device_id,
        "channel": row.channel, "business_date": row.business_date.isoformat(),
        "opened_at": clock.to_text(row.opened_at), "float_minor": row.float_minor,
        "float_tender_id": row.float_tender_id, "float_denominations": row.float_denominations,
        "status": row.status, "closed_at": clock.to_text(row.closed_at) if row.closed_at else None,
        "closed_by": row.closed_by_id, "sales_count": row.sales_count, "expected_minor": row.expected_minor,
        "counted_minor": row.counted_minor, "over_short_minor": row.over_short_minor, "is_marked": row.is_marked,
        "created_at": clock.to_text(row.created_at), "updated_at": clock.to_text(row.updated_at),
        "version": row.version,
    }  # fmt: skip


def count_view(row: RegisterCount, tender: str) -> dict[str, Any]:
    """A tender's count as the API shows it; `tender` is its code."""
    return {
        "tender_id": row.tender_id, "tender": tender, "expected_minor": row.expected_minor,
        "counted_minor": row.counted_minor, "over_short_minor": row.over_short_minor,
        "is_declared": row.is_declared, "is_marked": row.is_marked, "denominations": row.denominations,
    }  # fmt: skip


def counts_of(ctx: Context, session_id: str) -> list[dict[str, Any]]:
    """A closed session's counts in the tenders' order; none while it is open."""
    tenders = ctx.query("tender:directory")
    rows = {row.tender_id: row for row in RegisterCount.select().where(RegisterCount.session == session_id)}
    return [count_view(rows[entry.id], entry.code) for entry in tenders.values() if entry.id in rows]


def find_open(*conditions: Any) -> RegisterSession | None:
    """The open session that meets the conditions (a register's or a cashier's: there is one at most), or None."""
    rows = RegisterSession.select().where(RegisterSession.status == "open", *conditions)
    return rows.first()  # type: ignore[no-any-return]


def find_elsewhere(ctx: Context) -> RegisterSession | None:
    """The actor's open session at a register that is not this one."""
    if not ctx.actor.id:
        return None
    return find_open(RegisterSession.cashier == ctx.actor.id, RegisterSession.register != ctx.register_id)


@query("register_session:current", permission=("pos:register.open", "pos:register.view"))
def current_session(ctx: Context) -> dict[str, Any]:
    """What a till asks when somebody signs in: the open session, or what to open with."""
    if ctx.register_id is None:
        raise TILL_REQUIRED()
    here = find_open(RegisterSession.register == ctx.register_id)
    there = find_elsewhere(ctx)
    register = ctx.kernel.stores.register(ctx.register_id, ctx.revision)
    elsewhere = None
    if there is not None:
        other = ctx.kernel.stores.register(there.register_id, ctx.revision)
        elsewhere = {"session_id": there.id, "register_id": there.register_id, "register_code": other.code}
    return {
        "register_id": ctx.register_id, "register_code": register.code,
        "session": None if here is None else session_view(here, names_of([here.cashier_id])[here.cashier_id]),
        "elsewhere": elsewhere,
        "quick_floats_minor": reckoning.quick_floats(ctx.settings["registers.quick_floats"]),
    }  # fmt: skip


@query("register_session:get", permission=READERS)
def get_session(ctx: Context, *, id: str) -> dict[str, Any]:
    """One session, with its counts once it is closed."""
    row = records.get(RegisterSession, id, "register session", *reach(ctx))
    return {**session_view(row, names_of([row.cashier_id])[row.cashier_id]), "counts": counts_of(ctx, row.id)}


@query("register_session:list", permission=READERS)
def list_sessions(
    ctx: Context, *, store_id: str | None = None, register_id: str | None = None, cashier_id: str | None = None,
    status: str | None = None, first: date | None = None, last: date | None = None, is_marked: bool | None = None,
    limit: int = 50, cursor: Any = None,
) -> tuple[list[dict[str, Any]], Any]:  # fmt: skip
    """Sessions, the latest first; `first` and `last` bound the business date."""
    scope.require_store(ctx, store_id)
    scope.require_register(ctx, register_id)
    scope.require_user(ctx, cashier_id, "cashier_id")
    wanted = {"store_id": store_id, "register_id": register_id, "cashier_id": cashier_id, "status": status}
    rows = RegisterSession.select().where(*reach(ctx))
    for column, value in wanted.items():
        if value is not None:
            rows = rows.where(RegisterSession._meta.columns[column] == value)
    if first is not None:
        rows = rows.where(RegisterSession.business_date >= first)
    if last is not None:
        rows = rows.where(RegisterSession.business_date <= last)
    if is_marked is not None:
        rows = rows.where(RegisterSession.is_marked == is_marked)
    key = (RegisterSession.opened_at, RegisterSession.id)
    found, following = records.page(rows, key, cursor, limit, descending=True)
    names = names_of(row.cashier_id for row in found)
    return [session_view(row, names[row.cashier_id]) for row in found], following


@query("register_session:in_reach")
def require_session(ctx: Context, *, id: str) -> None:
    """Whether a session that a filter names is of the actor's store; PosError `not_found` at `session_id`."""
    rows = RegisterSession.select().where(RegisterSession.id == id, *records.reach(ctx, RegisterSession.store))
    if not rows.exists():
        raise NOT_FOUND("session_id", entity="register session", id=id)


def _close_entry(session_id: str) -> tuple[int, str]:
    """Where the close stands in its register's audit chain, and the beginning of its hash."""
    entry = AuditEntry.get(
        AuditEntry.entity_id == session_id, AuditEntry.entity_type == "register_session",
        AuditEntry.action == "register_session:close", AuditEntry.outcome == "done",
    )  # fmt: skip
    return entry.seq, bytes(entry.hash).hex()[:CODE_LENGTH]


@query("register_session:slip", permission=READERS)
def close_slip(ctx: Context, *, id: str) -> dict[str, Any]:
    """What is printed of a closed session: stored figures only, the same at every reprint."""
    row = records.get(RegisterSession, id, "register session", *reach(ctx))
    if row.status != "closed":
        raise SESSION_NOT_CLOSED("id")
    names = names_of([row.cashier_id, row.closed_by_id])
    store = ctx.kernel.stores.get(row.store_id, ctx.revision)
    tenders = ctx.query("tender:directory")
    seq, code = _close_entry(row.id)

    def local(moment: datetime) -> str:
        return moment.astimezone(clock.zone(store.time_zone)).strftime("%Y-%m-%d %H:%M")

    lines = [
        {"name": tenders[count["tender"]].name, **{k: v for k, v in count.items() if k != "tender_id"}}
        for count in counts_of(ctx, row.id)
    ]
    return {
        "id": row.id, "business": ctx.kernel.instance_name, "currency": ctx.kernel.currency, "store": store.code,
        "store_name": store.name, "register_code": ctx.kernel.stores.register(row.register_id, ctx.revision).code,
        "number": row.number, "business_date": row.business_date.isoformat(), "cashier": names[row.cashier_id],
        "closed_by": names[row.closed_by_id], "opened_at": local(row.opened_at), "closed_at": local(row.closed_at),
        "sales_count": row.sales_count, "float_minor": row.float_minor, "lines": lines,
        "expected_minor": row.expected_minor, "counted_minor": row.counted_minor,
        "over_short_minor": row.over_short_minor, "is_marked": row.is_marked, "chain_seq": seq, "chain_code": code,
    }  # fmt: skip


@query("register_session:slip_text", permission=READERS)
def close_slip_text(ctx: Context, *, id: str) -> str:
    """The close slip as a receipt printer's plain text, in the reader's language."""
    return slip.as_text(close_slip(ctx, id=id), ctx.language)
