"""Requests and answers about stock."""

from __future__ import annotations

from pydantic import Field

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Id, PageParams, Reasoned, SignedQuantity


class AdjustStock(Reasoned):
    """A counted difference: `quantity` is added (negative: taken away). Its reason is always needed."""

    id: Id = Field(default_factory=uuid7)
    product_id: Id
    quantity: SignedQuantity


class LevelAnswer(Answer):
    store_id: str
    product_id: str
    on_hand: str
    moved_at: str


class MoveAnswer(Answer):
    id: str
    store_id: str
    product_id: str
    quantity: str
    reason: str
    entity_type: str
    entity_id: str
    position: int
    moved_at: str


class LevelParams(PageParams):
    product_id: Id | None = None
    store_id: Id | None = None


class MoveParams(PageParams):
    product_id: Id
