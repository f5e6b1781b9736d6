"""Codes of an authenticator app (RFC 6238: SHA-1, 6 digits, 30 seconds), each good once, one step early or late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pyotp
from pyotp.utils import strings_equal

from pos_core.auth.mfa.provider import Begun, MfaProvider, Person, State

STEP_S = 30
#: How many steps a phone's clock may be off.
WINDOW = 1


class Totp(MfaProvider):
    """An authenticator app."""

    name = "totp"
    title: Mapping[str, str] = {"en": "Authenticator app", "es": "Aplicación de autenticación"}

    def begin(self, person: Person, data: Mapping[str, str], at: datetime) -> Begun:
        """A new secret, as text and as the address that authenticator apps read from a QR code."""
        secret = pyotp.random_base32()
        uri = pyotp.TOTP(secret).provisioning_uri(name=person.username, issuer_name=person.business)
        return Begun({"secret": secret, "last_step": 0}, {"secret": secret, "otpauth_uri": uri})

    def verify(self, person: Person, state: State, code: str, at: datetime) -> State | None:
        """pyotp takes a code twice; here the last step that was used is remembered, and only later ones count."""
        totp, now = pyotp.TOTP(state["secret"]), int(at.timestamp()) // STEP_S
        for step in range(max(now - WINDOW, state["last_step"] + 1), now + WINDOW + 1):
            if strings_equal(totp.generate_otp(step), code):
                return {**state, "last_step": step}
        return None
