"""Which taxes can stand in a group: those that the engine can charge together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pos_core.context import Context
from pos_core.errors import Violation
from pos_core.rules import before
from pos_core.tax import Line, Rounding, Tax, price
from pos_core.taxes import schemas
from pos_core.taxes.errors import TAX_GROUP_IMPOSSIBLE
from pos_core.taxes.models import TaxGroup, TaxGroupRate, TaxRate
from pos_core.taxes.queries import as_tax, rates_by_group

_PROBE_MINOR = 10_000


def as_active(row: TaxRate) -> Tax | None:
    """A tax as the engine takes it; None for one that is not charged."""
    return as_tax(row) if row.is_active else None


def violation_of(path: str, group: str, taxes: Sequence[Tax]) -> Violation | None:
    """What the engine says against these taxes together: it prices one line with them."""
    try:
        price([Line(_PROBE_MINOR, 1, 1000, tuple(taxes))], rounding=Rounding())
    except ValueError as error:
        return TAX_GROUP_IMPOSSIBLE.at(path, group=group, reason=str(error))
    return None


@before("tax_rate:create")
def check_new_rate(command: schemas.CreateTaxRate, draft: Any) -> Violation | None:
    """A tax must be chargeable on its own."""
    return violation_of("rate", command.code, [draft.tax])


@before("tax_rate:edit")
def check_edited_rate(ctx: Context, command: schemas.EditTaxRate, draft: Any) -> Iterator[Violation]:
    """The tax on its own, and every group that it stands in, must still be chargeable."""
    alone = violation_of("rate", draft.row.code, [draft.tax] if draft.tax is not None else [])
    if alone is not None:
        yield alone
        return
    groups = list(
        TaxGroup.select().join(TaxGroupRate).where(TaxGroupRate.rate == command.id).order_by(TaxGroup.code)
    )
    rates = rates_by_group(group.id for group in groups)
    for group in groups:
        taxes = [draft.tax if row.id == command.id else as_active(row) for row in rates[group.id]]
        found = violation_of("rate", group.code, [tax for tax in taxes if tax is not None])
        if found is not None:
            yield found


@before("tax_group:create")
@before("tax_group:edit")
def check_group(command: Any, draft: Any) -> Violation | None:
    """The group's active taxes must be chargeable together."""
    taxes = [tax for tax in map(as_active, draft.rates) if tax is not None]
    return violation_of("rate_ids", draft.code, taxes)
