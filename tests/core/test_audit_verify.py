"""The audit verifier: whatever somebody with the database's password does to a chain is named, with its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_core import uuid7
from pos_core.audit import chain as audit_chain
from pos_core.audit.models import AuditEntry, Chain
from pos_core.audit.verify import Report, anchors_of, total, verify
from pos_core.audit.walk import KEPT, Head, Walk
from pos_core.cli import audit as cli
from pos_core.errors import PosError
from pos_core.hookspecs import hookimpl
from pos_core.rules import after
from tests.core.conftest import raw_writes

EDITS = 12
OTHER = "01980000-0000-7000-8000-000000000001"


@pytest.fixture
def busy(business: Any) -> Any:
    """A business whose server chain has grown by some edits at different times."""
    grow(business, EDITS)
    return business


def grow(business: Any, edits: int) -> None:
    for number in range(edits):
        store = business.query("store:get", id=business.store_id)
        business.clock.advance(timedelta(minutes=1))
        business.perform("store:edit", {"id": store["id"], "name": f"Shop {number}", "version": store["version"]})


def server(business: Any) -> str:
    return str(business.kernel.instance_id)


def check(business: Any, **options: Any) -> Report:
    return verify(business.context(), facts=False, **options)


def kinds(report: Report) -> list[str]:
    return [finding.kind for finding in report.findings]


def entry(business: Any, seq: int) -> AuditEntry:
    return AuditEntry.get((AuditEntry.chain_id == server(business)) & (AuditEntry.seq == seq))


def last_seq(business: Any) -> int:
    return int(Chain.get_by_id(server(business)).seq)


def resealed(row: AuditEntry, previous: bytes, **changes: Any) -> tuple[str, bytes]:
    """(payload, hash) of an entry with another fact, sealed as a forger would."""
    payload = audit_chain.canonical({**json.loads(row.payload), **changes})
    return payload.decode(), audit_chain.link(row.chain_id, row.seq, previous, payload)


UPDATE = "UPDATE core_audit_entry SET {} = ? WHERE chain_id = ? AND seq = ?"


@pytest.mark.req("AUD-08", "AUD-09")
def test_whole_chains_verify(busy: Any) -> None:
    report = check(busy)
    assert report.ok
    assert report.entries == AuditEntry.select().count() == total(busy.kernel.db)
    assert {chain.chain for chain in report.chains} == {row.id for row in Chain.select()}
    assert all(chain.first_seq == 1 for chain in report.chains)


@pytest.mark.req("AUD-08")
def test_edited_payload_is_named_with_its_window(busy: Any) -> None:
    seq = last_seq(busy) - 4
    row = entry(busy, seq)
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("payload"), row.payload.replace("Shop", "Shed"), server(busy), seq)
    (found,) = check(busy).findings
    assert (found.kind, found.chain, found.first_seq, found.last_seq) == ("edit", server(busy), seq, seq)
    assert "its payload is not what was sealed" in found.message
    assert (found.after, found.before) == (
        json.loads(entry(busy, seq - 1).payload)["at"], json.loads(entry(busy, seq + 1).payload)["at"])  # fmt: skip


@pytest.mark.req("AUD-08")
def test_edited_hash_is_told_from_an_edited_payload(busy: Any) -> None:
    seq = last_seq(busy) - 4
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("hash"), b"\x07" * 32, server(busy), seq)
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq) == ("edit", seq)
    assert "its hash was changed" in found.message


@pytest.mark.req("AUD-08")
def test_edited_last_entry_is_judged_by_the_head(busy: Any) -> None:
    seq = last_seq(busy)
    row = entry(busy, seq)
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("payload"), row.payload.replace("Shop", "Shed"), server(busy), seq)
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq) == ("edit", seq)
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("payload"), row.payload, server(busy), seq)
        execute(UPDATE.format("hash"), b"\x07" * 32, server(busy), seq)
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq) == ("edit", seq)
    assert "its hash was changed" in found.message


@pytest.mark.req("AUD-08")
def test_edited_previous_column_is_named(busy: Any) -> None:
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("previous"), b"\x07" * 32, server(busy), 5)
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq) == ("edit", 5)
    assert "previous" in found.message


@pytest.mark.req("AUD-08")
def test_edit_that_was_sealed_anew_breaks_the_next_link(busy: Any) -> None:
    seq = last_seq(busy) - 3
    row = entry(busy, seq)
    payload, made = resealed(row, row.previous, action="store:view")
    with raw_writes(busy.kernel.db) as execute:
        for column, value in (("payload", payload), ("hash", made), ("action", "store:view")):
            execute(UPDATE.format(column), value, server(busy), seq)
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq, found.last_seq) == ("rewrite", seq, seq + 1)


@pytest.mark.req("AUD-08")
def test_rewritten_tail_differs_from_the_head(busy: Any) -> None:
    last = last_seq(busy)
    with raw_writes(busy.kernel.db) as execute:
        previous = entry(busy, last - 3).previous
        for seq in range(last - 3, last + 1):
            payload, made = resealed(entry(busy, seq), previous, ip="10.0.0.1")
            for column, value in (("payload", payload), ("hash", made), ("previous", previous)):
                execute(UPDATE.format(column), value, server(busy), seq)
            previous = made
    (found,) = check(busy).findings
    assert found.kind == "rewrite"
    assert found.last_seq == last
    assert "chain's row" in found.message


@pytest.mark.req("AUD-08")
def test_deleted_entries_are_a_gap(busy: Any) -> None:
    with raw_writes(busy.kernel.db) as execute:
        execute("DELETE FROM core_audit_entry WHERE chain_id = ? AND seq IN (4, 5, 6)", server(busy))
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq, found.last_seq) == ("deletion", 4, 6)


@pytest.mark.req("AUD-08")
def test_deleted_beginning_is_a_gap(busy: Any) -> None:
    with raw_writes(busy.kernel.db) as execute:
        execute("DELETE FROM core_audit_entry WHERE chain_id = ? AND seq <= 2", server(busy))
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq, found.last_seq) == ("deletion", 1, 2)


@pytest.mark.req("AUD-08")
def test_deletion_that_was_renumbered_is_seen_through(busy: Any) -> None:
    last = last_seq(busy)
    with raw_writes(busy.kernel.db) as execute:
        execute("DELETE FROM core_audit_entry WHERE chain_id = ? AND seq = 6", server(busy))
        for seq in range(7, last + 1):
            execute(UPDATE.format("seq"), seq - 1, server(busy), seq)
        execute("UPDATE core_chain SET seq = ? WHERE id = ?", last - 1, server(busy))
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq, found.last_seq) == ("deletion", 6, 6)
    assert "renumbered" in found.message


def insert_copy(execute: Any, row: AuditEntry, **changes: Any) -> None:
    values = {
        "chain_id": row.chain_id, "seq": row.seq, "at": audit_chain.clock.to_text(row.at), "action": row.action,
        "outcome": row.outcome, "entity_type": row.entity_type, "entity_id": row.entity_id, "store_id": row.store_id,
        "actor_id": row.actor_id, "encoding": row.encoding, "payload": row.payload, "previous": row.previous,
        "hash": row.hash, **changes,
    }  # fmt: skip
    marks = ", ".join("?" * len(values))
    execute(f"INSERT INTO core_audit_entry ({', '.join(values)}) VALUES ({marks})", *values.values())


@pytest.mark.req("AUD-08")
def test_inserted_entry_that_shifted_the_rest_is_named(busy: Any) -> None:
    last, row = last_seq(busy), entry(busy, 6)
    with raw_writes(busy.kernel.db) as execute:
        for seq in range(last, 5, -1):
            execute(UPDATE.format("seq"), seq + 1, server(busy), seq)
        payload, made = resealed(row, row.previous, outcome="refused")
        insert_copy(execute, row, outcome="refused", payload=payload, hash=made)
        execute("UPDATE core_chain SET seq = ? WHERE id = ?", last + 1, server(busy))
    found = [f for f in check(busy).findings if f.kind == "insertion"]
    assert [(f.first_seq, f.last_seq) for f in found] == [(6, 6)]


@pytest.mark.req("AUD-08")
def test_entry_behind_the_head_is_an_insertion(busy: Any) -> None:
    last = last_seq(busy)
    row = entry(busy, last)
    payload = audit_chain.canonical({**json.loads(row.payload), "seq": last + 1})
    made = audit_chain.link(row.chain_id, last + 1, row.hash, payload)
    with raw_writes(busy.kernel.db) as execute:
        insert_copy(execute, row, seq=last + 1, payload=payload.decode(), previous=row.hash, hash=made)
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq, found.last_seq) == ("insertion", last + 1, last + 1)


@pytest.mark.req("AUD-08")
def test_entry_of_another_chain_is_named_with_its_origin(busy: Any) -> None:
    denied(busy)
    foreign = AuditEntry.get(AuditEntry.chain_id == busy.ids["register1"])
    last = last_seq(busy)
    with raw_writes(busy.kernel.db) as execute:
        insert_copy(execute, foreign, chain_id=server(busy), seq=last + 1)
        execute("UPDATE core_chain SET seq = ? WHERE id = ?", last + 1, server(busy))
    found = check(busy, chain=server(busy)).findings
    assert any(f.kind == "insertion" and busy.ids["register1"] in f.message for f in found)


def denied(business: Any) -> None:
    """An entry on register 1's chain: a cashier tries what only the headquarters may."""
    with pytest.raises(PosError):
        business.perform("store:create", {"code": "S9", "name": "No", "time_zone": "UTC"}, role="cashier")


