"""Requests and answers about register sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pos_core.ids import uuid7
from pos_core.schemas import MAX_MINOR, Answer, Code, Command, Day, Id, Minor, PageParams, Reasoned


class Denomination(Command):
    value_minor: Annotated[int, Field(gt=0, le=MAX_MINOR, description="What one piece is worth, in minor units.")]
    count: Annotated[int, Field(ge=0, le=1_000_000, description="How many pieces.")]


Denominations = Annotated[list[Denomination], Field(min_length=1, max_length=40)]


class OpenSession(Command):
    id: Id = Field(default_factory=uuid7)
    float_minor: Minor
    denominations: Denominations | None = None


class Count(Command):
    tender: Code = Field(description="The tender's code.")
    counted_minor: Minor
    denominations: Denominations | None = None


class CloseSession(Reasoned):
    id: Id
    counts: Annotated[list[Count], Field(max_length=100)] = []


class SessionParams(PageParams):
    store_id: Id | None = None
    register_id: Id | None = None
    cashier_id: Id | None = None
    status: Literal["open", "closed"] | None = None
    first: Day | None = Field(None, description="From this business date on.")
    last: Day | None = Field(None, description="Up to this business date.")
    is_marked: bool | None = Field(None, description="Only sessions with a large over or short, or only without.")


class DenominationAnswer(Answer):
    value_minor: int
    count: int


class CountAnswer(Answer):
    tender_id: str
    tender: str
    expected_minor: int
    counted_minor: int
    over_short_minor: int
    is_declared: bool
    is_marked: bool
    denominations: list[DenominationAnswer] | None


class SessionAnswer(Answer):
    id: str
    number: int
    store_id: str
    register_id: str
    cashier_id: str
    cashier_name: str
    device_id: str | None
    channel: str
    business_date: str
    opened_at: str
    float_minor: int
    float_tender_id: str | None
    float_denominations: list[DenominationAnswer] | None
    status: Literal["open", "closed"]
    closed_at: str | None
    closed_by: str | None
    sales_count: int | None
    expected_minor: int | None
    counted_minor: int | None
    over_short_minor: int | None
    is_marked: bool
    created_at: str
    updated_at: str
    version: int


class SessionDetail(SessionAnswer):
    counts: list[CountAnswer]


class Elsewhere(Answer):
    session_id: str
    register_id: str
    register_code: str


class CurrentAnswer(Answer):
    register_id: str
    register_code: str
    session: SessionAnswer | None = Field(description="The register's open session; null: it is closed.")
    elsewhere: Elsewhere | None = Field(description="The cashier's open session at another register.")
    quick_floats_minor: list[int] = Field(description="Floats to offer when opening.")


class SlipLine(Answer):
    tender: str
    name: str
    expected_minor: int
    counted_minor: int
    over_short_minor: int
    is_declared: bool
    is_marked: bool
    denominations: list[DenominationAnswer] | None


class SlipAnswer(Answer):
    id: str
    business: str
    currency: str
    store: str
    store_name: str
    register_code: str
    number: int
    business_date: str
    cashier: str
    closed_by: str
    opened_at: str = Field(description="In the store's own time.")
    closed_at: str = Field(description="In the store's own time.")
    sales_count: int
    float_minor: int
    lines: list[SlipLine]
    expected_minor: int
    counted_minor: int
    over_short_minor: int
    is_marked: bool
    chain_seq: int = Field(description="The close's place in the register's audit chain.")
    chain_code: str = Field(description="The beginning of that entry's hash.")
