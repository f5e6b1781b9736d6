"""Requests and answers about users and roles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from pos_core.auth.schemas import Username
from pos_core.ids import uuid7
from pos_core.schemas import Answer, Command, Edit, Id, Name, PageParams, ShortText

NewPassword = Annotated[SecretStr, Field(min_length=10, max_length=256)]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")]
RoleCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,49}$")]


class CreateUser(Command):
    """Without a password one is generated and shown once; either way it is changed at will, not mailed."""

    id: Id = Field(default_factory=uuid7)
    username: Username
    full_name: Name
    email: Email | None = None
    password: NewPassword | None = None


class EditUser(Edit):
    id: Id
    full_name: Name | None = None
    email: Email | None = None
    is_active: bool | None = None


class ResetPassword(Edit):
    id: Id
    password: NewPassword | None = None


class AssignRole(Command):
    id: Id = Field(default_factory=uuid7)
    user_id: Id
    role: RoleCode
    store_id: Id | None = None


class UnassignRole(Command):
    user_id: Id
    role: RoleCode
    store_id: Id | None = None


class CreateRole(Command):
    id: Id = Field(default_factory=uuid7)
    code: RoleCode
    name: Name
    scope: Literal["hq", "store", "pos"]
    description: ShortText = ""
    permissions: tuple[str, ...] = Field((), max_length=500)


class Assignment(Answer):
    role: str
    scope: str
    store_id: str | None


class UserAnswer(Answer):
    id: str
    username: str
    full_name: str
    email: str | None
    is_active: bool
    is_super_admin: bool
    assignments: list[Assignment]
    version: int


class NewUser(UserAnswer):
    password: str | None = Field(None, description="The generated password, shown this once.")


class AssignmentAnswer(Answer):
    id: str
    user_id: str
    role: str
    store_id: str | None


class RoleAnswer(Answer):
    id: str
    code: str
    name: str
    scope: str
    description: str
    is_template: bool
    permissions: list[str]
    version: int


class UserParams(PageParams):
    store_id: Id | None = None
    is_active: bool | None = None
