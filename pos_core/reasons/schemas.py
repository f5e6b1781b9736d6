"""Requests and answers about reason codes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Command, Edit, Id, Name, PageParams, ReasonCode

ActionPattern = Annotated[
    str, StringConstraints(pattern=r"^(\*|[a-z][a-z0-9_]{0,49}:(\*|[a-z][a-z0-9_]{0,49}))$"),
    Field(description="An action (`stock:adjust`), all of an entity (`stock:*`), or `*` for every action."),
]
Applies = Annotated[tuple[ActionPattern, ...], Field(min_length=1, max_length=50)]


class CreateReason(Command):
    id: Id = Field(default_factory=uuid7)
    code: ReasonCode
    text_en: Name
    text_es: Name
    applies: Applies
    needs_note: bool = False


class EditReason(Edit):
    """The code stays: entries name the reason by it."""

    id: Id
    text_en: Name | None = None
    text_es: Name | None = None
    applies: Applies | None = None
    needs_note: bool | None = None
    is_active: bool | None = None


class ReasonAnswer(Answer):
    id: str
    code: str
    text_en: str
    text_es: str
    applies: list[str]
    needs_note: bool
    is_active: bool
    version: int


class ReasonParams(PageParams):
    """Filters of the list of reasons."""

    action: str | None = Field(None, max_length=101, description="Only those in use for this action.")
    is_active: bool | None = None
