"""A drawer's day over HTTP and in process: float, takings, count, and what is final."""

from __future__ import annotations

from datetime import timedelta

import orjson
import peewee as pw
import pytest

from plugs.pos_ops.tests.registers import takings
from pos_core import PosError, uuid7
from pos_core.audit.models import AuditEntry, Chain
from pos_core.context import Context
from pos_core.errors import Kind, define
from pos_ops.registers.models import RegisterCount, RegisterSession

HELD = define(
    "test_sales_on_hold", Kind.RULE, en="Sales are on hold.", es="Hay ventas en espera.", cure="Finish them."
)


def opened(client, **body):
    answer = client.post("/register-sessions", {"float_minor": 10_000, **body})
    assert answer.status == 201, answer.text
    return answer.data


def close(client, session_id, *counts, **headers):
    body = {"counts": [{"tender": tender, "counted_minor": amount} for tender, amount in counts]}
    return client.request("POST", f"/register-sessions/{session_id}/close", body, headers)


def codes(error) -> set[str]:
    return {violation.code.code for violation in error.value.violations} or {error.value.code.code}


def at(business, cashier: int, register: int) -> Context:
    """The context of a cashier at a register that need not be theirs."""
    ctx = business.context("cashier", cashier)
    ctx.register_id = business.ids[f"register{register}"]
    ctx.device_id = business.ids[f"device{register}"]
    return ctx


@pytest.mark.req("REG-01")
@pytest.mark.req("V2X-26")
def test_a_till_opens_with_a_float_and_sees_its_session(client_as, business):
    till = client_as("cashier")
    before = till.get("/register-sessions/current").data
    assert before == {
        "register_id": business.ids["register1"],
        "register_code": "R1",
        "session": None,
        "elsewhere": None,
        "quick_floats_minor": [5_000, 10_000, 20_000],
    }
    session_id = uuid7()
    made = opened(till, id=session_id, float_minor=12_345)
    cash = business.query("tender:directory")["cash"]
    assert {k: made[k] for k in ("id", "number", "float_minor", "float_tender_id", "status", "business_date")} == {
        "id": session_id,
        "number": 1,
        "float_minor": 12_345,
        "float_tender_id": cash.id,
        "status": "open",
        "business_date": "2026-03-02",
    }
    assert till.get("/register-sessions/current").data["session"] == made
    assert till.get(f"/register-sessions/{session_id}").data == {**made, "counts": []}
    assert Chain.get_by_id(business.ids["register1"]).fence == session_id


@pytest.mark.req("OPX-03")
def test_a_session_says_who_where_when_and_by_what(client_as, business):
    made = opened(client_as("cashier"))
    assert made["store_id"] == business.store_id
    assert (made["register_id"], made["device_id"]) == (business.ids["register1"], business.ids["device1"])
    assert (made["cashier_id"], made["cashier_name"]) == (business.ids["cashier1"], "Cashier1")
    assert (made["channel"], made["version"]) == ("api", 1)
    assert made["opened_at"] == made["created_at"] == made["updated_at"] == "2026-03-02T10:00:00.000000Z"
    business.clock.advance(timedelta(hours=8))
    shut = business.perform(
        "register_session:close",
        {"id": made["id"], "counts": [{"tender": "cash", "counted_minor": 10_000}]},
        role="cashier",
    )
    assert (shut["closed_by"], shut["version"]) == (business.ids["cashier1"], 2)
    assert shut["closed_at"] == shut["updated_at"] == "2026-03-02T18:00:00.000000Z"


@pytest.mark.req("OPX-13")
def test_the_business_date_follows_the_stores_zone_and_day_start(business):
    store = business.query("store:get", id=business.store_id)
    business.perform(
        "store:edit",
        {"id": store["id"], "time_zone": "America/New_York", "day_start_minutes": 300, "version": store["version"]},
    )
    # 08:30 UTC is 03:30 in New York, before its day starts at 05:00: the night still belongs to the day before.
    business.clock.advance(timedelta(hours=-1, minutes=-30))
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    assert made["business_date"] == "2026-03-01"


@pytest.mark.req("V2X-26")
def test_opening_needs_the_permission_and_a_till(client_as, business):
    for role in ("manager", "admin"):
        answer = client_as(role).post("/register-sessions", {"float_minor": 0})
        assert answer.status in (403, 409, 422), answer.text
        assert answer.code in ("permission_denied", "till_required")
    with pytest.raises(PosError) as refused:
        business.perform("register_session:open", {"float_minor": 0})
    assert codes(refused) == {"till_required"}
    assert not RegisterSession.select().exists()


