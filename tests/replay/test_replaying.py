"""A replay against a real server: everything is sold once, whatever happens on the way."""

from __future__ import annotations

import re
import stat
import threading
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

import orjson
import pytest

from pos_core.ids import uuid7
from pos_core.replay import ledger, running
from pos_core.replay.errors import ReplayError, Unreachable
from pos_core.replay.preparing import TILLS_FILE, KeyRing, sign_in_admin
from pos_core.replay.reading import Reader
from pos_core.replay.running import Plan, run
from pos_core.replay.selling import Seller, customer_id
from pos_core.replay.verifying import Verdict, verify
from pos_core.replay.wire import Stopped, Wire
from pos_core.testing.harness import Business

RECEIPTS = 60


def look(plan: Plan) -> Verdict:
    """Verify a plan's ledger as the command does."""
    wire = Wire(plan.url, 10)
    try:
        sign_in_admin(wire, plan.admin, plan.password)
        return verify(wire, plan.ledger)
    finally:
        wire.close()


def sold(business: Business) -> list[dict[str, Any]]:
    """Every sale of the database."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        page, cursor = business.query("sale:list", limit=200, cursor=cursor)
        rows += page
        if cursor is None:
            return rows


@pytest.mark.req("OFF-03")
def test_every_receipt_is_sold_as_it_was_printed(
    business: Business, make_plan: Callable[..., Plan], screen: Any
) -> None:
    plan = make_plan(customers=True)
    figures, found = run(plan, screen)
    printed = {receipt.number: receipt for receipt in Reader(plan.file, plan.profile).receipts()}
    sales = [business.query("sale:get", id=row["id"]) for row in sold(business)]
    assert {sale["printed_number"]: sale["total_minor"] for sale in sales} == {
        number: receipt.total_minor for number, receipt in printed.items()
    }
    assert [sale["flags"] for sale in sales if sale["flags"]] == [], "the server computes what was printed"
    assert (figures.sales, figures.lines, figures.total_minor) == (RECEIPTS, found.lines, found.total_minor)
    assert (figures.refused, figures.replayed, figures.other_totals, figures.flagged) == (0, 0, 0, 0)
    for sale in sales:
        receipt = printed[sale["printed_number"]]
        assert sale["sold_at"][:16] == receipt.sold_at.strftime("%Y-%m-%dT%H:%M")
        assert sale["business_date"] == receipt.sold_at.date().isoformat()
        expected = customer_id(plan.source, receipt.customer) if receipt.customer else None
        assert sale["customer_id"] == expected
    assert len({sale["register_id"] for sale in sales}) == 3
    assert screen.moved == {"products": 9, "customers": 20, "selling": RECEIPTS}


def test_each_till_sells_in_the_order_of_the_file(
    business: Business, make_plan: Callable[..., Plan], screen: Any
) -> None:
    plan = make_plan()
    run(plan, screen)
    seller = Seller(plan.source, plan.tills, "EUR")
    order = [seller.sale(receipt).id for receipt in Reader(plan.file, plan.profile).receipts()]
    by_register: dict[str, list[tuple[int, int]]] = {}
    for row in sold(business):
        by_register.setdefault(row["register_id"], []).append((row["number"], order.index(row["id"])))
    for numbered in by_register.values():
        assert [place for _, place in sorted(numbered)] == sorted(place for _, place in numbered)
        assert sorted(number for number, _ in numbered) == list(range(1, len(numbered) + 1)), "numbers have no gap"


@pytest.mark.req("SYN-11")
def test_a_second_start_sells_nothing_twice(business: Business, make_plan: Callable[..., Plan], screen: Any) -> None:
    plan = make_plan()
    run(plan, screen)
    keys = (plan.ledger.parent / TILLS_FILE).read_bytes()
    again, _ = run(plan, screen)
    assert (again.sales, again.skipped_done) == (0, RECEIPTS)
    assert (plan.ledger.parent / TILLS_FILE).read_bytes() == keys, "tills are used again"
    plan.ledger.unlink()
    forgotten, _ = run(plan, screen)
    assert (forgotten.sales, forgotten.replayed) == (RECEIPTS, RECEIPTS), "the server knows what the client forgot"
    assert len(sold(business)) == RECEIPTS
    assert look(plan).sentence() == "60 acknowledged: 0 lost, 0 doubled, 0 changed"


def test_a_limit_can_be_raised_later(business: Business, make_plan: Callable[..., Plan], screen: Any) -> None:
    first, _ = run(make_plan(limit=10), screen)
    rest, _ = run(make_plan(), screen)
    assert (first.sales, rest.sales, rest.skipped_done) == (10, RECEIPTS - 10, 10)
    assert len(sold(business)) == RECEIPTS


def test_keys_are_for_their_owner_only(make_plan: Callable[..., Plan], screen: Any) -> None:
    plan = make_plan(limit=1)
    run(plan, screen)
    path = plan.ledger.parent / TILLS_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(plan.ledger.parent.stat().st_mode) == 0o700
    kept = KeyRing(plan.ledger.parent).all()
    assert len({access.device_key for access in kept}) == len({access.password for access in kept}) == 3


def test_lost_keys_are_replaced(business: Business, make_plan: Callable[..., Plan], screen: Any) -> None:
    run(make_plan(limit=10), screen)
    (make_plan().ledger.parent / TILLS_FILE).unlink()
    figures, _ = run(make_plan(), screen)
    assert figures.sales == RECEIPTS - 10
    assert len({row["register_id"] for row in sold(business)}) == 3, "the registers are the same ones"
    assert look(make_plan()).clean


@pytest.mark.req("OFF-03", "SYN-11")
def test_lost_requests_and_lost_answers_lose_and_double_nothing(
    business: Business, make_plan: Callable[..., Plan], screen: Any, faults: ModuleType
) -> None:
    direct = make_plan()
    host, port = direct.url.removeprefix("http://").split(":")
    fates = (faults.PASS, faults.ANSWER_LOST, faults.PASS, faults.LOST, faults.UNAVAILABLE, faults.ANSWER_LOST)

    def decide(place: int, path: str) -> str:
        # Two in a row of the same sale happen too: the tills share the count.
        return fates[place % len(fates)] if path.endswith("/sales") else faults.PASS

    with faults.bad_line(host, int(port), decide) as line:
        plan = make_plan(url=line.url)
        figures, _ = run(plan, screen)
    assert line.happened[faults.ANSWER_LOST] > 10
    assert figures.retries >= line.happened[faults.ANSWER_LOST] + line.happened[faults.LOST]
    assert 0 < figures.replayed <= line.happened[faults.ANSWER_LOST]
    assert len(sold(business)) == figures.sales == RECEIPTS
    assert look(direct).sentence() == "60 acknowledged: 0 lost, 0 doubled, 0 changed"


@pytest.mark.parametrize(("hours", "how"), [(1, "refreshed"), (24 * 8, "signed in again")])
def test_a_till_whose_token_ended_refreshes_it_and_signs_in_again_where_the_session_is_over(
    business: Business, make_plan: Callable[..., Plan], screen: Any, monkeypatch: pytest.MonkeyPatch, hours: int,
    how: str,
) -> None:
    """Access tokens last minutes, a replay may last hours."""
    from datetime import timedelta

    count = 0
    real = Wire._once

    def later(wire: Wire, method: str, path: str, *rest: Any) -> Any:
        nonlocal count
        count += path == "/sales"
        if count == 20:
            count += 1
            business.clock.advance(timedelta(hours=hours))
        return real(wire, method, path, *rest)

    monkeypatch.setattr(Wire, "_once", later)
    figures, _ = run(make_plan(), screen)
    assert (figures.sales, figures.refused) == (RECEIPTS, 0)
    sessions = Counter(row["username"] for row in _sessions(business))
    tokens = Counter(row["username"] for row in _sessions(business, with_tokens=True))
    for number in (1, 2, 3):
        name = f"replay-{business_store(business)}-0{number}"
        assert sessions[name] == (1 if how == "refreshed" else 2), sessions
        assert tokens[name] >= (2 if how == "refreshed" else 1), tokens


def business_store(business: Business) -> str:
    return str(business.query("store:list")[0][0]["code"]).lower()


def _sessions(business: Business, with_tokens: bool = False) -> list[dict[str, Any]]:
    """The sessions with their users, or one row for each refresh token of theirs."""
    from pos_core.auth.models import RefreshToken, Session
    from pos_core.rbac.models import User

    rows = Session.select(User.username).join(User)
    return list((rows.join(RefreshToken, on=RefreshToken.session == Session.id) if with_tokens else rows).dicts())


def test_a_stop_ends_after_the_sales_in_flight(business: Business, make_plan: Callable[..., Plan], screen: Any) -> None:
    stop = threading.Event()
    real = screen.move

    def move(count: int) -> None:
        real(count)
        if screen.moved.get("selling", 0) >= 5:
            stop.set()

    screen.move = move
    figures, _ = run(make_plan(), screen, stop)
    assert 5 <= figures.sales < RECEIPTS
    assert len(sold(business)) == figures.sales == len(ledger.acknowledged(make_plan().ledger))
    rest, _ = run(make_plan(), type(screen)())
    assert rest.sales + figures.sales == RECEIPTS


def test_a_stop_while_the_server_is_away_does_not_wait(make_plan: Callable[..., Plan], screen: Any) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(Stopped):
        run(make_plan(url="http://127.0.0.1:9", patience=60.0), screen, stop)


def test_a_server_that_never_answers_is_told(make_plan: Callable[..., Plan], screen: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(running, "FIRST_PATIENCE", 0.3)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 has not answered"):
        run(make_plan(url="http://127.0.0.1:9"), screen)


@pytest.mark.parametrize(("options", "said"), [
    ({"password": "wrong-password"}, "admin cannot sign in"), ({"store": "S99"}, "there is no store S99"),
])  # fmt: skip
def test_what_cannot_begin_is_told(
    make_plan: Callable[..., Plan], screen: Any, options: dict[str, str], said: str
) -> None:
    with pytest.raises(ReplayError, match=said):
        run(make_plan(**options), screen)


def test_another_currency_is_refused(make_plan: Callable[..., Plan], screen: Any) -> None:
    plan = make_plan()
    with pytest.raises(ReplayError, match="counts in EUR, the file in GBP"):
        run(make_plan(profile=plan.profile.adapted(currency="GBP")), screen)


def test_refused_sales_end_the_run_and_are_sent_again(
    business: Business, make_plan: Callable[..., Plan], screen: Any
) -> None:
    plan = make_plan()
    good = plan.file.read_text()
    plan.file.write_text(re.sub(r"(ART-\d,Article \d),1,", r"\1,9999999999,", good))
    with pytest.raises(ReplayError, match=r"\d+ sales were refused; the first: receipt 1\d{3}: .*lines\.\d+\.quantity"):
        run(make_plan(max_refused=4), screen)
    assert len([entry for entry in ledger.entries(plan.ledger) if entry.status.startswith("refused:")]) >= 4
    assert ledger.acknowledged(plan.ledger) == {}
    plan.file.write_text(good)
    figures, _ = run(plan, screen)
    assert (figures.sales, figures.refused) == (RECEIPTS, 0)
    assert look(plan).clean


# -- the verifier must find what is wrong -----------------------------------------------------------------------------


def test_a_changed_and_a_lost_sale_are_found(make_plan: Callable[..., Plan], screen: Any) -> None:
    plan = make_plan()
    run(plan, screen)
    head, *lines = plan.ledger.read_text().splitlines()
    changed = lines[0].split("\t")
    changed[2] = str(int(changed[2]) + 1)
    never = f"{uuid7()}\t4711\t100\tS1-X\tdone"
    plan.ledger.write_text("\n".join([head, "\t".join(changed), *lines[1:], never]) + "\n")
    verdict = look(plan)
    assert (verdict.lost, verdict.doubled, verdict.changed) == (1, 0, 1)
    assert any("4711" in finding for finding in verdict.findings)
    assert any(f"receipt {changed[1]} " in finding for finding in verdict.findings)


def test_a_receipt_sold_twice_and_one_without_an_answer_are_told_apart(
    make_plan: Callable[..., Plan], screen: Any
) -> None:
    plan = make_plan()
    run(plan, screen)
    receipts = list(Reader(plan.file, plan.profile).receipts())
    seller = Seller(plan.source, plan.tills, "EUR")
    body = orjson.loads(seller.sale(receipts[3]).body)
    body["id"] = uuid7()
    till = Wire(plan.url, 10)
    till.sign_in(KeyRing(plan.ledger.parent).all()[0].credentials())
    till.post("/sales", body)
    till.close()
    head, *lines = plan.ledger.read_text().splitlines()
    kept = [line for line in lines if f"\t{receipts[9].number}\t" not in line]
    plan.ledger.write_text("\n".join([head, *kept]) + "\n")
    verdict = look(plan)
    assert (verdict.lost, verdict.doubled, verdict.changed, verdict.unacknowledged) == (0, 1, 0, 1)
    assert "start the replay again" in verdict.sentence()
    run(plan, screen)
    assert look(plan).unacknowledged == 0


def test_another_files_sales_at_the_same_tills_are_no_doubles(
    make_plan: Callable[..., Plan], screen: Any, tmp_path: Any
) -> None:
    plan = make_plan()
    run(plan, screen)
    other = tmp_path / "other.csv"
    other.write_text(plan.file.read_text().replace(":00,", ":30,"))
    run(make_plan(file=other, ledger=plan.ledger.with_name("other.ledger")), screen)
    assert look(plan).sentence() == "60 acknowledged: 0 lost, 0 doubled, 0 changed"
