"""The client's ledger: whole after any kill, and never mixed up with another run's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core.replay import ledger
from pos_core.replay.errors import ReplayError
from pos_core.replay.ledger import Entry, Ledger

HEADER = {"file": "a.csv", "tills": 8}
ENTRIES = [Entry(f"id-{n}", f"53{n}", 100 * n, f"S1-RP01-{n}", "done" if n % 3 else "refused:x") for n in range(1, 9)]


def written(path: Path, entries: list[Entry] = ENTRIES) -> Path:
    book = Ledger.begin(path, HEADER)
    book.append(entries)
    book.close()
    return path


def test_what_was_acknowledged_is_read_back(tmp_path: Path) -> None:
    path = written(tmp_path / "deep" / "x.ledger")
    assert list(ledger.entries(path)) == ENTRIES
    assert ledger.acknowledged(path) == {entry.sale_id: entry for entry in ENTRIES if entry.status == "done"}
    assert ledger.acknowledged(tmp_path / "absent") == {}


@given(cut=st.integers(min_value=0))
def test_a_kill_at_any_byte_loses_no_whole_line(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = written(tmp_path_factory.mktemp("ledger") / "x.ledger")
    content = path.read_bytes()
    head = content.index(b"\n") + 1
    kept = content[: head + cut % (len(content) - head + 1)]
    path.write_bytes(kept)
    whole = kept[head:].count(b"\n")
    assert list(ledger.entries(path)) == ENTRIES[:whole]
    written(path, ENTRIES[whole:])
    assert list(ledger.entries(path)) == ENTRIES, "a torn line must not swallow the next one"


def test_another_run_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = written(tmp_path / "x.ledger")
    before = path.read_bytes()
    with pytest.raises(ReplayError, match=r"another run: tills 8 \(now 4\)"):
        Ledger.begin(path, {**HEADER, "tills": 4})
    assert path.read_bytes() == before


def test_two_replays_cannot_write_one_ledger(tmp_path: Path) -> None:
    book = Ledger.begin(tmp_path / "x.ledger", HEADER)
    with pytest.raises(ReplayError, match="in use"):
        Ledger.begin(tmp_path / "x.ledger", HEADER)
    book.close()
    Ledger.begin(tmp_path / "x.ledger", HEADER).close()


def test_what_is_no_ledger_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("milk\neggs\n")
    with pytest.raises(ReplayError, match=r"notes\.txt is no ledger"):
        ledger.read_header(path)
    with pytest.raises(ReplayError, match="line 2 is no ledger entry"):
        list(ledger.entries(path))


def test_a_tab_in_a_receipt_number_breaks_no_line(tmp_path: Path) -> None:
    path = written(tmp_path / "x.ledger", [Entry("id", "12\t34", 5, "N-1", "done")])
    assert [entry.receipt for entry in ledger.entries(path)] == ["12 34"]
