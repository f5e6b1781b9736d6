"""The doors to one's own second factors. Administration's are pos-admin's."""

from __future__ import annotations

from pos_core.auth.mfa import schemas
from pos_core.http.routes import Route

ROUTES = (
    Route("GET", "/auth/mfa", query="mfa:own", answer=schemas.Factors, tag="auth"),
    Route("POST", "/auth/mfa/recovery-codes", action="mfa:renew_codes", answer=schemas.NewCodes, tag="auth"),
    Route("POST", "/auth/mfa/{method}", action="mfa:begin", answer=schemas.FactorBegun, tag="auth"),
    Route("POST", "/auth/mfa/{method}/confirm", action="mfa:confirm", answer=schemas.FactorConfirmed, tag="auth"),
    Route("POST", "/auth/mfa/{method}/remove", action="mfa:remove", answer=schemas.FactorRemoved, tag="auth"),
)
