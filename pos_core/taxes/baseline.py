"""The taxes a new business begins with: a standard and a reduced rate, and one for what is not taxed."""

from __future__ import annotations

from pos_core.context import Context
from pos_core.ids import uuid7

#: Code, name in English and in Spanish, and the key of the first run's options that gives the rate.
BASELINE = (
    ("standard", "Standard rate", "Tipo general", "tax_standard", "2000"),
    ("reduced", "Reduced rate", "Tipo reducido", "tax_reduced", "500"),
    ("zero", "Zero rate", "Tipo cero", "", "0"),
)


def create_baseline(ctx: Context) -> None:
    """Make the groups standard, reduced and zero, with one tax each of the same code.

    The rates (basis points as text) and whether prices contain them come from the options of the first run.
    """
    options = ctx.kernel.first_run
    included = bool(options.get("prices_include_tax", False))
    for code, english, spanish, option, default in BASELINE:
        name = spanish if ctx.language == "es" else english
        rate_id = uuid7()
        rate = options.get(option, default) if option else default
        ctx.perform("tax_rate:create", {
            "id": rate_id, "code": code, "name": name, "rate": rate, "included": included,
        })  # fmt: skip
        ctx.perform("tax_group:create", {"id": uuid7(), "code": code, "name": name, "rate_ids": (rate_id,)})