@pytest.mark.req("AUD-08")
def test_cut_off_tail_is_a_truncation(busy: Any) -> None:
    last = last_seq(busy)
    with raw_writes(busy.kernel.db) as execute:
        execute("DELETE FROM core_audit_entry WHERE chain_id = ? AND seq > ?", server(busy), last - 3)
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq, found.last_seq) == ("truncation", last - 2, last)


@pytest.mark.req("AUD-08")
def test_truncation_with_a_mended_head_is_found_by_an_earlier_report(busy: Any) -> None:
    kept = anchors_of(json.loads(json.dumps(check(busy).as_json())))
    last = last_seq(busy)
    with raw_writes(busy.kernel.db) as execute:
        execute("DELETE FROM core_audit_entry WHERE chain_id = ? AND seq > ?", server(busy), last - 3)
        execute(
            "UPDATE core_chain SET seq = ?, head = ? WHERE id = ?", last - 3, entry(busy, last - 3).hash, server(busy)
        )
    assert check(busy).ok, "the chain alone cannot know"
    (found,) = check(busy, anchors=kept).findings
    assert (found.kind, found.last_seq) == ("truncation", last)


@pytest.mark.req("AUD-08")
def test_whole_rewrite_with_its_head_is_found_by_an_earlier_report(busy: Any) -> None:
    kept = anchors_of(check(busy).as_json())
    last, previous = last_seq(busy), audit_chain.GENESIS
    with raw_writes(busy.kernel.db) as execute:
        for seq in range(1, last + 1):
            payload, made = resealed(entry(busy, seq), previous, ip="10.0.0.1")
            for column, value in (("payload", payload), ("hash", made), ("previous", previous)):
                execute(UPDATE.format(column), value, server(busy), seq)
            previous = made
        execute("UPDATE core_chain SET head = ? WHERE id = ?", previous, server(busy))
    assert check(busy).ok
    (found,) = check(busy, anchors=kept).findings
    assert (found.kind, found.last_seq) == ("anchor", last)
    grow(busy, 1)
    assert kinds(check(busy, anchors=kept)) == ["anchor"]


