"""Requests and answers of signing in and out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Command, Id

Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
Password = Annotated[SecretStr, Field(min_length=1, max_length=256)]


class DeviceProof(Command):
    """An enrolled device and its key."""

    id: Id
    key: Annotated[SecretStr, Field(min_length=1, max_length=128)]


class SignIn(Command):
    """Who signs in, with which application, where: a till gives its device, a back office its store's id."""

    id: Id = Field(default_factory=uuid7, description="The session's id to be.")
    username: Username
    password: Password
    app_context: Literal["hq", "store", "pos"]
    store_id: Id | None = None
    device: DeviceProof | None = None


class SignOut(Command):
    """Ends the session of the token it comes with."""


class SignedIn(Answer):
    id: str
    access_token: str | None = Field(None, description="Shown this once; send it as `Authorization: Bearer`.")
    expires_at: str
    user_id: str
    username: str
    app_context: str
    store_id: str | None
    register_id: str | None
    device_id: str | None
    roles: list[str]
    permissions: list[str]


class SignedOut(Answer):
    id: str
    ended_at: str


class Me(Answer):
    user_id: str
    username: str
    app_context: str
    store_id: str | None
    register_id: str | None
    device_id: str | None
    is_super_admin: bool
    roles: list[str]
    permissions: list[str]
