"""The file to fill in."""

from __future__ import annotations

from pos_core import money

COLUMNS = ("sku", "barcode", "name", "selling_price", "cost_price", "department_code", "tax_rate_code")
_EXAMPLES = (
    ("EXAMPLE-1", "0400000999998", "Example tea, 20 bags", 349, 180, "GROCERY", "standard"),
    ("EXAMPLE-2", "", "Example bread, 500 g", 275, 120, "BAKERY", "reduced"),
)


def text(decimals: int) -> str:
    """The header and two example lines; `decimals` of the shop's currency. Delete the examples before importing."""
    lines = [",".join(COLUMNS)]
    for sku, barcode, name, price, cost, department, tax in _EXAMPLES:
        amounts = [money.format_scaled(amount, decimals, trim=False) for amount in (price, cost)]
        lines.append(",".join([sku, barcode, f'"{name}"', *amounts, department, tax]))
    return "\r\n".join(lines) + "\r\n"
