"""Requests and answers about second factors."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from pos_core.auth.schemas import Password, SecondFactor
from pos_core.schemas import Answer, Command, Id

Method = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
Name = Annotated[str, StringConstraints(max_length=40)]
Text = Annotated[str, StringConstraints(max_length=20_000)]


class UseProof(SecondFactor):
    """Uses a proof up; performed by the product while somebody signs in."""

    user_id: Id


class BeginFactor(Command):
    """Begin to set up a second factor of one's own; `data` is what its device sends along."""

    method: Method
    password: Password
    data: dict[Name, Text] = Field(default_factory=dict, max_length=20)


class ConfirmFactor(SecondFactor):
    """A first proof that what was set up works."""


class RemoveFactor(Command):
    method: Method
    password: Password


class RenewCodes(Command):
    password: Password


class ResetFactors(Command):
    """Whose second factors are removed, because they are lost."""

    id: Id


class FactorBegun(Answer):
    id: str
    method: str
    shown: dict[str, str] = Field(description="Shown this once; an authenticator app's `secret` and `otpauth_uri`.")


class FactorConfirmed(Answer):
    id: str
    method: str
    recovery_codes: list[str] | None = Field(None, description="Shown this once; null where there are some already.")
    sessions_ended: int = Field(description="How many other sessions of one's own ended by it.")


class FactorRemoved(Answer):
    id: str
    method: str
    sessions_ended: int = Field(description="How many other sessions of one's own ended by it.")


class NewCodes(Answer):
    id: str
    recovery_codes: list[str] | None = Field(None, description="Shown this once.")
    sessions_ended: int = Field(description="How many other sessions of one's own ended by it.")


class FactorsReset(Answer):
    id: str
    removed: list[str]
    sessions_ended: int


class FactorView(Answer):
    method: str
    title: str
    confirmed_at: str | None
    used_at: str | None


class Factors(Answer):
    """What one has set up, and what one could."""

    enabled: bool
    needed: bool
    factors: list[FactorView]
    available: list[str]
    recovery_codes_left: int
