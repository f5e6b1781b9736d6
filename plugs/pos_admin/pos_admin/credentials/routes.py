"""The administration's doors to how people come in."""

from __future__ import annotations

from pos_core.auth.credentials import schemas
from pos_core.auth.mfa.schemas import FactorsReset
from pos_core.http.routes import Route

ROUTES = (
    Route("GET", "/users/{id}/credentials", query="credential:state", answer=schemas.CredentialState),
    Route("POST", "/users/{id}/unlock", action="account:unlock", answer=schemas.Unlocked),
    Route("PUT", "/users/{id}/pin", action="pin:assign", answer=schemas.NewPin),
    Route("POST", "/users/{id}/pin/remove", action="pin:remove", answer=schemas.Removed),
    Route("POST", "/users/{id}/mfa/reset", action="mfa:reset", answer=FactorsReset),
)
