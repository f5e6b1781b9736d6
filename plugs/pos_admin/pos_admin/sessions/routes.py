"""The doors to other people's sessions."""

from __future__ import annotations

from pos_admin.sessions import schemas
from pos_core.auth.schemas import Ended, SessionAnswer
from pos_core.http.routes import Route

ROUTES = (
    Route("GET", "/sessions", query="session:list", params=schemas.SessionParams, answer=SessionAnswer, paged=True),
    Route("GET", "/sign-ins", query="session:sign_ins", params=schemas.SessionParams, answer=SessionAnswer, paged=True),
    Route("POST", "/sessions/{id}/end", action="session:end", answer=Ended),
    Route("POST", "/sessions/end-user", action="session:end_user", answer=Ended),
    Route("POST", "/sessions/end-all", action="session:end_all", answer=Ended),
)
