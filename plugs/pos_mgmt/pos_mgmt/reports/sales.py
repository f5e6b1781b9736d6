"""The sales report: what was sold, by one dimension at a time. The figures are stored ones, added up by the sales."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pos_core.reporting.filters import PeriodFilter, StoreFilter
from pos_core.reporting.registry import Column, Report

Dimension = Literal["month", "day", "product", "department", "cashier", "register", "tender"]


class SalesFilters(PeriodFilter, StoreFilter):
    """Of which days and which store, and what a row stands for."""

    by: Dimension = Field("month", description="What a row stands for.")


def _overlapping(filters: SalesFilters) -> tuple[str, ...]:
    """A sale of three products counts in three rows by product; one paid by card and cash in two by tender."""
    if filters.by in ("product", "department"):
        return ("sales",)
    return ("sales", "lines", "quantity") if filters.by == "tender" else ()


SALES = Report(
    id="sales",
    title_en="Sales",
    title_es="Ventas",
    description="Completed sales by month, day, product, department, cashier, register or tender.",
    columns=(
        Column("key", "text", "Key", "Clave"),
        Column("label", "text", "Name", "Nombre"),
        Column("sales", "count", "Sales", "Ventas", summed=True),
        Column("lines", "count", "Lines", "Líneas", summed=True),
        Column("quantity", "quantity", "Quantity", "Cantidad", summed=True),
        Column("gross_minor", "money", "Gross", "Bruto", summed=True),
        Column("discount_minor", "money", "Discount", "Descuento", summed=True),
        Column("net_minor", "money", "Net", "Neto", summed=True),
        Column("tax_minor", "money", "Tax", "Impuesto", summed=True),
        Column("total_minor", "money", "Total", "Total", summed=True),
        Column("exact_gross", "exact", "Gross, unrounded", "Bruto sin redondear", summed=True),
    ),
    query="sale:totals",
    filters=SalesFilters,
    permissions=("hq:reports.view", "store:reports.view"),
    dimensions=("by",),
    overlapping=_overlapping,
)

REPORTS = (SALES,)