@pytest.mark.req("V2X-26")
def test_a_float_must_be_given_and_its_pieces_add_up(client_as):
    till = client_as("cashier")
    assert till.post("/register-sessions", {}).paths() == {"float_minor"}
    assert till.post("/register-sessions", {"float_minor": -1}).paths() == {"float_minor"}
    wrong = till.post(
        "/register-sessions",
        {
            "float_minor": 5_000,
            "denominations": [
                {"value_minor": 2_000, "count": 2},
                {"value_minor": 500, "count": 1},
                {"value_minor": 500, "count": 0},
            ],
        },
    )
    assert {e["code"] for e in wrong.json["errors"]} == {"denominations_disagree", "denomination_twice"}
    pieces = [{"value_minor": 2_000, "count": 2}, {"value_minor": 500, "count": 2}]
    assert opened(till, float_minor=5_000, denominations=pieces)["float_denominations"] == pieces


@pytest.mark.req("V2X-26")
def test_a_float_needs_a_cash_tender_to_lie_in(business):
    cash = business.query("tender:directory")["cash"]
    business.perform("tender:edit", {"id": cash.id, "is_active": False, "version": 1})
    with pytest.raises(PosError) as refused:
        business.perform("register_session:open", {"float_minor": 1}, role="cashier")
    assert codes(refused) == {"float_without_cash_tender"}
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    shut = business.perform("register_session:close", {"id": made["id"]}, role="cashier")
    assert (shut["counts"], shut["expected_minor"], shut["counted_minor"]) == ([], 0, 0)


@pytest.mark.req("V2X-26")
def test_quick_floats_are_a_setting_that_takes_amounts_only(business):
    def change(value):
        return business.perform("setting:change", {"key": "registers.quick_floats", "store_id": None, "value": value})

    change("7500, 15000")
    assert business.query("register_session:current", role="cashier")["quick_floats_minor"] == [7_500, 15_000]
    with pytest.raises(PosError) as refused:
        change("75.00")
    assert codes(refused) == {"quick_floats_invalid"}
    change("")
    assert business.query("register_session:current", role="cashier")["quick_floats_minor"] == []


@pytest.mark.req("REG-01")
def test_one_open_session_per_register_and_per_cashier(business):
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    with pytest.raises(PosError) as refused:
        business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    assert codes(refused) == {"register_session_open"}
    with pytest.raises(PosError) as refused:
        business.kernel.perform(at(business, 2, 1), "register_session:open", {"float_minor": 0})
    assert codes(refused) == {"register_session_open"}
    with pytest.raises(PosError) as refused:
        business.kernel.perform(at(business, 1, 2), "register_session:open", {"float_minor": 0})
    assert codes(refused) == {"cashier_has_open_session"}
    assert refused.value.params == {"register": "R1", "session_id": made["id"]}
    current = business.kernel.query(at(business, 1, 2), "register_session:current", {})
    assert current["session"] is None
    assert current["elsewhere"] == {
        "session_id": made["id"],
        "register_id": business.ids["register1"],
        "register_code": "R1",
    }


@pytest.mark.req("REG-01")
def test_an_inactive_register_is_not_opened(business):
    register = business.query("register:get", id=business.ids["register1"])
    business.perform("register:edit", {"id": register["id"], "is_active": False, "version": register["version"]})
    with pytest.raises(PosError) as refused:
        business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    assert codes(refused) == {"register_inactive"}


@pytest.mark.req("REG-01")
@pytest.mark.req("V2X-29")
def test_the_close_computes_what_should_be_there_and_the_difference(client_as, business):
    till = client_as("cashier")
    made = opened(till)
    for tender, amount in (("cash", 2_550), ("card", 900), ("cash", -300), ("other", 400)):
        business.perform("taking:add", {"tender": tender, "amount_minor": amount}, role="cashier")
    answer = close(till, made["id"], ("cash", 12_000), ("other", 400))
    assert answer.status == 200, answer.text
    shut = answer.data
    assert {
        k: shut[k]
        for k in ("status", "sales_count", "expected_minor", "counted_minor", "over_short_minor", "is_marked")
    } == {
        "status": "closed",
        "sales_count": 4,
        "expected_minor": 13_550,
        "counted_minor": 13_300,
        "over_short_minor": -250,
        "is_marked": False,
    }
    assert [
        (c["tender"], c["expected_minor"], c["counted_minor"], c["over_short_minor"], c["is_declared"])
        for c in shut["counts"]
    ] == [
        ("cash", 12_250, 12_000, -250, True),
        ("card", 900, 900, 0, False),
        ("other", 400, 400, 0, True),
    ]
    assert till.get(f"/register-sessions/{made['id']}").data == shut
    assert till.get("/register-sessions/current").data["session"] is None
    assert Chain.get_by_id(business.ids["register1"]).fence is None


