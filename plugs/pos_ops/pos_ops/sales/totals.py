"""Totals of sales for reports: stored figures, added up by one dimension."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

import peewee as pw

from pos_core import Context
from pos_core.db.model import database
from pos_core.db.records import reach
from pos_core.money import format_quantity
from pos_core.rbac.models import User
from pos_core.reporting.totals import exact_text
from pos_core.stores.models import Register, Store
from pos_ops.catalog.models import Department, Product
from pos_ops.sales.models import Payment, Sale, SaleLine
from pos_ops.tenders.models import Tender

_SUMS = ("gross_minor", "discount_minor", "net_minor", "tax_minor", "total_minor")
_OF_LINES = ("product", "department")


def _key(by: str) -> Any:
    """The column that rows of a dimension share."""
    if by == "month":
        if database.obj.dialect == "postgresql":
            return pw.fn.TO_CHAR(Sale.business_date, "YYYY-MM")
        return pw.fn.SUBSTR(Sale.business_date, 1, 7)
    return {
        "day": Sale.business_date, "cashier": Sale.cashier_id, "register": Sale.register_id, "store": Sale.store_id,
        "product": SaleLine.product_id, "department": SaleLine.department_id, "tender": Payment.tender_id,
    }[by]  # fmt: skip


def of(ctx: Context, by: str, first: date | None, last: date | None, store_id: str | None) -> list[dict[str, Any]]:
    """Completed sales by a dimension; see the query `sale:totals`."""
    conditions = [Sale.status == "completed", *reach(ctx, Sale.store_id)]
    if store_id is not None:
        conditions.append(Sale.store_id == store_id)
    if first is not None:
        conditions.append(Sale.business_date >= first)
    if last is not None:
        conditions.append(Sale.business_date <= last)
    key = _key(by)
    if by == "tender":
        rows = _by_tender(key, conditions)
    elif by in _OF_LINES:
        rows = _by_line(key, conditions)
    else:
        rows = _by_sale(key, conditions)
    labels = _labels(by, [row["key"] for row in rows])
    for row in rows:
        key = row["key"]
        row |= {"key": str(key or ""), "label": labels.get(key, str(key or "-"))}
    return rows


def _by_sale(key: Any, conditions: list[Any]) -> list[dict[str, Any]]:
    sums = [pw.fn.SUM(getattr(Sale, name)) for name in _SUMS]
    rows = Sale.select(key, pw.fn.COUNT(Sale.id), *sums).where(*conditions).group_by(key).order_by(key).tuples()
    lines = _lines(key, conditions)
    return [_row(k, sales, lines.get(_plain(k), (0, 0, Fraction(0))), amounts) for k, sales, *amounts in rows]


def _by_line(key: Any, conditions: list[Any]) -> list[dict[str, Any]]:
    sums = [pw.fn.SUM(getattr(SaleLine, name)) for name in _SUMS]
    rows = (
        SaleLine.select(key, pw.fn.COUNT(SaleLine.sale.distinct()), pw.fn.SUM(SaleLine.cart_discount_minor), *sums)
        .join(Sale).where(*conditions).group_by(key).order_by(key).tuples()
    )  # fmt: skip
    lines = _lines(key, conditions)
    return [
        _row(k, sales, lines.get(_plain(k), (0, 0, Fraction(0))), (gross, int(discount) + int(cart), net, tax, total))
        for k, sales, cart, gross, discount, net, tax, total in rows
    ]


def _by_tender(key: Any, conditions: list[Any]) -> list[dict[str, Any]]:
    """What each tender paid; a sale's goods belong to no single tender, so only sales and the amount are told."""
    rows = (
        Payment.select(key, pw.fn.COUNT(Payment.sale.distinct()), pw.fn.SUM(Payment.amount_minor))
        .join(Sale, on=(Payment.sale == Sale.id)).where(*conditions).group_by(key).order_by(key).tuples()
    )  # fmt: skip
    nothing = dict.fromkeys(("lines", "quantity", *_SUMS, "exact_gross"))
    return [{"key": k, "sales": sales, **nothing, "total_minor": int(amount)} for k, sales, amount in rows]


def _lines(key: Any, conditions: list[Any]) -> dict[Any, tuple[int, int, Fraction]]:
    """By key: number of lines, quantity in thousandths, and the exact sum of quantity times price in minor units."""
    rows = (
        SaleLine.select(
            key, SaleLine.price_per, pw.fn.COUNT(SaleLine.position), pw.fn.SUM(SaleLine.quantity),
            pw.fn.SUM(SaleLine.quantity * SaleLine.unit_price_minor),
        )
        .join(Sale).where(*conditions).group_by(key, SaleLine.price_per).tuples()
    )  # fmt: skip
    found: dict[Any, tuple[int, int, Fraction]] = {}
    for k, price_per, count, quantity, product in rows:
        lines, units, exact = found.get(_plain(k), (0, 0, Fraction(0)))
        found[_plain(k)] = (lines + count, units + int(quantity), exact + Fraction(int(product), 1000 * price_per))
    return found


def _plain(key: Any) -> Any:
    return key.isoformat() if isinstance(key, date) else key


def _row(key: Any, sales: int, lines: tuple[int, int, Fraction], amounts: Iterable[Any]) -> dict[str, Any]:
    count, quantity, exact = lines
    return {
        "key": _plain(key), "sales": sales, "lines": count, "quantity": format_quantity(quantity),
        **dict(zip(_SUMS, map(int, amounts), strict=True)), "exact_gross": exact_text(exact),
    }  # fmt: skip


def _labels(by: str, keys: list[Any]) -> dict[Any, str]:
    """What people call the keys of a dimension."""
    named: dict[str, tuple[Any, Any]] = {
        "product": (Product, Product.name), "department": (Department, Department.name),
        "cashier": (User, User.full_name), "register": (Register, Register.name), "store": (Store, Store.name),
        "tender": (Tender, Tender.name),
    }  # fmt: skip
    if by not in named:
        return {}
    model, field = named[by]
    known = [key for key in keys if key is not None]
    return {
        key: label for start in range(0, len(known), 500)
        for key, label in model.select(model.id, field).where(model.id.in_(known[start : start + 500])).tuples()
    }  # fmt: skip
