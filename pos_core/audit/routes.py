"""The doors to the audit chains."""

from __future__ import annotations

from pos_core.audit import schemas
from pos_core.http.routes import Route

ROUTES = (
    Route("GET", "/audit/entries", query="audit:entries", params=schemas.EntryParams, answer=schemas.EntryAnswer,
          paged=True),
    Route("GET", "/audit/integrity", query="audit:integrity", params=schemas.IntegrityParams,
          answer=schemas.IntegrityAnswer),
)  # fmt: skip
