"""The doors to the registry of modules."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_core.registry import schemas
from pos_core.schemas import PageParams

ROUTES = (
    Route("GET", "/modules", query="module:list", params=schemas.ModulesParams, answer=schemas.ModuleAnswer,
          paged=True),
    Route("GET", "/modules/{module}", query="module:get", params=schemas.OneModuleParams, answer=schemas.ModuleDetail),
    Route("GET", "/modules/{module}/history", query="module:history", params=PageParams, answer=schemas.HistoryEntry,
          paged=True),
    Route("GET", "/modules/{module}/preview", query="module:preview", params=schemas.PreviewParams,
          answer=schemas.SwitchAnswer),
    Route("POST", "/modules/{module}/enable", action="module:enable", answer=schemas.SwitchAnswer),
    Route("POST", "/modules/{module}/disable", action="module:disable", answer=schemas.SwitchAnswer),
    Route("POST", "/modules/{module}/release", action="module:release", answer=schemas.Released),
)
