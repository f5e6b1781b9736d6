"""Access tokens: itsdangerous with SHA-256 and HMAC key derivation, a salt per kind, keys that rotate.

A token carries who and where (AUT-12) and a session id; never a role or permission. What it may do is read from the
database at every request.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from pos_core.clock import Clock
from pos_core.config.secrets import Secrets, SecretsFile
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
    """Signs and reads access tokens, always with the keys that stand in the secrets file at this moment."""

    def __init__(self, file: SecretsFile, life_minutes: int, clock: Clock) -> None:
        self._life = life_minutes * 60
        self._file, self._clock = file, clock
        #: Tokens whose signature was good, with their session and the time of their end.
        self._good: dict[str, tuple[str, float]] = {}
        self._secrets = file.current()
        self._access = self._serializer(self._secrets)

    def _serializer(self, secrets: Secrets) -> URLSafeTimedSerializer:
        clock = self._clock

        class Signer(TimestampSigner):
            """Stamps with the product's clock instead of the machine's."""

            def get_timestamp(self) -> int:
                return int(clock.now().timestamp())

        return URLSafeTimedSerializer(
            list(secrets.token_keys), salt=_ACCESS, signer=Signer,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def _take_over(self) -> None:
        """New keys, when the file has others: what an old key signed has to be proven again."""
        found = self._file.current()
        if found is not self._secrets:
            self._access, self._good, self._secrets = self._serializer(found), {}, found

    def access(self, claims: Claims) -> str:
        """A signed access token."""
        self._take_over()
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
        self._take_over()
        now, good = self._clock.now().timestamp(), self._good
        known = good.get(token)
        if known is not None and now < known[1]:
            return known[0]
        try:
            content, issued = self._access.loads(token, max_age=self._life, return_timestamp=True)
        except SignatureExpired:
            raise TOKEN_EXPIRED() from None
        except BadData:
            raise TOKEN_INVALID() from None
        if not _is_canonical(token):
            raise TOKEN_INVALID()
        if now >= issued.timestamp() + self._life:
            raise TOKEN_EXPIRED()
        session_id = content.get("sid") if isinstance(content, dict) else None
        if not isinstance(session_id, str):
            raise TOKEN_INVALID()
        if len(good) >= _REMEMBERED:
            good.clear()
        good[token] = (session_id, issued.timestamp() + self._life)
        return session_id


def _is_canonical(token: str) -> bool:
    """Whether the signature is written as we write it: its last base64 character has bits that decoding ignores."""
    signature = token.rpartition(".")[2].encode()
    return base64_encode(base64_decode(signature)) == signature
