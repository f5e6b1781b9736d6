"""Conditions worked out in the plainest way there is, on plain JSON: what the evaluator is held against."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Madrid")
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NUMBERS = ("n", "d", "opt", "total_minor")


def at_path(data: Any, path: str) -> list[Any]:
    """Every value at a path, without those that are missing."""
    values = [data]
    for step in path.replace("[*]", ".*").split("."):
        following = []
        for value in values:
            following += value if step == "*" else [value.get(step)]
        values = [value for value in following if value is not None]
    return values


def figure(path: str, value: Any) -> Any:
    """The value as it is compared, by the name of its field."""
    name = path.replace("[*]", "").rpartition(".")[2]
    if name in NUMBERS:
        return Fraction(value)
    if name == "at":
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if name == "day" else value


def operand(data: dict[str, Any], node: dict[str, Any]) -> tuple[list[Any], bool]:
    """(figures, whether there may be several) of an operand."""
    if "count" in node:
        items = [part for one in at_path(data, node["count"]) for part in one]
        return [sum(1 for one in items if holds({**data, "item": one}, node.get("where", {"all": []})))], False
    if "sum" in node:
        items = [part for one in at_path(data, node["sum"].rpartition("[*]")[0]) for part in one]
        name = "item" + node["sum"].rpartition("[*]")[2]
        sums: dict[Any, Fraction] = {}
        for one in items:
            inside = {**data, "item": one}
            group = at_path(inside, node["by"]) if "by" in node else ["all"]
            if group and holds(inside, node.get("where", {"all": []})):
                added = sum((Fraction(value) for value in at_path(inside, name)), Fraction(0))
                sums[group[0]] = sums.get(group[0], Fraction(0)) + added
        if "by" not in node:
            return [sums.get("all", Fraction(0))], False
        return ([max(sums.values())] if sums else []), False
    path = node["field"]
    return [figure(path, value) for value in at_path(data, path)], "[*]" in path


def literal(node: dict[str, Any], one: Any) -> Any:
    if "field" not in node or node["field"].replace("[*]", "").rpartition(".")[2] in NUMBERS:
        return Fraction(one)
    return figure(node["field"], one)


def compares(op: str, one: Any, value: Any) -> bool:
    if op in ("eq", "ne"):
        return (one == value) is (op == "eq")
    if op in ("in", "not_in"):
        return any(one == other for other in value) is (op == "in")
    return {"lt": one < value, "le": one <= value, "gt": one > value, "ge": one >= value}[op]


def tests(node: dict[str, Any], one: Any) -> bool:
    op, value = node["op"], node["value"]
    if op == "between":
        low, high = (literal(node, each) for each in value)
        return bool(low <= one <= high)
    if op in ("contains", "starts_with"):
        one, value = one.casefold(), value.casefold()
        return value in one if op == "contains" else one[: len(value)] == value
    if op == "on_days":
        day = one.astimezone(ZONE).date() if isinstance(one, datetime) else one
        return DAYS[day.weekday()] in value
    if op == "time_between":
        now, begin, end = one.astimezone(ZONE).strftime("%H:%M"), *value
        return begin <= now < end if begin < end else not end <= now < begin
    given = [literal(node, each) for each in value] if isinstance(value, list) else literal(node, value)
    return compares(op, one, given)


def holds(data: dict[str, Any], node: dict[str, Any]) -> bool:
    """Whether a condition holds of the data."""
    if "all" in node:
        return all(holds(data, part) for part in node["all"])
    if "any" in node:
        return any(holds(data, part) for part in node["any"])
    if "not" in node:
        return not holds(data, node["not"])
    for form, together in (("some", any), ("every", all)):
        if form in node:
            items = [part for one in at_path(data, node[form]) for part in one]
            return together([holds({**data, "item": one}, node["where"]) for one in items])
    return compare(data, node)


def compare(data: dict[str, Any], node: dict[str, Any]) -> bool:
    figures, many = operand(data, node)
    op = node["op"]
    if op == "exists":
        return any(one not in ("", []) for one in figures) is node.get("value", True)
    if "other" in node:
        others, _ = operand(data, node["other"])
        if not others or (not figures and not many):
            return bool(op == "ne" and len(others) != len(figures))
        results = [compares(op, one, others[0]) for one in figures]
    else:
        if not figures and not many:
            return op in ("ne", "not_in")
        results = [tests(node, one) for one in figures]
    return all(results) if node.get("match") == "all" else any(results)
