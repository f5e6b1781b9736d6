"""A sale as the API shows it, from its rows: the same document when it is made and whenever it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pos_core.clock import to_text
from pos_core.money import format_basis_points, format_quantity

Row = Mapping[str, Any]


def instant(value: Any) -> Any:
    """A stored moment as text, whichever way it was read."""
    return to_text(value) if isinstance(value, datetime) else value


def day(value: Any) -> Any:
    """A stored day as text."""
    return value.isoformat() if isinstance(value, date) else value


def discount_view(kind: str, value: int, reason: str) -> dict[str, Any]:
    """A discount as it was given: basis points as text, or minor units."""
    shown: dict[str, Any] = {"kind": kind}
    if kind == "percent":
        shown["value"] = format_basis_points(value)
    else:
        shown["amount_minor"] = value
    if reason:
        shown["reason"] = reason
    return shown


def tax_view(tax_id: str, code: str, rate: int, base: int, amount: int, deducted: bool) -> dict[str, Any]:
    """A tax on a line or a sale: which, on which base, how much."""
    shown = {
        "tax_id": tax_id, "code": code, "rate": format_basis_points(rate), "base_minor": base, "amount_minor": amount,
    }  # fmt: skip
    if deducted:
        shown["deducted"] = True
    return shown


def line_tax_view(tax: Any) -> dict[str, Any]:
    """A tax on a line; its id stands with the same code among the sale's taxes."""
    shown = {
        "code": tax.tax.code, "rate": format_basis_points(tax.tax.rate), "base_minor": tax.base_minor,
        "amount_minor": tax.amount_minor,
    }  # fmt: skip
    if tax.deducted:
        shown["deducted"] = True
    return shown


def line_view(row: Row) -> dict[str, Any]:
    """A line of a sale."""
    return {
        "position": row["position"], "product_id": row["product_id"], "sku": row["sku"], "name": row["name"],
        "department_id": row["department_id"], "quantity": format_quantity(row["quantity"]),
        "unit_price_minor": row["unit_price_minor"], "price_per": row["price_per"],
        "price_source": row["price_source"], "gross_minor": row["gross_minor"],
        "discount_minor": row["discount_minor"], "cart_discount_minor": row["cart_discount_minor"],
        "net_minor": row["net_minor"], "tax_minor": row["tax_minor"], "total_minor": row["total_minor"],
        "tax_group_id": row["tax_group_id"], "taxes": row["taxes"], "discounts": row["discounts"] or [],
        "note": row["note"],
    }  # fmt: skip


def payment_view(row: Row) -> dict[str, Any]:
    """A payment of a sale."""
    return {
        "position": row["position"], "tender": row["tender_code"], "tender_id": row["tender_id"],
        "amount_minor": row["amount_minor"], "tendered_minor": row["tendered_minor"],
        "change_minor": row["change_minor"], "reference": row["reference"],
    }  # fmt: skip


def flag_view(row: Row) -> dict[str, Any]:
    """A flag of a sale."""
    return {name: row[name] for name in ("id", "code", "path", "message", "rule")}


def sale_view(
    sale: Row, lines: Iterable[Row], taxes: Iterable[Row], payments: Iterable[Row], flags: Iterable[Row]
) -> dict[str, Any]:
    """The whole sale."""
    return {
        "id": sale["id"], "number": sale["number"], "receipt_number": sale["receipt_number"],
        "status": sale["status"], "store_id": sale["store_id"], "register_id": sale["register_id"],
        "session_id": sale["session_id"], "cashier_id": sale["cashier_id"], "device_id": sale["device_id"],
        "customer_id": sale["customer_id"], "representative_id": sale["representative_id"],
        "channel": sale["channel"], "business_date": day(sale["business_date"]), "sold_at": instant(sale["sold_at"]),
        "recorded_at": instant(sale["created_at"]), "currency": sale["currency"],
        "lines": [line_view(row) for row in lines],
        "taxes": [
            tax_view(row["rate_id"], row["code"], row["rate_value"], row["base_minor"], row["amount_minor"],
                     bool(row["is_deducted"]))
            for row in taxes
        ],
        "payments": [payment_view(row) for row in payments],
        "discounts": sale["discounts"] or [],
        "gross_minor": sale["gross_minor"], "discount_minor": sale["discount_minor"], "net_minor": sale["net_minor"],
        "tax_minor": sale["tax_minor"], "total_minor": sale["total_minor"],
        "rounding_minor": sale["rounding_minor"], "payable_minor": sale["payable_minor"],
        "paid_minor": sale["paid_minor"], "change_minor": sale["change_minor"], "offline": bool(sale["is_offline"]),
        "printed_number": sale["printed_number"], "printed_total_minor": sale["printed_total_minor"],
        "note": sale["note"], "flags": [flag_view(row) for row in flags], "version": sale["version"],
    }  # fmt: skip
