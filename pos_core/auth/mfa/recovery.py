"""Recovery codes: ten, shown once, each good once, for whoever has lost the phone."""

from __future__ import annotations

import base64
import re
import secrets

from pos_core.auth.credentials_models import RecoveryCode
from pos_core.auth.vault import Vault
from pos_core.context import Context

METHOD = "recovery_code"
HOW_MANY = 10
#: 120 random bits: too many to be tried out, so that a keyed digest keeps them well.
_BYTES = 15


def renew(ctx: Context, user_id: str) -> list[str]:
    """New codes in the place of the old ones (inside an action)."""
    RecoveryCode.delete().where(RecoveryCode.user == user_id).execute()
    codes = [_one() for _ in range(HOW_MANY)]
    for code in codes:
        ctx.writing.insert(RecoveryCode, {
            "digest": _vault(ctx).digest(user_id, _plain(code)), "user_id": user_id, "made_at": ctx.at,
        })  # fmt: skip
    return codes


def spend(ctx: Context, user_id: str, code: str) -> bool:
    """Use a code up; False where it is none or was used (inside an action). The UPDATE alone decides who wins."""
    return bool(
        RecoveryCode.update(used_at=ctx.at).where(
            RecoveryCode.digest.in_(_vault(ctx).digests(user_id, _plain(code))), RecoveryCode.user == user_id,
            RecoveryCode.used_at.is_null(),
        ).execute()
    )  # fmt: skip


def left(user_id: str) -> int:
    """How many codes are still good."""
    return int(RecoveryCode.select().where(RecoveryCode.user == user_id, RecoveryCode.used_at.is_null()).count())


def _vault(ctx: Context) -> Vault:
    return Vault(ctx.kernel.secrets, "mfa.recovery")


def _one() -> str:
    text = base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _plain(code: str) -> str:
    return re.sub(r"[^a-z2-7]", "", code.lower())
