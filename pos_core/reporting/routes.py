"""The doors to reports."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_core.reporting import schemas
from pos_core.schemas import PageParams

ROUTES = (
    Route("GET", "/reports", query="report:list", params=PageParams, answer=schemas.ReportEntry, paged=True),
    Route("GET", "/reports/{report}", query="report:run", params=schemas.RunParams, answer=schemas.ReportAnswer,
          media="text/csv"),
)
