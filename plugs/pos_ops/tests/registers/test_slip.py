"""The close slip: stored figures, the same at every reprint, in both languages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core.audit.models import AuditEntry
from pos_ops.registers import slip


@pytest.fixture
def closed(business):
    store = business.query("store:get", id=business.store_id)
    business.perform("store:edit", {"id": store["id"], "time_zone": "Europe/Madrid", "version": store["version"]})
    made = business.perform("register_session:open", {"float_minor": 10_000}, role="cashier")
    business.perform("taking:add", {"tender": "card", "amount_minor": 123_456}, role="cashier")
    business.clock.advance(timedelta(hours=8))
    count = {
        "tender": "cash",
        "counted_minor": 9_000,
        "denominations": [{"value_minor": 2_000, "count": 4}, {"value_minor": 500, "count": 2}],
    }
    return business.perform("register_session:close", {"id": made["id"], "counts": [count]}, role="cashier")


@pytest.mark.req("V2X-29")
def test_the_slip_as_json_says_what_was_stored(closed, client_as):
    found = client_as("manager").get(f"/register-sessions/{closed['id']}/slip")
    assert found.status == 200, found.text
    entry = AuditEntry.get(AuditEntry.entity_id == closed["id"], AuditEntry.action == "register_session:close")
    shown = found.data
    assert (shown["chain_seq"], shown["chain_code"]) == (entry.seq, bytes(entry.hash).hex()[:12])
    assert (shown["opened_at"], shown["closed_at"]) == ("2026-03-02 11:00", "2026-03-02 19:00")
    assert (shown["business"], shown["register_code"], shown["number"], shown["cashier"], shown["currency"]) == (
        "Test shop",
        "R1",
        1,
        "Cashier1",
        "EUR",
    )
    assert [
        (line["tender"], line["expected_minor"], line["counted_minor"], line["over_short_minor"])
        for line in shown["lines"]
    ] == [("cash", 10_000, 9_000, -1_000), ("card", 123_456, 123_456, 0)]
    assert (shown["expected_minor"], shown["counted_minor"], shown["over_short_minor"], shown["is_marked"]) == (
        133_456,
        132_456,
        -1_000,
        True,
    )


@pytest.mark.req("V2X-29")
def test_the_slip_as_text_in_both_languages(closed, client_as):
    till = client_as("cashier")
    path = f"/register-sessions/{closed['id']}/slip.txt"
    english = till.get(path)
    assert english.headers["content-type"].startswith("text/plain")
    for words in (
        "REGISTER CLOSE",
        "Cash\n",
        "  4 x €20.00",
        "  Expected",
        "€1,234.56",
        "  Not counted",
        "  Short",
        "€10.00",
        "LARGE DIFFERENCE",
    ):
        assert words in english.text, words
    spanish = till.get(path, **{"Accept-Language": "es"}).text
    for words in ("CIERRE DE CAJA", "Faltante", "1.234,56 €", "DIFERENCIA GRANDE"):
        assert words in spanish, words
    for text in (english.text, spanish):
        assert max(map(len, text.splitlines())) <= slip.WIDTH
    assert till.get(path).text == english.text


def test_an_open_session_has_no_slip(business, client_as):
    made = business.perform("register_session:open", {"float_minor": 0}, role="cashier")
    for path in ("slip", "slip.txt"):
        answer = client_as("cashier").get(f"/register-sessions/{made['id']}/{path}")
        assert (answer.status, answer.code) == (409, "register_session_not_closed")


def test_another_registers_slip_is_not_shown(closed, client_as):
    assert client_as("cashier", till=2).get(f"/register-sessions/{closed['id']}/slip").status == 404


TEXTS = st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=120)
SUMS = st.integers(-(10**15), 10**15)


@given(TEXTS, TEXTS, SUMS, SUMS, st.sampled_from(["EUR", "JPY", "BHD"]), st.sampled_from(["en", "es"]), st.booleans())
def test_no_line_is_wider_than_the_paper(name, business, expected, counted, currency, language, marked):
    line = {
        "tender": "cash",
        "name": name,
        "expected_minor": expected,
        "counted_minor": counted,
        "over_short_minor": counted - expected,
        "is_declared": marked,
        "is_marked": marked,
        "denominations": [{"value_minor": 10**12, "count": 10**6}],
    }
    text = slip.as_text(
        {
            "business": business,
            "store_name": name,
            "register_code": name,
            "number": 10**12,
            "business_date": "2026-03-02",
            "cashier": name,
            "opened_at": "2026-03-02 11:00",
            "closed_at": "2026-03-02 19:00",
            "closed_by": business,
            "sales_count": 10**9,
            "float_minor": abs(expected),
            "lines": [line],
            "expected_minor": expected,
            "counted_minor": counted,
            "over_short_minor": counted - expected,
            "is_marked": marked,
            "currency": currency,
            "chain_seq": 10**12,
            "chain_code": "0123456789ab",
        },
        language,
    )
    assert all(len(printed) <= slip.WIDTH for printed in text.split("\n"))
