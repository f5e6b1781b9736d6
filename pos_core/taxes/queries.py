"""Reads of tax rates and tax groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pos_core import money
from pos_core.actions import query
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import NOT_FOUND
from pos_core.tax import Tax
from pos_core.tax.types import FIXED_PER_UNIT, PERCENT
from pos_core.taxes.models import TaxGroup, TaxGroupRate, TaxRate

READERS = ("hq:taxes.view", "store:taxes.view", "pos:taxes.view")
#: A fixed tax is kept in ten-thousandths of a minor unit: four decimals more than the currency has.
FIXED_DECIMALS = 4


def rate_view(ctx: Context, row: TaxRate) -> dict[str, Any]:
    """A tax as the API shows it."""
    fixed = row.kind == FIXED_PER_UNIT
    decimals = money.currency_decimals(ctx.kernel.currency) + FIXED_DECIMALS
    return {
        "id": row.id, "code": row.code, "name": row.name, "kind": row.kind,
        "rate": None if fixed else money.format_basis_points(row.rate),
        "amount": money.format_scaled(row.rate, decimals) if fixed else None,
        "included": row.included, "adds_to_base": row.adds_to_base, "base_takes_earlier": row.base_takes_earlier,
        "is_active": row.is_active, "version": row.version,
    }  # fmt: skip


def group_view(ctx: Context, row: TaxGroup, rates: Sequence[TaxRate]) -> dict[str, Any]:
    """A group as the API shows it, with its taxes in their order and what each of them stands on."""
    shown = []
    for position, rate in enumerate(rates):
        earlier = [r.code for r in rates[:position] if r.is_active and r.adds_to_base]
        shown.append({**rate_view(ctx, rate), "stands_on": earlier if rate.base_takes_earlier else []})
    percent = sum(rate.rate for rate in rates if rate.is_active and rate.kind == PERCENT)
    return {
        "id": row.id, "code": row.code, "name": row.name, "is_active": row.is_active,
        "rate": money.format_basis_points(percent), "rates": shown, "version": row.version,
    }  # fmt: skip


def as_tax(row: TaxRate) -> Tax:
    """A tax as the engine takes it."""
    return Tax(
        id=row.id, kind=row.kind, rate=row.rate, included=row.included, adds_to_base=row.adds_to_base,
        base_takes_earlier=row.base_takes_earlier, code=row.code, name=row.name,
    )  # fmt: skip


def rates_by_group(group_ids: Iterable[str]) -> dict[str, list[TaxRate]]:
    """The taxes of several groups, in their order, in one read."""
    wanted = list(group_ids)
    found: dict[str, list[TaxRate]] = {group_id: [] for group_id in wanted}
    places = (
        TaxGroupRate.select(TaxGroupRate, TaxRate).join(TaxRate)
        .where(TaxGroupRate.group.in_(wanted)).order_by(TaxGroupRate.group, TaxGroupRate.position)
    )  # fmt: skip
    for place in places:
        found[place.__data__["group"]].append(place.rate)
    return found


def _matching(rows: Any, model: Any, is_active: bool | None) -> Any:
    return rows if is_active is None else rows.where(model.is_active == is_active)


@query("tax_rate:list", permission=READERS)
def list_rates(ctx: Context, *, is_active: bool | None = None, limit: int = 50, cursor: Any = None) -> Any:
    """Taxes by code."""
    rows, following = records.page(_matching(TaxRate.select(), TaxRate, is_active), (TaxRate.code,), cursor, limit)
    return [rate_view(ctx, row) for row in rows], following


@query("tax_rate:get", permission=READERS)
def get_rate(ctx: Context, *, id: str) -> dict[str, Any]:
    """One tax."""
    return rate_view(ctx, records.get(TaxRate, id, "tax rate"))


@query("tax_group:list", permission=READERS)
def list_groups(ctx: Context, *, is_active: bool | None = None, limit: int = 50, cursor: Any = None) -> Any:
    """Tax groups by code, each with its taxes."""
    rows, following = records.page(_matching(TaxGroup.select(), TaxGroup, is_active), (TaxGroup.code,), cursor, limit)
    rates = rates_by_group(row.id for row in rows)
    return [group_view(ctx, row, rates[row.id]) for row in rows], following


@query("tax_group:get", permission=READERS)
def get_group(ctx: Context, *, id: str) -> dict[str, Any]:
    """One tax group with its taxes."""
    row = records.get(TaxGroup, id, "tax group")
    return group_view(ctx, row, rates_by_group([row.id])[row.id])


@query("tax_group:by_code", permission=READERS)
def group_by_code(ctx: Context, *, code: str) -> dict[str, Any]:
    """The tax group of a code, such as standard."""
    row = TaxGroup.get_or_none(TaxGroup.code == code)
    if row is None:
        raise NOT_FOUND("tax_group", entity="tax group", id=code)
    return group_view(ctx, row, rates_by_group([row.id])[row.id])
