"""A discount on a whole document, in exact terms: taken from the net total or from what the customer pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from pos_core.tax.exact import ZERO, ExactDocument, ExactLine, ExactRounding, amounts_at, compute

NET_TOTAL = "net_total"
GRAND_TOTAL = "grand_total"


def discounted(
    lines: Sequence[ExactLine],
    rounding: ExactRounding,
    *,
    taken_from: str,
    amount: Fraction | None = None,
    percent: Fraction | None = None,
    pools: Mapping[str, str] | None = None,
) -> list[ExactLine]:
    """Return the lines as they stand after the discount; price them with the same rounding and pools.

    Exactly one of ``amount`` (currency units) and ``percent`` (0 to 100, of the total it is taken from) is
    given. From the net total: nets shrink in proportion and every tax is added on top. From the grand total:
    what the customer pays falls by exactly the discount, so every tax is taken out of the reduced totals;
    fixed taxes do not shrink. Raises ValueError for any other ``taken_from`` or when no amount is there to
    be reduced.
    """
    if taken_from not in (NET_TOTAL, GRAND_TOTAL):
        raise ValueError(f"a discount is taken from net_total or grand_total, not {taken_from!r}")
    document = compute(lines, rounding, pools)
    if percent is not None and amount is None:
        off = (document.net if taken_from == NET_TOTAL else document.total) * percent / 100
    elif amount is not None and percent is None:
        off = amount
    else:
        raise ValueError("a discount has either an amount or a percent")
    if rounding.when != "none":
        off = rounding.apply(off)
    if taken_from == NET_TOTAL:
        return _off_the_net(lines, document, rounding, off)
    return _off_the_total(lines, document, rounding, off)


def _shares(off: Fraction, weights: Sequence[Fraction], rounding: ExactRounding, on_grid: bool) -> list[Fraction]:
    whole = sum(weights, ZERO)
    if not whole:
        if off:
            raise ValueError(f"nothing to take a discount of {off} from")
        return [ZERO] * len(weights)
    exact = [off * weight / whole for weight in weights]
    return rounding.share(exact) if on_grid else exact


def _off_the_net(
    lines: Sequence[ExactLine], document: ExactDocument, rounding: ExactRounding, off: Fraction
) -> list[ExactLine]:
    nets = [priced.net for priced in document.lines]
    shares = _shares(off, nets, rounding, rounding.when == "line")
    return [
        ExactLine(net - share, line.quantity, tuple(replace(tax, included=False) for tax in line.taxes))
        for line, net, share in zip(lines, nets, shares, strict=True)
    ]


def _off_the_total(
    lines: Sequence[ExactLine], document: ExactDocument, rounding: ExactRounding, off: Fraction
) -> list[ExactLine]:
    weights = []
    for line, priced in zip(lines, document.lines, strict=True):
        at_zero = amounts_at(line, ZERO)[1]
        fixed = sum((a for t, a in zip(line.taxes, at_zero, strict=True) if not t.is_deducted), ZERO)
        weights.append(priced.total - fixed)
    shares = _shares(off, weights, rounding, rounding.when != "none")
    return [
        ExactLine(priced.total - share, line.quantity, tuple(replace(tax, included=True) for tax in line.taxes))
        for line, priced, share in zip(lines, document.lines, shares, strict=True)
    ]
