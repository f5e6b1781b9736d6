"""One row of text as figures: what it says, or what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pos_core import money
from pos_core.schemas import MAX_MINOR
from pos_ops.catalog.import_schemas import ImportRow
from pos_ops.catalog.words import is_barcode

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,49}")
_POINT = re.compile(r"(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]*))?|\.[0-9]+")
#: The most units a price may be for, as schemas.PricePer has it.
MAX_PRICE_PER = 1_000_000
_TRUE = frozenset({"1", "true", "yes", "y", "x", "si", "sí"})
_FALSE = frozenset({"0", "false", "no", "n"})
_SWAP = str.maketrans(",.", ".,")

REASONS: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing", "falta"),
    "long": ("has more than {limit} characters", "tiene más de {limit} caracteres"),
    "number": ("is no number: {text}", "no es un número: {text}"),
    "decimals": (
        "has more decimals than the currency: {text} (give the price of 10 or 100 and price_per)",
        "tiene más decimales que la moneda: {text} (indique el precio de 10 o 100 y price_per)",
    ),
    "positive": ("must be above zero: {text}", "debe ser mayor que cero: {text}"),
    "large": ("is too large: {text}", "es demasiado grande: {text}"),
    "whole": ("must be a whole number from 1 to 1000000: {text}", "debe ser un número entero de 1 a 1000000: {text}"),
    "percent": ("must be a percentage from 0 to 100: {text}", "debe ser un porcentaje de 0 a 100: {text}"),
    "flag": ("must be yes or no: {text}", "debe ser sí o no: {text}"),
    "code": ("is no code (letters, digits, . _ / -): {text}", "no es un código (letras, dígitos, . _ / -): {text}"),
    "barcode": ("is no barcode: {text}", "no es un código de barras: {text}"),
    "unknown": ("is not known: {text}", "no se conoce: {text}"),
    "twice": ("stands in line {line} already: {text}", "ya aparece en la línea {line}: {text}"),
    "taken": ("belongs to the product {sku} already: {text}", "ya pertenece al producto {sku}: {text}"),
    "open": (
        "must be empty where the price is asked at the till: {text}",
        "debe estar vacío si el precio se pide en la caja: {text}",
    ),
}


class RowError(Exception):
    """What is wrong with a row: the field, and the reason as a key of REASONS with its figures."""

    def __init__(self, field: str, reason: str, **figures: Any) -> None:
        self.field, self.reason, self.figures = field, reason, figures
        super().__init__(f"{field}: {reason}")

    def sentence(self, language: str) -> str:
        """The field and the reason in English or Spanish."""
        english, spanish = REASONS[self.reason]
        return f"{self.field} " + (spanish if language == "es" else english).format(**self.figures)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a row says; None and "" say nothing. Amounts in minor units, the discount as a stored rate."""

    sku: str
    name: str
    description: str
    barcodes: tuple[str, ...]
    unit_price_minor: int | None
    price_per: int | None
    cost_price_minor: int | None
    department_code: str
    department: str
    category: str
    brand: str
    vendor_code: str
    vendor: str
    tax_rate_code: str
    discount_rate: int | None
    is_open_price: bool | None
    sold_by_weight: bool | None
    attributes: dict[str, str]


def clean(text: str) -> str:
    """One line of visible text: blanks joined, invisible characters (direction marks, byte order marks) dropped."""
    if not text.isprintable():
        text = "".join(c for c in text if c.isprintable() or c.isspace())
    return " ".join(text.split())


def plain_decimal(text: str, decimal_comma: bool) -> str | None:
    """A number as people write it ("1,234.50", with decimal_comma "1.234,50") as a plain decimal; None: it is none.

    >>> plain_decimal("1,234.50", False), plain_decimal("12,90", True), plain_decimal("12,90", False)
    ('1234.50', '12.90', None)
    """
    compact = text.replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
    turned = compact.translate(_SWAP) if decimal_comma else compact
    if _POINT.fullmatch(turned) is None:
        return None
    whole, _, fraction = turned.replace(",", "").partition(".")
    return f"{whole or '0'}.{fraction}" if fraction else whole


