"""Medians, ratios and verdicts are what the rounds say."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench.checks import Check
from bench.report import Report
from bench.stats import Figures, percentile


def figures(layer: str, sales: int, tills: int = 1) -> Figures:
    return Figures(layer, "sqlite", tills, sales, 2.0, p50_ms=1.0, p95_ms=2.0, p99_ms=3.0, client_cpu_ms=0.5)


def report() -> Report:
    rounds = [(1000, 500), (2000, 800), (400, 300)]
    return Report(rounds=[[figures("bare", bare), figures("http", http)] for bare, http in rounds])


@pytest.mark.req("TST-04")
def test_a_ratio_is_taken_within_its_round() -> None:
    ratios = report().ratios()
    assert ratios["sqlite", "http", 1] == pytest.approx(0.5)  # of 0.5, 0.4 and 0.75
    assert ratios["sqlite", "bare", 1] == 1


@pytest.mark.req("TST-04")
def test_rates_are_medians() -> None:
    assert report().medians()["sqlite", "http", 1]["rate"] == 250.0


@pytest.mark.req("TST-04")
def test_what_is_printed_and_what_is_written_agree(tmp_path: Path) -> None:
    made = report()
    made.checks = [Check("round trips", 7, 6, "per sale"), Check("flushes", 0.4, 0.8, "per sale")]
    made.growth = [
        {"database": "sqlite", "layer": "bare", "stored": stored, "p50_ms": ms, "p99_ms": 4.0}
        for stored, ms in ((10_000, 1.0), (1_000_000, 1.5))
    ]
    made.phases = {"sqlite": {"rules": 12.5}}
    made.write(tmp_path / "bench.json")
    written = json.loads((tmp_path / "bench.json").read_text())
    assert [check["met"] for check in written["checks"]] == [False, True]
    assert {row["layer"]: row["of_bare"] for row in written["summary"]}["http"] == pytest.approx(0.5)
    output = io.StringIO()
    made.print(Console(file=output, width=160))
    text = output.getvalue()
    assert "NOT MET" in text
    assert "1,000,000" in text
    assert "1.50" in text
    assert "12.5" in text


@given(st.lists(st.integers(0, 10**9), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_grows_with_its_share(values: list[int], share: float) -> None:
    ordered = sorted(values)
    assert percentile(ordered, share) in ordered
    assert percentile(ordered, 0) <= percentile(ordered, share) <= percentile(ordered, 1)
