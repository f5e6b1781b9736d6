"""Stands where the operations' sales stand, so that this distribution's tests need no other one installed.

It answers the named query that the sales report asks, with figures that say what they were asked with.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from pos_core.actions import query
from pos_core.context import Context
from pos_core.manifest import Manifest

MANIFEST = Manifest(name="ops.sales", version="1", title="Sales")


@query("sale:totals")
def totals(
    ctx: Context, *, by: str, first: date | None = None, last: date | None = None, store_id: str | None = None
) -> list[dict[str, Any]]:
    """Two rows of any dimension."""
    asked = f"{by} {first} {last} {store_id}"
    return [
        {"key": "1", "label": asked, "sales": 2, "lines": 3, "quantity": "3.5", "gross_minor": 1001,
         "discount_minor": 1, "net_minor": 900, "tax_minor": 100, "total_minor": 1000, "exact_gross": "1000.75",
         "more": "is not shown"},
        {"key": "2", "label": "=2", "sales": 1, "lines": 1, "quantity": "-1", "gross_minor": -200,
         "discount_minor": 0, "net_minor": -180, "tax_minor": -20, "total_minor": -200, "exact_gross": "-200.25"},
    ]  # fmt: skip
