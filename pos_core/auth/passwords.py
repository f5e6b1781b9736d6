"""Password hashes: argon2id through passlib, in this module only, at most two at a time.

One default hash costs 64 MiB and a tenth of a second, so parallel sign-ins queue here; a queue that is full answers
"too many" instead of taking the machine down.
"""

from __future__ import annotations

import secrets
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pos_core.config.loader import AuthConfig
from pos_core.errors import Kind, define

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # passlib 1.7.4 imports crypt and reads argon2.__version__
    from passlib.context import CryptContext

SIGN_IN_BUSY = define(
    "sign_in_busy", Kind.TOO_MANY,
    en="Too many people are signing in at this moment.", es="Demasiadas personas inician sesión en este momento.",
    cure="Wait a few seconds and sign in again.",
)
AT_ONCE = 2
WAITING = 16
WAIT_SECONDS = 10


class Passwords:
    """Hashes and checks passwords with the configured cost."""

    def __init__(self, config: AuthConfig) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._context = CryptContext(
                schemes=["argon2"], argon2__type="ID", argon2__memory_cost=config.argon2_memory_kib,
                argon2__rounds=config.argon2_rounds, argon2__parallelism=config.argon2_parallelism,
            )
        #: Who an unknown user's password is checked against, so that it costs the same time.
        self._nobody: str | None = None
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._queue = threading.BoundedSemaphore(AT_ONCE + WAITING)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._queue.acquire(blocking=False):
            raise SIGN_IN_BUSY()
        try:
            if not self._slots.acquire(timeout=WAIT_SECONDS):
                raise SIGN_IN_BUSY()
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._queue.release()

    def hash(self, password: str) -> str:
        """The argon2id hash of a password; PosError `sign_in_busy`."""
        with self._slot():
            return str(self._context.hash(password))

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password fits; an unknown user (None) costs the same time and is False."""
        nobody = self._nobody or self.warm()
        with self._slot():
            fits = bool(self._context.verify(password, stored or nobody))
        return fits and stored is not None

    def warm(self) -> str:
        """Make the hash that unknown users are checked against; a serving process does it before the first request."""
        if self._nobody is None:
            with self._slot():
                self._nobody = str(self._context.hash(secrets.token_urlsafe(16)))
        return self._nobody

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return bool(self._context.needs_update(stored))


def generate() -> str:
    """A password to be shown once: 20 characters without look-alikes, in groups."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    groups = ("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))
    return "-".join(groups)
