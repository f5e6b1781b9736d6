"""The doors to sales representatives."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_ops.representatives import schemas

ROUTES = (
    Route("GET", "/representatives", query="representative:list", params=schemas.RepresentativeParams,
          answer=schemas.RepresentativeAnswer, paged=True),
    Route("POST", "/representatives", action="representative:create", answer=schemas.RepresentativeAnswer),
    Route("GET", "/representatives/{id}", query="representative:get", answer=schemas.RepresentativeAnswer),
    Route("PATCH", "/representatives/{id}", action="representative:edit", answer=schemas.RepresentativeAnswer,
          edits=True),
)  # fmt: skip
