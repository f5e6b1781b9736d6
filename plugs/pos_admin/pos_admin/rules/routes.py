"""The doors to business rules."""

from __future__ import annotations

from pos_core.business_rules import schemas
from pos_core.http.routes import Route
from pos_core.schemas import PageParams

ROUTES = (
    Route("GET", "/business-rules", query="business_rule:list", params=schemas.RuleParams, answer=schemas.RuleAnswer,
          paged=True),
    Route("POST", "/business-rules", action="business_rule:create", answer=schemas.RuleAnswer),
    Route("GET", "/business-rules/fields", query="business_rule:fields", params=schemas.FieldsParams,
          answer=schemas.FieldsAnswer),
    Route("GET", "/business-rules/{id}", query="business_rule:get", answer=schemas.OneRule),
    Route("PATCH", "/business-rules/{id}", action="business_rule:edit", answer=schemas.RuleAnswer, edits=True),
    Route("GET", "/business-rules/{id}/versions", query="business_rule:versions", params=PageParams,
          answer=schemas.VersionAnswer, paged=True),
    Route("POST", "/business-rules/{id}/activate", action="business_rule:activate", answer=schemas.RuleAnswer,
          edits=True),
    Route("POST", "/business-rules/{id}/retire", action="business_rule:retire", answer=schemas.RuleAnswer, edits=True),
    Route("GET", "/business-rules/{id}/past", query="business_rule:past", params=schemas.PastParams,
          answer=schemas.PastAnswer),
    Route("POST", "/business-rules/{id}/try", action="business_rule:try", answer=schemas.TriedAnswer),
)
