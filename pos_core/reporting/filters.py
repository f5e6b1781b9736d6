"""The standard filters of reports: date range, store (branch), user and category.

A report's filters are one class made of those that its query understands:

    class StockFilters(StoreFilter, CategoryFilter): ...
"""

from __future__ import annotations

from datetime import date
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from pos_core.schemas import Id, Params


class ReportFilters(Params):
    """The base of every report's filters."""

    model_config = ConfigDict(populate_by_name=True)


class PeriodFilter(ReportFilters):
    """Business days from `from` to `to`, both included; without one of them that end is open."""

    first: date | None = Field(None, alias="from", description="First business day, such as 2026-01-31.")
    last: date | None = Field(None, alias="to", description="Last business day, included.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("from must not be later than to")
        return self


class StoreFilter(ReportFilters):
    """One store; at a store it is always that one."""

    store_id: Id | None = Field(None, description="One store (branch).")


class UserFilter(ReportFilters):
    """One person, such as a cashier."""

    user_id: Id | None = Field(None, description="One user.")


class CategoryFilter(ReportFilters):
    """One category of products."""

    category_id: Id | None = Field(None, description="One category.")
