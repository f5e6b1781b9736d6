"""Requests and answers about stores, registers and devices."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from pos_core import clock
from pos_core.ids import uuid7
from pos_core.schemas import Answer, Code, Command, Edit, Id, Name, PageParams, ShortText


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


class EnrolDevice(Command):
    id: Id = Field(default_factory=uuid7)
    store_id: Id
    register_id: Id | None = None
    name: Name


class BlockDevice(Edit):
    id: Id
    is_blocked: bool


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
    is_blocked: bool
    enrolled_at: str
    version: int


class EnrolledDevice(DeviceAnswer):
    key: str | None = Field(None, description="Shown this once; the device proves itself with it at sign-in.")


class RegisterParams(PageParams):
    store_id: Id | None = None
