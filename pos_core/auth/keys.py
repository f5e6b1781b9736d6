"""Rotating the keys that sign tokens: `pos keys`. The keys stand in the secrets file and are told to nobody.

A new key signs at once, in every running process: each looks at the file before it uses a key. Tokens that the old key
signed stay good for as long as an access token lives; then the old key is dropped, at the next rotation or by
`pos keys prune`. Where a key may be known to somebody, `rotate` without `keep` drops all others at once: every access
token that is out ends, and clients refresh.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pos_core import clock
from pos_core.actions import action
from pos_core.auth import schemas
from pos_core.config import secrets
from pos_core.context import Context
from pos_core.errors import PERMISSION_DENIED

#: Longer than clocks of one machine differ and a process takes to notice.
MARGIN = timedelta(minutes=1)


def keep_for(ctx: Context) -> timedelta:
    """How long after its last use for signing a key is still needed."""
    return timedelta(minutes=ctx.kernel.config.auth.access_minutes) + MARGIN


def held(ctx: Context) -> list[dict[str, Any]]:
    """The signing keys by id and age, the one that signs last; never the keys themselves."""
    found = ctx.kernel.secrets
    last = len(found.token_keys) - 1
    return [
        {"id": secrets.key_id(key), "made_at": made or None, "age_days": _days(made, ctx.at), "signs": place == last}
        for place, (key, made) in enumerate(zip(found.token_keys, found.made, strict=True))
    ]


def _days(made: str, now: datetime) -> int | None:
    return (now - clock.from_text(made)).days if made else None


def _rotate(ctx: Context, command: schemas.RotateKeys) -> tuple[str, list[str]]:
    _require_machine(ctx)
    return secrets.rotate(ctx.kernel.config.secrets_file, ctx.at, keep_for(ctx) if command.keep else None)


def _prune(ctx: Context, command: schemas.PruneKeys) -> list[str]:
    _require_machine(ctx)
    return secrets.prune(ctx.kernel.config.secrets_file, ctx.at, keep_for(ctx))


def _require_machine(ctx: Context) -> None:
    if ctx.channel != "cli" or not ctx.actor.is_super_admin:
        raise PERMISSION_DENIED(permission="the machine's command line")


@action("signing_key:rotate", command=schemas.RotateKeys, permission="hq:sessions.manage", beforehand=_rotate,
        security="key_rotation")
def rotate(ctx: Context, command: schemas.RotateKeys, beforehand: tuple[str, list[str]]) -> dict[str, Any]:
    """Let a new key sign tokens from now on; from the command line only."""
    made, dropped = beforehand
    return {"id": None, "key_id": made, "dropped": dropped, "kept_old": command.keep}


@action("signing_key:prune", command=schemas.PruneKeys, permission="hq:sessions.manage", beforehand=_prune,
        security="key_rotation")
def prune(ctx: Context, command: schemas.PruneKeys, beforehand: list[str]) -> dict[str, Any]:
    """Drop the keys that nothing valid is signed with any more; from the command line only."""
    return {"id": None, "dropped": beforehand}