@pytest.mark.req("V2X-29")
def test_large_differences_are_marked_by_the_setting_even_where_they_cancel_out(business):
    business.perform("setting:change", {"key": "registers.over_short_alert_minor", "store_id": None, "value": 1_000})
    made = business.perform("register_session:open", {"float_minor": 10_000}, role="cashier")
    business.perform("taking:add", {"tender": "card", "amount_minor": 5_000}, role="cashier")
    counts = [{"tender": "cash", "counted_minor": 11_001}, {"tender": "card", "counted_minor": 3_999}]
    shut = business.perform("register_session:close", {"id": made["id"], "counts": counts}, role="cashier")
    assert (shut["over_short_minor"], shut["is_marked"]) == (0, True)
    assert [count["is_marked"] for count in shut["counts"]] == [True, True]
    assert [s["id"] for s in business.query("register_session:list", role="manager", is_marked=True)[0]] == [
        made["id"]
    ]
    assert business.query("register_session:list", role="manager", is_marked=False)[0] == []


@pytest.mark.req("V2X-29")
def test_denominations_are_optional_and_must_add_up(business):
    made = business.perform("register_session:open", {"float_minor": 10_000}, role="cashier")
    pieces = [
        {"value_minor": 5_000, "count": 1},
        {"value_minor": 2_000, "count": 2},
        {"value_minor": 200, "count": 6},
    ]

    def counted(amount):
        count = {"tender": "cash", "counted_minor": amount, "denominations": pieces}
        return business.perform("register_session:close", {"id": made["id"], "counts": [count]}, role="cashier")

    with pytest.raises(PosError) as refused:
        counted(10_000)
    assert codes(refused) == {"denominations_disagree"}
    assert refused.value.violations[0].path == "counts.0.denominations"
    shut = counted(10_200)
    assert (shut["over_short_minor"], shut["counts"][0]["denominations"]) == (200, pieces)


@pytest.mark.req("V2X-29")
def test_cash_is_counted_by_somebody_and_everything_wrong_is_said_at_once(business):
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    counts = [
        {"tender": "card", "counted_minor": 1},
        {"tender": "card", "counted_minor": 2},
        {"tender": "gold", "counted_minor": 1},
    ]
    with pytest.raises(PosError) as refused:
        business.perform("register_session:close", {"id": made["id"], "counts": counts}, role="cashier")
    assert {(v.code.code, v.path) for v in refused.value.violations} == {
        ("cash_not_counted", "counts"),
        ("tender_counted_twice", "counts.1.tender"),
        ("counted_tender_unknown", "counts.2.tender"),
    }
    empty = business.perform(
        "register_session:close",
        {"id": made["id"], "counts": [{"tender": "cash", "counted_minor": 0}]},
        role="cashier",
    )
    assert (empty["over_short_minor"], empty["is_marked"]) == (0, False)


@pytest.mark.req("V2X-29")
def test_a_tender_that_went_out_of_use_meanwhile_is_still_reckoned(business):
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    business.perform("taking:add", {"tender": "other", "amount_minor": 700}, role="cashier")
    for code in ("other", "cash"):
        entry = business.query("tender:directory")[code]
        business.perform("tender:edit", {"id": entry.id, "is_active": False, "version": 1})
    counts = [{"tender": "cash", "counted_minor": 0}, {"tender": "other", "counted_minor": 600}]
    shut = business.perform("register_session:close", {"id": made["id"], "counts": counts}, role="cashier")
    assert [(c["tender"], c["over_short_minor"]) for c in shut["counts"]] == [("cash", 0), ("other", -100)]


@pytest.mark.req("REG-01")
def test_what_was_declared_is_final(client_as, business):
    till = client_as("cashier")
    made = opened(till)
    first = close(till, made["id"], ("cash", 9_000), **{"Idempotency-Key": "close-1"})
    assert first.status == 200
    again = close(till, made["id"], ("cash", 9_000), **{"Idempotency-Key": "close-1"})
    assert (again.status, again.data) == (200, first.data)
    other = close(till, made["id"], ("cash", 10_000))
    assert (other.status, other.code) == (409, "register_session_closed")
    assert till.get(f"/register-sessions/{made['id']}").data == first.data
    with business.kernel.db.schema_access():
        for change in (RegisterCount.update(counted_minor=10_000, over_short_minor=0), RegisterCount.delete()):
            with pytest.raises(pw.DatabaseError, match="append-only"):
                change.execute()


@pytest.mark.req("REG-01")
def test_the_database_itself_holds_sums_and_states_together(business):
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    this = RegisterSession.id == made["id"]
    with business.kernel.db.schema_access():
        for wrong in ({"status": "ajar"}, {"status": "closed"}, {"counted_minor": 5}, {"float_minor": -1}):
            with pytest.raises(pw.IntegrityError):
                RegisterSession.update(wrong).where(this).execute()


