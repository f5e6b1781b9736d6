"""The form in which a condition is written: JSON of one kind of node, bounded in depth, size and length of its lists.

A node is one of

    {"all": [...]}  {"any": [...]}  {"not": {...}}              of other nodes
    {"some": LIST, "where": {...}}  {"every": LIST, "where": {...}}   of a list's elements, which are `item` inside
    an operand with "op" and "value" (or "other", a second operand)

and an operand is one of

    {"field": PATH}                                             what stands there; `[*]` reads every element of a list
    {"count": LIST, "where": {...}}                             how many elements there are (for which `where` holds)
    {"sum": "draft.lines[*].quantity", "where": {...}}          their sum; with "by": "item.product_id" the largest
                                                                group's
    {"query": NAME, "arguments": {"id": PATH}, "pick": NAME}    a figure of a named read's answer
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from pos_core.schemas import Command

MAX_DEPTH = 8
MAX_NODES = 200
MAX_VALUES = 200
MAX_TEXT = 200
MAX_NUMBER = 10**15

OPERATORS = (
    "eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "between", "contains", "starts_with", "exists", "on_days",
    "time_between",
)  # fmt: skip
Operator = Literal[
    "eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "between", "contains", "starts_with", "exists", "on_days",
    "time_between",
]  # fmt: skip

Path = Annotated[
    str,
    StringConstraints(
        pattern=r"^(command|draft|context|item)(\.[a-z][a-z0-9_]{0,63}|\[\*\]){0,12}$", max_length=MAX_TEXT
    ),
    Field(description="Where a figure stands: `draft.total_minor`, `command.lines[*].quantity`, `item.sku`."),
]
QueryName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}:[a-z][a-z0-9_]{0,49}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ValueError(f"must be at most {MAX_TEXT} characters")
        return value
    if type(value) is bool:
        return value
    if type(value) is int:
        if abs(value) > MAX_NUMBER:
            raise ValueError(f"must be between -{MAX_NUMBER} and {MAX_NUMBER}")
        return value
    raise ValueError("must be text, a whole number, true or false; write decimals as text such as '0.25'")


def _literal(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        if not 1 <= len(value) <= MAX_VALUES:
            raise ValueError(f"a list must have 1 to {MAX_VALUES} values")
        return tuple(_scalar(one) for one in value)
    return _scalar(value) if value is not None else None


Literals = Annotated[
    Any, AfterValidator(_literal),
    WithJsonSchema({"type": ["string", "integer", "boolean", "array"], "maxItems": MAX_VALUES,
                    "items": {"type": ["string", "integer", "boolean"]}}),
]  # fmt: skip


def measured(value: Any) -> Any:
    """The value, when it is not nested more deeply and has no more nodes than a condition may; ValueError else.

    Looked at level by level, so that neither depth nor a circle in it can do harm.
    """
    level, nodes = [value], 0
    for _ in range(MAX_DEPTH + 1):
        found: list[Any] = []
        for one in level:
            parts = one.values() if isinstance(one, dict) else one if isinstance(one, (list, tuple)) else ()
            for part in parts:
                inner = part if isinstance(part, (list, tuple)) else (part,)
                found += [node for node in inner if isinstance(node, dict)]
            nodes += 1
            if nodes > MAX_NODES:
                raise ValueError(f"must have at most {MAX_NODES} parts")
        if not found:
            return value
        level = found
    raise ValueError(f"must be nested at most {MAX_DEPTH} levels deep")


class Operand(Command):
    """Where a figure comes from."""

    field: Path | None = None
    count: Path | None = Field(None, description="A list whose elements are counted.")
    sum: Path | None = Field(None, description="Numbers in a list: `draft.lines[*].quantity`.")
    by: Path | None = Field(None, description="With `sum`: what groups the elements; the largest group's sum counts.")
    where: Condition | None = Field(None, description="Of the elements only those for which this holds.")
    query: QueryName | None = Field(None, description="A named read that conditions may ask.")
    arguments: dict[FieldName, Path] | None = Field(None, max_length=5)
    pick: FieldName | None = Field(None, description="Which figure of the answer.")

    @property
    def given(self) -> list[str]:
        """Which of the kinds of operand are given."""
        return [name for name in ("field", "count", "sum", "query") if getattr(self, name) is not None]

    @property
    def shown(self) -> str:
        """The operand in a few words, for messages."""
        if self.count is not None:
            return f"the number of {self.count}"
        if self.sum is not None:
            return f"the sum of {self.sum}"
        return self.field or f"{self.pick} of {self.query}"

    @model_validator(mode="after")
    def _whole(self) -> Operand:
        self._check()
        return self

    def _check(self) -> None:
        if len(self.given) != 1:
            raise ValueError("give one of field, count, sum and query")
        _check_extras(self)


def _check_extras(one: Operand) -> None:
    if one.by is not None and one.sum is None:
        raise ValueError("`by` goes with sum")
    if (one.arguments is not None or one.pick is not None) and one.query is None:
        raise ValueError("`arguments` and `pick` go with query")
    if one.query is not None and one.pick is None:
        raise ValueError("a query needs `pick`: which figure of its answer")


Parts = Annotated[tuple["Condition", ...], Field(min_length=1, max_length=50, strict=False)]


class Condition(Operand):
    """One node of a condition."""

    # not strict: `measured` has made Python's lists of JSON's
    all: Parts | None = None
    any: Parts | None = None
    not_: Condition | None = Field(None, alias="not")
    some: Path | None = Field(None, description="A list: `where` holds for at least one of its elements.")
    every: Path | None = Field(None, description="A list: `where` holds for each of its elements.")
    op: Operator | None = None
    value: Literals | None = None
    other: Operand | None = Field(None, description="Compare with this instead of `value`.")
    match: Literal["any", "all"] | None = Field(None, description="Of several values (`[*]`): any (default) or all.")

    @property
    def form(self) -> str:
        """Which kind of node it is."""
        for name in ("all", "any", "not_", "some", "every"):
            if getattr(self, name) is not None:
                return name
        return "compare"

    def _check(self) -> None:
        forms = [name for name in ("all", "any", "not_", "some", "every") if getattr(self, name) is not None]
        if len(forms) + bool(self.given) != 1 or len(self.given) > 1:
            raise ValueError("give one of all, any, not, some, every, field, count, sum and query")
        compares = {"op", "value", "other", "match", "by", "arguments", "pick"}
        if forms and any(getattr(self, name) is not None for name in compares):
            raise ValueError(f"{forms[0].strip('_')} takes none of {', '.join(sorted(compares))}")
        if forms and (self.where is None) == (forms[0] in ("some", "every")):
            raise ValueError("`where` goes with some, every, count and sum; some and every need it")
        if forms:
            return
        if self.where is not None and self.count is None and self.sum is None:
            raise ValueError("`where` goes with some, every, count and sum")
        _check_extras(self)
        if self.op is None:
            raise ValueError("a comparison needs `op`")
        if self.op == "exists":
            if self.other is not None:
                raise ValueError("exists takes `value` true or false")
        elif (self.value is None) == (self.other is None):
            raise ValueError("a comparison needs `value` or `other`, not both")

    def stored(self) -> dict[str, Any]:
        """As JSON, without what was not given."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


Bounded = Annotated[Condition, BeforeValidator(measured)]
