"""Receipts: the stored figures of a sale as data and as plain text, in the store's zone and language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from babel.dates import format_datetime

from pos_core import Context
from pos_core.clock import zone
from pos_core.money import currency_decimals, format_money, format_scaled, parse_basis_points
from pos_core.rbac.models import User

WIDTH = 42

WORDS = {
    "en": {"receipt": "Receipt", "cashier": "Cashier", "subtotal": "Subtotal", "discount": "Discount",
           "cart_discount": "Cart discount", "total": "TOTAL", "rounding": "Rounding", "payable": "To pay",
           "change": "Change", "tax": "Tax", "net": "Net", "offline": "Sold offline", "printed": "printed as",
           "voided": "*** VOIDED ***"},
    "es": {"receipt": "Recibo", "cashier": "Cajero", "subtotal": "Subtotal", "discount": "Descuento",
           "cart_discount": "Descuento total", "total": "TOTAL", "rounding": "Redondeo", "payable": "A pagar",
           "change": "Cambio", "tax": "Impuesto", "net": "Base", "offline": "Vendido sin conexión",
           "printed": "impreso como", "voided": "*** ANULADO ***"},
}  # fmt: skip


def content(ctx: Context, sale: dict[str, Any], language: str | None = None) -> dict[str, Any]:
    """What stands on a sale's receipt: the sale, the store, the register, the cashier and the store's texts."""
    store = ctx.kernel.stores.get(sale["store_id"], ctx.revision)
    register = ctx.kernel.stores.register(sale["register_id"], ctx.revision)
    settings = ctx.kernel.settings.for_store(store.id, ctx.revision)
    cashier = User.get_or_none(User.id == sale["cashier_id"])
    return {
        "sale": sale,
        "store": {"id": store.id, "code": store.code, "name": store.name, "address": store.address,
                  "phone": store.phone, "tax_number": store.tax_number, "time_zone": store.time_zone},
        "register": {"id": register.id, "code": register.code, "name": register.name},
        "cashier": cashier.full_name if cashier is not None else "",
        "language": language or settings["business.language"],
        "header": [part for part in settings["receipt.header"].split("|") if part.strip()],
        "footer": [part for part in settings["receipt.footer"].split("|") if part.strip()],
    }  # fmt: skip


def text(receipt: dict[str, Any]) -> str:
    """The receipt as plain text."""
    return "\n".join(_rows(receipt)) + "\n"


def _rows(receipt: dict[str, Any]) -> Iterator[str]:
    sale, store, language = receipt["sale"], receipt["store"], receipt["language"]
    words, currency = WORDS[language], sale["currency"]
    for row in (store["name"], store["address"], store["phone"], store["tax_number"], *receipt["header"]):
        if row:
            yield row.center(WIDTH).rstrip()
    yield "-" * WIDTH
    sold = datetime.fromisoformat(sale["sold_at"]).astimezone(zone(store["time_zone"]))
    yield _pair(f"{words['receipt']} {sale['receipt_number']}", format_datetime(sold, "short", locale=language))
    yield f"{words['cashier']}: {receipt['cashier']}"[:WIDTH]
    if sale["status"] == "voided":
        yield words["voided"].center(WIDTH).rstrip()
    if sale["offline"]:
        yield f"{words['offline']} ({words['printed']} {sale['printed_number'] or '-'})"[:WIDTH]
    yield "-" * WIDTH
    for line in sale["lines"]:
        yield from _line(line, currency, words)
    yield "-" * WIDTH
    yield from _totals(sale, words, language)
    if receipt["footer"]:
        yield "-" * WIDTH
        for row in receipt["footer"]:
            yield row.center(WIDTH).rstrip()


def _line(line: dict[str, Any], currency: str, words: dict[str, str]) -> Iterator[str]:
    per = f"/{line['price_per']}" if line["price_per"] != 1 else ""
    name = line["name"]
    yield _pair(name, _amount(line["gross_minor"], currency))
    if line["quantity"] != "1" or per:
        yield f"  {line['quantity']} x {_amount(line['unit_price_minor'], currency)}{per}"
    if line["discount_minor"]:
        yield _pair(f"  {words['discount']}", _amount(-line["discount_minor"], currency))


def _totals(sale: dict[str, Any], words: dict[str, str], language: str) -> Iterator[str]:
    currency = sale["currency"]
    shares = sum(line["cart_discount_minor"] for line in sale["lines"])
    if shares:
        yield _pair(words["cart_discount"], _amount(-shares, currency))
    yield _pair(words["total"], format_money(sale["total_minor"], currency, language))
    if sale["rounding_minor"]:
        yield _pair(words["rounding"], _amount(sale["rounding_minor"], currency))
        yield _pair(words["payable"], format_money(sale["payable_minor"], currency, language))
    for payment in sale["payments"]:
        yield _pair(payment["tender"], _amount(payment["tendered_minor"], currency))
    if sale["change_minor"]:
        yield _pair(words["change"], _amount(sale["change_minor"], currency))
    yield "-" * WIDTH
    for tax in sale["taxes"]:
        if not tax.get("deducted"):
            percent = format_scaled(parse_basis_points(tax["rate"]), 4)
            label = f"{tax['code']} {percent} % {words['net']} {_amount(tax['base_minor'], currency)}"
            yield _pair(label, _amount(tax["amount_minor"], currency))


def _amount(minor: int, currency: str) -> str:
    return format_scaled(minor, currency_decimals(currency), trim=False)


def _pair(left: str, right: str) -> str:
    room = WIDTH - len(right) - 1
    return f"{left[:room]:<{room}} {right}"
