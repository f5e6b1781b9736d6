"""The doors to the catalogue."""

from __future__ import annotations

from pos_core.http.routes import Route
from pos_ops.catalog import import_schemas, schemas

ROUTES = (
    Route(
        "GET",
        "/departments",
        query="department:list",
        params=schemas.ActiveParams,
        answer=schemas.DepartmentAnswer,
        paged=True,
    ),
    Route("POST", "/departments", action="department:create", answer=schemas.DepartmentAnswer),
    Route("GET", "/departments/{id}", query="department:get", answer=schemas.DepartmentAnswer),
    Route("PATCH", "/departments/{id}", action="department:edit", answer=schemas.DepartmentAnswer, edits=True),
    Route(
        "GET",
        "/categories",
        query="category:list",
        params=schemas.CategoryParams,
        answer=schemas.CategoryAnswer,
        paged=True,
    ),
    Route("POST", "/categories", action="category:create", answer=schemas.CategoryAnswer),
    Route("GET", "/categories/{id}", query="category:get", answer=schemas.CategoryAnswer),
    Route("PATCH", "/categories/{id}", action="category:edit", answer=schemas.CategoryAnswer, edits=True),
    Route("GET", "/brands", query="brand:list", params=schemas.ActiveParams, answer=schemas.BrandAnswer, paged=True),
    Route("POST", "/brands", action="brand:create", answer=schemas.BrandAnswer),
    Route("GET", "/brands/{id}", query="brand:get", answer=schemas.BrandAnswer),
    Route("PATCH", "/brands/{id}", action="brand:edit", answer=schemas.BrandAnswer, edits=True),
    Route("GET", "/vendors", query="vendor:list", params=schemas.ActiveParams, answer=schemas.VendorAnswer, paged=True),
    Route("POST", "/vendors", action="vendor:create", answer=schemas.VendorAnswer),
    Route("GET", "/vendors/{id}", query="vendor:get", answer=schemas.VendorAnswer),
    Route("PATCH", "/vendors/{id}", action="vendor:edit", answer=schemas.VendorAnswer, edits=True),
    Route(
        "GET", "/products", query="product:list", params=schemas.ProductParams, answer=schemas.ProductAnswer, paged=True
    ),
    Route("POST", "/products", action="product:create", answer=schemas.ProductAnswer),
    Route("POST", "/products/import", action="catalog:import", answer=import_schemas.ImportAnswer, upload=True),
    Route("GET", "/products/import-template", query="product:import_template", media="text/csv"),
    Route("GET", "/products/{id}", query="product:get", answer=schemas.ProductAnswer),
    Route("PATCH", "/products/{id}", action="product:edit", answer=schemas.ProductAnswer, edits=True),
    Route("POST", "/products/{id}/activate", action="product:activate", answer=schemas.ProductAnswer, edits=True),
    Route("POST", "/products/{id}/deactivate", action="product:deactivate", answer=schemas.ProductAnswer, edits=True),
    Route("PUT", "/products/{id}/barcodes", action="product:set_barcodes", answer=schemas.ProductAnswer, edits=True),
    Route("GET", "/products/{id}/vendors", query="product:vendors", answer=schemas.ProductVendorsAnswer),
    Route(
        "PUT", "/products/{id}/vendors", action="product:set_vendors", answer=schemas.ProductVendorsAnswer, edits=True
    ),
    Route("PUT", "/products/{id}/target", action="product:set_target", answer=schemas.TargetAnswer),
)
