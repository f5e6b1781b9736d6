"""What is suspicious at a till, and from which number on."""

from __future__ import annotations

from pos_core.security.detectors import Detector, Seen, threshold, window


def prices_changed(seen: Seen) -> int:
    """How many lines of a sale were sold at a price that was changed at the till."""
    overrides = (seen.fact.get("notes") or {}).get("overrides") or {}
    return int(overrides.get("price_overrides", 0))


DETECTORS = (
    Detector(
        "sales.refund_spike", actions=("sale:refund",), threshold="watch.refunds", window="watch.refunds_minutes",
        en="{count} refunds by one person within {minutes} minutes.",
        es="{count} devoluciones de una persona en {minutes} minutos.",
    ),
    Detector(
        "sales.void_spike", actions=("sale:void",), threshold="watch.voids", window="watch.voids_minutes",
        en="{count} voids by one person within {minutes} minutes.",
        es="{count} anulaciones de una persona en {minutes} minutos.",
    ),
    Detector(
        "sales.no_sale", actions=("drawer:open", "register:no_sale"), threshold="watch.no_sales",
        window="watch.no_sales_minutes",
        en="The drawer was opened {count} times without a sale within {minutes} minutes.",
        es="El cajón se abrió {count} veces sin venta en {minutes} minutos.",
    ),
    Detector(
        "sales.price_overrides", actions=("sale:complete",), threshold="watch.price_overrides",
        window="watch.price_overrides_minutes", weigh=prices_changed,
        en="{count} prices were changed by one person within {minutes} minutes.",
        es="Una persona cambió {count} precios en {minutes} minutos.",
    ),
)  # fmt: skip

SETTINGS = (
    threshold("watch.refunds", 10, "Refunds by one person in a store that raise a finding; 0 raises none."),
    window("watch.refunds_minutes", 60, "Within how many minutes refunds are counted together."),
    threshold("watch.voids", 5, "Voids by one person in a store that raise a finding; 0 raises none."),
    window("watch.voids_minutes", 60, "Within how many minutes voids are counted together."),
    threshold("watch.no_sales", 8, "Openings of the drawer without a sale by one person that raise a finding; 0 none."),
    window("watch.no_sales_minutes", 60, "Within how many minutes openings without a sale are counted together."),
    threshold("watch.price_overrides", 10, "Prices changed by one person in a store that raise a finding; 0 none."),
    window("watch.price_overrides_minutes", 60, "Within how many minutes changed prices are counted together."),
)
