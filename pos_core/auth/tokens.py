"""Access tokens: itsdangerous with SHA-256 and HMAC key derivation, a salt per kind, keys that rotate.

A token carries who and where (AUT-12) and a session id; never a role or permission. What it may do is read from the
database at every request.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from pos_core.config.secrets import Secrets
from pos_core.errors import Kind, define

TOKEN_MISSING = define(
    "token_missing", Kind.UNAUTHENTICATED,
    en="You are not signed in.", es="No ha iniciado sesión.",
    cure="Sign in at POST /api/v1/auth/login and send `Authorization: Bearer <access_token>`.",
)
TOKEN_INVALID = define(
    "token_invalid", Kind.UNAUTHENTICATED,
    en="The access token is not valid.", es="El token de acceso no es válido.",
    cure="Sign in again.",
)
TOKEN_EXPIRED = define(
    "token_expired", Kind.UNAUTHENTICATED,
    en="Your sign-in has expired.", es="Su sesión ha caducado.",
    cure="Sign in again.",
)
_ACCESS = "pos.access.v1"
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Claims:
    session_id: str
    user_id: str
    username: str
    is_super_admin: bool
    app_context: str
    store_id: str | None


class Tokens:
    """Signs and reads access tokens."""

    def __init__(self, secrets: Secrets, life_minutes: int) -> None:
        self._life = life_minutes * 60
        #: Tokens whose signature was good, with their session and the monotonic time of their end.
        self._good: dict[str, tuple[str, float]] = {}
        self._access = URLSafeTimedSerializer(
            list(secrets.token_keys), salt=_ACCESS,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def access(self, claims: Claims) -> str:
        """A signed access token."""
        content: dict[str, Any] = {
            "sid": claims.session_id, "userId": claims.user_id, "username": claims.username,
            "isSuperAdmin": claims.is_super_admin, "appContext": claims.app_context,
        }  # fmt: skip
        if claims.store_id is not None:
            content["storeId"] = claims.store_id
        return str(self._access.dumps(content))

    def read(self, token: str) -> str:
        """The session id of a valid access token; PosError `token_expired` or `token_invalid`.

        A signature that was found good once is good for the token's life: what may change (the session, the user, the
        device) is read from the database at every request.
        """
        known = self._good.get(token)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        try:
            content, issued = self._access.loads(token, max_age=self._life, return_timestamp=True)
        except SignatureExpired:
            raise TOKEN_EXPIRED() from None
        except BadData:
            raise TOKEN_INVALID() from None
        session_id = content.get("sid") if isinstance(content, dict) else None
        if not isinstance(session_id, str):
            raise TOKEN_INVALID()
        if len(self._good) >= _REMEMBERED:
            self._good.clear()
        age = time.time() - issued.timestamp()
        self._good[token] = (session_id, time.monotonic() + self._life - age)
        return session_id
