"""The verifier sees a session that was changed behind the product's back."""

from __future__ import annotations

import pytest

from pos_core.audit.verify import verify
from pos_ops.registers.models import RegisterCount, RegisterSession


@pytest.fixture
def closed(business):
    made = business.perform("register_session:open", {"float_minor": 10_000}, role="cashier")
    business.perform("taking:add", {"tender": "card", "amount_minor": 500}, role="cashier")
    counts = [{"tender": "cash", "counted_minor": 9_000, "denominations": [{"value_minor": 9_000, "count": 1}]}]
    return business.perform("register_session:close", {"id": made["id"], "counts": counts}, role="cashier")


def findings(business) -> list[str]:
    # The takings of these tests stand in a chain but in no table: only what registers say counts here.
    report = verify(business.context("admin"))
    return [finding.message for finding in report.findings if "ops.registers" in finding.message]


def test_untouched_rows_agree(business, closed):
    business.perform("register_session:open", {"float_minor": 0}, role="cashier", till=2)
    assert findings(business) == []


@pytest.mark.parametrize(
    "change",
    [
        {"counted_minor": 10_500, "over_short_minor": 0},
        {"is_marked": False},
        {"float_minor": 9_000},
        {"business_date": "2026-03-01"},
    ],
)
def test_a_changed_figure_is_named(business, closed, change):
    with business.kernel.db.schema_access():
        RegisterSession.update(change).where(RegisterSession.id == closed["id"]).execute()
    found = findings(business)
    assert found
    assert all(any(name in text for text in found) for name in change)


def test_a_reopened_session_is_named(business, closed):
    nothing = dict.fromkeys(
        ("closed_at", "closed_by", "sales_count", "expected_minor", "counted_minor", "over_short_minor")
    )
    with business.kernel.db.schema_access():
        RegisterSession.update({"status": "open", **nothing}).execute()
    assert any("status is open" in text for text in findings(business))


def test_a_count_that_was_added_is_named(business, closed):
    other = business.query("tender:directory")["other"]
    row = {"session": closed["id"], "tender": other.id, "expected_minor": 5, "counted_minor": 5, "over_short_minor": 0}
    with business.kernel.db.schema_access():
        RegisterCount.insert({**row, "is_declared": True, "is_marked": False}).execute()
    assert any("its counts are not those" in text for text in findings(business))
