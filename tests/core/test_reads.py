"""Reads that leave a trace, and states that may follow each other."""

from __future__ import annotations

import json

import pytest

from pos_core.audit.models import AuditEntry
from pos_core.errors import TRANSITION_REFUSED
from pos_core.testing.harness import Business


@pytest.mark.req("SEC-03")
def test_an_export_is_an_audit_entry_and_a_look_is_none(business: Business) -> None:
    before = AuditEntry.select().count()
    business.query("report:run", report="sales", filters={"by": "day"})
    assert AuditEntry.select().count() == before
    business.query("report:run", report="sales", filters={"by": "day"}, format="csv")
    entry = AuditEntry.select().order_by(AuditEntry.at.desc(), AuditEntry.seq.desc()).get()
    assert (entry.action, entry.entity_type, entry.actor_id) == ("report:run", "export", business.ids["admin"])
    assert json.loads(entry.payload)["after"]["arguments"]["filters"] == {"by": "day"}


@pytest.mark.req("VAL-05")
def test_a_state_changes_only_as_its_module_declares(business: Business) -> None:
    ctx = business.context("cashier")
    assert ctx.transition("sale", "completed", "voided") is None
    for current, wanted in (("voided", "completed"), ("completed", "completed"), ("nowhere", "voided")):
        violation = ctx.transition("sale", current, wanted)
        assert violation is not None
        assert (violation.code, violation.path) == (TRANSITION_REFUSED, "status")
