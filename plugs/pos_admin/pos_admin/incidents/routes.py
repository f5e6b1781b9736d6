"""The doors to incidents."""

from __future__ import annotations

from pos_admin.incidents import schemas
from pos_core.http.routes import Route

ROUTES = (
    Route("GET", "/incidents", query="incident:list", params=schemas.IncidentParams, answer=schemas.IncidentAnswer,
          paged=True),
    Route("POST", "/incidents", action="incident:record", answer=schemas.OneIncident),
    Route("GET", "/incidents/{id}", query="incident:get", answer=schemas.OneIncident),
    Route("POST", "/incidents/{id}/notes", action="incident:add_note", answer=schemas.AddedNote),
    Route("POST", "/incidents/{id}/links", action="incident:link", answer=schemas.AddedLink),
    Route("POST", "/incidents/{id}/close", action="incident:close", answer=schemas.IncidentAnswer, edits=True),
    Route("POST", "/incidents/{id}/reopen", action="incident:reopen", answer=schemas.IncidentAnswer, edits=True),
)