@pytest.mark.req("REG-01")
def test_another_modules_rule_can_keep_a_drawer_open(business):
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    command = {"id": made["id"], "counts": [{"tender": "cash", "counted_minor": 0}]}
    takings.VETOES.append(HELD.at("id"))
    with pytest.raises(PosError) as refused:
        business.perform("register_session:close", command, role="cashier")
    assert codes(refused) == {"test_sales_on_hold"}
    takings.VETOES.clear()
    assert business.perform("register_session:close", command, role="cashier")["status"] == "closed"


@pytest.mark.req("REG-01")
def test_only_its_cashier_closes_a_drawer_unless_somebody_may(business):
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    command = {"id": made["id"], "counts": [{"tender": "cash", "counted_minor": 0}]}
    stranger = at(business, 2, 1)
    with pytest.raises(PosError) as refused:
        business.kernel.perform(stranger, "register_session:close", command)
    assert codes(refused) == {"register_session_of_another"}
    supervisor = at(business, 2, 1)
    held = supervisor.actor.permissions | {"pos:register.force_close"}
    supervisor.actor = type(supervisor.actor)(supervisor.actor.id, "supervisor", ("shift_supervisor",), held)
    with pytest.raises(PosError) as refused:
        business.kernel.perform(supervisor, "register_session:close", command)
    assert codes(refused) == {"reason_required"}
    forced = {**command, "reason": "shift_end"}
    shut = business.kernel.perform(supervisor, "register_session:close", forced).data
    assert (shut["cashier_id"], shut["closed_by"]) == (business.ids["cashier1"], business.ids["cashier2"])


@pytest.mark.req("REG-01")
def test_a_till_reaches_its_own_registers_sessions_only(business, client_as):
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    other = client_as("cashier", till=2)
    assert other.get("/register-sessions").data == []
    assert other.get(f"/register-sessions/{made['id']}").status == 404
    assert close(other, made["id"], ("cash", 0)).status == 404
    for role in ("manager", "admin"):
        assert [s["id"] for s in client_as(role).get("/register-sessions").data] == [made["id"]]


@pytest.mark.req("REG-01")
def test_lists_filter_and_page_from_the_latest_on(business, client_as):
    ids = []
    for _ in range(5):
        made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
        ids.insert(0, made["id"])
        business.perform(
            "register_session:close",
            {"id": made["id"], "counts": [{"tender": "cash", "counted_minor": 0}]},
            role="cashier",
        )
        business.clock.advance(timedelta(days=1))
    second = business.perform("register_session:open", {"float_minor": 0}, role="cashier", till=2)
    manager = client_as("manager")
    seen, path = [], "/register-sessions?limit=2&status=closed"
    while path:
        page = manager.get(path)
        seen += page.data
        cursor = page.json["meta"]["next_cursor"]
        path = cursor and f"/register-sessions?limit=2&status=closed&cursor={cursor}"
    assert [s["id"] for s in seen] == ids
    assert [s["number"] for s in seen] == [5, 4, 3, 2, 1]

    def listed(filters):
        return [s["id"] for s in manager.get(f"/register-sessions?{filters}").data]

    assert listed("first=2026-03-03&last=2026-03-04") == ids[2:4]
    assert listed(f"register_id={business.ids['register2']}") == listed("status=open") == [second["id"]]
    assert listed(f"cashier_id={business.ids['cashier1']}") == ids
    for unknown in ("store_id", "register_id", "cashier_id"):
        answer = manager.get(f"/register-sessions?{unknown}={uuid7()}")
        assert (answer.status, answer.paths()) == (404, {unknown})


@pytest.mark.req("REG-01")
def test_opening_and_closing_stand_in_the_registers_chain_and_as_events(business):
    made = business.perform("register_session:open", {"float_minor": 10_000}, role="cashier")
    business.perform(
        "register_session:close",
        {"id": made["id"], "counts": [{"tender": "cash", "counted_minor": 9_000}]},
        role="cashier",
    )
    entries = AuditEntry.select().where(AuditEntry.entity_id == made["id"]).order_by(AuditEntry.seq)
    facts = [orjson.loads(entry.payload) for entry in entries]
    assert [(f["action"], f["chain"], f["actor"]) for f in facts] == [
        ("register_session:open", business.ids["register1"], business.ids["cashier1"]),
        ("register_session:close", business.ids["register1"], business.ids["cashier1"]),
    ]
    assert facts[0]["after"]["number"] == 1
    assert (facts[1]["before"]["status"], facts[1]["after"]["status"]) == ("open", "closed")
    assert facts[1]["after"]["counts"][0]["over_short_minor"] == -1_000
    from pos_core.outbox import Outbox

    events = {row.event: row.data for row in Outbox.select().where(Outbox.entity_id == made["id"])}
    assert set(events) == {"register_session:opened", "register_session:closed"}
    assert (
        events["register_session:closed"]["over_short_minor"],
        events["register_session:closed"]["is_marked"],
    ) == (-1_000, True)
