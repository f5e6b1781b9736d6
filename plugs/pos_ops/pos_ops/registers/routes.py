"""The doors to register sessions."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_ops.registers import schemas

SESSIONS = "/register-sessions"

ROUTES = (
    Route("GET", SESSIONS, query="register_session:list", params=schemas.SessionParams,
          answer=schemas.SessionAnswer, paged=True),
    Route("POST", SESSIONS, action="register_session:open", answer=schemas.SessionAnswer),
    Route("GET", f"{SESSIONS}/current", query="register_session:current", answer=schemas.CurrentAnswer),
    Route("GET", f"{SESSIONS}/{{id}}", query="register_session:get", answer=schemas.SessionDetail),
    Route("POST", f"{SESSIONS}/{{id}}/close", action="register_session:close", answer=schemas.SessionDetail),
    Route("GET", f"{SESSIONS}/{{id}}/slip", query="register_session:slip", answer=schemas.SlipAnswer),
    Route("GET", f"{SESSIONS}/{{id}}/slip.txt", query="register_session:slip_text", media="text/plain"),
)  # fmt: skip
