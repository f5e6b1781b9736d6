"""The doors to PINs: one's own, and the buttons of an enrolled device. Administration's are pos-admin's."""

from __future__ import annotations

from pos_core.auth.credentials import schemas
from pos_core.auth.schemas import SignedIn
from pos_core.http.routes import Route

ROUTES = (
    Route("POST", "/auth/pin", action="session:open_pin", answer=SignedIn, tag="auth", token="ignored", cookie="give"),
    Route("PUT", "/me/pin", action="pin:set", answer=schemas.PinSet, tag="auth"),
    Route("POST", "/auth/pin-users", action="pin:list_users", answer=schemas.PinUserList, tag="auth"),
)