@pytest.mark.req("AUD-08")
def test_missing_head_is_named(busy: Any) -> None:
    with raw_writes(busy.kernel.db) as execute:
        execute("DELETE FROM core_chain WHERE id = ?", server(busy))
    (found,) = check(busy).findings
    assert (found.kind, found.chain) == ("head_missing", server(busy))


@pytest.mark.req("AUD-08")
def test_wiped_chain_is_a_truncation_of_everything(busy: Any) -> None:
    last = last_seq(busy)
    with raw_writes(busy.kernel.db) as execute:
        execute("DELETE FROM core_audit_entry WHERE chain_id = ?", server(busy))
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq, found.last_seq) == ("truncation", 1, last)


@pytest.mark.req("AUD-03", "AUD-08")
@pytest.mark.parametrize(
    ("column", "value"),
    [("action", "store:view"), ("outcome", "refused"), ("entity_type", "till"), ("entity_id", OTHER),
     ("store_id", OTHER), ("actor_id", OTHER), ("at", "2026-01-01T00:00:00.000000Z")],
)  # fmt: skip
def test_column_that_disagrees_with_the_payload_is_named(busy: Any, column: str, value: str) -> None:
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format(column), value, server(busy), 5)
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq) == ("column", 5)
    assert f"column {column} says {value!r}" in found.message


