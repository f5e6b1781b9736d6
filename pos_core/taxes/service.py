"""Changing tax rates and tax groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pos_core import money
from pos_core.actions import action
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import ALREADY_EXISTS, NOT_FOUND
from pos_core.tax import Tax
from pos_core.tax.types import FIXED_PER_UNIT
from pos_core.taxes import queries, schemas
from pos_core.taxes.errors import TAX_FIGURE
from pos_core.taxes.models import TaxGroup, TaxGroupRate, TaxRate

MANAGE = "hq:taxes.manage"


@dataclass(frozen=True, slots=True)
class RateDraft:
    """A tax as it will be: its row, the changed columns, and how the engine will take it (None: not charged)."""

    row: TaxRate
    changes: dict[str, Any]
    tax: Tax | None


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """A group as it will be, with its taxes in their order."""

    code: str
    rates: tuple[TaxRate, ...]
    row: TaxGroup | None = None


def figure(ctx: Context, kind: str, rate: str | None, amount: str | None) -> int | None:
    """The stored rate from the one figure that fits the kind; None when neither was given.

    Raises PosError `tax_figure` for the other kind's figure and for more decimals than a fixed tax can have.
    """
    if kind != FIXED_PER_UNIT:
        if amount is not None:
            raise TAX_FIGURE("amount", kind=kind, wanted="rate")
        return None if rate is None else money.parse_basis_points(rate)
    if rate is not None:
        raise TAX_FIGURE("rate", kind=kind, wanted="amount")
    if amount is None:
        return None
    decimals = money.currency_decimals(ctx.kernel.currency) + queries.FIXED_DECIMALS
    try:
        return money.parse_scaled(amount, decimals, "amount")
    except ValueError as error:
        raise TAX_FIGURE("amount", kind=kind, wanted=f"amount (<= {decimals} decimals)") from error


def draft_rate(ctx: Context, command: schemas.CreateTaxRate) -> RateDraft:
    """Work out a new tax's row."""
    rate = figure(ctx, command.kind, command.rate, command.amount)
    if rate is None:
        wanted = "amount" if command.kind == FIXED_PER_UNIT else "rate"
        raise TAX_FIGURE(wanted, kind=command.kind, wanted=wanted)
    row = TaxRate(**command.model_dump(exclude={"rate", "amount"}), rate=rate)
    return RateDraft(row, {}, queries.as_tax(row))


def draft_rate_edit(ctx: Context, command: schemas.EditTaxRate) -> RateDraft:
    """Work out what a tax will be after the edit."""
    row = records.get(TaxRate, command.id, "tax rate")
    rate = figure(ctx, row.kind, command.rate, command.amount)
    changes = command.model_dump(exclude={"id", "version", "rate", "amount"}, exclude_none=True)
    if rate is not None:
        changes["rate"] = rate
    edited = TaxRate(**{**row.__data__, **changes})
    return RateDraft(row, changes, queries.as_tax(edited) if edited.is_active else None)


@action("tax_rate:create", command=schemas.CreateTaxRate, permission=MANAGE, status=201, key_field="id",
        prepare=draft_rate, constraints={"core_tax_rate.code": ALREADY_EXISTS.at("code", fields="code")})
def create_rate(ctx: Context, draft: RateDraft) -> dict[str, Any]:
    """Add a tax; it is charged once a group holds it."""
    records.add(ctx, draft.row)
    ctx.writing.raise_revision()
    return queries.rate_view(ctx, draft.row)


@action("tax_rate:edit", command=schemas.EditTaxRate, permission=MANAGE, prepare=draft_rate_edit)
def edit_rate(ctx: Context, command: schemas.EditTaxRate, draft: RateDraft) -> dict[str, Any]:
    """Change a tax from now on, or stop charging it; documents that exist keep their figures."""
    ctx.writing.was(queries.rate_view(ctx, draft.row))
    records.edit(ctx, draft.row, draft.changes, "tax rate", command.version)
    ctx.writing.raise_revision()
    return queries.rate_view(ctx, draft.row)


def _rates_of(ids: Sequence[str]) -> tuple[TaxRate, ...]:
    """The taxes of these ids in this order; PosError `not_found` for the first that is not there."""
    known = {row.id: row for row in TaxRate.select().where(TaxRate.id.in_(list(ids)))} if ids else {}
    for position, rate_id in enumerate(ids):
        if rate_id not in known:
            raise NOT_FOUND(f"rate_ids.{position}", entity="tax rate", id=rate_id)
    return tuple(known[rate_id] for rate_id in ids)


def draft_group(ctx: Context, command: schemas.CreateTaxGroup) -> GroupDraft:
    """Gather a new group's taxes."""
    return GroupDraft(command.code, _rates_of(command.rate_ids))


def draft_group_edit(ctx: Context, command: schemas.EditTaxGroup) -> GroupDraft:
    """Gather the taxes that the group will have after the edit."""
    row = records.get(TaxGroup, command.id, "tax group")
    if command.rate_ids is None:
        return GroupDraft(row.code, tuple(queries.rates_by_group([row.id])[row.id]), row)
    return GroupDraft(row.code, _rates_of(command.rate_ids), row)


def _place(ctx: Context, group_id: str, rates: Sequence[TaxRate]) -> None:
    for position, rate in enumerate(rates):
        ctx.writing.insert(TaxGroupRate, {"group_id": group_id, "rate_id": rate.id, "position": position})


@action("tax_group:create", command=schemas.CreateTaxGroup, permission=MANAGE, status=201, key_field="id",
        prepare=draft_group, constraints={"core_tax_group.code": ALREADY_EXISTS.at("code", fields="code")})
def create_group(ctx: Context, command: schemas.CreateTaxGroup, draft: GroupDraft) -> dict[str, Any]:
    """Make a tax group of taxes in their order, for products to carry."""
    row = TaxGroup(id=command.id, code=command.code, name=command.name)
    records.add(ctx, row)
    _place(ctx, row.id, draft.rates)
    ctx.writing.raise_revision()
    return queries.group_view(ctx, row, draft.rates)


@action("tax_group:edit", command=schemas.EditTaxGroup, permission=MANAGE, prepare=draft_group_edit)
def edit_group(ctx: Context, command: schemas.EditTaxGroup, draft: GroupDraft) -> dict[str, Any]:
    """Change a tax group's name or taxes, or take it out of use for new products."""
    row = draft.row
    assert row is not None
    ctx.writing.was(queries.group_view(ctx, row, queries.rates_by_group([row.id])[row.id]))
    changes = command.model_dump(exclude={"id", "version", "rate_ids"}, exclude_none=True)
    records.edit(ctx, row, changes, "tax group", command.version)
    if command.rate_ids is not None:
        TaxGroupRate.delete().where(TaxGroupRate.group == row.id).execute()
        _place(ctx, row.id, draft.rates)
    ctx.writing.raise_revision()
    return queries.group_view(ctx, row, draft.rates)
