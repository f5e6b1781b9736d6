"""Money, quantities and rates: integers inside, decimal strings at the edge, never a float.

Amounts are minor units of an ISO 4217 currency, quantities are thousandths, tax rates are hundredths of a basis
point (8.25 % = 82500). Number of decimals by currency comes from ISO 4217 as babel carries it (CLDR).
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision, list_currencies

QUANTITY_SCALE = 1000
RATE_SCALE = 1_000_000
_DECIMAL = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,9}))?")


def parse_scaled(text: str, decimals: int, what: str = "number") -> int:
    """Decimal text as an integer of 10**-decimals; ValueError where it is no plain decimal or has more places.

    >>> parse_scaled("12.5", 3), parse_scaled("-0.07", 2)
    (12500, -7)
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{what} must be a plain decimal such as 12.5, got {text[:40]!r}")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    if len(fraction) > decimals:
        raise ValueError(f"{what} has more than {decimals} decimals: {text[:40]!r}")
    value = int(whole + fraction.ljust(decimals, "0"))
    return -value if sign else value


def format_scaled(value: int, decimals: int, *, trim: bool = True) -> str:
    """An integer of 10**-decimals as decimal text; `trim` cuts trailing zeros.

    >>> format_scaled(12500, 3), format_scaled(-7, 2, trim=False)
    ('12.5', '-0.07')
    """
    digits = str(abs(value)).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    if trim:
        fraction = fraction.rstrip("0")
    return ("-" if value < 0 else "") + whole + ("." + fraction if fraction else "")


@lru_cache(maxsize=8192)
def parse_quantity(text: str) -> int:
    """A quantity's decimal text as thousandths: "2.5" gives 2500."""
    return parse_scaled(text, 3, "quantity")


@lru_cache(maxsize=8192)
def format_quantity(thousandths: int) -> str:
    """Thousandths as decimal text: 2500 gives "2.5"."""
    return format_scaled(thousandths, 3)


@lru_cache(maxsize=8192)
def parse_basis_points(text: str) -> int:
    """Basis points as text ("825", "887.5") to the stored hundredths of a basis point (82500, 88750)."""
    return parse_scaled(text, 2, "rate")


@lru_cache(maxsize=8192)
def format_basis_points(rate: int) -> str:
    """A stored rate as basis-point text: 82500 gives "825", 88750 gives "887.5"."""
    return format_scaled(rate, 2)


def is_currency(code: str) -> bool:
    """Whether ISO 4217 (as CLDR carries it) knows the three-letter code."""
    return code in _currencies()


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


@lru_cache(maxsize=256)
def currency_decimals(code: str) -> int:
    """How many decimals the currency has (JPY 0, EUR 2, BHD 3); ValueError for an unknown code."""
    if not is_currency(code):
        raise ValueError(f"unknown currency {code!r}: use an ISO 4217 code such as EUR")
    return int(get_currency_precision(code))


@lru_cache(maxsize=256)
def cash_increment(code: str) -> int:
    """The smallest cash amount of a currency in minor units by CLDR (CHF 5, EUR 1); a setting may override it."""
    fractions = get_global("currency_fractions")
    digits, _, cash_digits, cash_rounding = fractions.get(code, fractions["DEFAULT"])
    return max(1, cash_rounding) * 10 ** max(0, digits - cash_digits)


def format_money(minor: int, currency: str, locale: str = "en") -> str:
    """An amount as people write it in `locale`: format_money(123456, "EUR", "es") gives "1.234,56 €"."""
    amount = Decimal(minor).scaleb(-currency_decimals(currency))
    return str(format_currency(amount, currency, locale=locale, decimal_quantization=False))


def to_minor(amount: str, currency: str) -> int:
    """Decimal text in major units as minor units; ValueError for more decimals than the currency has."""
    return parse_scaled(amount, currency_decimals(currency), "amount")


def from_minor(minor: int, currency: str) -> str:
    """Minor units as plain decimal text with all of the currency's decimals: 150 EUR gives "1.50"."""
    return format_scaled(minor, currency_decimals(currency), trim=False)
