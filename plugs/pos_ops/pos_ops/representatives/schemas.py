"""Requests and answers about sales representatives."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Code, Command, Edit, Id, Name, PageParams

Phone = Annotated[str, StringConstraints(pattern=r"^([0-9+(][0-9+()./ -]{2,29})?$")]
Mail = Annotated[str, StringConstraints(pattern=r"^([^@\s]{1,64}@[^@\s]{1,150}\.[^@\s.]{2,39})?$")]


class CreateRepresentative(Command):
    id: Id = Field(default_factory=uuid7)
    code: Code
    name: Name
    phone: Phone = ""
    email: Mail = ""


class EditRepresentative(Edit):
    id: Id
    name: Name | None = None
    phone: Phone | None = None
    email: Mail | None = None
    is_active: bool | None = None


class RepresentativeParams(PageParams):
    is_active: bool | None = None


class RepresentativeAnswer(Answer):
    id: str
    code: str
    name: str
    phone: str
    email: str
    is_active: bool
    version: int
