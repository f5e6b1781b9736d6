"""What pack authors test with: fixtures (a pytest plugin), factories, and the checks that every pack must pass.

The fixtures are there wherever pos-core is installed: business, make_app, make_business, shop, client_as, clock,
outbox, audit, kernel, ctx, server, client; `--db both` runs them on SQLite and PostgreSQL. See docs/packs/testing.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pos_core.testing.app import App
    from pos_core.testing.conformance import ModuleConformance
    from pos_core.testing.factories import Shop
    from pos_core.testing.harness import Answer, Business, Client

_PLACES = {
    "Answer": "harness", "App": "app", "Business": "harness", "Client": "harness", "ModuleConformance": "conformance",
    "Shop": "factories",
}  # fmt: skip

__all__ = ["Answer", "App", "Business", "Client", "ModuleConformance", "Shop"]


def __getattr__(name: str) -> Any:
    """Imported when asked for: pytest loads this package in every project's test run."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
