"""The doors to the business, its settings and its taxes."""

from __future__ import annotations

from pos_core.config import schemas as config
from pos_core.http.routes import Route
from pos_core.taxes import schemas as taxes

ROUTES = (
    Route("GET", "/business", query="business:get", answer=config.BusinessAnswer),
    Route("GET", "/settings", query="setting:list", params=config.SettingParams, answer=config.SettingAnswer,
          paged=True),
    Route("GET", "/settings/{key}", query="setting:get", params=config.OneSettingParams, answer=config.SettingAnswer),
    Route("PUT", "/settings/{key}", action="setting:change", answer=config.SettingChange, edits=True),
    Route("POST", "/settings/{key}/reset", action="setting:reset", answer=config.SettingChange, edits=True),
    Route("GET", "/tax-rates", query="tax_rate:list", params=taxes.TaxParams, answer=taxes.TaxRateAnswer, paged=True),
    Route("POST", "/tax-rates", action="tax_rate:create", answer=taxes.TaxRateAnswer),
    Route("GET", "/tax-rates/{id}", query="tax_rate:get", answer=taxes.TaxRateAnswer),
    Route("PATCH", "/tax-rates/{id}", action="tax_rate:edit", answer=taxes.TaxRateAnswer, edits=True),
    Route("GET", "/tax-groups", query="tax_group:list", params=taxes.TaxParams, answer=taxes.TaxGroupAnswer,
          paged=True),
    Route("POST", "/tax-groups", action="tax_group:create", answer=taxes.TaxGroupAnswer),
    Route("GET", "/tax-groups/{id}", query="tax_group:get", answer=taxes.TaxGroupAnswer),
    Route("PATCH", "/tax-groups/{id}", action="tax_group:edit", answer=taxes.TaxGroupAnswer, edits=True),
)
