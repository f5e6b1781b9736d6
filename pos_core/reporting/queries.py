"""Reading reports: the list, one report's figures, and the same as CSV."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, get_args

from pydantic import ValidationError

from pos_core import clock
from pos_core.actions import query, require_permission
from pos_core.context import Context
from pos_core.errors import NOT_FOUND
from pos_core.reporting import registry
from pos_core.reporting.filters import ReportFilters
from pos_core.reporting.registry import Column, Report
from pos_core.reporting.schemas import ROWS
from pos_core.reporting.tables import to_csv
from pos_core.reporting.totals import totals
from pos_core.validation import from_validation

READERS = ("hq:reports.view", "store:reports.view", "pos:reports.view")


def _column_view(ctx: Context, column: Column) -> dict[str, Any]:
    return {"name": column.name, "kind": column.kind, "title": column.title(ctx.language), "summed": column.summed}


def _filter_views(filters: type[ReportFilters]) -> list[dict[str, Any]]:
    return [
        {
            "name": field.alias or name, "description": field.description or "", "required": field.is_required(),
            "choices": [choice for choice in get_args(field.annotation) if isinstance(choice, str)],
        }
        for name, field in filters.model_fields.items()
    ]  # fmt: skip


@query("report:list", permission=READERS)
def list_reports(ctx: Context, *, limit: int = 50, cursor: Any = None) -> Any:
    """The reports that the actor may see here, by id."""
    reports = [
        report for report in registry.collect(ctx.kernel).values()
        if registry.permitted(ctx, report) and registry.offered(ctx, report)
        and (cursor is None or report.id > cursor[0])
    ]  # fmt: skip
    shown = [
        {
            "id": report.id, "title": report.title(ctx.language), "description": report.description,
            "columns": [_column_view(ctx, column) for column in report.columns],
            "filters": _filter_views(report.filters), "dimensions": list(report.dimensions),
        }
        for report in reports[:limit]
    ]  # fmt: skip
    return shown, (shown[-1]["id"],) if len(reports) > limit else None


def read_filters(report: Report, given: Mapping[str, Any]) -> ReportFilters:
    """The filters as the report knows them; PosError `parameter_invalid` naming each that is not as it must be."""
    try:
        return report.filters.model_validate(dict(given))
    except ValidationError as error:
        raise from_validation(error, in_query=True) from None


def _arguments(ctx: Context, report: Report, filters: ReportFilters) -> dict[str, Any]:
    """What the report's query is asked with: filters that are set, and at a store always that store."""
    asked = {name: value for name, value in filters if value is not None}
    if ctx.store_id is None:
        if asked.get("store_id") is not None:
            ctx.kernel.stores.get(asked["store_id"], ctx.revision)
        return asked
    if "store_id" in report.filters.model_fields:
        if asked.get("store_id", ctx.store_id) != ctx.store_id:
            raise NOT_FOUND("store_id", entity="store", id=asked["store_id"])
        asked["store_id"] = ctx.store_id
    return asked


def _figures(
    ctx: Context, report: Report, arguments: Mapping[str, Any], masked: Collection[str]
) -> list[dict[str, Any]]:
    """The rows with exactly the report's columns, whatever else the query tells; masked columns are null.

    Where something is masked, what is shown decides the order: the query's own could tell which row has most of it.
    """
    names = [column.name for column in report.columns]
    rows = ctx.query(report.query, **arguments)
    if not masked:
        return [{name: row[name] for name in names} for row in rows]
    shown = [name for name in names if name not in masked]
    rows = sorted(rows, key=lambda row: [(row[name] is None, row[name] if row[name] is not None else 0)
                                         for name in shown])  # fmt: skip
    return [{name: None if name in masked else row[name] for name in names} for row in rows]


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _is_export(arguments: Mapping[str, Any]) -> bool:
    return arguments.get("format") == "csv"


@query("report:run", permission=READERS, exports=_is_export)
def run_report(
    ctx: Context, *, report: str, filters: Mapping[str, Any] | None = None, limit: int = ROWS, format: str = "json"
) -> Any:
    """One report: its rows, totals over all of them, and what they stand for; or all rows as CSV."""
    chosen = registry.find(ctx, report)
    require_permission(ctx, chosen.permissions)
    masked = registry.masked_columns(ctx, chosen)
    ctx.kernel.masks.require_askable(ctx.actor, "report", filters or {}, masked)
    read = read_filters(chosen, filters or {})
    arguments = _arguments(ctx, chosen, read)
    rows = _figures(ctx, chosen, arguments, masked)
    columns = [_column_view(ctx, column) for column in chosen.columns]
    if format == "csv":
        ctx.masked = masked
        return to_csv(columns, rows, ctx.kernel.currency)
    ctx.masked = tuple(f"rows.{name}" for name in masked)
    return {
        "id": chosen.id, "title": chosen.title(ctx.language), "columns": columns, "rows": rows[:limit],
        "totals": totals(chosen.columns, rows, {*chosen.overlapping(read), *masked}),
        "meta": {**_meta(ctx, chosen, arguments, len(rows), limit), "masked": list(masked)},
    }  # fmt: skip


def _meta(ctx: Context, report: Report, arguments: Mapping[str, Any], count: int, limit: int) -> dict[str, Any]:
    return {
        "dimensions": {name: _shown(arguments.get(name)) for name in report.dimensions},
        "filters": {name: _shown(value) for name, value in arguments.items()},
        "currency": ctx.kernel.currency, "made_at": clock.to_text(ctx.at), "count": count, "complete": count <= limit,
    }  # fmt: skip
