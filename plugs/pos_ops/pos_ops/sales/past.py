"""A past sale as business rules would have seen it, rebuilt from its audit entry.

What the entry does not tell exactly is left out: how a line named its product, the product's own discounts apart from
the till's, what goods cost, and the tax figures of offline sales, whose lines are as they were printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pos_core.business_rules.facts import RuleFacts
from pos_core.money import parse_quantity

_COMMAND = ("id", "customer_id", "representative_id", "note")
_DRAFT = (
    "session_id", "customer_id", "representative_id", "business_date", "sold_at", "total_minor", "rounding_minor",
    "payable_minor", "paid_minor", "change_minor",
)  # fmt: skip
_LINE = ("product_id", "sku", "name", "department_id", "unit_price_minor", "price_per", "price_source", "tax_group_id")
_PAYMENT = ("tender_id", "tendered_minor", "change_minor", "reference")
_PRICED = ("gross_minor", "discount_minor")
_DISCOUNT = ("kind", "value", "amount_minor", "reason")


def rebuild(fact: Mapping[str, Any]) -> dict[str, Any]:
    """The command and the draft of a completed sale, as far as its entry tells them."""
    after, notes = fact["after"], fact.get("notes", {})
    return {"command": _command(after, notes), "draft": _draft(after, notes)}


def _command(after: Mapping[str, Any], notes: Mapping[str, Any]) -> dict[str, Any]:
    reason = notes.get("reason", {})
    offline = {
        "sold_at": after["sold_at"], "total_minor": after["printed_total_minor"],
        "receipt_number": after["printed_number"],
    }  # fmt: skip
    return {
        **{name: after[name] for name in _COMMAND}, "reason": reason.get("code"), "reason_note": reason.get("note"),
        "offline": offline if after["offline"] else None,
        "discounts": [{name: one.get(name) for name in _DISCOUNT} for one in after["discounts"]],
        "lines": [
            {"quantity": line["quantity"], "note": line["note"], "price_override": line["price_source"] == "override"}
            for line in after["lines"]
        ],
        "tenders": [
            {"tender": one["tender"], "amount_minor": one["tendered_minor"], "reference": one["reference"]}
            for one in after["payments"]
        ],
    }  # fmt: skip


def _draft(after: Mapping[str, Any], notes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: after[name] for name in _DRAFT},
        "lines": [
            {**{name: line[name] for name in _LINE}, "quantity": parse_quantity(line["quantity"])}
            for line in after["lines"]
        ],
        "payments": [
            {**{name: one[name] for name in _PAYMENT}, "code": one["tender"]} for one in after["payments"]
        ],
        "priced": {name: after[name] for name in _PRICED},
        **_concessions(notes.get("overrides")),
    }  # fmt: skip


def _concessions(noted: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the till gave away. The noted share is the larger of discount and changed price, so it tells the discount's
    only where no price was changed; it is cut to hundredths of a percent."""
    if noted is None:
        return {"concessions": None}
    given: dict[str, Any] = {"discount_minor": noted["discount_minor"]}
    if not noted["price_overrides"]:
        given |= {"discount": Fraction(noted["percent"]) / 100, "override": 0}
    return {"concessions": {**given, "overridden": [line["position"] - 1 for line in noted["lines"]]}}


def _paths() -> frozenset[str]:
    command = (*_COMMAND, "reason", "reason_note", "offline", "discounts", "lines", "tenders")
    draft = (*_DRAFT, "lines", "payments", "priced", "concessions")
    return frozenset((
        *(f"command.{name}" for name in command), *(f"draft.{name}" for name in draft),
        *(f"command.offline.{name}" for name in ("sold_at", "total_minor", "receipt_number")),
        "command.lines[*]", "command.discounts[*]", "command.tenders[*]", "draft.lines[*]", "draft.payments[*]",
        *(f"command.discounts[*].{name}" for name in _DISCOUNT),
        *(f"command.lines[*].{name}" for name in ("quantity", "note", "price_override")),
        *(f"command.tenders[*].{name}" for name in ("tender", "amount_minor", "reference")),
        *(f"draft.lines[*].{name}" for name in (*_LINE, "quantity")),
        *(f"draft.payments[*].{name}" for name in (*_PAYMENT, "code")),
        *(f"draft.priced.{name}" for name in _PRICED),
        "draft.concessions.discount_minor", "draft.concessions.overridden", "draft.concessions.overridden[*]",
    ))  # fmt: skip


RULE_FACTS = (RuleFacts("sale:complete", rebuild, _paths()),)
