"""Several at once: retries, idempotent repeats, gapless numbers, and connections that die."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest

from pos_core import Kind, PosError, before, uuid7
from pos_core import actions as pipeline
from pos_core.audit.models import AuditEntry, Chain
from pos_core.audit.verify import verify
from pos_core.db.database import connect_to
from pos_core.idempotency import Idempotency, fingerprint
from tests.core.lab import DO, Note, Tally, Write, row_of


def in_threads(business: Any, count: int, work: Callable[[int], Any]) -> list[Any]:
    """work(n) in `count` threads at once, each with a connection of its own; exceptions are answers too."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        with business.kernel.db.in_use():
            barrier.wait(timeout=20)
            try:
                return work(number)
            except Exception as error:  # noqa: BLE001 - the caller looks at it
                return error
            finally:
                if business.kernel.db.dialect == "sqlite":
                    business.kernel.db.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def perform(
    business: Any, name: str = "note:write", key: str | None = None, role: str = "admin", **command: Any
) -> Any:
    return business.kernel.perform(business.context(role), name, Write(**command), key=key)


def notes() -> list[Note]:
    return list(Note.select().order_by(Note.number))


def only_postgres(business: Any) -> None:
    if business.kernel.db.dialect != "postgresql":
        pytest.skip("a server's connections are PostgreSQL's matter")


# -- numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.req("CFG-06", "DBM-05")
def test_numbers_are_gapless_under_eight_threads_on_one_chain(lab: Any) -> None:
    def work(number: int) -> list[Any]:
        return [perform(lab, "note:number", role="cashier", text=f"{number}-{n}").data["number"] for n in range(6)]

    found = [number for numbers in in_threads(lab, 8, work) for number in numbers]
    assert sorted(found) == list(range(1, 49))
    assert [note.number for note in notes()] == list(range(1, 49))
    head = Chain.get_by_id(lab.ids["register1"])
    assert orjson.loads(json.dumps(head.counters))["note"] == 48
    assert verify(lab.context()).ok


@pytest.mark.req("CFG-06")
def test_a_refused_action_leaves_no_gap(lab: Any) -> None:
    def fails(ctx: Any, command: Any) -> None:
        ctx.writing.insert(Note, {"id": command.id, "text": "x", "number": ctx.writing.number("note")})
        raise ZeroDivisionError

    DO["fail"] = fails
    assert perform(lab, "note:number").data["number"] == 1
    with pytest.raises(ZeroDivisionError):
        perform(lab, "note:do", text="fail")
    assert perform(lab, "note:number").data["number"] == 2


def test_a_number_is_not_known_before_its_row_is_locked(lab: Any) -> None:
    def early(ctx: Any, command: Any) -> None:
        assert ctx.writing.number("note").value

    DO["early"] = early
    with pytest.raises(RuntimeError, match="known at the commit only"):
        perform(lab, "note:do", text="early")
    assert perform(lab, "note:number").data["number"] == 1


def test_two_tills_number_on_their_own_chains(lab: Any) -> None:
    def work(number: int) -> list[int]:
        role = lab.context("cashier", number + 1)
        return [lab.kernel.perform(role, "note:number", Write()).data["number"] for _ in range(5)]

    assert in_threads(lab, 2, work) == [[1, 2, 3, 4, 5]] * 2


# -- contention ----------------------------------------------------------------------------------------------------


@pytest.mark.req("DBM-05")
def test_a_fence_that_moves_starts_the_action_over(lab: Any) -> None:
    """The session that an action was prepared against is closed by another till meanwhile."""
    tries: list[str | None] = []

    def closes(ctx: Any, command: Any) -> None:
        ctx.writing.set_fence("closed")

    def sells(ctx: Any, command: Any) -> dict[str, Any]:
        tries.append(ctx.writing.fence)
        if len(tries) == 1 and lab.kernel.db.dialect == "postgresql":
            in_threads(lab, 1, lambda _: perform(lab, "note:do", text="close"))
        return row_of(ctx, command)

    DO.update(close=closes, sell=sells)
    if lab.kernel.db.dialect == "sqlite":
        perform(lab, "note:do", text="close")
    perform(lab, "note:do", text="sell")
    assert tries == ([None, "closed"] if lab.kernel.db.dialect == "postgresql" else ["closed"])
    assert len(notes()) == 1
    assert Chain.get_by_id(lab.kernel.instance_id).fence == "closed"


