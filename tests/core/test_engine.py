"""The engine: what happens between `perform` and the commit, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import peewee as pw
import pytest

from pos_core import Kind, PosError, after, before, hookimpl
from pos_core.audit.models import AuditEntry, Chain
from pos_core.audit.verify import verify
from pos_core.db.database import SqliteDatabase
from pos_core.errors import NOT_FOUND
from pos_core.http.problems import STATUS
from pos_core.outbox import Outbox
from pos_core.rules import Rule, violations_in
from tests.core import lab as laboratory
from tests.core.lab import DO, SHORT, SPOILED, Note, Write, row_of


def write(business: Any, text: str = "hello", **more: Any) -> Any:
    return business.kernel.perform(business.context(), "note:write", Write(text=text, **more))


def do(business: Any, function: Callable[..., Any], **more: Any) -> Any:
    DO["do"] = function
    return business.kernel.perform(business.context(), "note:do", Write(text="do", **more))


def entries(business: Any, action: str | None = None) -> list[AuditEntry]:
    rows = AuditEntry.select().where(AuditEntry.chain_id == business.kernel.instance_id).order_by(AuditEntry.seq)
    return [row for row in rows if action is None or row.action == action]


def fact(entry: AuditEntry) -> dict[str, Any]:
    return json.loads(entry.payload)


def notes() -> int:
    return int(Note.select().count())


def named(log: list[str], name: str, stage: Any, **options: Any) -> Any:
    def rule(ctx: Any) -> None:
        log.append(name)

    rule.__name__ = name
    return stage("note:write", **options)(rule)


# -- order ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("RUL-01", "RUL-03", "RUL-16")
def test_rules_run_by_priority_then_depth_then_module_then_name(make_lab: Any, module_of: Any) -> None:
    log: list[str] = []
    business = make_lab(
        module_of(
            "x.beta", named(log, "b2", before), named(log, "b1", before), named(log, "late", before, priority=500)
        ),
        module_of("x.alpha", named(log, "a1", before)),
        module_of("x.deep", named(log, "d1", before), manifest={"depends": ("x.alpha",)}),
        module_of("x.zulu", named(log, "first", before, priority=1)),
    )
    write(business)
    assert log == ["first", "a1", "b1", "b2", "d1", "late"]


@pytest.mark.req("RUL-01", "RUL-03")
def test_after_rules_have_the_same_order_and_run_after_the_service(make_lab: Any, module_of: Any) -> None:
    log: list[str] = []

    @after("note:write", priority=1)
    def sees_result(ctx: Any, command: Any, result: Any) -> None:
        log.append(f"result {result['text']}")

    business = make_lab(
        module_of("x.one", sees_result, named(log, "second", after), named(log, "before", before)),
        module_of("x.two", named(log, "third", after)),
    )
    write(business, "seen")
    assert log == ["before", "result seen", "second", "third"]


@pytest.mark.req("RUL-04")
def test_rules_belong_to_one_action_and_a_star_to_all(make_lab: Any, module_of: Any) -> None:
    seen: list[str] = []

    @before("note:number")
    def only_number(ctx: Any) -> None:
        seen.append("number")

    @before("*")
    def any_action(ctx: Any, action: Any) -> None:
        seen.append(f"* {action.name}")

    business = make_lab(module_of("x.one", only_number, any_action))
    write(business)
    assert seen == ["* note:write"]


@pytest.mark.req("RUL-05", "MOD-11")
def test_hooks_are_rules_without_an_action(make_lab: Any, module_of: Any) -> None:
    seen: list[str] = []

    @hookimpl
    def before_action(ctx: Any, action: Any) -> Any:
        seen.append(f"before {action.name}")
        return None

    @hookimpl
    def after_action(action: Any, result: Any) -> None:
        seen.append(f"after {action.name} {result['text']}")

    @hookimpl
    def audit_event(entry: Any) -> None:
        seen.append(f"audit {entry['action']} {entry['outcome']}")

    business = make_lab(module_of("x.one", before_action, after_action, audit_event))
    write(business, "t")
    assert seen == ["before note:write", "after note:write t", "audit note:write done"]


# -- before rules --------------------------------------------------------------------------------------------------


@pytest.mark.req("RUL-02", "VAL-02")
def test_all_violations_are_gathered_with_their_rules(make_lab: Any, module_of: Any) -> None:
    @before("note:write")
    def check_text(command: Any) -> Any:
        return SPOILED.at("text", text=command.text)

    @before("note:write")
    def check_more(command: Any) -> Any:
        yield SHORT.at("text")
        yield SHORT.at("phone")

    @before("note:write")
    def fine() -> None:
        return None

    business = make_lab(module_of("x.one", check_text), module_of("x.two", check_more, fine))
    with pytest.raises(PosError) as caught:
        write(business, "abc")
    assert caught.value.code.code == "rules_refused"
    assert [(v.code.code, v.path, v.rule) for v in caught.value.violations] == [
        ("lab_spoiled", "text", "x.one:check_text"), ("lab_short", "text", "x.two:check_more"),
        ("lab_short", "phone", "x.two:check_more"),
    ]  # fmt: skip
    assert notes() == 0


@pytest.mark.req("RUL-02", "RUL-03")
def test_a_single_violation_speaks_for_itself(make_lab: Any, module_of: Any) -> None:
    @before("note:write")
    def check_text(command: Any) -> Any:
        return [SPOILED.at("text", text=command.text)]

    business = make_lab(module_of("x.one", check_text))
    with pytest.raises(PosError) as caught:
        write(business, "abc")
    assert (caught.value.code, caught.value.path) == (SPOILED, "text")
    assert caught.value.message() == "The note abc is spoiled."
    assert caught.value.message("es") == "La nota abc está estropeada."


def test_a_rule_that_returns_anything_else_is_a_bug(make_lab: Any, module_of: Any) -> None:
    @before("note:write")
    def wrong() -> Any:
        return ["no"]

    business = make_lab(module_of("x.one", wrong))
    with pytest.raises(TypeError, match=r"x\.one:wrong returned 'no'"):
        write(business)
    assert (notes(), entries(business)[-1].outcome) == (0, "failed")


def by_unit_of_work(ctx: Any, command: Any) -> None:
    ctx.uow.insert(Note, {"id": command.id, "text": "sneaked"})


def by_increment(ctx: Any, command: Any) -> None:
    ctx.uow.increment(laboratory.Tally, {"key": "k", "total": 1}, key=("key",), add=("total",))


def by_event(ctx: Any, command: Any) -> None:
    ctx.emit("note:sneaked", "note", command.id)


def by_model(ctx: Any, command: Any) -> None:
    Note.insert(id=command.id, text="sneaked").execute()


def by_update(ctx: Any, command: Any) -> None:
    Chain.update(seq=0).execute()


def by_sql(ctx: Any, command: Any) -> None:
    ctx.kernel.db.execute_sql(f"/* quietly */ INSERT INTO lab_note (id, text) VALUES ('{command.id}', 'sneaked')")


def by_expression(ctx: Any, command: Any) -> None:
    ctx.kernel.db.execute_sql(
        f"WITH t AS (SELECT 1) INSERT INTO lab_note (id, text) SELECT '{command.id}', 'sneaked' FROM t"
    )


@pytest.mark.req("PLT-07", "RUL-02")
@pytest.mark.parametrize(
    "sneak",
    [by_unit_of_work, by_increment, by_event, by_model, by_update, by_sql, by_expression],
    ids=lambda f: f.__name__,
)
def test_a_before_rule_writes_nothing(make_lab: Any, module_of: Any, sneak: Any) -> None:
    @before("note:write")
    def sneaky(ctx: Any, command: Any) -> None:
        sneak(ctx, command)

    business = make_lab(module_of("x.one", sneaky))
    with pytest.raises((RuntimeError, PosError)) as caught:
        write(business)
    if isinstance(caught.value, PosError):
        assert caught.value.code.code == "write_outside_action"
    assert notes() == 0
    assert entries(business)[-1].outcome == "failed"
    assert verify(business.context()).ok


def test_the_seal_is_lifted_again_for_the_service(make_lab: Any, module_of: Any) -> None:
    @before("note:write")
    def reads(ctx: Any) -> None:
        ctx.query("note:count")

    business = make_lab(module_of("x.one", reads))
    write(business)
    assert notes() == 1


def test_a_before_rule_sees_rows_that_an_outer_action_handed_over(make_lab: Any, module_of: Any) -> None:
    counts: list[int] = []

    @before("note:write")
    def counting(ctx: Any) -> None:
        counts.append(ctx.query("note:count"))

    business = make_lab(module_of("x.one", counting))

    def outer(ctx: Any, command: Any) -> None:
        row_of(ctx, command)
        ctx.perform("note:write", Write())

    do(business, outer)
    assert counts == [1]


# -- after rules, nesting ------------------------------------------------------------------------------------------


@pytest.mark.req("RUL-02", "RUL-09")
def test_an_exception_in_an_after_rule_undoes_everything(make_lab: Any, module_of: Any) -> None:
    @after("note:write")
    def fails(ctx: Any) -> None:
        ctx.emit("note:written", "note", ctx.uow.rows[Note][0]["id"])
        raise ZeroDivisionError

    business = make_lab(module_of("x.one", fails))
    events = Outbox.select().count()
    with pytest.raises(ZeroDivisionError):
        write(business)
    assert (notes(), Outbox.select().count()) == (0, events)
    assert fact(entries(business)[-1])["error"] == {"code": "internal_error", "type": "ZeroDivisionError"}


@pytest.mark.req("RUL-09", "AUD-02")
def test_nested_actions_share_the_transaction_and_keep_their_parent(make_lab: Any, module_of: Any) -> None:
    @after("note:write")
    def follows(ctx: Any, command: Any) -> None:
        if command.text != "child":
            ctx.perform("note:write", Write(text="child"))

    business = make_lab(module_of("x.one", follows))
    before_all = business.kernel.db.pos.round_trips
    write(business, "parent")
    assert business.kernel.db.pos.round_trips > before_all
    parent, child = entries(business)[-2:]
    assert (fact(parent)["after"]["text"], fact(child)["after"]["text"]) == ("parent", "child")
    assert (fact(parent)["parent"], fact(child)["parent"]) == (None, parent.seq)
    assert fact(child)["request"] == fact(parent)["request"]
    assert notes() == 2


def test_a_nested_failure_undoes_the_outer_action(make_lab: Any, module_of: Any) -> None:
    @before("note:write")
    def refuses(command: Any) -> Any:
        return SHORT.at("text") if command.text == "no" else None

    business = make_lab(module_of("x.one", refuses))

    def outer(ctx: Any, command: Any) -> None:
        row_of(ctx, command)
        ctx.perform("note:write", Write(text="no"))

    with pytest.raises(PosError) as caught:
        do(business, outer)
    assert caught.value.code is SHORT
    assert notes() == 0


def test_a_nested_failure_cannot_be_swallowed(make_lab: Any, module_of: Any) -> None:
    @before("note:write")
    def refuses(command: Any) -> Any:
        return SHORT.at("text") if command.text == "no" else None

    business = make_lab(module_of("x.one", refuses))

    def outer(ctx: Any, command: Any) -> None:
        row_of(ctx, command)
        with pytest.raises(PosError):
            ctx.perform("note:write", Write(text="no"))

    with pytest.raises(PosError) as caught:
        do(business, outer)
    assert caught.value.code is SHORT
    assert notes() == 0
    assert [e.outcome for e in entries(business, "note:do")] == ["refused"]


# -- off means off, and what is refused at the start ---------------------------------------------------------------


@pytest.mark.req("MOD-02", "MOD-11")
def test_everything_of_a_disabled_module_is_silent(make_lab: Any, module_of: Any) -> None:
    log: list[str] = []

    @hookimpl
    def after_action(ctx: Any) -> None:
        log.append("hook")

    @hookimpl
    def on_event(event: Any) -> None:
        log.append("event")

    off = module_of("x.off", named(log, "rule", before), named(log, "rule2", after), after_action, on_event)
    dependant = module_of("x.needs", named(log, "dependant", before), manifest={"depends": ("x.off",)})
    business = make_lab(off, dependant, modules={"disabled": ["x.off"]})
    do(business, lambda ctx, command: ctx.emit("note:done", "note", command.id))
    write(business)
    assert log == []
    assert not business.kernel.registry.enabled("x.needs", None)


@pytest.mark.req("MOD-02")
def test_actions_and_queries_of_a_disabled_module_are_refused_by_name(make_business: Any) -> None:
    business = make_business(extra=[laboratory.lab_module()], modules={"disabled": ["lab.notes"]})
    with pytest.raises(PosError, match="module_disabled"):
        write(business)
    assert entries(business)[-1].outcome == "denied"
    with pytest.raises(PosError, match="module_disabled"):
        business.query("note:count")
    assert not business.context().has("note:write")


def test_unknown_names_are_refused(lab: Any) -> None:
    with pytest.raises(PosError, match="unknown_operation"):
        lab.kernel.perform(lab.context(), "note:nothing", Write())
    with pytest.raises(PosError, match="unknown_operation"):
        lab.query("note:nothing")


def test_a_rule_may_ask_only_for_what_is_offered() -> None:
    with pytest.raises(TypeError, match="asks for result; offered are ctx, action, command, draft"):
        before("note:write")(lambda ctx, result: None)
    with pytest.raises(TypeError, match="asks for request"):
        after("note:write")(lambda request: None)
    with pytest.raises(ValueError, match="no action name"):
        before("note")


def test_rules_whose_body_would_never_run_are_refused() -> None:
    def generator(ctx: Any) -> Any:
        yield 1

    async def coroutine(ctx: Any) -> None:
        return None

    for stage, function in ((after, generator), (after, coroutine), (before, coroutine)):
        with pytest.raises(TypeError, match="must be a plain function"):
            stage("note:write")(function)
    assert before("note:write")(generator) is generator


def test_violations_carry_the_first_rule_that_found_them() -> None:
    rule = Rule("before", "a:b", lambda: None, 100, (), "x.one")
    (found,) = violations_in(rule, SPOILED.at("text"))
    assert found.rule == "x.one:<lambda>"
    assert violations_in(Rule("before", "a:b", lambda: None, 1, (), "x.two"), [found])[0].rule == "x.one:<lambda>"
    assert violations_in(rule, None) == ()


# -- events and what follows a commit ------------------------------------------------------------------------------


@pytest.mark.req("RUL-07", "MOD-10")
def test_events_go_out_after_the_commit_with_an_outbox_row(make_lab: Any, module_of: Any) -> None:
    seen: list[Any] = []

    @hookimpl
    def on_event(ctx: Any, event: Any) -> None:
        seen.append((event.name, event.entity_id, dict(event.data), ctx.uow is None, ctx.query("note:count")))

    business = make_lab(module_of("x.one", on_event))

    def emits(ctx: Any, command: Any) -> None:
        row_of(ctx, command)
        ctx.emit("note:written", "note", command.id, words=1)
        assert not seen

    done = do(business, emits)
    assert seen == [("note:written", done.data["id"], {"words": 1}, True, 1)]
    row = Outbox.get(Outbox.event == "note:written")
    assert (row.status, row.entity_id, row.data) == ("pending", done.data["id"], {"words": 1})
    assert fact(entries(business)[row.chain_seq - 1])["id"] == done.data["id"]


def test_a_failure_after_the_commit_is_logged_and_changes_nothing(
    make_lab: Any, module_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    @hookimpl
    def on_event(event: Any) -> None:
        raise ZeroDivisionError("in a subscriber")

    @hookimpl(specname="on_event")
    def second(event: Any) -> None:
        told.append(event.name)

    def fails() -> None:
        raise ZeroDivisionError("after the commit")

    def emits(ctx: Any, command: Any) -> None:
        row_of(ctx, command)
        ctx.emit("note:written", "note", command.id)
        ctx.writing.on_commit(fails)
        ctx.writing.on_commit(lambda: told.append("on_commit"))

    business = make_lab(module_of("x.one", on_event), module_of("x.two", second))
    assert do(business, emits).data
    assert told == ["note:written", "on_commit"]
    assert notes() == 1
    assert {"in a subscriber", "after the commit"} <= {str(r.exc_info[1]) for r in caplog.records if r.exc_info}


def test_nothing_follows_an_action_that_was_undone(lab: Any) -> None:
    told: list[str] = []

    def fails(ctx: Any, command: Any) -> None:
        ctx.emit("note:written", "note", command.id)
        ctx.writing.on_commit(lambda: told.append("x"))
        raise NOT_FOUND("id", entity="note", id=command.id)

    with pytest.raises(PosError):
        do(lab, fails)
    assert told == []
    assert not Outbox.select().where(Outbox.event == "note:written").exists()


# -- the audit -----------------------------------------------------------------------------------------------------


@pytest.mark.req("AUD-02", "AUD-03", "AUD-04", "AUD-05")
def test_an_entry_says_who_where_when_and_what(lab: Any) -> None:
    done = lab.perform("note:number", {"text": "x"}, role="cashier")
    row = AuditEntry.get(AuditEntry.chain_id == lab.ids["register1"])
    said = fact(row)
    assert said["after"] == {"id": done["id"], "text": "x", "number": 1}
    assert said["actor"] == lab.ids["cashier1"]
    assert said["roles"] == ["cashier"]
    assert (said["store"], said["register"], said["device"]) == (
        lab.store_id, lab.ids["register1"], lab.ids["device1"])  # fmt: skip
    assert (said["module"], said["action"], said["context"], said["outcome"]) == (
        "lab.notes",
        "note:number",
        "pos",
        "done",
    )
    assert said["at"] == "2026-03-02T10:00:00.000000Z"


@pytest.mark.req("AUD-05", "AUD-13", "PLT-07", "SEC-02")
def test_denied_refused_and_failed_attempts_are_recorded(lab: Any) -> None:
    with pytest.raises(PosError) as denied:
        lab.kernel.perform(lab.context("cashier"), "note:write", Write(text="mine"))
    assert denied.value.code.kind == Kind.DENIED
    row = AuditEntry.select().where(AuditEntry.chain_id == lab.ids["register1"]).order_by(AuditEntry.seq.desc()).first()
    assert (row.outcome, row.action, row.actor_id) == ("denied", "note:write", lab.ids["cashier1"])
    assert fact(row)["error"]["code"] == "permission_denied"
    assert fact(row)["command"]["text"] == "mine"

    def refuse(ctx: Any, command: Any) -> None:
        raise SPOILED("text", text="x")

    def fail(ctx: Any, command: Any) -> None:
        raise KeyError("a bug")

    with pytest.raises(PosError):
        do(lab, refuse)
    with pytest.raises(KeyError):
        do(lab, fail)
    refused, failed = entries(lab, "note:do")
    assert (refused.outcome, failed.outcome) == ("refused", "failed")
    assert fact(refused)["error"] == {
        "code": "lab_spoiled", "errors": [{"code": "lab_spoiled", "path": "text", "rule": ""}]}  # fmt: skip
    assert "a bug" not in failed.payload
    assert verify(lab.context()).ok


@pytest.mark.req("CFG-04", "AUD-13")
def test_secrets_and_personal_data_stand_in_no_entry(lab: Any) -> None:
    command = Write(text="do", secret="hunter2-hunter2", phone="+34 600 123 456")

    def refuse(ctx: Any, command: Any) -> None:
        raise SPOILED("text", text="x")

    DO["do"] = refuse
    with pytest.raises(PosError):
        lab.kernel.perform(lab.context(), "note:do", command)
    assert fact(entries(lab)[-1])["command"]["secret"] == "**********"
    done = lab.kernel.perform(lab.context(), "note:secret", command, key="k-1")
    assert done.data["key"] == f"s3cret-{command.id}"
    with pytest.raises(PosError):
        lab.kernel.perform(lab.context("cashier"), "note:secret", command)
    for row in AuditEntry.select().where(AuditEntry.action == "note:secret"):
        for told in ("hunter2", "s3cret", "600 123"):
            assert told not in row.payload
    sealed = fact(entries(lab, "note:secret")[0])["after"]
    assert sealed["phone"].startswith("hmac-sha256:")
    again = lab.kernel.perform(lab.context(), "note:secret", command, key="k-1")
    assert again.replayed
    assert "key" not in again.data, "a secret is shown once"


@pytest.mark.req("AUD-02", "RGX-34")
def test_an_audit_write_that_fails_makes_the_action_fail(lab: Any) -> None:
    """The place in the chain is taken already, as after a restore that went wrong: nothing else may be written."""
    from tests.core.conftest import raw_writes
    from tests.core.test_audit_verify import insert_copy

    last = entries(lab)[-1]
    with raw_writes(lab.kernel.db) as execute:
        insert_copy(execute, last, seq=last.seq + 1)
    with pytest.raises(PosError) as caught:
        write(lab)
    assert STATUS[caught.value.code.kind] >= 400
    assert notes() == 0
    assert Chain.get_by_id(lab.kernel.instance_id).seq == last.seq


def test_an_observer_may_refuse_but_cannot_keep_an_attempt_out_of_the_record(make_lab: Any, module_of: Any) -> None:
    @hookimpl
    def audit_event(entry: Any) -> None:
        if entry["action"] == "note:write":
            raise SPOILED("", text="observed")

    business = make_lab(module_of("x.one", audit_event))
    with pytest.raises(PosError, match="observed"):
        write(business)
    assert notes() == 0
    assert entries(business)[-1].outcome == "refused"


def test_an_observer_sees_a_read_only_entry(make_lab: Any, module_of: Any) -> None:
    @hookimpl
    def audit_event(entry: Any) -> None:
        entry["outcome"] = "nothing"

    business = make_lab(module_of("x.one", audit_event))
    with pytest.raises(TypeError, match="does not support item assignment"):
        write(business)


# -- a write outside perform ---------------------------------------------------------------------------------------


@pytest.mark.req("PLT-07", "AUD-02")
def test_the_framework_refuses_a_write_outside_an_action(lab: Any) -> None:
    for attempt in (
        lambda: Note.insert(id=Write().id, text="x").execute(),
        lambda: Note.create(id=Write().id, text="x"),
        lambda: Chain.update(seq=0).execute(),
        lambda: Chain.delete().execute(),
        lambda: lab.kernel.db.execute_sql("DELETE FROM core_audit_entry"),
    ):
        with pytest.raises(PosError, match="write_outside_action"):
            attempt()
    with pytest.raises(RuntimeError, match="no unit of work"):
        lab.context().writing  # noqa: B018 - a property that raises
    assert notes() == 0


@pytest.mark.req("PLT-07", "AUD-02")
def test_the_database_itself_refuses_a_write_outside_an_action(lab: Any) -> None:
    db = lab.kernel.db
    for text in ("UPDATE core_chain SET seq = 0", "DELETE FROM core_store", "CREATE TABLE mine (a integer)"):
        if isinstance(db, SqliteDatabase):
            import apsw

            with pytest.raises(apsw.ReadOnlyError):
                db.connection().cursor().execute(text)
        else:
            import psycopg2.errors

            with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction), db.connection().cursor() as cursor:
                cursor.execute(text)
    write(lab)
    assert notes() == 1
    with pytest.raises(PosError, match="write_outside_action"):
        Note.update(text="x").execute()


def test_schema_access_ends_with_its_block(lab: Any) -> None:
    with lab.kernel.db.schema_access():
        Note.insert(id=Write().id, text="x").execute()
    with pytest.raises(PosError, match="write_outside_action"):
        Note.delete().execute()
    assert notes() == 1


def test_a_service_may_write_through_peewee(lab: Any) -> None:
    def direct(ctx: Any, command: Any) -> None:
        Note.insert(id=command.id, text="direct").execute()
        with ctx.kernel.db.atomic():
            Note.update(text="changed").where(Note.id == command.id).execute()
        with ctx.kernel.db.atomic() as inner:
            Note.delete().execute()
            inner.rollback()

    do(lab, direct)
    assert [n.text for n in Note.select()] == ["changed"]


def test_a_broken_constraint_is_a_refusal_with_words(lab: Any) -> None:
    command = Write()
    lab.kernel.perform(lab.context(), "note:write", command)
    with pytest.raises(PosError) as caught:
        lab.kernel.perform(lab.context(), "note:write", command)
    assert caught.value.code.kind == Kind.CONFLICT
    with pytest.raises(PosError) as caught:
        do(lab, lambda ctx, c: ctx.writing.insert(laboratory.Remark, {"id": c.id, "note_id": Write().id, "text": ""}))
    assert caught.value.code.code == "reference_broken"
    assert notes() == 1


def test_a_context_is_usable_again_after_anything(lab: Any) -> None:
    ctx = lab.context()

    def fail(ctx: Any, command: Any) -> None:
        lab.kernel.db.execute_sql("SELECT nonsense FROM nowhere")

    DO["do"] = fail
    with pytest.raises(pw.DatabaseError):
        lab.kernel.perform(ctx, "note:do", Write(text="do"))
    assert ctx.uow is None
    assert lab.kernel.perform(ctx, "note:write", Write()).status == 201
