"""``price()``: the engine a sale calls, in integer minor units.

Documents of plain percent taxes that do not compound take an integer fast path, beside fixed ones if lines
are rounded; all others go through the general rational engine in ``exact.py``. Both give the same figures,
which property tests prove.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from pos_core.tax.discounts import gross_of, share_cart_discounts, take_off
from pos_core.tax.exact import ExactDocument, ExactLine, ExactPriced, ExactRounding, ExactTax, compute
from pos_core.tax.rounding import round_div
from pos_core.tax.types import (
    FIXED_ONE,
    FIXED_PER_UNIT,
    PERCENT,
    QUANTITY_ONE,
    RATE_ONE,
    Discount,
    Line,
    LineTax,
    PricedDocument,
    PricedLine,
    Rounding,
    Tax,
    TaxTotal,
)

_PLAIN_KINDS = (PERCENT, FIXED_PER_UNIT)
_FIXED_PARTS = FIXED_ONE * QUANTITY_ONE  # a fixed rate times a quantity, per minor unit

# One line's figures between the steps: net, tax, total, taxes.
Taxed = tuple[int, int, int, tuple[LineTax, ...]]


def price(lines: Iterable[Line], *, cart_discounts: Sequence[Discount] = (), rounding: Rounding) -> PricedDocument:
    """Discount, tax and total a document; every figure of it is the exact sum of its lines' figures.

    All amounts are integer minor units. Raises ValueError when a discount exceeds the amount it is taken
    from, when two different taxes share an id, and when rates leave no price possible.
    """
    lines = tuple(lines)
    mode = rounding.mode
    gross, payable = [], []
    for number, line in enumerate(lines, 1):
        amount = gross_of(line, mode)
        gross.append(amount)
        for discount in line.discounts:
            amount = take_off(amount, discount, mode, f"line {number}")
        payable.append(amount)
    shares: Sequence[int] = (0,) * len(lines)
    line_discounts = [g - p for g, p in zip(gross, payable, strict=True)]
    if cart_discounts:
        shares = share_cart_discounts(payable, cart_discounts, mode)
        payable = [amount - share for amount, share in zip(payable, shares, strict=True)]
    taxed = None
    if all(_is_plain(line.taxes) for line in lines):
        if rounding.when == "line":
            taxed = [_plain_line(amount, line, mode) for amount, line in zip(payable, lines, strict=True)]
        else:
            taxed = _plain_document(payable, lines, mode)
    if taxed is None:
        taxed = general(payable, lines, rounding)
    priced = tuple(PricedLine(g, d, c, *t) for g, d, c, t in zip(gross, line_discounts, shares, taxed, strict=True))
    return PricedDocument(
        priced,
        sum(gross),
        sum(line_discounts) + sum(shares),
        sum([t[0] for t in taxed]),
        sum([t[1] for t in taxed]),
        sum([t[2] for t in taxed]),
        _tax_totals(priced),
        (lines, rounding),
    )


def _is_plain(taxes: Sequence[Tax]) -> bool:
    last = len(taxes) - 1
    for i, tax in enumerate(taxes):
        # an adding tax that nothing follows compounds with nothing
        if tax.kind not in _PLAIN_KINDS or tax.rate < 0 or (tax.adds_to_base and i != last):
            return False
    return True


def _plain_line(amount: int, line: Line, mode: str) -> Taxed:
    taxes = line.taxes
    if len(taxes) == 1 and taxes[0].kind == PERCENT:
        tax = taxes[0]
        rate = tax.rate
        if tax.included:
            part = round_div(amount * rate, RATE_ONE + rate, mode)
            net = amount - part
            return net, part, amount, (LineTax(tax, net, part),)
        part = round_div(amount * rate, RATE_ONE, mode)
        return amount, part, amount + part, (LineTax(tax, amount, part),)
    quantity = -line.quantity if line.unit_price_minor < 0 else line.quantity
    inside = [tax for tax in taxes if tax.included]
    whole = RATE_ONE + sum([tax.rate for tax in inside if tax.kind == PERCENT])
    fixed = sum([tax.rate for tax in inside if tax.kind != PERCENT]) * quantity
    # what the included percentages stand on and are part of, in parts of _FIXED_PARTS
    percent_part = amount * _FIXED_PARTS - fixed
    parts = [0] * len(taxes)
    net = amount
    for i, tax in enumerate(taxes):
        if tax.kind != PERCENT:
            parts[i] = round_div(tax.rate * quantity, _FIXED_PARTS, mode)
        elif tax.included:
            parts[i] = round_div(percent_part * tax.rate, whole * _FIXED_PARTS, mode)
        if tax.included:
            net -= parts[i]
    for i, tax in enumerate(taxes):
        if tax.kind == PERCENT and not tax.included:
            parts[i] = round_div(net * tax.rate, RATE_ONE, mode)
    tax_sum = sum(parts)
    entries = tuple([LineTax(tax, net, part) for tax, part in zip(taxes, parts, strict=True)])
    return net, tax_sum, net + tax_sum, entries


def _plain_document(amounts: Sequence[int], lines: Sequence[Line], mode: str) -> list[Taxed] | None:
    """Round each tax once and share it out.

    None for fixed taxes and when a tax has different denominators on different lines.
    """
    places: dict[str, list[tuple[int, int, int]]] = {}
    wholes: dict[str, int] = {}
    parts = []
    for i, line in enumerate(lines):
        whole = RATE_ONE
        for tax in line.taxes:
            if tax.included:
                whole += tax.rate
        for j, tax in enumerate(line.taxes):
            if tax.kind != PERCENT or wholes.setdefault(tax.id, whole) != whole:
                return None
            places.setdefault(tax.id, []).append((i, j, amounts[i] * tax.rate))
        parts.append([0] * len(line.taxes))
    for tax_id, spots in places.items():
        shares = _share([spot[2] for spot in spots], wholes[tax_id], mode)
        for (i, j, _), share in zip(spots, shares, strict=True):
            parts[i][j] = share
    taxed: list[Taxed] = []
    for amount, line, mine in zip(amounts, lines, parts, strict=True):
        net = amount
        for tax, part in zip(line.taxes, mine, strict=True):
            if tax.included:
                net -= part
        tax_sum = sum(mine)
        entries = tuple([LineTax(tax, net, part) for tax, part in zip(line.taxes, mine, strict=True)])
        taxed.append((net, tax_sum, net + tax_sum, entries))
    return taxed


def _share(numerators: Sequence[int], denominator: int, mode: str) -> list[int]:
    """``apportion`` for fractions of one denominator, with the total rounded by ``mode``."""
    total = round_div(sum(numerators), denominator, mode)
    cut = [n // denominator if n >= 0 else -(-n // denominator) for n in numerators]
    missing = total - sum(cut)
    if missing:
        sign = 1 if missing > 0 else -1
        rests = [sign * (c * denominator - n) for c, n in zip(cut, numerators, strict=True)]
        for i in sorted(range(len(cut)), key=rests.__getitem__)[: abs(missing)]:
            cut[i] += sign
    return cut


def _tax_totals(lines: Sequence[PricedLine]) -> tuple[TaxTotal, ...]:
    sums: dict[tuple[str, bool], list[Any]] = {}
    for line in lines:
        for tax, base, amount, deducted in line.taxes:
            seen = sums.get((tax.id, deducted))
            if seen is None:
                sums[tax.id, deducted] = [tax, base, amount, deducted]
                continue
            if seen[0] is not tax and seen[0] != tax:
                raise ValueError(f"two different taxes share the id {tax.id!r}")
            seen[1] += base
            seen[2] += amount
    return tuple([TaxTotal(*figures) for figures in sums.values()])


def exact_tax(tax: Tax) -> ExactTax:
    """Return the tax in exact terms, amounts in minor units."""
    one = FIXED_ONE if tax.kind == FIXED_PER_UNIT else RATE_ONE
    rate = Fraction(tax.rate, one)
    return ExactTax(tax.id, tax.kind, rate, tax.included, tax.adds_to_base, tax.base_takes_earlier)


def exact_lines(payable: Sequence[int], lines: Sequence[Line]) -> list[ExactLine]:
    """Return the lines in exact terms: ``payable`` are their amounts after all discounts, in minor units."""
    exact = []
    known: dict[int, ExactTax] = {}
    for amount, line in zip(payable, lines, strict=True):
        quantity = Fraction(line.quantity, QUANTITY_ONE)
        taxes = []
        for tax in line.taxes:
            if id(tax) not in known:
                known[id(tax)] = exact_tax(tax)
            taxes.append(known[id(tax)])
        signed = -quantity if line.unit_price_minor < 0 else quantity
        exact.append(ExactLine(Fraction(amount), signed, tuple(taxes)))
    return exact


def exact_document(payable: Sequence[int], lines: Sequence[Line], rounding: Rounding) -> ExactDocument:
    """Price the lines by the general engine; figures are minor units."""
    _refuse_shared_ids(lines)
    minor = ExactRounding(rounding.when, rounding.mode, Fraction(1))
    return compute(exact_lines(payable, lines), minor)


def _refuse_shared_ids(lines: Sequence[Line]) -> None:
    known: dict[str, Tax] = {}
    for line in lines:
        for tax in line.taxes:
            if known.setdefault(tax.id, tax) != tax:
                raise ValueError(f"two different taxes share the id {tax.id!r}")


def general(payable: Sequence[int], lines: Sequence[Line], rounding: Rounding) -> list[Taxed]:
    """Tax the lines by the general engine; ``payable`` are minor units after all discounts."""
    document = exact_document(payable, lines, rounding)
    return [_in_minor_units(result, line.taxes) for result, line in zip(document.lines, lines, strict=True)]


def _in_minor_units(result: ExactPriced, taxes: Sequence[Tax]) -> Taxed:
    entries = []
    for entry, tax in zip(result.entries, taxes, strict=True):
        entries.append(LineTax(tax, int(entry.base), int(entry.amount)))
        if entry.tax.is_deducted:
            entries.append(LineTax(tax, int(entry.base), -int(entry.amount), True))
    return int(result.net), int(result.tax), int(result.total), tuple(entries)
