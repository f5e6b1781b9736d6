"""The doors to sales."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_ops.sales import schemas

ROUTES = (
    Route("POST", "/sales", action="sale:complete", answer=schemas.SaleAnswer),
    Route("GET", "/sales", query="sale:list", params=schemas.SaleParams, answer=schemas.SaleSummary, paged=True),
    Route("GET", "/sales/flags", query="sale_flag:list", params=schemas.FlagParams, answer=schemas.ReviewedFlag,
          paged=True),
    Route("PATCH", "/sales/flags/{id}", action="sale_flag:review", answer=schemas.ReviewedFlag, edits=True),
    Route("GET", "/sales/{id}", query="sale:get", answer=schemas.SaleAnswer),
    Route("GET", "/sales/{id}/receipt", query="sale:receipt", params=schemas.ReceiptParams,
          answer=schemas.ReceiptAnswer),
    Route("GET", "/sales/{id}/receipt.txt", query="sale:receipt_text", params=schemas.ReceiptParams,
          media="text/plain"),
)  # fmt: skip
