"""The doors to the security log."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_core.security import schemas

ROUTES = (
    Route("GET", "/security/events", query="security_event:list", params=schemas.EventParams,
          answer=schemas.EventAnswer, paged=True),
    Route("GET", "/security/events/export", query="security_event:export", params=schemas.ExportParams,
          media="text/csv"),
    Route("GET", "/security/kinds", query="security_event:kinds", answer=schemas.KindAnswer, listed=True),
    Route("GET", "/security/timeline", query="security:timeline", params=schemas.TimelineParams,
          answer=schemas.TimelineAnswer, paged=True),
    Route("GET", "/security/findings", query="finding:list", params=schemas.FindingParams,
          answer=schemas.FindingAnswer, paged=True),
    Route("GET", "/security/findings/{id}", query="finding:get", answer=schemas.OneFinding),
    Route("POST", "/security/findings/{id}/acknowledge", action="finding:acknowledge", answer=schemas.FindingAnswer,
          edits=True),
    Route("POST", "/security/findings/{id}/dismiss", action="finding:dismiss", answer=schemas.FindingAnswer,
          edits=True),
    Route("POST", "/security/sweeps", action="security:detect", answer=schemas.SweepAnswer),
)  # fmt: skip
