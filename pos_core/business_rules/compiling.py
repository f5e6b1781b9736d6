"""From a condition as it is written to a function that works it out, and everything that is wrong with it on the way.

Nothing is ever evaluated as code: a node becomes a closure over values that were checked against the action's types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pos_core.business_rules import errors, operators
from pos_core.business_rules.conditions import Condition, Operand
from pos_core.business_rules.evaluating import CannotTell, Scope, Unavailable, read_path
from pos_core.business_rules.operators import COMPARING, WrongValue
from pos_core.business_rules.shapes import NUMBERS, OTHER, Shape, fields_of, root_shapes
from pos_core.business_rules.values import normal
from pos_core.business_rules.words import both
from pos_core.errors import Violation

if TYPE_CHECKING:
    from pos_core.actions import Action
    from pos_core.business_rules.facts import RuleQuery

Holds = Callable[[Scope], bool]
_STEP = re.compile(r"\.([a-z][a-z0-9_]*)|\[(\*)\]")
_KNOWN = 25
#: So many characters of a text cost a step more.
_TEXT_STEP = 64
#: Kinds that compare with each other.
_GROUPS = {"integer": "number", "decimal": "number", "id": "text"}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads an operand's figures, comparable. many: there may be several; otherwise there is one or none."""

    shape: Shape
    many: bool
    read: Callable[[Scope], list[Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads."""

    root: str
    steps: tuple[str, ...]
    shape: Shape
    many: bool


@dataclass(slots=True)
class Compiler:
    """Compiles conditions on one action. `problems` gathers what is wrong, `paths` and `asked` what is read."""

    action: Action
    queries: Mapping[str, RuleQuery]
    problems: list[Violation] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    roots: dict[str, Shape] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.roots = root_shapes(self.action)

    # -- nodes -----------------------------------------------------------------------------------------------------

    def condition(self, node: Condition, at: str, item: Shape | None = None) -> Holds:
        """The function that works the node out; what is wrong with it is added to the problems."""
        form = node.form
        if form == "compare":
            return self._compare(node, at, item)
        if form in ("some", "every"):
            return self._quantified(node, form, at, item)
        if node.not_ is not None:
            inner = self.condition(node.not_, f"{at}.not", item)
            return lambda scope: not inner(scope)
        parts: tuple[Condition, ...] = getattr(node, form)
        compiled = tuple(self.condition(part, f"{at}.{form}.{n}", item) for n, part in enumerate(parts))
        return _joined(compiled, decisive=form == "any")

    def _quantified(self, node: Condition, form: str, at: str, item: Shape | None) -> Holds:
        path = getattr(node, form)
        elements, inner_shape = self._elements(path, f"{at}.{form}", item)
        assert node.where is not None
        holds = self.condition(node.where, f"{at}.where", inner_shape)
        decisive = form == "some"

        def quantified(scope: Scope) -> bool:
            parts = [_bind(holds, scope.inside(one)) for one in elements(scope)]
            return _decide(parts, scope, decisive)

        return quantified

    def _elements(self, path: str, at: str, item: Shape | None) -> tuple[Callable[[Scope], list[Any]], Shape]:
        """What reads a list's elements, and their shape."""
        place = self._place(path, at, item)
        if place is None:
            return lambda scope: [], OTHER
        if place.shape.kind != "list" or place.shape.item is None:
            self._misplaced(at, path, "a list without its [*]", "una lista sin su [*]")
            return lambda scope: [], OTHER
        steps = (*place.steps, "*")
        return lambda scope: read_path(scope, place.root, steps, path), place.shape.item

    def _compare(self, node: Condition, at: str, item: Shape | None) -> Holds:
        left = self._operand(node, at, item)
        if left is None:
            return _never
        op = node.op
        assert op is not None
        if op not in left.shape.operators:
            self.problems.append(errors.OPERATOR_WRONG.at(
                f"{at}.op", op=op, field=node.shown, kind=left.shape.kind, allowed=", ".join(left.shape.operators)))
            return _never
        if node.other is not None:
            return self._compare_with(node, node.other, left, at, item)
        try:
            test = operators.test_of(op, left.shape, node.value)
        except WrongValue as wrong:
            wanted = both(wrong.english, wrong.spanish)
            self.problems.append(errors.VALUE_WRONG.at(f"{at}.value", op=op, field=node.shown, wanted=wanted))
            return _never
        if op == "exists":
            return _existing(left, test, wanted=node.value is not False)
        return _tested(left, test, all_of=node.match == "all", when_missing=op in ("ne", "not_in"))

    def _compare_with(self, node: Condition, other: Operand, left: Reader, at: str, item: Shape | None) -> Holds:
        right = self._operand(other, f"{at}.other", item)
        if right is None:
            return _never
        kinds = [_GROUPS.get(one.shape.kind, one.shape.kind) for one in (left, right)]
        if node.op not in COMPARING or right.many or kinds[0] != kinds[1]:
            beside = f"{node.shown} ({left.shape.kind}; {', '.join(COMPARING)})"
            self._misplaced(f"{at}.other", other.shown, f"a single figure to compare with {beside}",
                            f"un solo dato que comparar con {beside}")
            return _never
        compare, missing, every = COMPARING[node.op], node.op == "ne", node.match == "all"

        def compared(scope: Scope) -> bool:
            figures, found = left.read(scope), right.read(scope)
            scope.budget.spend(len(figures) + 1)
            if not found or (not figures and not left.many):
                return missing and bool(found) != bool(figures)
            tests = (compare(figure, found[0]) for figure in figures)
            return all(tests) if every else any(tests)

        return compared

    # -- operands --------------------------------------------------------------------------------------------------

    def _operand(self, one: Operand, at: str, item: Shape | None) -> Reader | None:
        if one.count is not None:
            return self._counted(one, one.count, at, item)
        if one.sum is not None:
            return self._summed(one, one.sum, at, item)
        if one.query is not None:
            return self._queried(one, one.query, at, item)
        assert one.field is not None
        return self.figure(one.field, f"{at}.field", item)

    def figure(self, path: str, at: str, item: Shape | None = None) -> Reader | None:
        """What reads a path's figures; None, and a problem, where it leads nowhere."""
        place = self._place(path, at, item)
        if place is None:
            return None
        one = normal(place.shape)
        root, steps = place.root, place.steps
        return Reader(
            place.shape, place.many, lambda scope: [one(value) for value in read_path(scope, root, steps, path)]
        )

    def _counted(self, one: Operand, path: str, at: str, item: Shape | None) -> Reader:
        elements, inner = self._elements(path, f"{at}.count", item)
        where = self.condition(one.where, f"{at}.where", inner) if one.where is not None else _always
        return Reader(Shape("integer"), False, lambda scope: [
            sum(1 for part in elements(scope) if where(scope.inside(part)))
        ])  # fmt: skip

    def _summed(self, one: Operand, path: str, at: str, item: Shape | None) -> Reader | None:
        before, star, rest = path.rpartition("[*]")
        if not star:
            self._misplaced(f"{at}.sum", path, "a path with [*]", "una ruta con [*]")
            return None
        elements, inner = self._elements(before, f"{at}.sum", item)
        known = len(self.problems)
        number = self.figure(f"item{rest}", f"{at}.sum", inner)
        where = self.condition(one.where, f"{at}.where", inner) if one.where is not None else _always
        group = self.figure(one.by, f"{at}.by", inner) if one.by is not None else None
        if number is None or len(self.problems) > known:
            return None
        grouped = group is None or (not group.many and group.shape.kind not in ("list", "object", "other"))
        if number.shape.kind not in NUMBERS or not grouped:
            self._misplaced(f"{at}.sum", path, "numbers, and of each element one figure to group them by",
                            "números, y de cada elemento un dato por el que agruparlos")
            return None
        return _adding(elements, number, where, group)

    def _queried(self, one: Operand, name: str, at: str, item: Shape | None) -> Reader | None:
        query = self.queries.get(name)
        if query is None:
            known = ", ".join(sorted(self.queries)) or "-"
            self.problems.append(errors.QUERY_UNKNOWN.at(f"{at}.query", query=name, known=known))
            return None
        given = one.arguments or {}
        if given.keys() != query.arguments.keys():
            wanted = ", ".join(query.arguments) or "-"
            self.problems.append(errors.QUERY_ARGUMENTS.at(f"{at}.arguments", query=name, wanted=wanted))
            return None
        if one.pick is None or one.pick not in query.answers:
            known = ", ".join(query.answers)
            self.problems.append(errors.QUERY_ANSWER.at(f"{at}.pick", query=name, pick=one.pick, known=known))
            return None
        self.asked.add(name)
        readers = {}
        for argument, path in given.items():
            reader = self.figure(path, f"{at}.arguments.{argument}", item)
            if reader is None:
                return None
            kinds = {_GROUPS.get(kind, kind) for kind in (reader.shape.kind, query.arguments[argument])}
            if reader.many or len(kinds) != 1:
                kind = query.arguments[argument]
                self._misplaced(f"{at}.arguments.{argument}", path, f"a single figure of the kind {kind}",
                                f"un solo dato de tipo {kind}")
                return None
            readers[argument] = reader
        return _asking(query, one.pick, readers)

    # -- paths -----------------------------------------------------------------------------------------------------

    def _place(self, path: str, at: str, item: Shape | None) -> Place | None:
        root = re.split(r"[.\[]", path, maxsplit=1)[0]
        shape = item if root == "item" else self.roots.get(root)
        if shape is None:
            places = ", ".join(self.roots)
            if root == "item":
                self._misplaced(at, path, f"some, every, count or sum around it, or one of {places}",
                                f"some, every, count o sum a su alrededor, o uno de {places}")
            else:
                self._misplaced(at, path, f"one of {places}", f"uno de {places}")
            return None
        steps, many = [], False
        for match in _STEP.finditer(path, len(root)):
            step = match[1] or match[2]
            known = fields_of(shape)
            if step == "*" and shape.kind == "list" and shape.item is not None:
                shape, many = shape.item, True
            elif step in known:
                shape = known[step]
            else:
                self._unknown(path, at, path[: match.start()], shape, known)
                return None
            steps.append(step)
        if root != "item":
            self.paths.add(path)
        else:
            self.paths.update(f"item.{step}" for step in steps if step != "*")
        return Place(root, tuple(steps), shape, many)

    def _misplaced(self, at: str, shown: str, english: str, spanish: str) -> None:
        self.problems.append(errors.FIELD_MISPLACED.at(at, field=shown, wanted=both(english, spanish)))

    def _unknown(self, path: str, at: str, reached: str, shape: Shape, known: Mapping[str, Shape]) -> None:
        goes_on = [f"{reached}[*]"] if shape.kind == "list" else [f"{reached}.{name}" for name in list(known)[:_KNOWN]]
        self.problems.append(errors.FIELD_UNKNOWN.at(
            at, field=path, action=self.action.name, known=", ".join(goes_on) or f"nowhere ({shape.kind})"))


# -- what nodes become ---------------------------------------------------------------------------------------------


def _never(scope: Scope) -> bool:
    return False


def _always(scope: Scope) -> bool:
    return True


def _bind(holds: Holds, scope: Scope) -> Holds:
    return lambda _: holds(scope)


def _joined(parts: tuple[Holds, ...], decisive: bool) -> Holds:
    return lambda scope: _decide(parts, scope, decisive)


def _decide(parts: Any, scope: Scope, decisive: bool) -> bool:
    """any (decisive True) or all (False) of the parts. What cannot be known matters only where nothing else decides."""
    unknown: Unavailable | None = None
    for part in parts:
        scope.budget.spend(1)
        try:
            if part(scope) is decisive:
                return decisive
        except Unavailable as missing:
            unknown = unknown or missing
    if unknown is not None:
        raise unknown
    return not decisive


def _tested(left: Reader, test: operators.Test, all_of: bool, when_missing: bool) -> Holds:
    def tested(scope: Scope) -> bool:
        figures = left.read(scope)
        scope.budget.spend(1 + sum(_cost(one) for one in figures))
        if not figures and not left.many:
            return when_missing
        results: Iterator[bool] = (test(figure, scope) for figure in figures)
        return all(results) if all_of else any(results)

    return tested


def _cost(figure: Any) -> int:
    return 1 + len(figure) // _TEXT_STEP if isinstance(figure, (str, tuple)) else 1


def _existing(left: Reader, test: operators.Test, wanted: bool) -> Holds:
    return lambda scope: any(test(figure, scope) for figure in left.read(scope)) is wanted


def _adding(
    elements: Callable[[Scope], list[Any]], number: Reader, where: Holds, group: Reader | None
) -> Reader:
    """The sum over a list's elements; with groups the largest one's. An element without a group is in none."""

    def summed(scope: Scope) -> list[Any]:
        sums: dict[Any, Any] = {} if group is not None else {None: 0}
        for element in elements(scope):
            inside = scope.inside(element)
            keys = group.read(inside) if group is not None else [None]
            if keys and where(inside):
                sums[keys[0]] = sums.get(keys[0], 0) + sum(number.read(inside))
        return [max(sums.values())] if sums else []

    return Reader(Shape("decimal"), False, summed)


def _asking(query: RuleQuery, pick: str, readers: Mapping[str, Reader]) -> Reader:
    one = normal(query.shape(pick))

    def asked(scope: Scope) -> list[Any]:
        given = []
        for argument, reader in readers.items():
            found = reader.read(scope)
            given.append((argument, found[0] if found else None))
        answer = scope.answer(query, tuple(given))
        if answer is None or answer.get(pick) is None:
            return []
        if pick not in answer:
            raise CannotTell(f"{query.name} does not tell {pick}", f"{query.name} no informa de {pick}")
        return [one(answer[pick])]

    return Reader(query.shape(pick), False, asked)
