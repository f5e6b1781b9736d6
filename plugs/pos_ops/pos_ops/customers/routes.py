"""The doors to customers."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_ops.customers import schemas

ROUTES = (
    Route("GET", "/customers", query="customer:list", params=schemas.CustomerParams,
          answer=schemas.CustomerAnswer, paged=True),
    Route("POST", "/customers", action="customer:create", answer=schemas.CustomerAnswer),
    Route("GET", "/customers/{id}", query="customer:get", answer=schemas.CustomerAnswer),
    Route("PATCH", "/customers/{id}", action="customer:edit", answer=schemas.CustomerAnswer, edits=True),
    Route("POST", "/customers/{id}/deactivate", action="customer:deactivate", answer=schemas.CustomerAnswer,
          edits=True),
    Route("POST", "/customers/{id}/activate", action="customer:activate", answer=schemas.CustomerAnswer, edits=True),
)  # fmt: skip
