"""Reads of register sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from pos_core import clock
from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_core.rbac.models import User

from pos_ops.registers import reckoning
from pos_ops.registers.errors import TILL_REQUIRED
from pos_ops.registers.models import RegisterCount, RegisterSession

READERS = ("hq:register_sessions.view", "store:register_sessions.view", "pos:register.view")


def reach(ctx: Context) -> tuple[Any, ...]:
    """A till sees its own register's sessions, a manager the store's, the headquarters all."""
    if ctx.register_id is not None:
        return (RegisterSession.register == ctx.register_id, RegisterSession.store == ctx.store_id)
    return () if ctx.store_id is None else (RegisterSession.store == ctx.store_id,)


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
    found: RegisterSession | None = RegisterSession.select().where(RegisterSession.status == "open", *conditions).first()
    return found


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
        elsewhere = {"session_id": there.id, "register_id": there.register_id, "register": other.code}
    return {
        "register_id": ctx.register_id, "register": register.code,
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