def test_unknown_encoding_is_named(busy: Any) -> None:
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("encoding"), 9, server(busy), 5)
    (found,) = check(busy).findings
    assert (found.kind, found.first_seq) == ("encoding", 5)


def test_payload_that_is_no_json_is_an_edit(busy: Any) -> None:
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("payload"), "[", server(busy), 5)
        execute(UPDATE.format("payload"), "{}", server(busy), 7)
    assert [(f.kind, f.first_seq) for f in check(busy).findings] == [("edit", 5), ("edit", 7)]


def test_newest_checks_the_tail_only(busy: Any) -> None:
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("payload"), "{}", server(busy), 2)
    assert not check(busy).ok
    report = check(busy, newest=5)
    assert report.ok
    assert report.chains[[c.chain for c in report.chains].index(server(busy))].first_seq == last_seq(busy) - 4


def test_unknown_chain_is_refused(busy: Any) -> None:
    with pytest.raises(PosError, match="not_found"):
        check(busy, chain=uuid7())


def test_verifier_does_not_run_inside_an_action(make_business: Any, module_of: Any) -> None:
    @after("store:edit")
    def check_inside(ctx: Any) -> None:
        verify(ctx)

    business = make_business(extra=[module_of("x.inside", check_inside)])
    with pytest.raises(RuntimeError, match="inside an action"):
        grow(business, 1)


# -- the walk alone: forks, and anything at all --------------------------------------------------------------------


def chain_of(count: int) -> tuple[str, list[list[Any]], Head]:
    """A chain as rows of `Walk.take`, and its head."""
    name, previous, rows = uuid7(), audit_chain.GENESIS, []
    for seq in range(1, count + 1):
        fact = {
            "seq": seq, "chain": name, "at": f"2026-03-02T10:00:{seq % 60:02}.000000Z", "action": "a:b", "id": None,
            "outcome": "done", "entity": "a", "store": None, "actor": None, "after": {"total_minor": seq * 100},
        }  # fmt: skip
        payload = audit_chain.canonical(fact)
        made = audit_chain.link(name, seq, previous, payload)
        rows.append([seq, name, fact["at"], "a:b", "done", "a", None, None, None, 1, payload, previous, made])
        previous = made
    return name, rows, Head(name, "register", None, count, previous)


def walked(name: str, rows: list[list[Any]], head: Head | None) -> Walk:
    walk = Walk(name)
    walk.take([tuple(row) for row in rows])
    walk.finish(head)
    return walk


@pytest.mark.req("AUD-08")
@pytest.mark.parametrize("which", [0, 1], ids=["second-row-is-true", "first-row-is-true"])
def test_fork_is_named_whichever_branch_the_chain_went(which: int) -> None:
    name, rows, head = chain_of(6)
    forged = list(rows[3])
    forged[10] = forged[10].replace(b"400", b"999")
    forged[12] = audit_chain.link(name, 4, forged[11], forged[10])
    rows.insert(3 + which, forged)
    walk = walked(name, rows, head)
    assert [(f.kind, f.first_seq) for f in walk.findings] == [("fork", 4)]


def test_findings_are_counted_beyond_what_is_kept() -> None:
    name, rows, head = chain_of(KEPT + 40)
    for row in rows:
        row[3] = "x:y"
    walk = walked(name, rows, head)
    assert len(walk.findings) == KEPT
    assert walk.unlisted == 40
    assert walk.entries == KEPT + 40


_POSITION = {"payload": 10, "previous": 11, "hash": 12, "seq": 0, "chain": 1, "at": 2, "action": 3, "outcome": 4}


