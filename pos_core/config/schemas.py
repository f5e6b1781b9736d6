"""Requests and answers about the business and its settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from pos_core.schemas import Answer, Command, Id, PageParams, Params

Key = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=100),
    Field(description="The setting's key, such as tax.rounding."),
]
Value = bool | int | Annotated[str, StringConstraints(max_length=4000)]


class ChangeSetting(Command):
    """`version`, where given, is the version one has seen (0: the default): another one is refused."""

    key: Key
    store_id: Id | None = Field(None, description="The store that is to differ; without it the business.")
    value: Value
    version: int | None = Field(None, ge=0)


class ResetSetting(Command):
    """Back to the default, or for a store back to what holds in the business."""

    key: Key
    store_id: Id | None = None
    version: int | None = Field(None, ge=0)


class StoreValue(Answer):
    """What differs in one store."""

    store_id: str
    value: Value
    version: int


class SettingAnswer(Answer):
    """A setting. `value` holds for the business, `effective` where the actor is (or in the store asked for)."""

    key: str
    module: str
    kind: str
    description: str
    default: Value
    choices: list[str]
    minimum: int | None
    maximum: int | None
    per_store: bool
    permission: str
    value: Value
    version: int = Field(description="0 while the default holds.")
    effective: Value
    stores: list[StoreValue]


class SettingChange(Answer):
    """A change's answer; `id` is the stored value's, null where the default holds again."""

    id: str | None
    key: str
    store_id: str | None
    value: Value
    version: int


class SettingParams(PageParams):
    """`store_id`: show what is effective in that store."""

    store_id: Id | None = None


class OneSettingParams(Params):
    """`store_id`: show what is effective in that store."""

    store_id: Id | None = None


class BusinessAnswer(Answer):
    """The business of this database; its currency was set at first run and stays."""

    id: str
    name: str
    currency: str
    currency_decimals: int
    created_at: str