@pytest.mark.req("DBM-05")
def test_require_still_starts_over_when_anything_was_committed_meanwhile(lab: Any) -> None:
    only_postgres(lab)
    seen: list[int] = []

    def reckons(ctx: Any, command: Any) -> dict[str, Any]:
        ctx.writing.require_still()
        seen.append(Note.select().count())
        if len(seen) == 1:
            in_threads(lab, 1, lambda _: perform(lab))
        return row_of(ctx, command)

    DO["reckon"] = reckons
    perform(lab, "note:do", text="reckon")
    assert seen == [0, 1]


@pytest.mark.req("DBM-05")
def test_contention_without_end_is_bounded_and_recorded(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    only_postgres(lab)
    monkeypatch.setattr(pipeline, "ATTEMPTS", 3)
    tries: list[int] = []

    def never_still(ctx: Any, command: Any) -> None:
        ctx.writing.require_still()
        tries.append(1)
        in_threads(lab, 1, lambda _: perform(lab))

    DO["never"] = never_still
    with pytest.raises(PosError) as caught:
        perform(lab, "note:do", text="never")
    assert (caught.value.code.code, caught.value.code.kind, len(tries)) == ("too_much_contention", Kind.UNAVAILABLE, 3)
    row = AuditEntry.get(AuditEntry.action == "note:do")
    assert row.outcome == "failed"


def crossing(lab: Any, first: str, second: str, met: threading.Barrier, tries: list[str]) -> Callable[..., Any]:
    """A service that updates two rows in the given order, and waits between them for the other one."""

    def work(ctx: Any, command: Any) -> dict[str, Any]:
        tries.append(first)
        Tally.update(total=Tally.total + 1).where(Tally.key == first).execute()
        if tries.count(first) == 1:
            met.wait(timeout=20)
        Tally.update(total=Tally.total + 1).where(Tally.key == second).execute()
        return {"id": command.id}

    return work


@pytest.mark.req("DBM-05")
def test_a_real_deadlock_is_solved_by_repeating_the_whole_transaction(lab: Any) -> None:
    only_postgres(lab)
    tries: list[str] = []
    met = threading.Barrier(2)

    def make(ctx: Any, command: Any) -> None:
        for key in "ab":
            ctx.writing.insert(Tally, {"key": key, "total": 0})

    DO.update(make=make, ab=crossing(lab, "a", "b", met, tries), ba=crossing(lab, "b", "a", met, tries))
    perform(lab, "note:do", text="make")
    answers = in_threads(lab, 2, lambda n: perform(lab, "note:do", text=("ab", "ba")[n], id=uuid7()).status)
    assert answers == [200, 200]
    assert len(tries) == 3, "one of the two was the deadlock's victim and started over"
    assert sorted(t.total for t in Tally.select()) == [2, 2]
    assert AuditEntry.select().where(AuditEntry.action == "note:do", AuditEntry.outcome == "done").count() == 3


@pytest.mark.req("DBM-05")
def test_a_real_serialization_failure_is_repeated(lab: Any) -> None:
    only_postgres(lab)
    tries: list[int] = []

    def make(ctx: Any, command: Any) -> None:
        ctx.writing.insert(Tally, {"key": "a", "total": 0})

    def outdated(ctx: Any, command: Any) -> dict[str, Any]:
        tries.append(1)
        if len(tries) == 1:
            ctx.kernel.db.execute_sql("COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE")
            assert Tally.get(Tally.key == "a").total == 0
            in_threads(lab, 1, lambda _: perform(lab, "note:do", text="bump"))
        Tally.update(total=Tally.total + 10).where(Tally.key == "a").execute()
        return {"id": command.id}

    def bump(ctx: Any, command: Any) -> None:
        Tally.update(total=Tally.total + 1).where(Tally.key == "a").execute()

    DO.update(make=make, outdated=outdated, bump=bump)
    perform(lab, "note:do", text="make")
    perform(lab, "note:do", text="outdated")
    assert (len(tries), Tally.get(Tally.key == "a").total) == (2, 11)


@pytest.mark.req("DBM-05")
def test_a_busy_file_is_waited_for_and_then_retried(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process holds the write lock for longer than the busy timeout."""
    db = lab.kernel.db
    if db.dialect != "sqlite":
        pytest.skip("SQLite's lock")
    import apsw

    perform(lab)
    db._writer.execute("PRAGMA busy_timeout = 20")
    other = apsw.Connection(db.path)
    other.execute("BEGIN IMMEDIATE")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            other.execute("ROLLBACK")

    monkeypatch.setattr(pipeline.time, "sleep", pause)
    assert perform(lab).status == 201
    assert len(pauses) == 2
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(PosError, match="too_much_contention"):
        perform(lab)
    assert len(pauses) == 2 + pipeline.ATTEMPTS - 1
    monkeypatch.setattr(pipeline, "PATIENCE_S", -1.0)
    with pytest.raises(PosError, match="too_much_contention"):
        perform(lab)
    assert len(pauses) == 2 + pipeline.ATTEMPTS - 1, "nobody is kept waiting beyond the patience"
    other.execute("ROLLBACK")
    other.close()
    assert perform(lab).status == 201


# -- a connection that dies ----------------------------------------------------------------------------------------


def kill_own_connection(lab: Any) -> None:
    """End this thread's server process from another connection, as a crash of the database would."""
    db = lab.kernel.db
    process = db.connection().info.backend_pid
    other = connect_to(lab.kernel.config.database.url)
    with other.in_use():
        assert other.execute_sql("SELECT pg_terminate_backend(%s, 5000)", (process,)).fetchone() == (True,)
    other.close_all()


@pytest.mark.req("RGX-34", "DBM-05")
@pytest.mark.parametrize("key", [None, "key-1"], ids=["without-key", "with-key"])
def test_a_connection_lost_before_the_commit_is_made_good(lab: Any, key: str | None) -> None:
    only_postgres(lab)
    tries: list[int] = []

    def dies_once(ctx: Any, command: Any) -> dict[str, Any]:
        tries.append(1)
        made = row_of(ctx, command)
        if len(tries) == 1:
            kill_own_connection(lab)
            Note.select().count()
        return made

    DO["die"] = dies_once
    assert perform(lab, "note:do", text="die", key=key).status == 200
    assert (len(tries), len(notes())) == (2, 1)
    assert verify(lab.context()).ok


def dying_at_commit(lab: Any, monkeypatch: pytest.MonkeyPatch, *, after: bool, times: int = 1) -> list[int]:
    """Let the connection die while the commit's message is under way: before the server got it, or after."""
    db, send, deaths = lab.kernel.db, lab.kernel.db.send, []

    def dying(text: str, parameters: Any = None, *, fetch: bool = False) -> Any:
        if not text.endswith(";COMMIT") or len(deaths) >= times:
            return send(text, parameters, fetch=fetch)
        deaths.append(1)
        if after:
            send(text, parameters, fetch=fetch)
        kill_own_connection(lab)
        return send("SELECT 1", (), fetch=fetch)

    monkeypatch.setattr(db, "send", dying)
    return deaths


@pytest.mark.req("RGX-34")
@pytest.mark.parametrize("after", [False, True], ids=["commit-never-arrived", "answer-never-arrived"])
def test_a_connection_lost_at_the_commit_with_a_key_has_one_effect(
    lab: Any, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    only_postgres(lab)
    deaths = dying_at_commit(lab, monkeypatch, after=after)
    done = perform(lab, text="once", key="key-1")
    assert (len(deaths), len(notes()), done.replayed) == (1, 1, after)
    assert verify(lab.context()).ok


@pytest.mark.req("RGX-34")
@pytest.mark.parametrize("after", [False, True], ids=["commit-never-arrived", "answer-never-arrived"])
def test_a_connection_lost_at_the_commit_without_a_key_is_told(
    lab: Any, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    only_postgres(lab)
    dying_at_commit(lab, monkeypatch, after=after)
    with pytest.raises(PosError) as caught:
        perform(lab, text="unknown")
    assert (caught.value.code.code, caught.value.code.kind) == ("outcome_unknown", Kind.UNAVAILABLE)
    assert len(notes()) == (1 if after else 0)
    assert AuditEntry.select().order_by(AuditEntry.chain_id, AuditEntry.seq.desc()).count()
    last = Chain.get_by_id(lab.kernel.instance_id).seq
    assert (
        AuditEntry.get((AuditEntry.chain_id == lab.kernel.instance_id) & (AuditEntry.seq == last)).outcome == "failed"
    )


@pytest.mark.req("RGX-34")
def test_a_database_that_stays_away_gives_the_error_of_the_action(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    only_postgres(lab)
    monkeypatch.setattr(pipeline, "ATTEMPTS", 2)
    dying_at_commit(lab, monkeypatch, after=False, times=5)
    with pytest.raises(PosError, match="outcome_unknown"):
        perform(lab, text="away", key="key-1")


@pytest.mark.req("DBM-04")
def test_the_pool_gives_usable_connections_after_errors(lab: Any) -> None:
    only_postgres(lab)
    db = lab.kernel.db

    def breaks(number: int) -> Any:
        if number % 2:
            kill_own_connection(lab)
        return db.execute_sql("SELECT nonsense").fetchone()

    assert all(isinstance(answer, Exception) for answer in in_threads(lab, 4, breaks))
    assert in_threads(lab, 6, lambda _: db.execute_sql("SELECT 1").fetchone()) == [(1,)] * 6
    assert in_threads(lab, 6, lambda n: perform(lab, text=str(n)).status) == [201] * 6


def test_a_prepare_that_never_arrived_is_made_again(lab: Any) -> None:
    """Statements that a failed message was to prepare are not taken for prepared."""
    only_postgres(lab)

    def swallows(ctx: Any, command: Any) -> None:
        with pytest.raises(Exception, match="nowhere"):
            ctx.kernel.db.execute_sql("SELECT 1 FROM nowhere")
        ctx.writing.insert(Tally, {"key": "a", "total": 1})
        ctx.writing.write_pending()

    DO["swallow"] = swallows
    with pytest.raises(Exception, match="aborted"):
        perform(lab, "note:do", text="swallow")
    DO["tally"] = lambda ctx, command: ctx.writing.insert(Tally, {"key": "a", "total": 1})
    assert perform(lab, "note:do", text="tally").status == 200
    assert Tally.get(Tally.key == "a").total == 1


# -- idempotency ---------------------------------------------------------------------------------------------------


@pytest.mark.req("RUL-06")
def test_the_same_key_replays_the_same_answer(lab: Any) -> None:
    command = Write(text="once")
    first = lab.kernel.perform(lab.context(), "note:write", command, key="k")
    lab.clock.advance(timedelta(hours=1))
    again = lab.kernel.perform(lab.context(), "note:write", command, key="k")
    assert (again.data, again.status, again.replayed) == (first.data, 201, True)
    assert not first.replayed
    assert len(notes()) == 1
    assert AuditEntry.select().where(AuditEntry.action == "note:write").count() == 1


def test_a_replayed_number_is_the_number_that_was_given(lab: Any) -> None:
    command = Write()
    first = lab.kernel.perform(lab.context("cashier"), "note:number", command)
    again = lab.kernel.perform(lab.context("cashier"), "note:number", command)
    assert (first.data["number"], again.data["number"], again.replayed) == (1, 1, True)


def test_the_same_key_with_another_body_is_refused(lab: Any) -> None:
    perform(lab, text="one", key="k")
    with pytest.raises(PosError) as caught:
        perform(lab, text="two", key="k")
    assert (caught.value.code.code, caught.value.code.kind) == ("idempotency_key_reused", Kind.INVALID)
    assert len(notes()) == 1


def test_an_id_that_was_used_with_another_key_is_the_same_request(lab: Any) -> None:
    command = Write()
    lab.kernel.perform(lab.context("cashier"), "note:number", command, key="k1")
    assert lab.kernel.perform(lab.context("cashier"), "note:number", command, key="k2").replayed
    with pytest.raises(PosError, match="idempotency_key_reused"):
        lab.kernel.perform(lab.context("cashier"), "note:number", Write(text="new"), key="k1")


def test_a_key_belongs_to_an_action_a_store_and_a_device(lab: Any) -> None:
    one = lab.kernel.perform(lab.context("cashier", 1), "note:number", Write(text="1"), key="k")
    two = lab.kernel.perform(lab.context("cashier", 2), "note:number", Write(text="2"), key="k")
    assert not two.replayed
    assert perform(lab, text="3", key="k").replayed is False
    scopes = {row.scope for row in Idempotency.select().where(Idempotency.key == "k")}
    assert scopes == {
        f"note:number|{lab.store_id}|{lab.ids['device1']}", f"note:number|{lab.store_id}|{lab.ids['device2']}",
        f"note:write||{lab.ids['admin']}",
    }  # fmt: skip
    assert one.data["id"] != two.data["id"]


def test_keys_are_kept_for_thirty_days_and_ids_of_audited_answers_for_ever(lab: Any) -> None:
    command = Write()
    lab.kernel.perform(lab.context("cashier"), "note:number", command, key="k")
    kept = {row.key: row.expires_at for row in Idempotency.select().where(Idempotency.key.in_(["k", command.id]))}
    assert kept == {"k": lab.clock.now() + timedelta(days=30), command.id: None}


def test_a_refused_request_does_not_use_its_key_up(lab: Any, make_lab: Any, module_of: Any) -> None:
    DO["no"] = lambda ctx, command: (_ for _ in ()).throw(PosError(pipeline.CONTENTION))
    with pytest.raises(PosError):
        perform(lab, "note:do", text="no", key="k")
    DO["yes"] = lambda ctx, command: None
    assert perform(lab, "note:do", text="yes", key="k").replayed is False


@pytest.mark.req("RUL-06")
def test_the_same_request_sixteen_times_at_once_has_one_effect(lab: Any) -> None:
    command = Write(text="at once")
    answers = in_threads(lab, 16, lambda _: lab.kernel.perform(lab.context(), "note:write", command, key="k"))
    assert [type(a).__name__ for a in answers] == ["Outcome"] * 16
    assert {json.dumps(dict(a.data)) for a in answers} == {json.dumps(answers[0].data)}
    assert sum(not a.replayed for a in answers) == 1
    assert len(notes()) == 1
    assert AuditEntry.select().where(AuditEntry.action == "note:write").count() == 1


def test_rules_are_not_asked_again_at_a_replay(make_lab: Any, module_of: Any) -> None:
    asked: list[int] = []

    @before("note:write")
    def count(ctx: Any) -> None:
        asked.append(1)

    business = make_lab(module_of("x.one", count))
    command = Write()
    for _ in range(3):
        business.kernel.perform(business.context(), "note:write", command, key="k")
    assert asked == [1]


def test_fingerprints_tell_requests_apart() -> None:
    command = Write(text="a")
    assert fingerprint(command) == fingerprint(Write(**command.model_dump()))
    assert fingerprint(command) != fingerprint(command.model_copy(update={"text": "b"}))
    assert fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    assert len(fingerprint(command)) == 32


# -- other processes -----------------------------------------------------------------------------------------------


@pytest.mark.req("DBM-04")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_with_a_disposed_database_disturbs_nobody(lab: Any) -> None:
    db = lab.kernel.db
    perform(lab)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        answer = b"failed"
        try:
            db.dispose()
            with db.in_use():
                answer = str(perform(lab).status).encode()
        finally:
            os.write(write, answer)
            os._exit(0)
    for _ in range(5):
        perform(lab)
    os.close(write)
    assert os.read(read, 100) == b"201"
    os.close(read)
    os.waitpid(child, 0)
    assert len(notes()) == 7
    assert verify(lab.context()).ok


def test_connections_without_prepared_statements_work(lab: Any) -> None:
    """As behind PgBouncer in transaction mode, where the next message may reach another server process."""
    only_postgres(lab)
    db = lab.kernel.db
    db.keeps_prepared = False

    def many(ctx: Any, command: Any) -> dict[str, Any]:
        for number in range(12):
            key = {"key": f"k{number}", "total": number, "last": 'it\'s "100 %" $1 \\'}
            ctx.writing.increment(Tally, key, key=("key",), add=("total",), replace=("last",))
            ctx.writing.insert(Note, {"id": uuid7(), "text": "%s $1 \\ ' \"", "data": b"\x00\\'"})
        return row_of(ctx, command, number=ctx.writing.number("n"))

    DO["many"] = many
    perform(lab, "note:do", text="many", key="k")
    assert perform(lab, "note:do", text="many", key="k2").status == 200
    assert sorted(t.total for t in Tally.select()) == [2 * n for n in range(12)]
    assert {n.text for n in Note.select()} == {"%s $1 \\ ' \"", "many"}
    prepared = db.execute_sql("SELECT count(*) FROM pg_prepared_statements").fetchone()[0]
    fresh = connect_to(lab.kernel.config.database.url, prepared=False)
    with fresh.in_use():
        from pos_core.kernel import _REVISION

        assert fresh.fetch(_REVISION)[0][0] == lab.kernel.revision()
        assert fresh.execute_sql("SELECT count(*) FROM pg_prepared_statements").fetchone()[0] == 0
    fresh.close_all()
    assert prepared >= 0
