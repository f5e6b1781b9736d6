"""Reads of sales: one, lists, what a session took, and totals for reports."""

from __future__ import annotations

from datetime import date
from typing import Any

import peewee as pw

from pos_core import Context, query, scope
from pos_core.db import records
from pos_core.db.records import reach
from pos_core.errors import NOT_FOUND
from pos_ops.sales import receipt, totals, views
from pos_ops.sales.models import Payment, Sale, SaleFlag, SaleLine, SaleTax
from pos_ops.tenders.models import Tender

READERS = ("pos:sales.view", "store:sales.view", "hq:sales.view")


def _rows(model: Any, sale_id: str) -> list[dict[str, Any]]:
    """A sale's rows of a table, as mappings of column names."""
    fields = model._meta.sorted_fields
    wanted = [field.alias(field.column_name) for field in fields]
    order = model.position if hasattr(model, "position") else model.id
    return list(model.select(*wanted).where(model.sale == sale_id).order_by(order).dicts())


def document(ctx: Context, sale_id: str) -> dict[str, Any]:
    """The whole sale within the actor's reach; PosError `not_found`."""
    wanted = [field.alias(field.column_name) for field in Sale._meta.sorted_fields]
    sale = Sale.select(*wanted).where(Sale.id == sale_id, *reach(ctx, Sale.store_id)).dicts().first()
    if sale is None:
        raise NOT_FOUND("id", entity="sale", id=sale_id)
    return views.sale_view(
        sale, _rows(SaleLine, sale_id), _rows(SaleTax, sale_id), _rows(Payment, sale_id), _rows(SaleFlag, sale_id)
    )


@query("sale:get", permission=READERS)
def get_sale(ctx: Context, *, id: str) -> dict[str, Any]:
    """One sale with its lines, taxes, payments and flags."""
    return document(ctx, id)


@query("sale:list", permission=READERS)
def list_sales(
    ctx: Context, *, from_day: date | None = None, to_day: date | None = None, register_id: str | None = None,
    cashier_id: str | None = None, customer_id: str | None = None, session_id: str | None = None, limit: int = 50,
    cursor: Any = None,
) -> Any:  # fmt: skip
    """Sales, newest id last, by business date, register, cashier, customer or session."""
    scope.require_register(ctx, register_id)
    scope.require_user(ctx, cashier_id, "cashier_id")
    if session_id is not None and ctx.has("register_session:in_reach"):
        ctx.query("register_session:in_reach", id=session_id)
    rows = Sale.select().where(*reach(ctx, Sale.store_id))
    for field, value in ((Sale.register_id, register_id), (Sale.cashier_id, cashier_id), (Sale.customer, customer_id),
                         (Sale.session_id, session_id)):  # fmt: skip
        if value is not None:
            rows = rows.where(field == value)
    if from_day is not None:
        rows = rows.where(Sale.business_date >= from_day)
    if to_day is not None:
        rows = rows.where(Sale.business_date <= to_day)
    found, following = records.page(rows, (Sale.id,), cursor, limit)
    return [summary(row) for row in found], following


def summary(row: Sale) -> dict[str, Any]:
    """A sale in a list."""
    return {
        "id": row.id, "number": row.number, "receipt_number": row.receipt_number, "status": row.status,
        "store_id": row.store_id, "register_id": row.register_id, "session_id": row.session_id,
        "cashier_id": row.cashier_id, "customer_id": row.customer_id, "business_date": views.day(row.business_date),
        "sold_at": views.instant(row.sold_at), "currency": row.currency, "line_count": row.line_count,
        "total_minor": row.total_minor, "payable_minor": row.payable_minor, "offline": row.is_offline,
        "flag_count": row.flag_count,
    }  # fmt: skip


@query("sale:receipt", permission=READERS)
def get_receipt(ctx: Context, *, id: str, lang: str | None = None) -> dict[str, Any]:
    """A sale's receipt as data: what stands on it, with the store's texts."""
    return receipt.content(ctx, document(ctx, id), lang)


@query("sale:receipt_text", permission=READERS)
def get_receipt_text(ctx: Context, *, id: str, lang: str | None = None) -> str:
    """A sale's receipt as plain text, 42 characters wide."""
    return receipt.text(receipt.content(ctx, document(ctx, id), lang))


def reviewed_view(row: SaleFlag) -> dict[str, Any]:
    """A flag with its review."""
    return {
        "id": row.id, "sale_id": row.sale_id, "code": row.code, "path": row.path, "message": row.message,
        "rule": row.rule, "reviewed_at": views.instant(row.reviewed_at), "reviewed_by": row.reviewed_by_id,
        "review_note": row.review_note, "version": row.version,
    }  # fmt: skip


@query("sale_flag:list", permission=("store:sales.review", "hq:sales.review", "hq:sales.view"))
def list_flags(ctx: Context, *, reviewed: bool = False, limit: int = 50, cursor: Any = None) -> Any:
    """What disagreed in offline sales, still to be looked at (or looked at already)."""
    rows = SaleFlag.select().join(Sale).where(SaleFlag.reviewed_at.is_null(not reviewed), *reach(ctx, Sale.store_id))
    found, following = records.page(rows, (SaleFlag.id,), cursor, limit)
    return [reviewed_view(row) for row in found], following


@query("sale:session_totals", permission=("store:sales.view",))
def session_totals(ctx: Context, *, session_id: str) -> dict[str, Any]:
    """What a register session took: sales, and per tender the sum net of change. Stored figures, added up."""
    taken = (Sale.session_id == session_id, Sale.status == "completed", *reach(ctx, Sale.store_id))
    sales = Sale.select(pw.fn.COUNT(Sale.id)).where(*taken).scalar()
    rows = (
        Payment.select(Tender.id, Tender.code, Tender.kind, pw.fn.SUM(Payment.amount_minor))
        .join(Sale, on=(Payment.sale == Sale.id)).switch(Payment).join(Tender, on=(Payment.tender_id == Tender.id))
        .where(*taken)
        .group_by(Tender.id, Tender.code, Tender.kind).order_by(Tender.code).tuples()
    )
    tenders = [
        {"tender_id": tender_id, "code": code, "kind": kind, "amount_minor": int(amount)}
        for tender_id, code, kind, amount in rows
    ]
    return {"sales": sales, "tenders": tenders}


@query("sale:totals", permission=("hq:sales.view", "store:sales.view"))
def sale_totals(
    ctx: Context, *, by: str, first: date | None = None, last: date | None = None, store_id: str | None = None
) -> list[dict[str, Any]]:
    """Completed sales by month, day, product, department, cashier, register, store or tender.

    `first` and `last` are business dates, inclusive. Money is in minor units; `exact_gross` is the sum of quantity
    times price without any rounding, as text, so that what rounding did can be shown.
    """
    scope.require_store(ctx, store_id)
    return totals.of(ctx, by, first, last, store_id)
