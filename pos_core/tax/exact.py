"""The general engine: rational arithmetic, any rounding unit, every kind of tax.

The integer fast path in ``engine.py`` is proved equal to this one by property tests. A tax amount is always
linear in the line's net amount N: ``amount = factor x base + constant``, ``base = N + earlier amounts that
join it``. So one equation, ``price = N + taxes inside the price``, takes any number of included taxes out
together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from pos_core.tax import types
from pos_core.tax.rounding import MODES, apportion, round_div, round_to

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class ExactTax:
    """A tax in exact terms: ``rate`` is a fraction of one, or an amount per unit for ``fixed_per_unit``."""

    id: str
    kind: str
    rate: Fraction
    included: bool = False
    adds_to_base: bool = False
    base_takes_earlier: bool = True

    @property
    def is_deducted(self) -> bool:
        """True for a reverse charge: charged and deducted at once, so it never changes a price."""
        return self.kind in (types.REVERSE_CHARGE, types.REVERSE_CHARGE_OF_GROSS)

    @property
    def is_inside(self) -> bool:
        """True when the line's amount contains this tax."""
        return self.included and not self.is_deducted


@dataclass(frozen=True, slots=True)
class ExactLine:
    """A line after its discounts: ``amount`` in any currency unit, ``quantity`` in units, signed like the
    amount.

    The quantity only matters to ``fixed_per_unit`` taxes; the caller gives it the sign of the unit price.
    """

    amount: Fraction
    quantity: Fraction
    taxes: tuple[ExactTax, ...]

    @property
    def is_shelf_priced(self) -> bool:
        """True when the amount contains a tax, so it is itself a price the customer was shown."""
        return any(tax.is_inside for tax in self.taxes)


@dataclass(frozen=True, slots=True)
class ExactRounding:
    """``when``: none, line or document; ``unit`` is any positive step (1/100, 1/20, 1, 1/1000000)."""

    when: str
    mode: str
    unit: Fraction

    def __post_init__(self) -> None:
        if self.when not in ("none", "line", "document"):
            raise ValueError(f"unknown rounding moment {self.when!r}: use none, line or document")
        if self.mode not in MODES:
            raise ValueError(f"unknown rounding mode {self.mode!r}: use one of {', '.join(MODES)}")
        if self.unit <= 0:
            raise ValueError(f"the rounding unit must be above zero, not {self.unit}")

    def apply(self, amount: Fraction) -> Fraction:
        """Round one amount to the unit."""
        return round_to(amount, self.unit, self.mode)

    def share(self, amounts: Sequence[Fraction]) -> list[Fraction]:
        """Round the sum of the amounts once and share the result out over them, largest remainder first."""
        steps = [amount / self.unit for amount in amounts]
        whole = sum(steps, ZERO)
        total = round_div(whole.numerator, whole.denominator, self.mode)
        return [part * self.unit for part in apportion(steps, total)]


class ExactEntry(NamedTuple):
    """One tax on one line. ``base_before``/``amount_before`` are the figures before they were rounded."""

    tax: ExactTax
    base: Fraction
    amount: Fraction
    base_before: Fraction
    amount_before: Fraction


class ExactPriced(NamedTuple):
    """One line's result: ``amount`` as priced, ``net``, ``tax`` and ``total`` (= net + tax)."""

    amount: Fraction
    net: Fraction
    tax: Fraction
    total: Fraction
    entries: tuple[ExactEntry, ...]


@dataclass(frozen=True, slots=True)
class ExactDocument:
    """The lines, and sums over them."""

    lines: tuple[ExactPriced, ...]
    rounding: ExactRounding

    @property
    def net(self) -> Fraction:
        """The sum without taxes."""
        return sum((line.net for line in self.lines), ZERO)

    @property
    def tax(self) -> Fraction:
        """The sum of all taxes; a reverse charge counts nothing."""
        return sum((line.tax for line in self.lines), ZERO)

    @property
    def total(self) -> Fraction:
        """What the customer pays."""
        return self.net + self.tax

    def group(self, tax_ids: frozenset[str]) -> tuple[Fraction, Fraction]:
        """Return (base, amount) of these taxes as one group; a line enters the base once, by its first such
        tax.

        The amount of a reverse charge is what it charges; the caller knows that as much is deducted.
        """
        base = before = amount = ZERO
        for line in self.lines:
            mine = [entry for entry in line.entries if entry.tax.id in tax_ids]
            if mine:
                base += mine[0].base
                before += mine[0].base_before
                amount += sum((entry.amount for entry in mine), ZERO)
        if self.rounding.when == "document":
            base = self.rounding.apply(before)
        return base, amount


