"""A report as text: CSV for spreadsheets. Amounts are decimals there, because that is what people calculate with."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from pos_core import money

#: A cell that begins with one of these may be run as a formula by a spreadsheet (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def defused(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading apostrophe before what would begin one."""
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text


def csv_name(column: Mapping[str, Any]) -> str:
    """A column's name in CSV: `total_minor` is `total` there, for it holds decimals of the currency."""
    name = str(column["name"])
    return name.removesuffix("_minor") if column["kind"] == "money" else name


def cell(column: Mapping[str, Any], value: Any, currency: str) -> str:
    """One value as CSV text: amounts as plain decimals, texts defused, numbers as they are."""
    if value is None:
        return ""
    if column["kind"] == "money":
        return money.from_minor(value, currency)
    if column["kind"] in ("text", "id", "day"):
        return defused(str(value))
    return str(value)


def to_csv(columns: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], currency: str) -> str:
    """A report's rows as CSV (RFC 4180) with a heading and, last, the currency of every row's amounts.

    `columns` are as the report answers them (name, kind). There is no row of totals: a sum over a spreadsheet's
    column must not count everything twice.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*(csv_name(column) for column in columns), "currency"])
    for row in rows:
        writer.writerow([*(cell(column, row[column["name"]], currency) for column in columns), currency])
    return out.getvalue()
