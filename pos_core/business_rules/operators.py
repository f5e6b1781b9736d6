"""The operators: each makes, from what a rule says, a test of a figure."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from pos_core import clock
from pos_core.business_rules.evaluating import WEEKDAYS, Scope
from pos_core.business_rules.shapes import Shape
from pos_core.business_rules.values import WANTED, folded, literal, minutes, weekday

#: (figure, scope) to whether it holds.
Test = Callable[[Any, Scope], bool]
Compare = Callable[[Any, Any], bool]
#: Those that can compare with another figure of the same action.
COMPARING: dict[str, Compare] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip


class WrongValue(Exception):
    """The value does not go with the operator. Says what it needs, in English and in Spanish."""

    def __init__(self, english: str, spanish: str) -> None:
        super().__init__(english)
        self.english, self.spanish = english, spanish


def _literal(shape: Shape, value: Any) -> Any:
    try:
        return literal(shape.kind, value)
    except ValueError:
        raise WrongValue(*WANTED[shape.kind]) from None


def _listed(shape: Shape, value: Any) -> tuple[Any, ...]:
    return tuple(_literal(shape, one) for one in (value if isinstance(value, tuple) else (value,)))


def _single(value: Any) -> Any:
    if isinstance(value, tuple):
        raise WrongValue("one value, not a list", "un solo valor, no una lista")
    return value


def test_of(op: str, shape: Shape, value: Any) -> Test:
    """The test that `op` with `value` is for a figure of that shape; WrongValue."""
    if op in COMPARING:
        compare, wanted = COMPARING[op], _literal(shape, _single(value))
        return lambda figure, scope: compare(figure, wanted)
    return _MAKERS[op](shape, value)


def _within(shape: Shape, value: Any) -> Test:
    wanted = frozenset(_listed(shape, value))
    return lambda figure, scope: figure in wanted


def _without(shape: Shape, value: Any) -> Test:
    wanted = frozenset(_listed(shape, value))
    return lambda figure, scope: figure not in wanted


def _between(shape: Shape, value: Any) -> Test:
    ends = _listed(shape, value)
    if len(ends) != 2 or ends[0] > ends[1]:
        raise WrongValue("a list of two values, the lower first", "una lista de dos valores, primero el menor")
    low, high = ends
    return lambda figure, scope: bool(low <= figure <= high)


def _contains(shape: Shape, value: Any) -> Test:
    if shape.kind == "list":
        if shape.item is None or shape.item.kind not in WANTED:
            raise WrongValue("a list of plain values", "una lista de valores simples")
        one = _literal(shape.item, _single(value))
        return lambda figure, scope: one in figure
    wanted = folded(_literal(shape, _single(value)))
    return lambda figure, scope: wanted in folded(figure)


def _starts_with(shape: Shape, value: Any) -> Test:
    wanted = folded(_literal(shape, _single(value)))
    return lambda figure, scope: folded(figure).startswith(wanted)


def _exists(shape: Shape, value: Any) -> Test:
    if value not in (None, True, False) or type(value) is int:
        raise WrongValue(*WANTED["boolean"])
    return lambda figure, scope: figure not in ("", ())


def _on_days(shape: Shape, value: Any) -> Test:
    try:
        days = frozenset(WEEKDAYS.index(weekday(one)) for one in (value if isinstance(value, tuple) else (value,)))
    except ValueError:
        raise WrongValue(f"a list of {', '.join(WEEKDAYS)}", f"una lista de {', '.join(WEEKDAYS)}") from None
    return lambda figure, scope: _day_of(figure, scope).weekday() in days


def _day_of(figure: Any, scope: Scope) -> date:
    """A moment's day in the store's time zone; a day is one."""
    return _local(figure, scope).date() if isinstance(figure, datetime) else figure


def _local(figure: datetime, scope: Scope) -> datetime:
    return figure.astimezone(clock.zone(scope.surroundings.time_zone))


def _time_between(shape: Shape, value: Any) -> Test:
    wanted = WrongValue("two different times such as ['22:00', '06:00']", "dos horas distintas como ['22:00', '06:00']")
    if not isinstance(value, tuple) or len(value) != 2 or not all(isinstance(one, str) for one in value):
        raise wanted
    try:
        begin, end = (minutes(one) for one in value)
    except ValueError:
        raise wanted from None
    if begin == end:
        raise wanted

    def holds(figure: Any, scope: Scope) -> bool:
        at = figure
        if isinstance(figure, datetime):
            local = _local(figure, scope)
            at = local.hour * 60 + local.minute
        return begin <= at < end if begin < end else at >= begin or at < end

    return holds


_MAKERS: dict[str, Callable[[Shape, Any], Test]] = {
    "in": _within, "not_in": _without, "between": _between, "contains": _contains, "starts_with": _starts_with,
    "exists": _exists, "on_days": _on_days, "time_between": _time_between,
}  # fmt: skip
