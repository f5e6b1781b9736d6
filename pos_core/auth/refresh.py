"""Refresh tokens: 256 random bits, kept as their SHA-256, good for one use.

A use makes the successor: HMAC-SHA256(key, token || nonce), where the nonce is stored with the used token and the key
stands in the secrets file. So the successor can be told a second time without being kept anywhere, to a client whose
answer was lost, and nobody can work it out who has only the database or only the used token.

The tokens of a session are its family. A used token that comes again is either the last answer's lost twin (the same
device within 30 seconds, and its successor still unused: the identical successor again) or a copy in foreign hands:
then the whole family ends, because nobody can tell which of the two is the thief. Which use is the first is decided by
the database: one conditional update wins.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pos_core.auth.models import RefreshToken, Session
from pos_core.context import Context
from pos_core.ids import uuid7

GRACE = timedelta(seconds=30)
_PURPOSE = b"pos.refresh.v1|"


@dataclass(frozen=True, slots=True)
class Issued:
    """A refresh token as it is told once, and when it ends."""

    token: str
    expires_at: datetime


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def first(ctx: Context, session: Session) -> Issued:
    """The first token of a new session; handed to the unit of work."""
    return _keep(ctx, session, 1, secrets.token_urlsafe(32))


def _keep(ctx: Context, session: Session, number: int, token: str) -> Issued:
    settings = ctx.kernel.settings.for_store(session.store_id, ctx.revision)
    session_end: datetime = session.expires_at
    expires_at = min(session_end, ctx.at + timedelta(days=settings["auth.refresh_days"]))
    ctx.writing.insert(RefreshToken, {
        "id": uuid7(), "session_id": session.id, "number": number, "token_hash": digest(token), "issued_at": ctx.at,
        "expires_at": expires_at, "used_at": None, "nonce": None, "used_ip": "", "used_agent": "",
        "used_device": False,
    })  # fmt: skip
    return Issued(token, expires_at)


def find(token: str) -> RefreshToken | None:
    """The row of a token, used or not."""
    row: RefreshToken | None = RefreshToken.select().where(RefreshToken.token_hash == digest(token)).first()
    return row


def use(ctx: Context, row: RefreshToken, token: str, session: Session, device_proven: bool) -> Issued | None:
    """Use a token and make its successor; None where it was used before, be it in this very moment.

    `device_proven`: whether the client proved the enrolled device that the session was opened with.
    """
    nonce = secrets.token_bytes(32)
    changes: dict[str, Any] = {
        "used_at": ctx.at, "nonce": nonce, "used_ip": ctx.ip, "used_agent": ctx.user_agent[:200],
        "used_device": device_proven,
    }  # fmt: skip
    won = RefreshToken.update(changes).where(RefreshToken.id == row.id, RefreshToken.used_at.is_null()).execute()
    if not won:
        return None
    successor = _successor(ctx.kernel.secrets.token_keys[-1], token, nonce)
    return _keep(ctx, session, row.number + 1, successor)


def repeated(ctx: Context, row_id: str, token: str, device_proven: bool) -> Issued | None:
    """The successor that the token's first use was answered with, where this is its lost twin; else None."""
    row = RefreshToken.get_by_id(row_id)
    same = device_proven if row.used_device else (row.used_ip, row.used_agent) == (ctx.ip, ctx.user_agent[:200])
    if not same or abs(ctx.at - row.used_at) > GRACE:
        return None
    following = RefreshToken.get_or_none(
        (RefreshToken.session == row.session_id) & (RefreshToken.number == row.number + 1)
    )
    if following is None or following.used_at is not None:
        return None
    for key in reversed(ctx.kernel.secrets.token_keys):  # the keys may have been rotated between the two uses
        successor = _successor(key, token, row.nonce)
        if hmac.compare_digest(digest(successor), following.token_hash):
            return Issued(successor, following.expires_at)
    return None


def _successor(key: str, token: str, nonce: bytes) -> str:
    made = hmac.new(_PURPOSE + key.encode(), token.encode() + b"|" + nonce, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def forget_ended(ctx: Context, user_id: str) -> None:
    """Delete the tokens of a user's sessions that are over: there is nothing left that they could open."""
    over = Session.select(Session.id).where(
        Session.user == user_id, Session.revoked_at.is_null(False) | (Session.expires_at <= ctx.at)
    )
    RefreshToken.delete().where(RefreshToken.session.in_(over)).execute()
