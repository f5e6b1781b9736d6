"""The sales report: its contract, its dimensions, and that it goes where sales go."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from pos_core.errors import PosError
from pos_core.testing.harness import Business
from pos_mgmt.reports.sales import SALES, Dimension


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


SALES_MODULE = load("stand_in_sales")


@pytest.fixture
def shop(make_business: Callable[..., Business]) -> Business:
    return make_business(extra=[("ops.sales", SALES_MODULE)])


def run(shop: Business, role: str = "admin", **filters: Any) -> dict[str, Any]:
    return shop.query("report:run", role=role, report="sales", filters=filters)


@pytest.mark.req("OPX-24")
def test_the_columns_are_a_contract() -> None:
    """Spreadsheets and programs rely on them: a report with other columns is another report."""
    assert [(column.name, column.kind) for column in SALES.columns] == [
        ("key", "text"), ("label", "text"), ("sales", "count"), ("lines", "count"), ("quantity", "quantity"),
        ("gross_minor", "money"), ("discount_minor", "money"), ("net_minor", "money"), ("tax_minor", "money"),
        ("total_minor", "money"), ("exact_gross", "exact"),
    ]  # fmt: skip


@pytest.mark.req("RLS-07")
@pytest.mark.parametrize("by", get_args(Dimension))
def test_every_dimension_has_the_same_columns_and_exact_totals(shop: Business, by: str) -> None:
    made = run(shop, by=by)
    assert all(list(row) == [column.name for column in SALES.columns] for row in made["rows"])
    assert made["rows"][0]["label"] == f"{by} None None None"
    assert made["meta"]["dimensions"] == {"by": by}
    totals = made["totals"]
    assert (totals["gross_minor"], totals["total_minor"], totals["exact_gross"]) == (801, 800, "800.5")
    overlapping = {"product", "department", "tender"}
    assert totals["sales"] == (None if by in overlapping else 3)
    assert totals["quantity"] == (None if by == "tender" else "2.5")


@pytest.mark.req("RPT-02")
def test_it_is_asked_for_days_and_a_store_and_by_month_unless_told(shop: Business) -> None:
    made = run(shop, **{"from": "2026-01-01", "to": "2026-01-31", "store_id": shop.store_id})
    assert made["rows"][0]["label"] == f"month 2026-01-01 2026-01-31 {shop.store_id}"
    assert run(shop, "manager")["rows"][0]["label"] == f"month None None {shop.store_id}"
    for wrong in ({"by": "week"}, {"from": "2026-02-01", "to": "2026-01-01"}, {"category_id": shop.store_id}):
        with pytest.raises(PosError, match="parameter_invalid"):
            run(shop, **wrong)


@pytest.mark.req("RPT-01")
def test_a_cashier_does_not_see_it_and_without_sales_nobody_does(make_business: Callable[..., Business]) -> None:
    shop = make_business(extra=[("ops.sales", SALES_MODULE)])
    assert "sales" in {entry["id"] for entry in shop.query("report:list")[0]}
    with pytest.raises(PosError, match="permission_denied"):
        run(shop, "cashier")
    without = make_business(extra=[("ops.sales", SALES_MODULE)], modules={"disabled": ["ops.sales"]})
    assert "sales" not in {entry["id"] for entry in without.query("report:list")[0]}
    with pytest.raises(PosError, match="report_unknown"):
        run(without)
