"""The evaluator against the plainest model of it, and against rules that mean harm."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pos_core.actions import Action
from pos_core.business_rules.compiling import Compiler
from pos_core.business_rules.conditions import MAX_DEPTH, MAX_NODES, Condition, measured
from pos_core.business_rules.evaluating import Budget, CannotTell, Scope, Surroundings
from pos_core.business_rules.schemas import Content
from pos_core.schemas import Command, Day, Instant, Quantity
from tests.business_rules import naive


class Part(Command):
    n: int
    s: str = ""
    d: Quantity = "1"


class Item(Command):
    n: int
    d: Quantity
    s: str
    opt: int | None = None
    parts: tuple[Part, ...] = ()


class Toy(Command):
    total_minor: int
    d: Quantity
    s: str
    b: bool
    day: Day
    at: Instant
    opt: int | None = None
    items: tuple[Item, ...] = ()


TOY = Action("toy:do", lambda ctx, command: {}, Toy)

texts = st.text(st.sampled_from("abAB ñ"), max_size=4)
decimals = st.integers(1, 4000).map(lambda n: f"{n // 1000}.{n % 1000:03}".rstrip("0").rstrip("."))
numbers = st.integers(-3, 3)
days = st.dates(date(2026, 1, 1), date(2026, 1, 9)).map(str)
FIRST = datetime(2026, 3, 28, tzinfo=UTC)
moments = st.integers(0, 2 * 24 * 60).map(lambda minutes: (FIRST + timedelta(minutes=minutes)).isoformat())
positive = decimals.filter(lambda d: d not in ("0", ""))
parts = st.fixed_dictionaries({"n": numbers, "s": texts, "d": positive})
items = st.fixed_dictionaries({
    "n": numbers, "d": positive, "s": texts, "opt": st.none() | numbers, "parts": st.lists(parts, max_size=3)})
toys = st.fixed_dictionaries({
    "total_minor": numbers, "d": positive, "s": texts, "b": st.booleans(), "day": days, "at": moments,
    "opt": st.none() | numbers, "items": st.lists(items, max_size=4)})

_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": numbers | positive, "text": texts, "day": days, "at": moments, "bool": st.booleans()}
_KINDS = {"total_minor": "number", "n": "number", "d": "number", "opt": "number", "s": "text", "b": "bool",
          "day": "day", "at": "at"}  # fmt: skip
_ORDERED, _EQUAL, _MANY = ("lt", "le", "gt", "ge"), ("eq", "ne"), ("in", "not_in")
TOP = ("total_minor", "d", "s", "b", "day", "at", "opt", "items[*].n", "items[*].d", "items[*].s", "items[*].opt",
       "items[*].parts[*].n", "items[*].parts[*].s")  # fmt: skip
INSIDE = ("n", "d", "s", "opt", "parts[*].n", "parts[*].d")


@st.composite
def comparisons(draw: Any, root: str, names: tuple[str, ...]) -> dict[str, Any]:
    name = draw(st.sampled_from(names))
    node: dict[str, Any] = {"field": f"{root}.{name}"}
    kind = _KINDS[name.rpartition(".")[2]]
    value = _VALUES[kind]
    offered = {"number": (*_ORDERED, *_EQUAL, *_MANY, "between"), "text": (*_EQUAL, *_MANY, "contains", "starts_with"),
               "bool": _EQUAL, "day": (*_ORDERED, *_EQUAL, *_MANY, "on_days"),
               "at": (*_ORDERED, "on_days", "time_between")}[kind]  # fmt: skip
    op = node["op"] = draw(st.sampled_from((*offered, "exists")))
    if op == "exists":
        node["value"] = draw(st.booleans())
    elif op in _MANY:
        node["value"] = draw(st.lists(value, min_size=1, max_size=3))
    elif op == "between":
        node["value"] = sorted(draw(st.tuples(numbers, numbers)))
    elif op == "on_days":
        node["value"] = draw(st.lists(st.sampled_from(naive.DAYS), min_size=1, max_size=3))
    elif op == "time_between":
        node["value"] = draw(st.lists(st.sampled_from(["00:00", "01:59", "03:00", "22:30"]), min_size=2, max_size=2,
                                      unique=True))  # fmt: skip
    elif kind == "number" and draw(st.booleans()):
        node["other"] = draw(st.sampled_from([
            {"field": "command.opt"}, {"field": "command.d"}, {"count": "command.items"},
            {"sum": "command.items[*].n"}]))
    else:
        node["value"] = draw(value)
    if draw(st.booleans()):
        node["match"] = draw(st.sampled_from(["any", "all"]))
    return node


@st.composite
def totals(draw: Any) -> dict[str, Any]:
    where = {"where": draw(comparisons("item", INSIDE))} if draw(st.booleans()) else {}
    operand = draw(st.sampled_from([
        {"count": "command.items"}, {"sum": "command.items[*].d"}, {"sum": "command.items[*].opt"},
        {"sum": "command.items[*].d", "by": "item.s"}, {"sum": "command.items[*].n", "by": "item.opt"}]))
    return {**operand, **where, "op": draw(st.sampled_from((*_ORDERED, *_EQUAL))), "value": draw(numbers | positive)}


def _grown(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    return several.map(lambda c: {"all": c}) | several.map(lambda c: {"any": c}) | inner.map(lambda c: {"not": c})


within = st.recursive(comparisons("item", INSIDE), _grown, max_leaves=4)
quantified = st.tuples(st.sampled_from(["some", "every"]), within).map(
    lambda told: {told[0]: "command.items", "where": told[1]})
conditions = st.recursive(comparisons("command", TOP) | totals() | quantified, _grown, max_leaves=6)


def surroundings(**more: Any) -> Surroundings:
    told: dict[str, Any] = {
        "store_id": "s", "store_code": "S1", "register_id": None, "register_code": None, "user_id": "u",
        "username": "ada", "roles": ("cashier",), "app_context": "pos", "channel": "api",
        "now": datetime(2026, 3, 29, 22, 30, tzinfo=UTC), "time_zone": "Europe/Madrid"}
    return Surroundings(**{**told, **more})


def evaluate(condition: dict[str, Any], command: Any, budget: Budget | None = None) -> bool:
    compiler = Compiler(TOY, {})
    holds = compiler.condition(Condition.model_validate_json(json.dumps(condition)), "condition")
    assert compiler.problems == [], [one.message() for one in compiler.problems]
    scope = Scope({"command": command}, surroundings(), budget or Budget(), lambda query, arguments: None)
    return holds(scope)


@pytest.mark.req("RUL-15")
@settings(max_examples=400, deadline=None)
@given(data=toys, condition=conditions)
def test_conditions_mean_what_the_plainest_model_says(data: dict[str, Any], condition: dict[str, Any]) -> None:
    try:
        measured(condition)
    except ValueError:
        return  # larger than a rule may be
    wanted = naive.holds({"command": data}, condition)
    assert evaluate(condition, Toy.model_validate_json(json.dumps(data))) is wanted
    assert evaluate(condition, data) is wanted  # as a past action is rebuilt


@pytest.mark.parametrize(("condition", "wanted"), [
    ({"field": "context.local_time", "op": "time_between", "value": ["00:00", "01:00"]}, True),
    ({"field": "context.local_time", "op": "ge", "value": "00:31"}, False),
    ({"field": "context.weekday", "op": "eq", "value": "mon"}, True),
    ({"field": "context.now", "op": "on_days", "value": ["sun"]}, False),
    ({"field": "context.business_date", "op": "eq", "value": "2026-03-30"}, True),
    ({"field": "context.roles", "op": "contains", "value": "cashier"}, True),
    ({"field": "context.roles[*]", "op": "in", "value": ["admin"]}, False),
    ({"field": "context.register_id", "op": "exists", "value": False}, True),
])
def test_the_surroundings_are_the_stores_own(condition: dict[str, Any], wanted: bool) -> None:
    """22:30 UTC on the night that clocks went forward is half past midnight of Monday in Madrid."""
    assert evaluate(condition, {}) is wanted


def test_decimals_are_exact() -> None:
    tenths = {"items": [{"d": "0.1", "n": 1, "s": ""}] * 3}
    assert evaluate({"sum": "command.items[*].d", "op": "eq", "value": "0.3"}, tenths)
    large = {"total_minor": 9007199254740993}
    assert not evaluate({"field": "command.total_minor", "op": "in", "value": [900719925474099]}, large)
    assert evaluate({"field": "command.d", "op": "lt", "value": "2.0000001"}, {"d": "2"})


def test_letters_are_compared_as_people_see_them() -> None:
    composed, decomposed = "ÑANDÚ", "n\u0303andu\u0301"
    assert evaluate({"field": "command.s", "op": "contains", "value": composed}, {"s": f"ein {decomposed}!"})
    assert evaluate({"field": "command.s", "op": "starts_with", "value": "STRASSE"}, {"s": "straße 1"})


# -- rules that mean harm ------------------------------------------------------------------------------------------

LEAF = {"field": "command.s", "op": "eq", "value": "a"}


def _nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = LEAF
    for _ in range(depth):
        node = {"not": node}
    return node


def _content(condition: Any) -> Content:
    return Content.model_validate_json(json.dumps({
        "name": "x", "actions": ["toy:do"], "condition": condition, "message_en": "x", "message_es": "x"}))


@pytest.mark.req("RUL-15")
@pytest.mark.parametrize("condition", [
    _nested(MAX_DEPTH + 1), _nested(150),
    {"all": [{"any": [LEAF] * 20}] * 20},
    {"any": [LEAF] * 51},
    {"field": "command.s", "op": "in", "value": ["x"] * 201},
    {"field": "command.s", "op": "eq", "value": "x" * 201},
    {"field": "command." + ".".join(["a"] * 50), "op": "exists"},
    {"field": "command.s.__class__.__mro__", "op": "exists"},
    {"field": "command.s\n", "op": "exists"},
    {"field": "command.ｓ", "op": "exists"},
    {"field": "command.total_minor", "op": "gt", "value": 10**400},
    {"field": "command.total_minor", "op": "gt", "value": {"$ref": "#"}},
    {**LEAF, "eval": "__import__('os')"},
    {"all": LEAF}, {"all": []}, {"not": [LEAF]}, [], "draft.total_minor > 1", None, 1,
], ids=range(20))
def test_what_is_too_deep_too_large_or_no_condition_is_refused(condition: Any) -> None:
    with pytest.raises(ValidationError):
        _content(condition)


def test_the_largest_that_is_allowed_is_taken() -> None:
    _content(_nested(MAX_DEPTH - 1))
    _content({"all": [{"any": [LEAF] * 45}] * 4})
    assert MAX_NODES >= 4 * 46 + 1


def test_a_circle_is_refused() -> None:
    circle: dict[str, Any] = {"not": {}}
    circle["not"] = circle
    with pytest.raises(ValidationError, match="nested"):
        Content.model_validate({"name": "x", "actions": ("toy:do",), "condition": circle, "message_en": "x",
                                "message_es": "x"})


def test_numbers_that_would_take_for_ever_to_write_out_are_refused() -> None:
    for value in ("1e999999999", "9" * 100, "0x10", "١٢", "1_000", "NaN", "Infinity"):
        compiler = Compiler(TOY, {})
        node = Condition.model_validate_json(json.dumps({"field": "command.d", "op": "gt", "value": value}))
        compiler.condition(node, "condition")
        assert [one.code.code for one in compiler.problems] == ["business_rule_value_wrong"], value


@pytest.mark.req("RUL-15")
def test_lists_within_lists_end_with_the_budget_and_not_with_patience() -> None:
    node: dict[str, Any] = {"field": "item.n", "op": "eq", "value": -1}
    for _ in range(5):
        node = {"some": "command.items", "where": node}
    many = {"items": [{"n": n, "s": "", "d": "1"} for n in range(2000)]}
    budget, began = Budget(), time.process_time()
    budget.begin()
    with pytest.raises(CannotTell, match="too many steps"):
        evaluate(node, many, budget)
    assert time.process_time() - began < 5  # 2000 to the fifth power would take longer than the universe is old


def test_long_texts_cost_more() -> None:
    budget = Budget()
    evaluate({"field": "command.s", "op": "contains", "value": "b"}, {"s": "a" * 4000}, budget)
    assert 200_000 - budget.steps > 60


def test_a_rule_that_used_up_its_share_leaves_some_to_the_next() -> None:
    budget = Budget()
    budget.begin()
    with pytest.raises(CannotTell):
        budget.spend(50_001)
    budget.begin()
    budget.spend(50_000)
