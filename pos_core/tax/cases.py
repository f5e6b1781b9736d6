"""Computes tax cases and compares every expected figure with what the engine gives.

The figures come from the general engine (``exact.py``); prices may have more decimals than the currency, so
a line is rounded where the case says so and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from pos_core.tax.cases_read import Case, CaseLine, Entry, Unsupported, decimal, parse_case
from pos_core.tax.exact import ZERO, ExactDocument, ExactLine, ExactPriced, ExactRounding, compute, exact_net
from pos_core.tax.exact_discount import discounted
from pos_core.tax.helpers import exact_price_when_taxes_are_swapped
from pos_core.tax.rounding import round_to


@dataclass(frozen=True, slots=True)
class Figure:
    """One compared figure, both sides as text; ``ok``: they agree once rounded to compare_to."""

    what: str
    expected: str
    got: str
    ok: bool


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: all its figures, what could not be compared (``trouble``) and the exact rational result."""

    id: str
    tier: str
    recomputed: str
    figures: tuple[Figure, ...] = ()
    trouble: str = ""
    exact: str = ""

    @property
    def passed(self) -> bool:
        """True when something was compared and all of it agrees."""
        return not self.trouble and bool(self.figures) and all(figure.ok for figure in self.figures)


@dataclass(slots=True)
class _Work:
    """A case with its documents, for a session one per ticket; ``places``: ticket and place of a line."""

    case: Case
    tickets: list[ExactDocument] = field(default_factory=list)
    inputs: list[list[ExactLine]] = field(default_factory=list)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)

    def total(self, name: str) -> Fraction:
        return sum((getattr(ticket, name) for ticket in self.tickets), ZERO)

    def group(self, keys: frozenset[str]) -> tuple[Fraction, Fraction]:
        pairs = [ticket.group(keys) for ticket in self.tickets]
        return sum((base for base, _ in pairs), ZERO), sum((amount for _, amount in pairs), ZERO)


def check_case(raw: Entry) -> CaseResult:
    """Compute one raw case and compare all it expects. Raises CaseFileError where its data is broken."""
    try:
        case = parse_case(raw)
        work, figures = _evaluate(case)
    except (Unsupported, ValueError) as error:
        return CaseResult(raw["id"], raw["tier"], str(raw.get("recomputed")), trouble=str(error))
    return CaseResult(case.id, case.tier, case.recomputed, tuple(figures), exact=_exact_text(case, work))


def _evaluate(case: Case) -> tuple[_Work, list[Figure]]:
    if case.kind in ("net_from_gross", "price_when_taxes_are_swapped"):
        return _Work(case), _unit_price(case)
    if case.kind not in ("line", "document", "session"):
        raise Unsupported(f"{case.id}: unknown kind {case.kind!r}")
    if case.swap_to:
        raise Unsupported(f"{case.id}: swap_to has no meaning for kind {case.kind}")
    work = _compute(case)
    figures: list[Figure] = []
    for key, value in case.expected.items():
        compare = _EXPECTED.get(key)
        if compare is None:
            raise Unsupported(f"{case.id}: expected.{key}: unknown key")
        found = list(compare(work, f"{case.id}: expected.{key}", key, value))
        if not found:
            raise Unsupported(f"{case.id}: expected.{key}: nothing to compare")
        figures.extend(found)
    return work, figures


def _exact_line(line: CaseLine, with_discount: bool = True) -> ExactLine:
    amount = line.price * line.quantity
    if with_discount:
        amount *= 1 - line.discount / 100
    return ExactLine(amount, -line.quantity if line.price < 0 else line.quantity, line.taxes)


def _compute(case: Case) -> _Work:
    work = _Work(case)
    pools = _pools(case)
    for number, indexes in enumerate(_ticket_lines(case)):
        lines = [_exact_line(case.lines[i]) for i in indexes]
        if case.order_discount:
            off = case.order_discount
            lines = discounted(
                lines,
                case.rounding,
                taken_from=off.taken_from,
                amount=off.amount,
                percent=off.percent,
                pools=pools,
            )
        work.inputs.append(lines)
        work.tickets.append(compute(lines, case.rounding, pools))
        work.places.update({index: (number, place) for place, index in enumerate(indexes)})
    return work


