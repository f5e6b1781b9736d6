"""Keys that the database does not hold: digests that cannot be tried out, and texts that cannot be read, without them.

Each purpose has a key of its own, derived from the installation's data keys. What is new is made with the latest data
key; what was made with an older one stays readable for as long as that key stands in the secrets file.
"""

from __future__ import annotations

import hashlib
import hmac

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from pos_core.config.secrets import Secrets
from pos_core.plugins import StartError


class Vault:
    """Digests and seals for one purpose. StartError where the secrets file has no data keys."""

    def __init__(self, secrets: Secrets, purpose: str) -> None:
        if not secrets.data_keys:
            raise StartError("the secrets file has no data_keys: restore it from your backup, or run `pos init`")
        self._keys = {
            _mark(key): hmac.new(key.encode(), b"pos.vault.v1\x00" + purpose.encode(), hashlib.sha256).digest()
            for key in secrets.data_keys
        }
        self.mark = _mark(secrets.data_keys[-1])

    def digest(self, *parts: str, mark: str | None = None) -> bytes:
        """HMAC-SHA256 of the parts with the latest key, or with the one of that mark; KeyError when it is gone."""
        text = b"".join(len(raw := part.encode()).to_bytes(4, "big") + raw for part in parts)
        return hmac.new(self._keys[mark or self.mark], text, hashlib.sha256).digest()

    def digests(self, *parts: str) -> list[bytes]:
        """The parts' digests with every key there is, for what is looked up by its digest."""
        return [self.digest(*parts, mark=mark) for mark in self._keys]

    def seal(self, content: bytes) -> bytes:
        """The content, encrypted and authenticated with the latest key."""
        return bytes(SecretBox(self._keys[self.mark]).encrypt(content))

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. ValueError when no key opens it: it was changed, or its key is gone."""
        for key in reversed(self._keys.values()):
            try:
                return bytes(SecretBox(key).decrypt(sealed))
            except CryptoError:
                continue
        raise ValueError("none of the data keys opens this: it was changed, or its key is not in the secrets file")


def _mark(key: str) -> str:
    """A short name of a key that tells nothing of it."""
    return hashlib.sha256(b"pos.key.mark\x00" + key.encode()).hexdigest()[:12]
