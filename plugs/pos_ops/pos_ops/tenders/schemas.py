"""Requests and answers about tenders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Code, Command, Edit, Id, Name, PageParams

Kind = Literal["cash", "card", "other"]
SortOrder = Annotated[int, Field(ge=0, le=9999, description="Place among the tenders, lowest first.")]


class CreateTender(Command):
    id: Id = Field(default_factory=uuid7)
    code: Code
    name: Name
    kind: Kind
    sort_order: SortOrder = 0
    opens_drawer: bool | None = Field(None, description="Whether a payment opens the drawer; by default if it is cash.")
    needs_reference: bool = False
    cash_rounding: bool | None = Field(None, description="Whether cash rounding applies; by default if it is cash.")


class EditTender(Edit):
    id: Id
    name: Name | None = None
    sort_order: SortOrder | None = None
    opens_drawer: bool | None = None
    needs_reference: bool | None = None
    cash_rounding: bool | None = None
    is_active: bool | None = None


class TenderParams(PageParams):
    is_active: bool | None = None


class TenderAnswer(Answer):
    id: str
    code: str
    name: str
    kind: Kind
    sort_order: int
    opens_drawer: bool
    needs_reference: bool
    cash_rounding: bool
    is_active: bool
    version: int
