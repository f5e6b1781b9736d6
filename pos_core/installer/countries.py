"""What a new shop of a country usually starts with. Everything but the currency can be changed later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Country:
    """A country's currency, usual time zone, tax rates (basis points as text) and how shelf prices are shown."""

    name: str
    currency: str
    time_zone: str
    tax_standard: str
    tax_reduced: str
    prices_include_tax: bool = True

    def choices(self) -> Mapping[str, Any]:
        """What a new business would take from it."""
        return {
            "currency": self.currency, "time_zone": self.time_zone, "tax_standard": self.tax_standard,
            "tax_reduced": self.tax_reduced, "prices_include_tax": self.prices_include_tax,
        }  # fmt: skip


#: By ISO 3166 code. In the United States and Canada the tax is the place's, so it is entered afterwards.
COUNTRIES: Mapping[str, Country] = {
    "AT": Country("Austria", "EUR", "Europe/Vienna", "2000", "1000"),
    "BE": Country("Belgium", "EUR", "Europe/Brussels", "2100", "600"),
    "CA": Country("Canada", "CAD", "America/Toronto", "0", "0", prices_include_tax=False),
    "DE": Country("Germany", "EUR", "Europe/Berlin", "1900", "700"),
    "ES": Country("Spain", "EUR", "Europe/Madrid", "2100", "1000"),
    "FR": Country("France", "EUR", "Europe/Paris", "2000", "550"),
    "GB": Country("United Kingdom", "GBP", "Europe/London", "2000", "500"),
    "IE": Country("Ireland", "EUR", "Europe/Dublin", "2300", "1350"),
    "IT": Country("Italy", "EUR", "Europe/Rome", "2200", "1000"),
    "MX": Country("Mexico", "MXN", "America/Mexico_City", "1600", "0"),
    "NL": Country("Netherlands", "EUR", "Europe/Amsterdam", "2100", "900"),
    "PT": Country("Portugal", "EUR", "Europe/Lisbon", "2300", "600"),
    "US": Country("United States", "USD", "America/New_York", "0", "0", prices_include_tax=False),
}
