"""Two at once at a drawer, and long sequences of openings, takings and closes."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugs.pos_ops.tests.registers import takings
from pos_core import PosError, uuid7
from pos_core.audit.models import Chain
from pos_core.context import Context
from pos_ops.registers.models import RegisterCount, RegisterSession

THREADS = 6


def at(business, cashier: int, register: int) -> Context:
    ctx = business.context("cashier", cashier)
    ctx.register_id = business.ids[f"register{register}"]
    ctx.device_id = business.ids[f"device{register}"]
    return ctx


def attempt(business, cashier, register, action, command):
    """(what it was refused with, the answer): codes are empty where it was done."""
    try:
        data = business.kernel.perform(at(business, cashier, register), action, command).data
    except PosError as error:
        return frozenset(v.code.code for v in error.violations) or frozenset({error.code.code}), None
    return frozenset(), data


def together(business, calls):
    """Run the calls at once, each on a connection of its own; returns what each came to."""
    start = threading.Barrier(len(calls))

    def run(call):
        with business.kernel.db.in_use():
            start.wait()
            return attempt(business, *call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.req("REG-01")
def test_of_many_openings_of_a_register_at_once_one_wins(business):
    outcomes = together(
        business, [(1 + n % 2, 1, "register_session:open", {"id": uuid7(), "float_minor": n}) for n in range(THREADS)]
    )
    assert Counter(codes for codes, _ in outcomes) == {
        frozenset(): 1,
        frozenset({"register_session_open"}): THREADS - 1,
    }
    row = RegisterSession.get()
    assert RegisterSession.select().count() == 1
    assert Chain.get_by_id(business.ids["register1"]).fence == row.id


@pytest.mark.req("REG-01")
def test_a_cashier_who_opens_two_registers_at_once_gets_one(business):
    for _ in range(3):
        outcomes = together(
            business,
            [(1, register, "register_session:open", {"id": uuid7(), "float_minor": 0}) for register in (1, 2)],
        )
        assert sorted(map(sorted, (codes for codes, _ in outcomes))) == [[], ["cashier_has_open_session"]]
        row = RegisterSession.get(RegisterSession.status == "open")
        register = 1 if row.register_id == business.ids["register1"] else 2
        close = {"id": row.id, "counts": [{"tender": "cash", "counted_minor": 0}]}
        assert attempt(business, 1, register, "register_session:close", close)[0] == frozenset()


@pytest.mark.req("REG-01")
def test_of_many_closes_at_once_one_declares(business):
    made = attempt(business, 1, 1, "register_session:open", {"float_minor": 5_000})[1]
    outcomes = together(
        business,
        [
            (1, 1, "register_session:close", {"id": made["id"], "counts": [{"tender": "cash", "counted_minor": n}]})
            for n in range(THREADS)
        ],
    )
    assert Counter(codes for codes, _ in outcomes) == {
        frozenset(): 1,
        frozenset({"register_session_closed"}): THREADS - 1,
    }
    winner = next(data for codes, data in outcomes if not codes)
    rows = list(RegisterCount.select())
    assert [row.counted_minor for row in rows] == [winner["counted_minor"]]
    assert RegisterSession.get_by_id(made["id"]).counted_minor == winner["counted_minor"]


@pytest.mark.req("REG-01")
def test_what_is_taken_while_a_close_is_reckoned_is_in_its_sums(business, dialect):
    if dialect == "sqlite":
        pytest.skip("SQLite lets one writer in at a time: nothing can be taken between reckoning and commit")
    made = attempt(business, 1, 1, "register_session:open", {"float_minor": 0})[1]

    def take():
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(
                lambda: together(business, [(1, 1, "taking:add", {"tender": "cash", "amount_minor": 777})])
            )
            assert done.result(timeout=20) == [(frozenset(), {"id": made["id"]})]

    takings.MEANWHILE.append(take)
    close = {"id": made["id"], "counts": [{"tender": "cash", "counted_minor": 777}]}
    codes, shut = attempt(business, 1, 1, "register_session:close", close)
    assert codes == frozenset()
    assert (shut["sales_count"], shut["expected_minor"], shut["over_short_minor"]) == (1, 777, 0)


PLACES = st.tuples(st.integers(1, 2), st.integers(1, 2))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), PLACES, st.integers(0, 50_000)),
        st.tuples(
            st.just("take"),
            PLACES,
            st.tuples(st.sampled_from(["cash", "card", "other"]), st.integers(-5_000, 20_000)),
        ),
        st.tuples(
            st.just("close"), PLACES, st.dictionaries(st.sampled_from(["cash", "card"]), st.integers(0, 90_000))
        ),
    ),
    max_size=25,
)


class Model:
    """What drawers do, said once more in the simplest way."""

    def __init__(self) -> None:
        self.open: dict[int, dict] = {}
        self.numbers = {1: 0, 2: 0}

    def refusals_to_open(self, cashier: int, register: int) -> set[str]:
        elsewhere = any(s["cashier"] == cashier for r, s in self.open.items() if r != register)
        return ({"register_session_open"} if register in self.open else set()) | (
            {"cashier_has_open_session"} if elsewhere else set()
        )


@pytest.fixture
def model():
    return Model()


@pytest.mark.req("REG-01")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_sequence_keeps_one_session_per_register_and_cashier_and_exact_sums(business, model, steps):
    for what, (cashier, register), given_ in steps:
        {"open": open_step, "take": take_step, "close": close_step}[what](business, model, cashier, register, given_)
        rows = RegisterSession.select().where(RegisterSession.status == "open")
        assert {row.id for row in rows} == {session["id"] for session in model.open.values()}
    for register in list(model.open):
        close_step(business, model, model.open[register]["cashier"], register, {"cash": 0})
    assert model.open == {}


def open_step(business, model, cashier, register, float_minor):
    expected = model.refusals_to_open(cashier, register)
    codes, made = attempt(business, cashier, register, "register_session:open", {"float_minor": float_minor})
    assert codes == expected
    if not codes:
        model.numbers[register] += 1
        row = RegisterSession.get_by_id(made["id"])
        assert row.number == model.numbers[register]
        model.open[register] = {"id": row.id, "cashier": cashier, "sums": Counter(cash=float_minor), "sales": 0}


def take_step(business, model, cashier, register, taken):
    if register not in model.open:
        return
    tender, amount = taken
    assert (
        attempt(business, cashier, register, "taking:add", {"tender": tender, "amount_minor": amount})[0]
        == frozenset()
    )
    model.open[register]["sums"][tender] += amount
    model.open[register]["sales"] += 1


def close_step(business, model, cashier, register, counted):
    session = model.open.get(register)
    if session is None:
        return
    counts = [{"tender": tender, "counted_minor": amount} for tender, amount in counted.items()]
    codes, shut = attempt(
        business, cashier, register, "register_session:close", {"id": session["id"], "counts": counts}
    )
    wanted = {"register_session_of_another"} if session["cashier"] != cashier else set()
    assert codes == wanted | ({"cash_not_counted"} if "cash" not in counted else set())
    if codes:
        return
    assert shut["expected_minor"] == sum(session["sums"].values())
    assert shut["sales_count"] == session["sales"]
    for count in shut["counts"]:
        should = session["sums"][count["tender"]]
        assert count["expected_minor"] == should
        assert count["over_short_minor"] == counted.get(count["tender"], should) - should
    assert {c["tender"] for c in shut["counts"]} >= {t for t, amount in session["sums"].items() if amount} | set(
        counted
    )
    del model.open[register]
