"""The business settings store: declared by manifests, kept in the database, changed only by an audited action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from pos_core import clock, money
from pos_core.db.model import database
from pos_core.db.statements import statement
from pos_core.errors import Kind, define
from pos_core.manifest import Setting

_ALL = statement("SELECT key, store_id, value FROM core_setting")

SETTING_UNKNOWN = define(
    "setting_unknown", Kind.NOT_FOUND,
    en="No module declares the setting {key}.", es="Ningún módulo declara el ajuste {key}.",
    cure="`GET /api/v1/settings` lists every setting with its meaning.",
)
SETTING_INVALID = define(
    "setting_invalid", Kind.INVALID,
    en="{key} must be {wanted}.", es="{key} debe ser {wanted}.",
    cure="Give a value of the kind and range that the setting declares.",
)
SETTING_NOT_PER_STORE = define(
    "setting_not_per_store", Kind.INVALID,
    en="{key} holds for the whole business and cannot differ in a store.",
    es="{key} vale para todo el negocio y no puede variar por tienda.",
    cure="Change it without a store.",
)


class SettingsStore:
    """Effective values by store, cached by the business' revision."""

    def __init__(self, declared: Mapping[str, Setting]) -> None:
        self.declared = dict(declared)
        self._defaults = {key: setting.default for key, setting in self.declared.items()}
        self._revision = -1
        self._business: dict[str, Any] = dict(self._defaults)
        self._stores: dict[str, dict[str, Any]] = {}

    def for_store(self, store_id: str | None, revision: int) -> Mapping[str, Any]:
        """The settings of a store (None: of the business) as they stand at `revision`."""
        if revision != self._revision:
            self._load(revision)
        return self._stores.get(store_id, self._business) if store_id else self._business

    def _load(self, revision: int) -> None:
        rows = [(key, store, orjson.loads(value)) for key, store, value in database.obj.fetch(_ALL)]
        business = {**self._defaults, **{k: v for k, s, v in rows if s is None and k in self.declared}}
        stores: dict[str, dict[str, Any]] = {}
        for key, store, value in rows:
            if store is not None and key in self.declared:
                stores.setdefault(store, dict(business))[key] = value
        # the revision last: another thread must not see it before the values it stands for
        self._business, self._stores, self._revision = business, stores, revision


def check_value(setting: Setting, value: Any) -> Any:
    """The value, when it is of the setting's kind and range; PosError `setting_invalid` naming what it must be."""
    wanted = _wanted(setting)
    if not _fits(setting, value):
        raise SETTING_INVALID("value", key=setting.key, wanted=wanted)
    return value


def _wanted(setting: Setting) -> str:
    if setting.kind == "int":
        return f"a whole number from {setting.minimum} to {setting.maximum}"
    if setting.kind == "choice":
        return "one of " + ", ".join(setting.choices)
    return {"bool": "true or false", "currency": "an ISO 4217 currency code", "timezone": "an IANA time zone"}.get(
        setting.kind, f"text of at most {setting.maximum or 500} characters"
    )


def _fits(setting: Setting, value: Any) -> bool:
    if setting.kind == "int":
        low, high = setting.minimum, setting.maximum
        return type(value) is int and (low is None or value >= low) and (high is None or value <= high)
    if setting.kind == "bool":
        return type(value) is bool
    if not isinstance(value, str):
        return False
    if setting.kind == "choice":
        return value in setting.choices
    if setting.kind == "currency":
        return money.is_currency(value)
    if setting.kind == "timezone":
        try:
            clock.zone(value)
        except ValueError:
            return False
        return True
    return len(value) <= (setting.maximum or 500) and value.isprintable()
