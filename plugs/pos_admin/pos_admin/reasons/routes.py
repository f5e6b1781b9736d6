"""The doors to the list of reason codes; reading it is the core's, because tills do."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_core.reasons import schemas

ROUTES = (
    Route("POST", "/reasons", action="reason:create", answer=schemas.ReasonAnswer),
    Route("PATCH", "/reasons/{id}", action="reason:edit", answer=schemas.ReasonAnswer, edits=True),
)
