"""A module with reports, as a pack would bring it: its figures come with the filters that it was asked with."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pos_core.actions import query
from pos_core.context import Context
from pos_core.hookspecs import hookimpl
from pos_core.manifest import Manifest, Permission
from pos_core.reporting.filters import CategoryFilter, PeriodFilter, StoreFilter, UserFilter
from pos_core.reporting.registry import Column, Report

MANIFEST = Manifest(
    name="sample.figures", version="1", title="Figures", depends=("core.reporting",),
    permissions=(Permission("hq:secret.view", "See the secret report"),),
)  # fmt: skip

ROWS = [
    {"label": "=1+1", "day": "2026-03-01", "count": 2, "weight": "0.125", "paid_minor": 1050, "exact": "1050.5"},
    {"label": "Bread, \"dark\"", "day": "2026-03-02", "count": 3, "weight": "-0.5", "paid_minor": -7, "exact": "1/3"},
    {"label": None, "day": None, "count": None, "weight": None, "paid_minor": None, "exact": None},
]


class Everything(PeriodFilter, StoreFilter, UserFilter, CategoryFilter):
    """All standard filters, and one that must be given."""

    size: int = Field(ge=1)


@query("figures:rows")
def figures(ctx: Context, *, size: int, **filters: Any) -> list[dict[str, Any]]:
    """So many copies of the rows."""
    return [{**row, "not_a_column": 1, "asked": str(sorted(filters.items()))} for row in ROWS] * size


COLUMNS = (
    Column("label", "text", "Label", "Etiqueta"),
    Column("asked", "text", "Asked", "Pedido"),
    Column("day", "day", "Day", "Día"),
    Column("count", "count", "Count", "Número", summed=True),
    Column("weight", "quantity", "Weight", "Peso", summed=True),
    Column("paid_minor", "money", "Paid", "Pagado", summed=True),
    Column("exact", "exact", "Exact", "Exacto", summed=True),
)
FIGURES = Report(
    "figures", "Figures", "Cifras", COLUMNS, "figures:rows", Everything, ("hq:reports.view", "store:reports.view"),
    dimensions=("day", "size"), overlapping=lambda filters: ("count",) if filters.size > 1 else (),
)  # fmt: skip
SECRET = Report("figures.secret", "Secret", "Secreto", COLUMNS, "figures:rows", Everything, ("hq:secret.view",))
ABSENT = Report(
    "figures.absent", "Absent", "Ausente", COLUMNS, "figures:rows", Everything, ("hq:reports.view",),
    needs=("nothing:here",),
)  # fmt: skip


@hookimpl
def register_reports() -> tuple[Report, ...]:
    return FIGURES, SECRET, ABSENT
