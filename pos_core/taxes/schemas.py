"""Requests and answers about tax rates and tax groups."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from pos_core.ids import uuid7
from pos_core.schemas import Answer, BasisPoints, Code, Command, Edit, Id, Name, PageParams

Kind = Literal["percent", "fixed_per_unit", "percent_of_gross", "reverse_charge", "reverse_charge_of_gross"]
Amount = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,7})?$"),
    Field(description="Amount in the business' currency per unit sold, as decimal text: up to four decimals more "
                      "than the currency has."),
]  # fmt: skip


def _each_once(ids: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(ids)) != len(ids):
        raise ValueError("names a tax twice")
    return ids


RateIds = Annotated[
    tuple[Id, ...], Field(max_length=20, strict=False, description="The taxes in the order of their computation."),
    AfterValidator(_each_once),
]  # fmt: skip


class CreateTaxRate(Command):
    """A tax. Percent kinds take `rate`, `fixed_per_unit` takes `amount`.

    Compound taxes: a tax with `adds_to_base` joins the base of the taxes after it in a group; a tax with
    `base_takes_earlier` (the default) stands on those before it that do.
    """

    id: Id = Field(default_factory=uuid7)
    code: Code
    name: Name
    kind: Kind = "percent"
    rate: BasisPoints | None = None
    amount: Amount | None = None
    included: bool = Field(False, description="Prices contain the tax already.")
    adds_to_base: bool = False
    base_takes_earlier: bool = True


class EditTaxRate(Edit):
    """Code and kind stay; what was sold keeps the tax it was sold with."""

    id: Id
    name: Name | None = None
    rate: BasisPoints | None = None
    amount: Amount | None = None
    included: bool | None = None
    adds_to_base: bool | None = None
    base_takes_earlier: bool | None = None
    is_active: bool | None = None


class CreateTaxGroup(Command):
    """What a product carries: taxes in their order; none of them is a group that charges nothing."""

    id: Id = Field(default_factory=uuid7)
    code: Code
    name: Name
    rate_ids: RateIds = ()


class EditTaxGroup(Edit):
    """`rate_ids` replaces the whole list."""

    id: Id
    name: Name | None = None
    rate_ids: RateIds | None = None
    is_active: bool | None = None


class TaxRateAnswer(Answer):
    id: str
    code: str
    name: str
    kind: Kind
    rate: str | None = Field(description='Basis points: "825" is 8.25 %; null for a fixed amount.')
    amount: str | None = Field(description="Per unit, in the business' currency; null for a percentage.")
    included: bool
    adds_to_base: bool
    base_takes_earlier: bool
    is_active: bool
    version: int


class GroupedTax(TaxRateAnswer):
    """A tax in its group; `stands_on` are the codes of the earlier taxes that its base takes in."""

    stands_on: list[str]


class TaxGroupAnswer(Answer):
    id: str
    code: str
    name: str
    is_active: bool
    rate: str = Field(description="Basis points: the sum of the group's active percent taxes.")
    rates: list[GroupedTax]
    version: int


class TaxParams(PageParams):
    is_active: bool | None = None
