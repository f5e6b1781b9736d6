"""core.settings: the business, and the rules it can set for itself.

The doors to it are the administration's; the core declares what there is, and keeps, checks and audits it.
"""

from __future__ import annotations

from pos_core import __version__
from pos_core.manifest import Manifest, Permission, Setting

ROUNDING_MODES = ("half_up", "half_even", "up", "down")

SETTINGS = (
    Setting("business.language", "choice", "en",
            "The language of receipts, reports and messages where a person has not chosen one.", ("en", "es")),
    Setting("tax.rounding", "choice", "line",
            "When tax is rounded: each tax of each line, or each tax once for the whole document.",
            ("line", "document")),
    Setting("tax.rounding_mode", "choice", "half_up",
            "How tax is rounded: a half goes away from zero (half_up) or to the even neighbour (half_even); "
            "up and down round away from and towards zero.", ROUNDING_MODES),
    Setting("cash.increment_minor", "int", 0,
            "The smallest cash amount in minor units, such as 5 where there are no coins below 0.05; "
            "0 takes what is usual for the currency.", minimum=0, maximum=1_000_000),
    Setting("cash.rounding_mode", "choice", "half_up",
            "How a total is rounded to the smallest cash amount.", ROUNDING_MODES),
    Setting("cash.round_all_tenders", "bool", False,
            "Round totals to the smallest cash amount for every tender, not for cash alone."),
    Setting("numbering.receipt", "text", "{store}-{register}-{number:06}",
            "How receipt numbers look: {store} and {register} stand for their codes, {number:06} for the number "
            "padded to six digits. Register and number must stand in it; numbers count up per register "
            "without gaps.", maximum=60),
    Setting("fiscal.start_month", "int", 1, "The month in which the business' year begins, 1 for January.",
            minimum=1, maximum=12, per_store=False),
    Setting("receipt.header", "text", "",
            "Text above every receipt, below the store's name; a vertical bar | begins a new line.", maximum=400),
    Setting("receipt.footer", "text", "",
            "Text below every receipt, such as opening hours or terms; a vertical bar | begins a new line.",
            maximum=400),
    Setting("sales.maximum_lines", "int", 1000, "The most lines that one sale may have.", minimum=1, maximum=2000),
)  # fmt: skip

MANIFEST = Manifest(
    name="core.settings",
    version=__version__,
    title="The business and its settings",
    permissions=(
        Permission("hq:settings.view", "See the business and its settings", ("admin", "accountant", "auditor")),
        Permission("hq:settings.manage", "Change the settings of the business and its stores", ("admin",)),
        Permission("store:settings.view", "See the settings that hold in the store", ("store_manager",)),
        Permission("pos:settings.view", "See the settings that hold at the till", ("cashier", "shift_supervisor")),
    ),
    settings=SETTINGS,
)
