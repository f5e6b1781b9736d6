"""Holding the tables of sales against what the audit chains say of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pos_core import Context
from pos_ops.sales import views
from pos_ops.sales.models import Payment, Sale, SaleFlag, SaleLine, SaleTax

#: What may change after the sale was posted, each change with an entry of its own.
_MOVING = ("status", "version")


def disagreements(ctx: Context, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for every sale whose rows say something else than its audit entry."""
    told = {
        entry["id"]: entry["after"] for entry in entries
        if entry.get("action") == "sale:complete" and entry.get("outcome") == "done"
    }  # fmt: skip
    if not told:
        return
    stored = _documents(list(told))
    for sale_id, fact in told.items():
        number = fact["receipt_number"]
        if sale_id not in stored:
            yield f"sale {number} ({sale_id}) is not in the table of sales"
            continue
        for path, said, found in _differences(fact, stored[sale_id]):
            yield f"sale {number} ({sale_id}): {path} is {found!r}, its audit entry says {said!r}"


def _documents(ids: list[str]) -> dict[str, dict[str, Any]]:
    sales = {row["id"]: row for row in _select(Sale, Sale.id, ids)}
    parts: dict[Any, dict[str, list[dict[str, Any]]]] = {}
    for model in (SaleLine, SaleTax, Payment, SaleFlag):
        grouped: dict[str, list[dict[str, Any]]] = {}
        for row in _select(model, model.sale, ids):
            grouped.setdefault(row["sale_id"], []).append(row)
        parts[model] = grouped
    return {
        sale_id: views.sale_view(row, *(parts[m].get(sale_id, []) for m in (SaleLine, SaleTax, Payment, SaleFlag)))
        for sale_id, row in sales.items()
    }


def _select(model: Any, key: Any, ids: list[str]) -> Iterable[dict[str, Any]]:
    wanted = [field.alias(field.column_name) for field in model._meta.sorted_fields]
    order = (model.position,) if hasattr(model, "position") else (model.id,)
    return model.select(*wanted).where(key.in_(ids)).order_by(*order).dicts()  # type: ignore[no-any-return]


def _differences(fact: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name, said in fact.items():
        if name in _MOVING or found.get(name) == said:
            continue
        if not isinstance(said, list) or len(said) != len(found[name]):
            yield name, said, found.get(name)
            continue
        for position, (one, other) in enumerate(zip(said, found[name], strict=True)):
            for key in one:
                if one[key] != other.get(key):
                    yield f"{name}.{position}.{key}", one[key], other.get(key)
