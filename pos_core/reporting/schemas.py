"""Requests and answers about reports."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from pos_core.schemas import Answer, Json, Params

ROWS = 1000
MAX_ROWS = 10_000


class ColumnAnswer(Answer):
    name: str
    kind: str
    title: str
    summed: bool


class FilterAnswer(Answer):
    name: str
    description: str
    required: bool
    choices: list[str]


class ReportEntry(Answer):
    """A report that one may ask for."""

    id: str
    title: str
    description: str
    columns: list[ColumnAnswer]
    filters: list[FilterAnswer]
    dimensions: list[str]


class RunParams(Params):
    """How a report is wanted, and any filter of it as a query parameter; which there are says the list of reports."""

    limit: int = Field(ROWS, ge=1, le=MAX_ROWS, description="Rows to answer; the totals are always of all rows.")
    format: Literal["json", "csv"] = Field("json", description="csv gives all rows as a table for spreadsheets.")
    filters: Json = Field({}, description="The report's own filters, each a parameter of its own name.")

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        own = {name: given[name] for name in ("limit", "format") if name in given}
        return {**own, "filters": {name: value for name, value in given.items() if name not in own}}


class ReportMeta(Answer):
    """`dimensions`: what a row stands for, with the value of the filter; `count`: how many rows there are in all;
    `masked`: columns that are null because they are hidden from you."""

    dimensions: dict[str, str | None]
    filters: dict[str, Any]
    currency: str
    made_at: str
    count: int
    complete: bool
    masked: list[str]


class ReportAnswer(Answer):
    id: str
    title: str
    columns: list[ColumnAnswer]
    rows: list[dict[str, Any]]
    totals: dict[str, Any]
    meta: ReportMeta
