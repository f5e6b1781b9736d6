"""Reads of the business and its settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from pos_core import clock, money
from pos_core.actions import query
from pos_core.config.models import Instance, SettingValue
from pos_core.config.settings import SETTING_UNKNOWN
from pos_core.context import Context
from pos_core.errors import NOT_FOUND
from pos_core.manifest import Setting

READERS = ("hq:settings.view", "store:settings.view", "pos:settings.view")


def declared(ctx: Context, key: str, store_id: str | None = None) -> Setting:
    """The setting of that key; PosError `setting_unknown`, or `module_disabled` where its module is off."""
    try:
        found = ctx.kernel.settings.declared[key]
    except KeyError:
        raise SETTING_UNKNOWN("key", key=key) from None
    ctx.kernel.require_enabled(ctx.kernel.owner_of_setting(key), store_id or ctx.store_id, ctx.revision)
    return found


def find_value(key: str, store_id: str | None) -> SettingValue | None:
    """The stored value of the business (store_id None) or of a store; None while it does not differ."""
    place = SettingValue.store_id.is_null() if store_id is None else SettingValue.store_id == store_id
    return SettingValue.select().where(SettingValue.key == key, place).first()


def _view(module: str, setting: Setting, rows: Iterable[SettingValue], effective: Any) -> dict[str, Any]:
    business = next((row for row in rows if row.store_id is None), None)
    stores = [
        {"store_id": row.store_id, "value": row.value, "version": row.version}
        for row in rows if row.store_id is not None
    ]  # fmt: skip
    return {
        "key": setting.key, "module": module, "kind": setting.kind, "description": setting.description,
        "default": setting.default,
        "choices": list(setting.choices), "minimum": setting.minimum, "maximum": setting.maximum,
        "per_store": setting.per_store, "permission": setting.permission,
        "value": setting.default if business is None else business.value,
        "version": 0 if business is None else business.version,
        "effective": effective, "stores": sorted(stores, key=lambda store: store["store_id"]),
    }  # fmt: skip


def _views(ctx: Context, settings: list[Setting], store_id: str | None) -> list[dict[str, Any]]:
    place = _place(ctx, store_id)
    rows = SettingValue.select().where(SettingValue.key.in_([setting.key for setting in settings]))
    if ctx.store_id is not None:
        rows = rows.where(SettingValue.store_id.is_null() | (SettingValue.store_id == ctx.store_id))
    by_key: dict[str, list[SettingValue]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    effective = ctx.kernel.settings.for_store(place, ctx.revision)
    return [
        _view(ctx.kernel.owner_of_setting(setting.key), setting, by_key.get(setting.key, ()), effective[setting.key])
        for setting in settings
    ]


def _place(ctx: Context, store_id: str | None) -> str | None:
    """The store whose values count: the actor's, or at the headquarters the one that was asked for."""
    if ctx.store_id is not None and store_id not in (None, ctx.store_id):
        raise NOT_FOUND("store_id", entity="store", id=store_id)
    place = ctx.store_id or store_id
    if place is not None:
        ctx.kernel.stores.get(place, ctx.revision)
    return place


@query("setting:list", permission=READERS)
def list_settings(ctx: Context, *, store_id: str | None = None, limit: int = 50, cursor: Any = None) -> Any:
    """Every setting of the modules that are on, with its meaning, its default and what differs, by key."""
    on = ctx.kernel.registry.enabled_set(_place(ctx, store_id), ctx.revision)
    keys = [key for key in sorted(ctx.kernel.settings.declared) if ctx.kernel.owner_of_setting(key) in on]
    if cursor is not None:
        keys = [key for key in keys if key > cursor[0]]
    chosen = [ctx.kernel.settings.declared[key] for key in keys[:limit]]
    following = (chosen[-1].key,) if len(keys) > limit else None
    return _views(ctx, chosen, store_id), following


@query("setting:get", permission=READERS)
def get_setting(ctx: Context, *, key: str, store_id: str | None = None) -> dict[str, Any]:
    """One setting."""
    return _views(ctx, [declared(ctx, key, _place(ctx, store_id))], store_id)[0]


@query("business:get", permission=READERS)
def get_business(ctx: Context) -> dict[str, Any]:
    """The business: its name and currency."""
    row = Instance.get()
    return {
        "id": row.id, "name": row.name, "currency": row.currency,
        "currency_decimals": money.currency_decimals(row.currency), "created_at": clock.to_text(row.created_at),
    }  # fmt: skip


def encoded(value: Any) -> str:
    """A value as the stored JSON; a text too, which the field type would take for JSON already."""
    return orjson.dumps(value).decode()
