"""Requests and answers about stores, registers and devices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from pos_core import clock
from pos_core.ids import uuid7
from pos_core.schemas import Answer, Code, Command, Edit, Id, Name, PageParams, Reasoned, ShortText


def _zone(value: str) -> str:
    clock.zone(value)
    return value


TimeZone = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_zone)]
Minutes = Annotated[int, Field(ge=0, le=1439)]


class CreateStore(Command):
    id: Id = Field(default_factory=uuid7)
    code: Code
    name: Name
    time_zone: TimeZone
    day_start_minutes: Minutes = 0
    address: ShortText = ""
    phone: ShortText = ""
    tax_number: ShortText = ""


class EditStore(Edit):
    id: Id
    name: Name | None = None
    time_zone: TimeZone | None = None
    day_start_minutes: Minutes | None = None
    address: ShortText | None = None
    phone: ShortText | None = None
    tax_number: ShortText | None = None
    is_active: bool | None = None


class CreateRegister(Command):
    id: Id = Field(default_factory=uuid7)
    store_id: Id
    code: Code
    name: Name


class EditRegister(Edit):
    id: Id
    name: Name | None = None
    is_active: bool | None = None


Platform = Literal["android", "ios", "linux", "macos", "windows", "web", "other"]
Fingerprint = Annotated[
    SecretStr, Field(min_length=8, max_length=512, description="What the machine says of itself; its hash is kept."),
]


class EnrolDevice(Command):
    id: Id = Field(default_factory=uuid7)
    store_id: Id
    register_id: Id | None = None
    name: Name
    platform: Platform = "other"
    fingerprint: Fingerprint | None = None


class EditDevice(Edit):
    """A device stays in its store; one that moves house is enrolled there."""

    id: Id
    name: Name | None = None
    platform: Platform | None = None
    register_id: Id | None = None


class SwitchDevice(Reasoned, Edit):
    """Blocking needs a reason."""

    id: Id


class ReEnrolDevice(Edit):
    """A new key, and the machine's new fingerprint where it has one."""

    id: Id
    fingerprint: Fingerprint | None = None


class StoreAnswer(Answer):
    id: str
    code: str
    name: str
    time_zone: str
    day_start_minutes: int
    address: str
    phone: str
    tax_number: str
    is_active: bool
    version: int


class RegisterAnswer(Answer):
    id: str
    store_id: str
    code: str
    name: str
    is_active: bool
    version: int


class DeviceAnswer(Answer):
    id: str
    store_id: str
    register_id: str | None
    name: str
    platform: str
    has_fingerprint: bool
    is_blocked: bool
    enrolled_at: str
    last_seen_at: str | None = Field(description="When somebody last used it, null for never.")
    version: int


class EnrolledDevice(DeviceAnswer):
    key: str | None = Field(None, description="Shown this once; the device proves itself with it at sign-in.")


class DeviceSession(Answer):
    """A sign-in on a device."""

    id: str
    user_id: str
    username: str
    app_context: str
    began_at: str
    last_seen_at: str
    ended_at: str | None = Field(description="When it was ended; null where it runs or ran out.")
    ended_because: str | None
    is_open: bool
    ip: str


class DeviceParams(PageParams):
    store_id: Id | None = None
    register_id: Id | None = None
    platform: Platform | None = None
    is_blocked: bool | None = None


class RegisterParams(PageParams):
    store_id: Id | None = None