def _ticket_lines(case: Case) -> list[list[int]]:
    orders = case.expected.get("orders")
    if orders is None:
        return [list(range(len(case.lines)))]
    where = f"{case.id}: expected.orders"
    if case.kind != "session" or case.order_discount:
        raise Unsupported(f"{where}: orders belong to a session without an order discount")
    tickets = []
    for entry in _entries(orders, where):
        indexes = entry.get("lines")
        if not isinstance(indexes, list) or not all(type(i) is int and 0 <= i < len(case.lines) for i in indexes):
            raise Unsupported(f"{where}: lines must be numbers of lines")
        tickets.append(indexes)
    if sorted(i for indexes in tickets for i in indexes) != list(range(len(case.lines))):
        raise Unsupported(f"{where}: each line must belong to exactly one order")
    return tickets


def _pools(case: Case) -> dict[str, str]:
    """Taxes of one kind (the same tax at several rates) are one sum, rounded once."""
    kinds = case.expected.get("by_tax_kind", [])
    pools: dict[str, str] = {}
    for number, entry in enumerate(_entries(kinds, f"{case.id}: expected.by_tax_kind")):
        for key in _keys(case, entry, f"{case.id}: expected.by_tax_kind[{number}]"):
            if key in pools:
                raise Unsupported(f"{case.id}: expected.by_tax_kind[{number}]: {key} is of two kinds")
            pools[key] = f"kind {number}"
    return pools


def _entries(value: object, where: str) -> list[Entry]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise Unsupported(f"{where}: not a list of objects")
    return value


def _keys(case: Case, entry: Entry, where: str) -> frozenset[str]:
    keys = entry.get("taxes")
    if not isinstance(keys, list) or not keys or not all(isinstance(k, str) and k in case.tax_keys for k in keys):
        raise Unsupported(f"{where}.taxes: not a list of known taxes")
    return frozenset(keys)


def _figure(case: Case, where: str, expected: object, got: Fraction) -> Figure:
    wanted = round_to(decimal(expected, where), case.compare_to, "half_up")
    rounded = round_to(got, case.compare_to, "half_up")
    return Figure(where.partition(": expected.")[2], str(expected), plain(rounded), rounded == wanted)


def _fields(case: Case, where: str, entry: Entry, got: dict[str, Fraction], named: tuple[str, ...]) -> Iterator[Figure]:
    """Compare every key of an entry but those that only name it; an unknown key is refused."""
    for key, value in entry.items():
        if key in named:
            continue
        if key not in got:
            raise Unsupported(f"{where}: unknown key {key}")
        yield _figure(case, f"{where}.{key}", value, got[key])


def _totals(work: _Work) -> dict[str, Fraction]:
    return {name: work.total(attribute) for name, attribute in _TOTALS.items()}


_TOTALS = {"total_excluded": "net", "total_tax": "tax", "total_included": "total"}


