"""The unit of work: what is handed over arrives as it was, together, in lock order, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pos_core import uuid7
from pos_core.audit.chain import Deferred
from pos_core.audit.models import AuditEntry, Chain
from pos_core.db.statements import Statement, statement
from pos_core.db.tables import increment, rank, refers_to, writer
from pos_core.db.unit_of_work import UnitOfWork
from tests.core.lab import DO, Note, Remark, Tally, Write, row_of

_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=30)
_TRICKY = st.sampled_from(
    [
        "",
        "NULL",
        "null",
        "{}",
        "{,}",
        '"',
        '\\"',
        "\\",
        "\\\\",
        "'",
        "''",
        "a,b",
        "%",
        "%s",
        "%%",
        "$1",
        "\n\t\r",
        "é€𝄞",
        " x ",
    ]
)
_KEYS = [f"k{number}" for number in range(14)]
_INSTANT = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
_ROW = st.fixed_dictionaries({
    "text": _TEXT | _TRICKY,
    "number": st.none() | st.integers(-(2**63), 2**63 - 1),
    "amount_minor": st.none() | st.integers(-(10**15), 10**15),
    "small": st.none() | st.integers(-(2**31), 2**31 - 1),
    "flag": st.none() | st.booleans(),
    "at": st.none() | _INSTANT,
    "day": st.none() | st.dates(date(1, 1, 1)),
    "data": st.none() | st.binary(max_size=40),
    "more": st.none() | st.dictionaries(_TEXT, st.integers(-(2**53), 2**53) | _TEXT | _TRICKY | st.none(), max_size=3),
})  # fmt: skip


def do(lab: Any, function: Any) -> Any:
    DO["do"] = function
    return lab.kernel.perform(lab.context(), "note:do", Write(text="do")).data


@pytest.mark.req("DBM-01")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROW, min_size=1, max_size=6))
def test_rows_of_every_type_come_back_as_they_went(lab: Any, rows: list[dict[str, Any]]) -> None:
    """One row goes as plain parameters, several go as arrays on PostgreSQL."""
    ids = [uuid7() for _ in rows]

    def hand_over(ctx: Any, command: Any) -> None:
        for note_id, row in zip(ids, rows, strict=True):
            ctx.writing.insert(Note, {"id": note_id, **row})

    do(lab, hand_over)
    found = {note.id: note for note in Note.select().where(Note.id.in_(ids))}
    for note_id, row in zip(ids, rows, strict=True):
        assert {name: getattr(found[note_id], name) for name in row} == row


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.lists(st.tuples(st.sampled_from(_KEYS), st.integers(-1000, 1000), _TEXT), max_size=25),
        min_size=1, max_size=3,
    )
)  # fmt: skip
def test_increments_add_up_and_replaced_columns_keep_the_last(
    lab: Any, steps: list[list[tuple[str, int, str]]]
) -> None:
    """Few counters go one by one, many as arrays; equal keys of one action are joined."""
    prefix, totals, last = uuid7(), dict[str, int](), dict[str, str]()

    for step in steps:

        def hand_over(ctx: Any, command: Any, step: Any = step) -> None:
            for key, add, text in step:
                row = {"key": prefix + key, "total": add, "last": text}
                ctx.writing.increment(Tally, row, key=("key",), add=("total",), replace=("last",))
                assert row == {"key": prefix + key, "total": add, "last": text}, (
                    "what was handed over stays the caller's"
                )

        do(lab, hand_over)
        for key, add, text in step:
            totals[key], last[key] = totals.get(key, 0) + add, text
    found = {t.key.removeprefix(prefix): t for t in Tally.select().where(Tally.key.startswith(prefix))}
    assert {key: t.total for key, t in found.items()} == totals
    assert {key: t.last for key, t in found.items()} == last


def test_counters_are_locked_in_one_order_however_they_came(lab: Any) -> None:
    def orders(keys: str) -> list[Any]:
        uow = UnitOfWork(lab.kernel.db, lab.kernel.instance_id)
        for key in keys:
            uow.increment(Tally, {"id": "x", "key": key, "total": 1}, key=("key",), add=("total",))
        ((_, rows),) = uow._ordered_counters()
        return rows

    assert orders("badc") == orders("cdab")
    assert [row[1] for row in orders("badc")] == ["a", "b", "c", "d"]


@pytest.mark.req("CFG-06")
def test_a_number_is_counted_once_and_can_be_part_of_a_text(lab: Any) -> None:
    def numbered(ctx: Any, command: Any) -> dict[str, Any]:
        number = ctx.writing.number("note")
        assert ctx.writing.number("note") is number
        text = ctx.writing.later(lambda: f"N-{number.value:05}")
        row_of(ctx, command, number=number)
        ctx.writing.insert(Note, {"id": uuid7(), "text": text, "number": number})
        return {"id": command.id, "number": number, "text": text}

    assert do(lab, numbered)["text"] == "N-00001"
    assert do(lab, numbered)["number"] == 2
    assert {(n.number, n.text) for n in Note.select()} == {(1, "do"), (1, "N-00001"), (2, "do"), (2, "N-00002")}
    sealed = AuditEntry.select().where(AuditEntry.action == "note:do").order_by(AuditEntry.seq.desc()).first()
    assert '"text":"N-00002"' in sealed.payload


def test_a_deferred_value_is_made_once() -> None:
    made: list[int] = []
    later = Deferred(lambda: made.append(1) or len(made))
    assert (later.value, later.value, made) == (1, 1, [1])


def test_children_come_after_their_parents_in_whatever_order_they_are_handed_over(lab: Any) -> None:
    assert (rank(Note), rank(Remark), refers_to(Remark, {Note}), refers_to(Note, {Remark})) == (0, 1, True, False)

    def child_first(ctx: Any, command: Any) -> None:
        ctx.writing.insert(Remark, {"id": uuid7(), "note_id": command.id, "text": "child"})
        row_of(ctx, command)

    do(lab, child_first)
    assert Remark.get().note.text == "do"


def test_pending_rows_are_written_for_a_read_but_for_those_that_wait_for_a_number(lab: Any) -> None:
    counts: list[tuple[int, int]] = []

    def reads(ctx: Any, command: Any) -> None:
        row_of(ctx, command)
        counts.append((ctx.query("note:count"), len(ctx.uow.rows)))
        waiting = uuid7()
        ctx.writing.insert(Note, {"id": waiting, "text": "waits", "number": ctx.writing.number("note")})
        ctx.writing.insert(Remark, {"id": uuid7(), "note_id": waiting, "text": "waits with it"})
        ctx.writing.insert(Tally, {"key": "t", "total": 1})
        counts.append((ctx.query("note:count"), len(ctx.uow.rows)))

    do(lab, reads)
    assert counts == [(1, 0), (1, 2)]
    assert (Note.select().count(), Remark.select().count(), Tally.select().count()) == (2, 1, 1)


def test_increments_are_seen_after_the_commit_only(lab: Any) -> None:
    def reads(ctx: Any, command: Any) -> None:
        ctx.writing.increment(Tally, {"key": "t", "total": 5}, key=("key",), add=("total",))
        ctx.writing.write_pending()
        assert Tally.select().count() == 0

    do(lab, reads)
    assert Tally.get().total == 5


def test_a_column_that_does_not_exist_is_named(lab: Any) -> None:
    with pytest.raises(KeyError, match="lab_note has no column colour, size"):
        do(lab, lambda ctx, command: ctx.writing.insert(Note, {"id": command.id, "text": "", "size": 1, "colour": 2}))
    assert Note.select().count() == 0


def test_defaults_of_the_model_hold_for_mappings(lab: Any) -> None:
    do(lab, lambda ctx, command: ctx.writing.insert(Tally, {"key": "t", "total": 1}))
    row = Tally.get()
    assert (row.last, len(row.id)) == ("", 36)


def test_a_unit_of_work_of_a_chain_that_does_not_exist_is_refused_and_closed(lab: Any) -> None:
    uow = UnitOfWork(lab.kernel.db, uuid7())
    with pytest.raises(LookupError, match="does not exist"):
        uow.begin("", "")
    uow.rollback()
    assert not lab.kernel.db.pos.may_write
    assert do(lab, row_of)["id"]


def test_the_fence_is_kept_until_somebody_changes_it(lab: Any) -> None:
    fences: list[str | None] = []

    def looks(ctx: Any, command: Any) -> None:
        fences.append(ctx.writing.fence)

    do(lab, lambda ctx, command: ctx.writing.set_fence("open-1"))
    do(lab, looks)
    do(lab, lambda ctx, command: ctx.writing.set_fence(None))
    do(lab, looks)
    assert fences == ["open-1", None]
    assert Chain.get_by_id(lab.kernel.instance_id).fence is None


def test_the_revision_rises_with_the_commit_and_reaches_the_context(lab: Any) -> None:
    before = lab.kernel.revision()
    ctx = lab.context()
    DO["do"] = lambda ctx, command: ctx.writing.raise_revision()
    lab.kernel.perform(ctx, "note:do", Write(text="do"))
    assert lab.kernel.revision() == ctx.revision == before + 1
    do(lab, row_of)
    assert lab.kernel.revision() == before + 1


@pytest.mark.req("DBM-05")
def test_an_action_takes_few_round_trips_however_many_rows_it_writes(lab: Any) -> None:
    def many(ctx: Any, command: Any) -> None:
        row_of(ctx, command)
        for number in range(200):
            ctx.writing.insert(Remark, {"id": uuid7(), "note_id": command.id, "text": str(number)})
            key = {"key": str(number), "total": 1}
            ctx.writing.increment(Tally, key, key=("key",), add=("total",))

    do(lab, many)
    before = lab.kernel.db.pos.round_trips
    do(lab, many)
    # context() reads the revision; begin, two messages of the flush on PostgreSQL
    assert lab.kernel.db.pos.round_trips - before <= 4
    assert Remark.select().count() == 400
    assert {t.total for t in Tally.select()} == {2}


def test_times_of_one_request_are_one_time(lab: Any) -> None:
    ctx = lab.context()
    lab.clock.advance(timedelta(hours=5))
    DO["do"] = lambda ctx, command: row_of(ctx, command, at=ctx.at)
    lab.kernel.perform(ctx, "note:do", Write(text="do"))
    assert Note.get().at == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert AuditEntry.get(AuditEntry.action == "note:do").at == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def test_statement_texts_are_made_once_and_name_every_parameter() -> None:
    made = statement("SELECT a FROM t WHERE b = ? AND c LIKE '%x' AND d = ?", "text uuid")
    assert made.postgres == "SELECT a FROM t WHERE b = $1 AND c LIKE '%x' AND d = $2"
    assert made.prepare.endswith("(text, uuid) AS SELECT a FROM t WHERE b = $1 AND c LIKE '%x' AND d = $2")
    assert made.execute(["B", "D"]) == f"EXECUTE {made.name}('B','D')"
    assert made.plain(["B", "D"]) == "SELECT a FROM t WHERE b = 'B'::text AND c LIKE '%x' AND d = 'D'::uuid"
    assert writer(Note) is writer(Note)
    assert increment(Tally, ("key",), ("total",), ()) is increment(Tally, ("key",), ("total",), ())


def test_a_parameter_may_be_used_twice_without_prepared_statements() -> None:
    made = Statement("", "SELECT $2, $1, $2", ("text", "text"))
    assert made.plain(["a", "b"]) == "SELECT 'b'::text, 'a'::text, 'b'::text"


@pytest.mark.req("DBM-01")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=40))
@example(text="'); DROP TABLE core_user; --")
@example(text="\\'; SELECT 1; --")
@example(text="$1 %s %% ''")
def test_no_text_can_leave_its_literal(lab: Any, text: str) -> None:
    db = lab.kernel.db
    if db.dialect != "postgresql":
        pytest.skip("literals are PostgreSQL's; SQLite binds its parameters")
    echo = Statement("", "SELECT $1, $2, $3, $4, $5", ("text", "bigint", "boolean", "bytea", "text"))
    given = [text, -5, True, text.encode(), None]
    for prepared in (True, False):
        db.keeps_prepared = prepared
        ((one, two, three, four, five),) = db.fetch(echo, given)
        assert [one, two, three, bytes(four), five] == given


def test_a_nul_and_an_unknown_type_never_reach_the_database(lab: Any) -> None:
    db = lab.kernel.db
    if db.dialect != "postgresql":
        pytest.skip("literals are PostgreSQL's; SQLite binds its parameters")
    echo = Statement("", "SELECT $1", ("text",))
    with pytest.raises(ValueError, match="NUL"):
        db.fetch(echo, ["a\x00b"])
    with pytest.raises(KeyError):
        db.fetch(echo, [1.5])
