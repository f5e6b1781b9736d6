"""The registry of reports: what a report is, and which ones the running modules bring.

A report is data: an id, its columns, its filters, and the named query that gives the rows. The columns are a
contract: the same id has the same columns for ever; a report that must show something else gets another id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pos_core.plugins import StartError
from pos_core.reporting.errors import REPORT_UNKNOWN
from pos_core.reporting.filters import ReportFilters

if TYPE_CHECKING:
    from pos_core.context import Context
    from pos_core.kernel import Kernel

#: text; id; day (ISO 8601); count (whole number); quantity (decimal text); money (minor units, name ends in _minor);
#: exact (an unrounded amount in minor units, as decimal text or as a fraction such as 100/3).
KINDS = ("text", "id", "day", "count", "quantity", "money", "exact")
SUMMED = ("count", "quantity", "money", "exact")
_ID = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the answer, its kind, its titles, and whether the totals add it up.

    sensitive: the code of the sensitive field that it tells ("product.cost_price"), where its name alone does not say.
    """

    name: str
    kind: str
    title_en: str
    title_es: str
    summed: bool = False
    sensitive: str = ""

    def title(self, language: str) -> str:
        return self.title_es if language == "es" else self.title_en


def _nothing(filters: ReportFilters) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Report:
    """A report.

    query: the named query that gives the rows as mappings by column name; it is called with the filters' fields that
    were given. filters: its parameters, a ReportFilters. permissions: any one of them suffices. dimensions: the
    filters (by name) or columns that say what a row stands for. needs: further queries without which it is not
    offered. overlapping: the columns that cannot be added up under these filters, because a thing counts in several
    rows (a sale in each of its products' rows): their total is null. module: set when it is collected.
    """

    id: str
    title_en: str
    title_es: str
    columns: tuple[Column, ...]
    query: str
    filters: type[ReportFilters]
    permissions: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    description: str = ""
    overlapping: Callable[[Any], Collection[str]] = _nothing
    module: str = field(default="", compare=False)

    def title(self, language: str) -> str:
        return self.title_es if language == "es" else self.title_en


_COLLECTED: WeakKeyDictionary[Kernel, dict[str, Report]] = WeakKeyDictionary()


def collect(kernel: Kernel) -> dict[str, Report]:
    """Every report of the running modules by id, read once. StartError names each one that is not as it must be."""
    if kernel in _COLLECTED:
        return _COLLECTED[kernel]
    found: dict[str, Report] = {}
    wrong: list[str] = []
    for module, given in kernel.registered("register_reports"):
        for report in given:
            problems = _problems(kernel, report)
            if report.id in found:
                problems.append(f"{found[report.id].module} has a report of that id already")
            wrong += [f"{module.name}: {report.id}: {problem}" for problem in problems]
            if not problems:
                found[report.id] = _owned(report, module.name)
    if wrong:
        raise StartError("reports are not as they must be:\n  " + "\n  ".join(wrong))
    _COLLECTED[kernel] = dict(sorted(found.items()))
    return _COLLECTED[kernel]


def _owned(report: Report, module: str) -> Report:
    values = {name: getattr(report, name) for name in Report.__dataclass_fields__}
    return Report(**{**values, "module": module})


def _problems(kernel: Kernel, report: Report) -> list[str]:
    found = []
    if not _ID.match(report.id):
        found.append("an id is lower case such as sales or stock.value")
    names = [column.name for column in report.columns]
    if not names or len(set(names)) != len(names):
        found.append("it needs columns, each name once")
    for column in report.columns:
        if column.kind not in KINDS:
            found.append(f"column {column.name} has the unknown kind {column.kind!r}")
        if column.summed and column.kind not in SUMMED:
            found.append(f"column {column.name} of kind {column.kind} cannot be summed")
        if (column.kind == "money") != column.name.endswith("_minor"):
            found.append(f"column {column.name}: names of money columns, and no others, end in _minor")
        if column.sensitive and column.sensitive not in {one.code for one in kernel.masks.declared}:
            found.append(f"column {column.name}: no manifest declares the sensitive field {column.sensitive}")
    undeclared = [code for code in report.permissions if code not in kernel.permissions()]
    if not report.permissions or undeclared:
        found.append(f"it needs permissions that a manifest declares ({', '.join(undeclared) or 'none given'})")
    fields = report.filters.model_fields
    found += [
        f"its dimension {name} is neither a filter nor a column"
        for name in report.dimensions if name not in fields and name not in names
    ]  # fmt: skip
    return found


def offered(ctx: Context, report: Report) -> bool:
    """Whether the report's module and everything it reads are on where the actor is."""
    if not ctx.kernel.registry.enabled(report.module, ctx.store_id, ctx.revision):
        return False
    return all(ctx.has(name) for name in (report.query, *report.needs))


def permitted(ctx: Context, report: Report) -> bool:
    """Whether the actor holds one of the report's permissions."""
    return any(ctx.actor.may(code) for code in report.permissions)


def masked_columns(ctx: Context, report: Report) -> tuple[str, ...]:
    """The columns whose values are hidden from the actor, in their order."""
    masks = ctx.kernel.masks
    hidden = masks.hidden(ctx.actor)
    codes, names = {one.code for one in hidden}, masks.hidden_names("report", hidden)
    return tuple(c.name for c in report.columns if c.sensitive in codes or c.name in names)


def find(ctx: Context, report_id: str) -> Report:
    """The report of that id, where it is offered; PosError `report_unknown`."""
    report = collect(ctx.kernel).get(report_id)
    if report is None or not offered(ctx, report):
        raise REPORT_UNKNOWN("report", report=report_id[:60])
    return report