class Step(NamedTuple):
    """How one tax is computed: ``factor x (net + amounts of the earlier taxes) + constant``."""

    tax: ExactTax
    factor: Fraction
    earlier: tuple[int, ...]


@lru_cache(maxsize=4096)
def plan(taxes: tuple[ExactTax, ...]) -> tuple[Step, ...]:
    """Return the steps for a line's taxes, in their order.

    Taxes on the gross that stand on the same base are computed together, gross = base / (1 - sum of their
    rates); reverse charges of the gross form a set of their own, as they are not inside the price the others
    are part of. Raises ValueError when the rates of such a set reach 100 %.
    """
    earlier = [
        tuple(j for j in range(i) if taxes[j].adds_to_base and not taxes[j].is_deducted)
        if tax.base_takes_earlier
        else ()
        for i, tax in enumerate(taxes)
    ]
    of_gross: dict[tuple[str, tuple[int, ...]], Fraction] = defaultdict(Fraction)
    for tax, before in zip(taxes, earlier, strict=True):
        of_gross[tax.kind, before] += tax.rate
    steps = []
    for tax, before in zip(taxes, earlier, strict=True):
        factor = tax.rate
        if tax.kind == types.FIXED_PER_UNIT:
            factor = ZERO
        elif tax.kind in (types.PERCENT_OF_GROSS, types.REVERSE_CHARGE_OF_GROSS):
            rest = 1 - of_gross[tax.kind, before]
            if rest <= 0:
                raise ValueError(f"taxes on the gross reach 100 % with {tax.id!r}: no price can contain them")
            factor = tax.rate / rest
        steps.append(Step(tax, factor, before))
    return tuple(steps)


def constant(tax: ExactTax, quantity: Fraction) -> Fraction:
    """The part of a tax that does not depend on the net amount."""
    return tax.rate * quantity if tax.kind == types.FIXED_PER_UNIT else ZERO


def amounts_at(line: ExactLine, net: Fraction) -> tuple[list[Fraction], list[Fraction]]:
    """Return unrounded (bases, amounts) of the line's taxes for a given net amount."""
    bases: list[Fraction] = []
    amounts: list[Fraction] = []
    for step in plan(line.taxes):
        base = net + sum((amounts[j] for j in step.earlier), ZERO)
        bases.append(base)
        amounts.append(step.factor * base + constant(step.tax, line.quantity))
    return bases, amounts


@lru_cache(maxsize=4096)
def price_slope(taxes: tuple[ExactTax, ...]) -> Fraction:
    """Return by how much the price rises when the net amount rises by one."""
    at_one = amounts_at(ExactLine(ZERO, ZERO, taxes), Fraction(1))[1]
    return 1 + sum((amount for amount, tax in zip(at_one, taxes, strict=True) if tax.is_inside), ZERO)


def exact_net(line: ExactLine) -> Fraction:
    """Return the unrounded net amount: the line's amount without the taxes inside it.

    Raises ValueError when the included rates add up to -100 %, for then no net amount exists.
    """
    inside = [i for i, tax in enumerate(line.taxes) if tax.is_inside]
    if not inside:
        return line.amount
    fixed = ZERO
    if any(tax.kind == types.FIXED_PER_UNIT for tax in line.taxes):
        at_zero = amounts_at(line, ZERO)[1]
        fixed = sum((at_zero[i] for i in inside), ZERO)
    slope = price_slope(line.taxes)
    if not slope:
        raise ValueError("the included taxes add up to -100 %: the price says nothing about the net amount")
    return (line.amount - fixed) / slope


def _priced(amount: Fraction, net: Fraction, entries: list[ExactEntry]) -> ExactPriced:
    tax = sum((entry.amount for entry in entries if not entry.tax.is_deducted), ZERO)
    return ExactPriced(amount, net, tax, net + tax, tuple(entries))


def _unrounded(line: ExactLine) -> ExactPriced:
    net = exact_net(line)
    bases, amounts = amounts_at(line, net)
    entries = [ExactEntry(t, b, a, b, a) for t, b, a in zip(line.taxes, bases, amounts, strict=True)]
    return _priced(line.amount, net, entries)