@st.composite
def tampered(draw: st.DrawFn) -> tuple[str, list[list[Any]], Head]:
    """A chain with one to three changes of any kind to anything, which leave it different from what it was."""
    name, rows, head = chain_of(draw(st.integers(2, 12)))
    original = [tuple(row) for row in rows]
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(["delete", "duplicate", "swap", "flip"]))
        at = draw(st.integers(0, len(rows) - 1))
        if what == "delete" and len(rows) > 1:
            del rows[at]
        elif what == "duplicate":
            rows.insert(at, list(rows[at]))
        elif what == "swap":
            other = draw(st.integers(0, len(rows) - 1))
            rows[at][10], rows[other][10] = rows[other][10], rows[at][10]
        else:
            column = draw(st.sampled_from(sorted(_POSITION)))
            row, place = rows[at], _POSITION[column]
            if column == "seq":
                row[place] = draw(st.integers(0, 20))
            elif isinstance(row[place], bytes):
                bit = draw(st.integers(0, len(row[place]) - 1))
                row[place] = row[place][:bit] + bytes([row[place][bit] ^ 1]) + row[place][bit + 1 :]
            else:
                row[place] += "x"
    rows.sort(key=lambda row: row[0])
    if [tuple(row) for row in rows] == original:
        rows.pop()
    return name, rows, head


@pytest.mark.req("AUD-08")
@given(tampered())
@settings(max_examples=300, deadline=None)
def test_no_change_goes_unseen(case: tuple[str, list[list[Any]], Head]) -> None:
    name, rows, head = case
    assert walked(name, rows, head).findings


@given(st.integers(1, 40), st.lists(st.integers(0, 40), max_size=4))
@settings(deadline=None)
def test_batches_of_any_size_give_the_same_walk(count: int, cuts: list[int]) -> None:
    name, rows, head = chain_of(count)
    walk, begin = Walk(name), 0
    for cut in [*sorted(cuts), count]:
        walk.take([tuple(row) for row in rows[begin:cut]])
        begin = max(begin, cut)
    walk.finish(head)
    assert (walk.findings, walk.entries, walk.last) == ([], count, count)


# -- facts ---------------------------------------------------------------------------------------------------------


def facts_module(module_of: Any, seen: list[Any]) -> Any:
    @hookimpl
    def verify_facts(ctx: Any, entries: Any) -> Iterator[str]:
        from pos_core.stores.models import Store

        for fact in entries:
            seen.append((fact["chain"], fact["seq"]))
            if fact["entity"] == "store" and fact["action"] == "store:create" and fact["outcome"] == "done":
                row = Store.get_by_id(fact["id"])
                if row.code != fact["after"]["code"]:
                    yield f"store {row.id} has the code {row.code}, sealed is {fact['after']['code']}"

    return module_of("x.facts", verify_facts)


@pytest.mark.req("AUD-09")
def test_modules_compare_their_tables_with_the_sound_entries(make_business: Any, module_of: Any) -> None:
    seen: list[Any] = []
    business = make_business(extra=[facts_module(module_of, seen)])
    grow(business, 3)
    report = verify(business.context())
    assert report.ok
    assert report.facts_checked
    assert len(seen) == report.entries
    with raw_writes(business.kernel.db) as execute:
        execute("UPDATE core_store SET code = 'S7' WHERE id = ?", business.store_id)
    (found,) = verify(business.context()).findings
    assert found.kind == "fact"
    assert "x.facts" in found.message
    assert "has the code S7" in found.message
    assert verify(business.context(), facts=False).ok


def test_tampered_entries_are_not_held_against_the_tables(make_business: Any, module_of: Any) -> None:
    seen: list[Any] = []
    business = make_business(extra=[facts_module(module_of, seen)])
    with raw_writes(business.kernel.db) as execute:
        execute(UPDATE.format("payload"), "{}", server(business), 3)
    report = verify(business.context())
    assert kinds(report) == ["edit"]
    assert (server(business), 3) not in seen


# -- the doors -----------------------------------------------------------------------------------------------------