def _total(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    yield _figure(work.case, where, value, work.total(_TOTALS[key]))


def _total_either(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    if not isinstance(value, list) or not value:
        raise Unsupported(f"{where}: not a list of figures")
    got = work.total(_TOTALS[key.removesuffix("_either_of")])
    tried = [_figure(work.case, f"{where}[{i}]", one, got) for i, one in enumerate(value)]
    yield Figure(key, " or ".join(f.expected for f in tried), tried[0].got, any(f.ok for f in tried))


def _by_tax(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    """A reverse charge has two rows, charged and deducted in this order, or one that nets to nothing."""
    entries = _entries(value, where)
    names = [entry.get("tax") for entry in entries]
    seen: dict[str, int] = {}
    for number, (entry, name) in enumerate(zip(entries, names, strict=True)):
        at = f"{where}[{number}]"
        if name not in work.case.tax_keys:
            raise Unsupported(f"{at}.tax: no tax has the key {name!r}")
        base, amount = work.group(frozenset([name]))
        row = seen.get(name, 0)
        seen[name] = row + 1
        if _is_deducted(work.case, name):
            if names.count(name) > 2:
                raise Unsupported(f"{at}: a reverse charge has at most two rows")
            amount = ZERO if names.count(name) == 1 else (amount, -amount)[row]
        elif row:
            raise Unsupported(f"{at}: {name} stands twice")
        yield from _fields(work.case, at, entry, {"base": base, "amount": amount}, ("tax",))


def _is_deducted(case: Case, name: str) -> bool:
    return any(tax.id == name and tax.is_deducted for line in case.lines for tax in line.taxes)


def _by_group(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    for number, entry in enumerate(_entries(value, where)):
        at = f"{where}[{number}]"
        keys = _keys(work.case, entry, at)
        deducted = frozenset(name for name in keys if _is_deducted(work.case, name))
        base = work.group(keys)[0]
        amount = work.group(keys - deducted)[1]
        yield from _fields(work.case, at, entry, {"base": base, "amount": amount}, ("taxes",))


def _by_line(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    """A line as it stands alone: with document rounding, before the document's residue is shared out."""
    entries = _entries(value, where)
    if len(entries) != len(work.case.lines):
        raise Unsupported(f"{where}: {len(entries)} entries for {len(work.case.lines)} lines")
    for number, entry in enumerate(entries):
        ticket, place = work.places[number]
        alone = compute([work.inputs[ticket][place]], work.case.rounding)
        got = {"base": alone.net, "tax": alone.tax, "total": alone.total}
        got |= {name: getattr(alone, attribute) for name, attribute in _TOTALS.items()}
        yield from _fields(work.case, f"{where}[{number}]", entry, got, ())


def _rounded_total(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    """The total in whole units of the currency, and what that adds."""
    total = work.total("total")
    rounded = round_to(total, Fraction(1), work.case.rounding.mode)
    yield _figure(work.case, where, value, rounded if key == "rounded_total" else rounded - total)


def _discount(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    """What line and order discounts together took off, without or with the taxes on it."""
    case = work.case
    attribute = "net" if key == "discount_excluding_tax" else "total"
    before = ZERO
    for indexes in _ticket_lines(case):
        lines = [_exact_line(case.lines[i], with_discount=False) for i in indexes]
        before += getattr(compute(lines, case.rounding, _pools(case)), attribute)
    yield _figure(case, where, value, before - work.total(attribute))


def _orders(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    for number, (entry, ticket) in enumerate(zip(_entries(value, where), work.tickets, strict=True)):
        got = {name: getattr(ticket, attribute) for name, attribute in _TOTALS.items()}
        yield from _fields(work.case, f"{where}[{number}]", entry, got, ("lines",))


def _by_tax_set(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    for number, entry in enumerate(_entries(value, where)):
        at = f"{where}[{number}]"
        keys = frozenset() if entry.get("taxes") == [] else _keys(work.case, entry, at)
        mine: list[ExactPriced] = []
        for lines, ticket in zip(work.inputs, work.tickets, strict=True):
            pairs = zip(lines, ticket.lines, strict=True)
            mine += [priced for line, priced in pairs if {tax.id for tax in line.taxes} == keys]
        got = {
            "base": sum((priced.net for priced in mine), ZERO),
            "amount": sum((priced.tax for priced in mine), ZERO),
        }
        yield from _fields(work.case, at, entry, got, ("taxes",))


def _taken(work: _Work, where: str, key: str, value: object) -> Iterator[Figure]:
    """Who paid how is not said: some of the orders must make up the figure, both tenders the total."""
    wanted = round_to(decimal(value, where), work.case.compare_to, "half_up")
    sums = {ZERO}
    for ticket in work.tickets:
        sums |= {reached + ticket.total for reached in sums}
    rounded = {round_to(reached, work.case.compare_to, "half_up") for reached in sums}
    nearest = min(rounded, key=lambda reached: abs(reached - wanted))
    yield Figure(key, str(value), plain(nearest), nearest == wanted)
    tenders = [name for name in ("cash_taken", "card_taken") if name in work.case.expected]
    if key == tenders[-1] and len(tenders) == 2:
        both = sum((decimal(work.case.expected[name], where) for name in tenders), ZERO)
        figure = _figure(work.case, where, plain(both), work.total("total"))
        yield replace(figure, what="cash_taken + card_taken")


_EXPECTED: dict[str, Callable[[_Work, str, str, object], Iterator[Figure]]] = {
    **dict.fromkeys(_TOTALS, _total),
    **{f"{name}_either_of": _total_either for name in _TOTALS},
    "by_tax": _by_tax,
    "by_tax_group": _by_group,
    "by_tax_kind": _by_group,
    "by_line": _by_line,
    "rounded_total": _rounded_total,
    "rounding_adjustment": _rounded_total,
    "discount_excluding_tax": _discount,
    "discount_including_tax": _discount,
    "orders": _orders,
    "sales_by_tax_set": _by_tax_set,
    "cash_taken": _taken,
    "card_taken": _taken,
}


def _unit_price(case: Case) -> list[Figure]:
    """The two kinds that ask for a unit price; quantity plays no part, a discount is not defined for them."""
    wanted = {"net_from_gross": "net_unit_price", "price_when_taxes_are_swapped": "new_unit_price"}[case.kind]
    unknown = sorted(case.expected.keys() - {wanted})
    if unknown or wanted not in case.expected:
        raise Unsupported(f"{case.id}: expected: {case.kind} compares only {wanted}, not {unknown}")
    if len(case.lines) != 1 or case.lines[0].discount or case.order_discount:
        raise Unsupported(f"{case.id}: {case.kind} takes one line without a discount")
    line = case.lines[0]
    if case.kind == "net_from_gross":
        if case.swap_to:
            raise Unsupported(f"{case.id}: swap_to has no meaning for kind {case.kind}")
        inside = tuple(replace(tax, included=True) for tax in line.taxes)
        pieces = Fraction(-1 if line.price < 0 else 1)
        got = compute([ExactLine(line.price, pieces, inside)], case.rounding).net
    else:
        got = exact_price_when_taxes_are_swapped(line.price, line.taxes, case.swap_to)
        if case.rounding.when != "none":
            got = case.rounding.apply(got)
    return [_figure(case, f"{case.id}: expected.{wanted}", case.expected[wanted], got)]


def plain(amount: Fraction) -> str:
    """Write a fraction as a decimal, six places at most, at least two when it has any."""
    scaled = round_to(amount, Fraction(1, 10**6), "half_up") * 10**6
    whole, rest = divmod(abs(scaled.numerator), 10**6)
    digits = f"{rest:06d}".rstrip("0")
    text = f"{whole}.{digits:0<2}" if digits else str(whole)
    return f"-{text}" if scaled < 0 else text


def _rational(amount: Fraction) -> str:
    return str(amount) if amount.denominator == 1 else f"{amount} ({plain(amount)})"


def _exact_text(case: Case, work: _Work) -> str:
    """The result without any rounding, as rational numbers."""
    if not work.inputs:
        line = case.lines[0]
        taxes = line.taxes
        if case.kind == "net_from_gross":
            taxes = tuple(replace(tax, included=True) for tax in taxes)
        net = exact_net(ExactLine(line.price, Fraction(-1 if line.price < 0 else 1), taxes))
        return f"net unit price {_rational(net)}"
    lines: Sequence[ExactLine] = [line for ticket in work.inputs for line in ticket]
    exact = compute(lines, ExactRounding("none", "half_up", Fraction(1)))
    ids = dict.fromkeys(tax.id for line in lines for tax in line.taxes)
    each = ", ".join(f"{key} {_rational(exact.group(frozenset([key]))[1])}" for key in ids)
    return f"net {_rational(exact.net)}, total {_rational(exact.total)}{', of it ' + each if each else ''}"