def _by_line(line: ExactLine, rounding: ExactRounding) -> ExactPriced:
    """Round the price, then the included taxes; the rest is the net, and other taxes stand on that."""
    line = ExactLine(rounding.apply(line.amount), line.quantity, line.taxes)
    before = amounts_at(line, exact_net(line))[1]
    amounts = [rounding.apply(a) if t.is_inside else ZERO for t, a in zip(line.taxes, before, strict=True)]
    net = line.amount - sum(amounts, ZERO)
    steps = plan(line.taxes)
    for i, step in enumerate(steps):
        if not step.tax.is_inside:
            base = net + sum((amounts[j] for j in step.earlier), ZERO)
            before[i] = step.factor * base + constant(step.tax, line.quantity)
            amounts[i] = rounding.apply(before[i])
    # bases last: an included tax may stand on an earlier one that is not included and was rounded after it
    bases = [net + sum((amounts[j] for j in step.earlier), ZERO) for step in steps]
    entries = [ExactEntry(s.tax, bases[i], amounts[i], bases[i], before[i]) for i, s in enumerate(steps)]
    return _priced(line.amount, net, entries)


def _by_document(lines: Sequence[ExactLine], rounding: ExactRounding, pools: Mapping[str, str]) -> list[ExactPriced]:
    """Round each tax once over all lines, then share the rounded figure out over them.

    A shelf price is rounded by itself, for it was shown to the customer; prices without tax are summed
    first. The net amount is what the prices leave after the rounded included taxes, so the shelf total
    always holds.
    """
    exact = [amounts_at(line, exact_net(line))[1] for line in lines]
    rounded = _share_by_tax(lines, exact, rounding, pools)
    plain = [i for i, line in enumerate(lines) if not line.is_shelf_priced]
    amounts = [rounding.apply(line.amount) for line in lines]
    for i, share in zip(plain, rounding.share([lines[i].amount for i in plain]), strict=True):
        amounts[i] = share
    inside = [
        sum((amount for amount, tax in zip(mine, line.taxes, strict=True) if tax.is_inside), ZERO)
        for mine, line in zip(rounded, lines, strict=True)
    ]
    before = _document_bases(lines, amounts, inside, exact)
    bases = _share_by_tax(lines, before, rounding, {})
    priced = []
    for i, line in enumerate(lines):
        figures = zip(line.taxes, bases[i], rounded[i], before[i], exact[i], strict=True)
        priced.append(_priced(amounts[i], amounts[i] - inside[i], [ExactEntry(*each) for each in figures]))
    return priced


def _share_by_tax(
    lines: Sequence[ExactLine],
    figures: Sequence[Sequence[Fraction]],
    rounding: ExactRounding,
    pools: Mapping[str, str],
) -> list[list[Fraction]]:
    """Round the sum of each tax's (or pool's) figures once and share it out over the lines' taxes."""
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for i, line in enumerate(lines):
        for j, tax in enumerate(line.taxes):
            places[pools.get(tax.id, tax.id)].append((i, j))
    shared = [[ZERO] * len(line.taxes) for line in lines]
    for spots in places.values():
        for (i, j), share in zip(spots, rounding.share([figures[i][j] for i, j in spots]), strict=True):
            shared[i][j] = share
    return shared


def _document_bases(
    lines: Sequence[ExactLine],
    amounts: Sequence[Fraction],
    inside: Sequence[Fraction],
    exact: Sequence[Sequence[Fraction]],
) -> list[list[Fraction]]:
    """A base is the net, with the residue in it, plus the still unrounded earlier taxes that join it."""
    bases = []
    for i, line in enumerate(lines):
        net = amounts[i] - inside[i] if line.is_shelf_priced else line.amount
        bases.append([net + sum((exact[i][j] for j in step.earlier), ZERO) for step in plan(line.taxes)])
    return bases


def compute(
    lines: Sequence[ExactLine], rounding: ExactRounding, pools: Mapping[str, str] | None = None
) -> ExactDocument:
    """Price a document exactly.

    ``pools`` maps tax ids to the name of a pool whose taxes are rounded together (document rounding only);
    without it each tax is rounded for itself. Raises ValueError for impossible rates.
    """
    if rounding.when == "none":
        return ExactDocument(tuple(_unrounded(line) for line in lines), rounding)
    if rounding.when == "line":
        return ExactDocument(tuple(_by_line(line, rounding) for line in lines), rounding)
    return ExactDocument(tuple(_by_document(lines, rounding, pools or {})), rounding)
