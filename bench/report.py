"""Gathers the measurements of all rounds, takes medians, sets them side by side and prints them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.checks import Check
from bench.stats import Figures

LAYERS = ("bare", "perform", "http")
MEDIANS = (
    "rate", "p50_ms", "p95_ms", "p99_ms", "client_cpu_ms", "database_cpu_ms", "flushes", "wal_bytes",
)  # fmt: skip
SMALLEST_LOGGED = 10
Key = tuple[str, str, int]


@dataclass
class Report:
    """Everything one run of the bench found out.

    Attributes:
        settings: what was asked for and what the databases are set to.
        rounds: the measurements of each round, in the order they were made.
        growth: milliseconds per sale by number of sales already in the database.
        phases: where a sale's time goes, microseconds by phase, for each database.
        checks: figures held against limits.
        log: bytes in PostgreSQL's write-ahead log per sale, by table and index.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    rounds: list[list[Figures]] = field(default_factory=list)
    growth: list[dict[str, Any]] = field(default_factory=list)
    phases: dict[str, Mapping[str, float]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    log: dict[str, float] = field(default_factory=dict)

    def medians(self) -> dict[Key, dict[str, float | None]]:
        """Return the median of each figure over the rounds by (database, layer, tills)."""
        grouped: dict[Key, list[Figures]] = {}
        for figures in (figures for each in self.rounds for figures in each):
            grouped.setdefault((figures.database, figures.layer, figures.tills), []).append(figures)
        return {
            key: {
                name: _median(getattr(figures, name) for figures in group) for name in MEDIANS
            } | {"spread": _spread(group), "errors": float(sum(sum(f.errors.values()) for f in group))}
            for key, group in grouped.items()
        }  # fmt: skip

    def ratios(self) -> dict[Key, float]:
        """Return each layer's rate as a share of the bare driver's with the same tills.

        The ratio is taken within each round, where both ran under the same conditions, and then its median.
        """
        shares: dict[Key, list[float]] = {}
        for each in self.rounds:
            bare = {(figures.database, figures.tills): figures.rate for figures in each if figures.layer == "bare"}
            for figures in each:
                limit = bare.get((figures.database, figures.tills))
                if limit:
                    key = (figures.database, figures.layer, figures.tills)
                    shares.setdefault(key, []).append(figures.rate / limit)
        return {key: statistics.median(values) for key, values in shares.items()}

    def cpu_ratios(self) -> dict[Key, float]:
        """Return the bare driver's processor time per sale, the database's included, as a share of each layer's.

        What the rates' ratio would be were the processor all that limits: unlike the rates it hardly depends on what
        else the machine does.
        """
        totals = {key: _cpu(values) for key, values in self.medians().items()}
        shares: dict[Key, float] = {}
        for key, total in totals.items():
            bare = totals.get((key[0], "bare", key[2]))
            if bare and total:
                shares[key] = bare / total
        return shares

    def as_dict(self) -> dict[str, Any]:
        """Return everything for the JSON file."""
        ratios, cpu_ratios = self.ratios(), self.cpu_ratios()
        summary = [
            {"database": key[0], "layer": key[1], "tills": key[2], **values, "of_bare": ratios.get(key),
             "cpu_of_bare": cpu_ratios.get(key)}
            for key, values in self.medians().items()
        ]  # fmt: skip
        return {
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "settings": self.settings,
            "summary": summary,
            "growth": self.growth,
            "phases_us": {name: dict(phases) for name, phases in self.phases.items()},
            "checks": [check.as_dict() for check in self.checks],
            "log_bytes": self.log,
            "rounds": [[{**asdict(figures), "rate": figures.rate} for figures in each] for each in self.rounds],
        }

    def write(self, path: Path) -> None:
        """Write the JSON file."""
        path.write_text(json.dumps(self.as_dict(), indent=2) + "\n")

    def print(self, console: Console) -> None:
        """Print every table there is something for."""
        tables: list[Table | None] = [
            *(self._rates(database) for database in self._databases()),
            self._growth(),
            self._phases(),
            self._log(),
            self._checks(),
        ]
        for table in tables:
            if table is not None:
                console.print(table)

    def _databases(self) -> list[str]:
        return sorted({figures.database for each in self.rounds for figures in each})

    def _rates(self, database: str) -> Table:
        count = len(self.rounds)
        table = Table(title=f"One sale of five lines and two tenders on {database}: medians of {count} rounds")
        headings = ("layer", "tills", "sales/s", "of bare", "by CPU", "spread", "p50 ms", "p95 ms", "p99 ms", "CPU ms",
                    "db CPU ms", "flushes", "log KB", "errors")  # fmt: skip
        for number, heading in enumerate(headings):
            table.add_column(heading, justify="left" if number == 0 else "right")
        ratios, cpu_ratios = self.ratios(), self.cpu_ratios()
        medians = self.medians()
        keys = [key for key in medians if key[0] == database]
        for key in sorted(keys, key=lambda key: (key[2], _rank(key[1]))):
            values = medians[key]
            size = values["wal_bytes"]
            table.add_row(
                key[1], str(key[2]), _text(values["rate"], 0), _text(ratios.get(key), 2),
                _text(cpu_ratios.get(key), 2), f"±{_text(values['spread'], 0)} %", _text(values["p50_ms"], 2),
                _text(values["p95_ms"], 2), _text(values["p99_ms"], 2), _text(values["client_cpu_ms"], 2),
                _text(values["database_cpu_ms"], 2), _text(values["flushes"], 2),
                _text(None if size is None else size / 1024, 1), _text(values["errors"], 0),
            )  # fmt: skip
        return table

    def _growth(self) -> Table | None:
        if not self.growth:
            return None
        table = Table("database", "layer", "sales stored", "ms per sale", "p99 ms", "of the smallest",
                      title="What a full database costs: one till")  # fmt: skip
        first: dict[tuple[str, str], float] = {}
        for row in self.growth:
            base = first.setdefault((row["database"], row["layer"]), row["p50_ms"])
            table.add_row(
                row["database"], row["layer"], f"{row['stored']:,}", _text(row["p50_ms"], 2),
                _text(row["p99_ms"], 2), _text(row["p50_ms"] / base, 2),
            )  # fmt: skip
        return table

    def _phases(self) -> Table | None:
        if not self.phases:
            return None
        table = Table("phase", *(f"{name} us" for name in self.phases), title="Where a sale's time goes")
        names = {phase: None for phases in self.phases.values() for phase in phases}
        for phase in names:
            table.add_row(phase, *(_text(phases.get(phase), 1) for phases in self.phases.values()))
        return table

    def _log(self) -> Table | None:
        if not self.log:
            return None
        table = Table("table or index", "bytes per sale", title="What a sale writes to the log")
        for name, size in self.log.items():
            if size >= SMALLEST_LOGGED:
                table.add_row(name, _text(size, 0))
        return table

    def _checks(self) -> Table | None:
        if not self.checks:
            return None
        table = Table("figure", "measured", "limit", "", "verdict", "how", title="Figures of every machine")
        for check in self.checks:
            verdict = "[green]met" if check.met else "[bold red]NOT MET"
            table.add_row(check.name, _text(check.value, 2), f"<= {check.limit:g}", check.unit, verdict, check.note)
        return table


def machine() -> dict[str, Any]:
    """Return what the figures were measured on; they mean nothing beside another machine's."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _cpu(values: Mapping[str, float | None]) -> float:
    """Return milliseconds of program and database; 0 where the program's were not seen, or PostgreSQL's not all."""
    client, database = values["client_cpu_ms"], values["database_cpu_ms"]
    if client is None or (database is None and values["flushes"] is not None):
        return 0.0
    return client + (database or 0.0)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _spread(group: Sequence[Figures]) -> float:
    """Return half the distance between the slowest and the fastest round in percent of their median."""
    rates = [figures.rate for figures in group]
    return (max(rates) - min(rates)) / 2 / statistics.median(rates) * 100


def _rank(layer: str) -> int:
    return LAYERS.index(layer) if layer in LAYERS else len(LAYERS)


def _text(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:,.{places}f}"
