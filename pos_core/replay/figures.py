"""What a run did, as it shows at the end."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from dataclasses import dataclass, field

from pos_core import money
from pos_core.replay.tills import Outcome

KEPT_REFUSALS = 5


@dataclass(slots=True)
class Figures:
    """Counts, money and latencies of a run. Latencies are microseconds of each sale's last try, 4 bytes each."""

    currency: str
    sales: int = 0
    lines: int = 0
    total_minor: int = 0
    replayed: int = 0
    retries: int = 0
    refused: int = 0
    other_totals: int = 0
    flagged: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    latencies: array[int] = field(default_factory=lambda: array("I"))
    skipped_done: int = 0
    started: float | None = None
    ended: float | None = None

    def add(self, outcome: Outcome) -> None:
        """Count one answer; the first one's try starts the clock, for signing in is not selling."""
        if self.started is None:
            self.started = time.monotonic() - outcome.microseconds / 1_000_000
        self.retries += outcome.retries
        self.latencies.append(min(outcome.microseconds, 2**32 - 1))
        if outcome.refusal:
            self.refused += 1
            if len(self.refusals) < KEPT_REFUSALS:
                self.refusals.append(f"receipt {outcome.sale.receipt}: {outcome.refusal}")
            return
        self.sales += 1
        self.lines += outcome.sale.lines
        self.total_minor += outcome.entry.total_minor
        self.replayed += outcome.replayed
        self.other_totals += outcome.other_total
        self.flagged += bool(outcome.flags)
        self.flags.update(set(outcome.flags))

    def end(self) -> None:
        """The run is over: the time stands still."""
        self.ended = time.monotonic()

    @property
    def seconds(self) -> float:
        return 0.0 if self.started is None else (self.ended or time.monotonic()) - self.started

    def rate(self) -> float:
        """Sales per second."""
        return self.sales / self.seconds if self.seconds > 0 else 0.0

    def rows(self) -> list[tuple[str, str]]:
        """The closing table: what, and how much."""
        p50, p95, p99 = (percentile(self.latencies, of) for of in (50, 95, 99))
        rows = [
            ("sales", f"{self.sales:,}"),
            ("lines", f"{self.lines:,}"),
            ("money", money.format_money(self.total_minor, self.currency)),
            ("sold at an earlier start", f"{self.skipped_done:,}"),
            ("seconds", f"{self.seconds:,.1f}"),
            ("sales per second", f"{self.rate():,.1f}"),
            ("p50 / p95 / p99 ms", " / ".join(f"{value / 1000:,.1f}" for value in (p50, p95, p99))),
            ("tries repeated", f"{self.retries:,}"),
            ("answered as replayed", f"{self.replayed:,}"),
            ("flagged for review", _with_codes(self.flagged, self.flags)),
            ("other total than printed", f"{self.other_totals:,}"),
            ("refused", f"{self.refused:,}"),
        ]
        return rows


def _with_codes(count: int, codes: Counter[str]) -> str:
    shown = ", ".join(f"{code} {number:,}" for code, number in codes.most_common(5))
    return f"{count:,}" + (f" ({shown})" if shown else "")


def percentile(values: array[int], of: int) -> int:
    """The smallest value that at least `of` percent of the values do not exceed (nearest rank); 0 of none."""
    if not values:
        return 0
    rank = -(-len(values) * of // 100)
    return sorted(values)[max(rank, 1) - 1]
