"""The tax and pricing engine: pure, exact, independent of everything else in the product.

:func:`price` prices a document in integer minor units; ``pos_core.tax.exact`` does the same in rationals
with any rounding unit. ``docs/tax.md`` explains the rules with worked examples.
"""

from __future__ import annotations

from pos_core.tax.engine import price
from pos_core.tax.helpers import flatten, gross_from_net, net_from_gross, price_when_taxes_are_swapped
from pos_core.tax.rounding import allocate, cash_round, round_div
from pos_core.tax.types import (
    KINDS,
    Discount,
    Line,
    LineTax,
    PricedDocument,
    PricedLine,
    Rounding,
    Tax,
    TaxGroup,
    TaxTotal,
)

__all__ = [
    "KINDS",
    "Discount",
    "Line",
    "LineTax",
    "PricedDocument",
    "PricedLine",
    "Rounding",
    "Tax",
    "TaxGroup",
    "TaxTotal",
    "allocate",
    "cash_round",
    "flatten",
    "gross_from_net",
    "net_from_gross",
    "price",
    "price_when_taxes_are_swapped",
    "round_div",
]
