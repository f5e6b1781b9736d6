"""The types that request and answer schemas are made of: strict, frozen, unknown fields refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from pos_core import money
from pos_core.ids import UUID7_PATTERN

MAX_MINOR = 10**13


def _no_controls(value: str) -> str:
    if not value.isprintable() and any(c not in "\n\t" and not c.isprintable() for c in value):
        raise ValueError("must not contain control characters")
    return value


class Command(BaseModel):
    """What an action takes. Frozen: nobody changes what was asked."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
    #: What it is about, for the masks of sensitive fields, where that is not the entity of the action or query.
    __entity__: ClassVar[str] = ""


class Edit(Command):
    """A command that changes something; `version` comes from If-Match and need not stand in the body."""

    version: int | None = Field(None, ge=1, description="The version that is edited; usually given by If-Match.")


ReasonCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$"),
    Field(description="A reason code that is in use for this action: GET /reasons?action=..."),
]


class Reasoned(Command):
    """A command that says why: the action declares whether it has to (`@action(..., reason=True)`)."""

    reason: ReasonCode | None = None
    reason_note: Annotated[str, StringConstraints(max_length=500), AfterValidator(_no_controls)] | None = Field(
        None, description="In one's own words; some reasons need it."
    )


class Answer(BaseModel):
    """What an action or query answers, as documented. Answers are made by queries; tests hold them against this."""

    model_config = ConfigDict(extra="forbid")
    #: As in commands.
    __entity__: ClassVar[str] = ""


class Params(BaseModel):
    """Query parameters of a read: text as it came, so numbers are read from text."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class PageParams(Params):
    """Paging of every list: 50 rows by default, 200 at most, more is refused."""

    limit: int = Field(50, ge=1, le=200, description="Rows per page.")
    cursor: str | None = Field(None, max_length=500, description="`meta.next_cursor` of the page before.")


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line without control characters")
    if value != value.strip():
        raise ValueError("must not begin or end with blanks")
    return value


Id = Annotated[
    str, StringConstraints(pattern=UUID7_PATTERN, to_lower=True), Field(description="UUIDv7"),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_one_line)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,49}$")]
ShortText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
LongText = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_no_controls)]
Minor = Annotated[int, Field(ge=0, le=MAX_MINOR, description="Amount in minor units.")]
PositiveMinor = Annotated[int, Field(gt=0, le=MAX_MINOR, description="Amount in minor units, above zero.")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def _quantity(value: str) -> str:
    if money.parse_quantity(value) <= 0:
        raise ValueError("must be above zero")
    return value


def _signed_quantity(value: str) -> str:
    money.parse_quantity(value)
    return value


def _basis_points(value: str) -> str:
    if money.parse_basis_points(value) > 10_000 * 100:
        raise ValueError("must be at most 10000 (100 %)")
    return value


Quantity = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,3})?$"), AfterValidator(_quantity),
    Field(description="Decimal text above zero, up to 3 decimals."),
]
SignedQuantity = Annotated[
    str, StringConstraints(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,3})?$"), AfterValidator(_signed_quantity)
]
BasisPoints = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,5}(\.[0-9]{1,2})?$"), AfterValidator(_basis_points),
    Field(description='Basis points as text: "825" is 8.25 %.'),
]
Instant = Annotated[AwareDatetime, Field(description="ISO 8601 with offset.")]
Day = date
Json = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
__all__ = [
    "MAX_MINOR", "Answer", "BasisPoints", "Code", "Command", "Currency", "Day", "Edit", "Id", "Instant", "Json",
    "LongText", "Minor", "Name", "PageParams", "Params", "PositiveMinor", "Quantity", "ReasonCode",
    "Reasoned", "ShortText", "SignedQuantity", "datetime",
]  # fmt: skip
