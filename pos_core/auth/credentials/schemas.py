"""Requests and answers about attempts, lockouts and PINs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from pos_core.auth.schemas import DeviceProof, Opening, Password, SecondFactor, Username
from pos_core.schemas import Answer, Command, Id

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PinText = Annotated[SecretStr, Field(min_length=1, max_length=16)]


class ReserveAttempt(Command):
    """A try to be counted before it is checked; names stand in it as keyed digests only."""

    id: Id
    kind: Literal["password", "mfa", "pin", "approval"]
    subject: Digest
    lock: Digest
    address: str = Field("", max_length=64)


class SettleAttempt(ReserveAttempt):
    outcome: Literal["succeeded", "failed", "withdrawn"]


class PurgeAttempts(Command):
    """Nothing to say: what is older than every window and lockout goes."""


class LockAccount(Command):
    """Whose name was locked (None: nobody has it), for which way in, and for how long."""

    user_id: Id | None = None
    kind: Literal["password", "mfa", "pin", "approval"]
    minutes: int = Field(ge=1)


class UnlockAccount(Command):
    id: Id


class SetPin(Command):
    """One's own PIN; the password says that it is oneself."""

    password: Password
    pin: PinText


class AssignPin(Command):
    """A PIN for somebody else, good for one sign-in that brings a new one; without `pin` one is generated."""

    id: Id
    pin: PinText | None = None


class RemovePin(Command):
    id: Id


class SignInByPin(Opening):
    """Who signs in at an enrolled till by PIN; `new_pin` changes it, as it must where somebody else chose it."""

    app_context: Literal["pos"] = "pos"
    device: DeviceProof
    username: Username
    pin: PinText
    new_pin: PinText | None = None
    mfa: SecondFactor | None = Field(None, description="Where a role that is held here needs a second factor.")


class PinUsers(Command):
    """The enrolled device that asks who may sign in at it."""

    device: DeviceProof


class LockAnswer(Answer):
    id: str | None
    kind: str
    minutes: int


class PinSet(Answer):
    id: str
    must_change: bool
    sessions_ended: int = Field(description="Setting one's own ends one's other sessions, a given one those by PIN.")


class NewPin(PinSet):
    pin: str | None = Field(None, description="The generated PIN, shown this once.")


class Removed(Answer):
    id: str
    sessions_ended: int = Field(description="How many sessions ended that the PIN had opened.")


class Unlocked(Answer):
    id: str
    unlocked: list[str] = Field(description="The ways in that were locked.")


class PinUser(Answer):
    username: str
    full_name: str


class PinUserList(Answer):
    id: str
    users: list[PinUser]


class CredentialState(Answer):
    """How an account can be come into now."""

    id: str
    username: str
    locked: list[str]
    locked_until: str | None
    has_pin: bool
    pin_must_change: bool
    password_must_change: bool
    mfa_methods: list[str]
    recovery_codes_left: int
