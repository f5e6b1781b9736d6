"""Requests and answers of signing in and out, of refreshing, and of one's own sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from pos_core.ids import uuid7
from pos_core.schemas import Answer, Command, Id, PageParams, ShortText
from pos_core.stores.schemas import Fingerprint

Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
Password = Annotated[SecretStr, Field(min_length=1, max_length=256)]
RefreshSecret = Annotated[SecretStr, Field(min_length=1, max_length=128)]
AppContext = Literal["hq", "store", "pos"]
Reason = Annotated[ShortText, Field(min_length=1, description="Why; it stands in the audit and the revocation list.")]


class DeviceProof(Command):
    """An enrolled device and its key, and what the machine says of itself where the store wants to know."""

    id: Id
    key: Annotated[SecretStr, Field(min_length=1, max_length=128)]
    fingerprint: Fingerprint | None = None


class SecondFactor(Command):
    """A second factor's method and its code, where the account needs one."""

    method: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
    code: Annotated[SecretStr, Field(min_length=1, max_length=256)]


class Opening(Command):
    """What every way of signing in says: with which application, where, and how tokens are kept."""

    id: Id = Field(default_factory=uuid7, description="The session's id to be.")
    app_context: AppContext
    store_id: Id | None = None
    device: DeviceProof | None = None
    delivery: Literal["cookie", "body"] = Field(
        "cookie", description="Where the refresh token goes: a cookie that scripts cannot read (browsers), or the "
        "answer's body (declared desktop clients such as tills).",
    )
    workstation: ShortText = Field("", description="What the client calls its machine.")


class SignIn(Opening):
    """Who signs in, with which application, where: a till gives its device, a back office its store's id."""

    username: Username
    password: Password
    mfa: SecondFactor | None = None


class Refresh(Command):
    """Exchanges a refresh token for new tokens. Browsers send none here: theirs travels in the cookie."""

    refresh_token: RefreshSecret | None = None
    device: DeviceProof | None = Field(None, description="The enrolled device, where the sign-in was made with one.")
    app_context: AppContext | None = Field(
        None, description="Which of its sessions a browser means, where it has several.",
    )


class SignOut(Command):
    """Ends the session of the token it comes with; without an access token, that of the refresh token."""

    refresh_token: RefreshSecret | None = None
    app_context: AppContext | None = None


class Leave(Command):
    """Ends the session of a browser window that closes; takes no body."""

    app_context: AppContext
    refresh_token: RefreshSecret | None = None


class SignOutEverywhere(Command):
    """Ends all of one's own sessions, in every application, this one included."""

    password: Password | None = Field(None, description="Needed where one signed in more than ten minutes ago.")


class Revoke(Command):
    """Ends the session that a refresh token belongs to, or another one of one's own by its id."""

    refresh_token: RefreshSecret | None = None
    session_id: Id | None = None
    password: Password | None = Field(None, description="Needed where one signed in more than ten minutes ago.")


class EndOwnSession(Command):
    """Ends one of one's own sessions."""

    id: Id
    password: Password | None = Field(None, description="Needed where one signed in more than ten minutes ago.")


class ChangePassword(Command):
    """A new password for oneself; the old one proves that it is oneself."""

    old_password: Password
    new_password: Password


class HeadquartersHeard(Command):
    """The headquarters answered just now; the synchronisation says so."""


class RotateKeys(Command):
    """A new key signs from now on. `keep`: whether tokens that older keys signed stay good for their short life."""

    keep: bool = True


class PruneKeys(Command):
    """Drops the keys that nothing valid is signed with any more."""


class Tokens(Answer):
    id: str
    access_token: str | None = Field(None, description="Shown this once; send it as `Authorization: Bearer`.")
    refresh_token: str | None = Field(None, description="Shown this once, in body mode; works once.")
    delivery: str
    expires_at: str = Field(description="When the access token ends: refresh before.")
    refresh_expires_at: str
    session_ends_at: str = Field(description="When the session ends however often it is refreshed.")
    user_id: str
    app_context: str


class SignedIn(Tokens):
    username: str
    store_id: str | None
    register_id: str | None
    device_id: str | None
    restriction: str = Field(description='What has to be done before anything else: "password", "mfa", or "".')
    roles: list[str]
    permissions: list[str]


class SignedOut(Answer):
    id: str
    ended_at: str
    app_context: str


class Ended(Answer):
    """How many sessions were ended, whose (null: everybody's) and why."""

    id: str | None
    user_id: str | None
    reason: str
    ended: int
    ended_at: str


class PasswordChanged(Answer):
    id: str
    changed_at: str
    ended: int = Field(description="How many other sessions of one's own ended by it.")


class Me(Answer):
    user_id: str
    username: str
    app_context: str
    store_id: str | None
    register_id: str | None
    device_id: str | None
    is_super_admin: bool
    restriction: str
    roles: list[str]
    permissions: list[str]


class SessionAnswer(Answer):
    id: str
    user_id: str
    username: str
    app_context: str
    store_id: str | None
    device_id: str | None
    register_id: str | None
    began_at: str
    last_seen_at: str = Field(description="The last sign-in or refresh.")
    ends_at: str
    ended_at: str | None
    ended_reason: str | None
    is_open: bool
    is_current: bool
    method: str
    mfa_verified: bool
    biometric_verified: bool
    restriction: str
    ip: str
    user_agent: str
    workstation: str


class HistoryParams(PageParams):
    """One's own sign-ins, the latest first."""
