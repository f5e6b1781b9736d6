"""The doors to tenders."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_ops.tenders import schemas

ROUTES = (
    Route("GET", "/tenders", query="tender:list", params=schemas.TenderParams, answer=schemas.TenderAnswer, paged=True),
    Route("POST", "/tenders", action="tender:create", answer=schemas.TenderAnswer),
    Route("GET", "/tenders/{id}", query="tender:get", answer=schemas.TenderAnswer),
    Route("PATCH", "/tenders/{id}", action="tender:edit", answer=schemas.TenderAnswer, edits=True),
)