@pytest.mark.req("AUD-09")
def test_integrity_endpoint(busy: Any, client_as: Callable[..., Any]) -> None:
    client = client_as("admin")
    answer = client.get("/audit/integrity")
    assert answer.status == 200
    assert answer.data["ok"] is True
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("payload"), "{}", server(busy), last_seq(busy) - 2)
    answer = client.get(f"/audit/integrity?chain={server(busy)}&newest=5")
    assert answer.data["ok"] is False
    assert [f["kind"] for f in answer.data["findings"]] == ["edit"]
    assert client.get(f"/audit/integrity?chain={uuid7()}").status == 404
    assert client_as("cashier").get("/audit/integrity").status == 403


@pytest.mark.req("AUD-03", "AUD-04", "AUD-05", "AUD-11")
def test_entries_are_listed_and_filtered(busy: Any, client_as: Callable[..., Any]) -> None:
    denied(busy)
    client = client_as("admin")
    of_store = client.get(f"/audit/entries?entity_id={busy.store_id}&limit=200").data
    assert {e["entity_id"] for e in of_store} == {busy.store_id}
    edited = [e for e in of_store if e["action"] == "store:edit"]
    assert len(edited) == EDITS
    fact = edited[-1]["fact"]
    assert (fact["before"]["name"], fact["after"]["name"]) == (f"Shop {EDITS - 2}", f"Shop {EDITS - 1}")
    assert {"actor", "roles", "context", "device", "ip", "module", "outcome", "request", "store"} <= fact.keys()
    refused = client.get("/audit/entries?outcome=denied&module=core.stores").data
    assert [(e["action"], e["chain_id"]) for e in refused] == [("store:create", busy.ids["register1"])]
    moment = edited[-1]["at"]
    assert moment in {e["at"] for e in client.get(f"/audit/entries?since={moment}&action=store:edit").data}
    assert client.get(f"/audit/entries?until={edited[0]['at']}&action=store:edit").data == []
    assert client.get("/audit/entries?outcome=nothing").status == 400


def test_entries_are_paged(busy: Any, client_as: Callable[..., Any]) -> None:
    client = client_as("admin")
    found, cursor = [], ""
    while cursor is not None:
        answer = client.get(f"/audit/entries?limit=7&chain_id={server(busy)}" + (f"&cursor={cursor}" if cursor else ""))
        found += [e["seq"] for e in answer.data]
        cursor = answer.json["meta"]["next_cursor"]
    assert found == list(range(1, last_seq(busy) + 1))


# -- the command line ----------------------------------------------------------------------------------------------


@pytest.fixture
def pos_audit(busy: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run `pos audit ...` on the test's own business."""
    from contextlib import contextmanager

    main = pytest.importorskip("pos_core.cli.main", reason="the command line is not installed")

    @contextmanager
    def open_here(context: click.Context, **_: Any) -> Iterator[Any]:
        yield busy.kernel

    monkeypatch.setattr(main, "open_kernel", open_here)
    return lambda *arguments: CliRunner().invoke(cli.audit, list(arguments), catch_exceptions=False)


@pytest.mark.req("AUD-09")
def test_command_says_ok_and_names_breaks(busy: Any, pos_audit: Callable[..., Any], tmp_path: Any) -> None:
    done = pos_audit("verify", "--no-facts")
    assert (done.exit_code, "audit chains are whole" in done.output) == (0, True)
    kept = tmp_path / "kept.json"
    kept.write_text(pos_audit("verify", "--no-facts", "--json").stdout)
    with raw_writes(busy.kernel.db) as execute:
        execute(UPDATE.format("payload"), "{}", server(busy), 5)
    done = pos_audit("verify", "--no-facts")
    assert done.exit_code == 1
    assert f"EDIT  chain {server(busy)} entry 5: entry 5 was edited" in done.output
    assert "1 finding(s)" in done.output.splitlines()[-1]
    as_json = pos_audit("verify", "--no-facts", "--json", "--chain", server(busy))
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["findings"][0]["first_seq"] == 5
    assert pos_audit("verify", "--no-facts", "--since", str(kept)).exit_code == 1
    assert pos_audit("verify", "--chain", uuid7()).exit_code == 1
    kept.write_text("{}")
    assert pos_audit("verify", "--since", str(kept)).exit_code == 2
