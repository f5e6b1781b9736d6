"""Changing the business settings."""

from __future__ import annotations

from typing import Any

from pos_core.actions import action
from pos_core.config import schemas
from pos_core.config.models import SettingValue
from pos_core.config.queries import declared, encoded, find_value
from pos_core.config.settings import SETTING_NOT_PER_STORE, check_value
from pos_core.context import Context
from pos_core.db import records
from pos_core.errors import PERMISSION_DENIED, VERSION_MISMATCH
from pos_core.manifest import Setting
from pos_core.security import note

MANAGE = "hq:settings.manage"
#: Settings below these guard the system, whether their module says so or not.
_GUARDING = ("auth.", "security.", "approvals.", "sign_in.", "password.", "pin.", "mfa.")
# Somebody else stored the first value in the same moment: theirs is version 1.
_RACE = VERSION_MISMATCH.at("version", entity="setting", current=1)


def _answer(row: SettingValue | None, key: str, store_id: str | None, value: Any) -> dict[str, Any]:
    return {
        "id": None if row is None else row.id, "key": key, "store_id": store_id, "value": value,
        "version": 0 if row is None else row.version,
    }  # fmt: skip


def _checked(ctx: Context, command: schemas.ChangeSetting | schemas.ResetSetting) -> Setting:
    """The setting that may be touched here by this actor; PosError where it may not."""
    setting = declared(ctx, command.key, command.store_id)
    if not ctx.actor.may(setting.permission):
        raise PERMISSION_DENIED("key", permission=setting.permission)
    if command.store_id is not None:
        if not setting.per_store:
            raise SETTING_NOT_PER_STORE("store_id", key=setting.key)
        ctx.kernel.stores.get(command.store_id, ctx.revision)
    return setting


def check_change(ctx: Context, command: schemas.ChangeSetting) -> Setting:
    """Refuse an unknown setting, a wrong value, and a store where none may differ."""
    setting = _checked(ctx, command)
    check_value(setting, command.value)
    return setting


def check_reset(ctx: Context, command: schemas.ResetSetting) -> Setting:
    """Refuse an unknown setting and a store where none may differ."""
    return _checked(ctx, command)


def _inherited(ctx: Context, setting: Setting, store_id: str | None) -> Any:
    """What holds while the place has no value of its own."""
    if store_id is None:
        return setting.default
    business = find_value(setting.key, None)
    return setting.default if business is None else business.value


def _was(ctx: Context, command: Any, setting: Setting) -> SettingValue | None:
    """The stored row, told to the audit as it was and held against the version that the caller has seen."""
    row = find_value(setting.key, command.store_id)
    value = _inherited(ctx, setting, command.store_id) if row is None else row.value
    ctx.writing.was(_answer(row, setting.key, command.store_id, value))
    current = 0 if row is None else row.version
    if command.version not in (None, current):
        raise VERSION_MISMATCH("version", entity="setting", current=current)
    return row


def _tell_security(ctx: Context, setting: Setting, store_id: str | None, value: Any) -> None:
    """A security event, where the setting guards the system."""
    if setting.security or setting.key.startswith(_GUARDING) or "_approval_" in setting.key:
        note(ctx, "security_setting", store_id=store_id, details={"setting": setting.key, "value": value})


@action("setting:change", command=schemas.ChangeSetting, permission=MANAGE, prepare=check_change,
        constraints={"core_setting.key": _RACE, "core_setting.key,store_id": _RACE})
def change_setting(ctx: Context, command: schemas.ChangeSetting, draft: Setting) -> dict[str, Any]:
    """Change a business setting, for the whole business or for one store."""
    row = _was(ctx, command, draft)
    if row is None:
        row = SettingValue(key=draft.key, store_id=command.store_id, value=encoded(command.value))
        records.add(ctx, row)
    else:
        records.edit(ctx, row, {"value": encoded(command.value)}, "setting", row.version)
    ctx.writing.raise_revision()
    _tell_security(ctx, draft, command.store_id, command.value)
    return _answer(row, draft.key, command.store_id, command.value)


@action("setting:reset", command=schemas.ResetSetting, permission=MANAGE, prepare=check_reset)
def reset_setting(ctx: Context, command: schemas.ResetSetting, draft: Setting) -> dict[str, Any]:
    """Take a business setting back to its default, or in a store to what holds in the business."""
    row = _was(ctx, command, draft)
    if row is not None:
        gone = SettingValue.delete().where(SettingValue.id == row.id, SettingValue.version == row.version).execute()
        if gone != 1:
            raise VERSION_MISMATCH("version", entity="setting", current=row.version + 1)
        ctx.writing.raise_revision()
        _tell_security(ctx, draft, command.store_id, _inherited(ctx, draft, command.store_id))
    return _answer(None, draft.key, command.store_id, _inherited(ctx, draft, command.store_id))