def parse(row: ImportRow, decimals: int, decimal_comma: bool) -> Parsed:
    """A row's figures; RowError for the first thing that is wrong. `decimals`: of the shop's currency."""
    price, price_per, cost = _prices(row, decimals, decimal_comma)
    barcodes = [b for b in (clean(one).replace(" ", "") for one in (row.barcode, *row.barcodes)) if b]
    for barcode in barcodes:
        if not is_barcode(barcode):
            raise RowError("barcode", "barcode", text=barcode[:60])
    return Parsed(
        sku=_required("sku", _text("sku", row.sku, 50)),
        name=_text("name", row.name, 100),
        description=_text("description", row.description, 4000),
        barcodes=tuple(dict.fromkeys(barcodes)),
        unit_price_minor=price,
        price_per=price_per,
        cost_price_minor=cost,
        department_code=_code("department_code", row.department_code),
        department=_text("department", row.department, 100),
        category=_text("category", row.category, 100),
        brand=_text("brand", row.brand, 100),
        vendor_code=_code("vendor_code", row.vendor_code),
        vendor=_text("vendor", row.vendor, 100),
        tax_rate_code=_code("tax_rate_code", row.tax_rate_code),
        discount_rate=_percent(row.discount.strip().removesuffix("%").strip(), decimal_comma),
        is_open_price=_flag("open_price", row.open_price),
        sold_by_weight=_flag("sold_by_weight", row.sold_by_weight),
        attributes={key: clean(value) for key, value in row.attributes.items() if value.strip()},
    )


def _required(field: str, text: str) -> str:
    if not text:
        raise RowError(field, "missing")
    return text


def _text(field: str, value: str, limit: int) -> str:
    text = clean(value) if value else ""
    if len(text) > limit:
        raise RowError(field, "long", limit=limit)
    return text


def _code(field: str, value: str) -> str:
    text = value.strip()
    if text and _CODE.fullmatch(text) is None:
        raise RowError(field, "code", text=text[:60])
    return text


def _prices(row: ImportRow, decimals: int, decimal_comma: bool) -> tuple[int | None, int | None, int | None]:
    """Price, the units it is for, and cost.

    A price finer than the currency (4.589 EUR) becomes the exact price of ten, a hundred ... units, where the row
    says how many units it was for; otherwise nobody could tell a repeated import from a new price.
    """
    price, cost = row.selling_price.strip(), row.cost_price.strip()
    per = _price_per(row.price_per.strip())
    finer = 0
    if per is not None and price:
        places = max(_places("selling_price", price, decimal_comma), _places("cost_price", cost, decimal_comma))
        finer = max(0, places - decimals)
        per *= 10**finer
        if per > MAX_PRICE_PER:
            raise RowError("selling_price", "decimals", text=price[:40])
    return (
        _amount("selling_price", price, decimals, finer, decimal_comma) if price else None,
        per,
        _amount("cost_price", cost, decimals, finer, decimal_comma) if cost else None,
    )


def _places(field: str, text: str, decimal_comma: bool) -> int:
    """How many decimals a number has that say something."""
    number = plain_decimal(text, decimal_comma) if text else ""
    if number is None:
        raise RowError(field, "number", text=text[:40])
    return len(number.partition(".")[2].rstrip("0"))


def _amount(field: str, text: str, decimals: int, finer: int, decimal_comma: bool) -> int:
    """An amount in minor units of 10**finer units."""
    if _places(field, text, decimal_comma) > decimals + finer:
        raise RowError(field, "decimals", text=text[:40])
    whole, _, fraction = (plain_decimal(text, decimal_comma) or "").partition(".")
    scale = decimals + finer
    minor = int(whole + fraction[:scale].ljust(scale, "0"))
    if minor <= 0:
        raise RowError(field, "positive", text=text[:40])
    if minor > MAX_MINOR:
        raise RowError(field, "large", text=text[:40])
    return minor


def _price_per(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 7 and 1 <= int(text) <= MAX_PRICE_PER):
        raise RowError("price_per", "whole", text=text[:40])
    return int(text)


def _percent(text: str, decimal_comma: bool) -> int | None:
    if not text:
        return None
    number = plain_decimal(text, decimal_comma)
    try:
        hundredths = money.parse_scaled(number or "", 2)
    except ValueError:
        raise RowError("discount", "percent", text=text[:40]) from None
    if hundredths > 100_00:
        raise RowError("discount", "percent", text=text[:40])
    return hundredths * 100


def _flag(field: str, value: str) -> bool | None:
    text = value.strip().casefold()
    if not text:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise RowError(field, "flag", text=value[:40])
