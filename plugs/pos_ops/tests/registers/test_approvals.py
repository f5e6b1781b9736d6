"""A drawer that is over or short by more than its cashier closes alone."""

from __future__ import annotations

import pytest

from pos_core import PosError
from pos_core.approvals.needs import Given
from pos_core.context import Actor


def opened(business):
    business.perform("setting:change", {"key": "registers.over_short_approval_minor", "value": 1000})
    return business.perform("register_session:open", {"float_minor": 5000}, role="cashier")


def counted(session, amount):
    return {"id": session["id"], "counts": [{"tender": "cash", "counted_minor": amount}]}


@pytest.mark.req("OPX-07", "REG-01")
def test_a_large_variance_needs_an_approval_which_holds_for_these_counts(business):
    session = opened(business)
    short = counted(session, 3999)
    with pytest.raises(PosError) as caught:
        business.perform("register_session:close", short, role="cashier")
    assert caught.value.code.code == "approval_required"
    assert caught.value.violations[0].params["approval"]["kind"] == "register_variance"
    asked = business.perform(
        "approval:request", {"action": "register_session:close", "command": short}, role="cashier")
    manager = business.context("manager")
    manager.kernel.perform(manager, "approval:approve", {"id": asked["id"]})
    ctx = business.context("cashier")
    ctx.approvals = Given(ids=(asked["id"],))
    with pytest.raises(PosError) as caught:
        ctx.kernel.perform(ctx, "register_session:close", counted(session, 3000))
    assert caught.value.code.code == "approval_mismatch"
    closed = ctx.kernel.perform(ctx, "register_session:close", short).data
    assert closed["over_short_minor"] == -1001


@pytest.mark.req("REG-01")
def test_a_small_one_does_not(business):
    session = opened(business)
    assert business.perform("register_session:close", counted(session, 4000), role="cashier")["status"] == "closed"


@pytest.mark.req("AUD-06")
def test_closing_somebody_elses_drawer_has_a_reason(business):
    session = opened(business)
    ctx = business.context("cashier")
    ctx.actor = Actor(business.ids["cashier2"], "cashier2", (), ctx.actor.permissions | {"pos:register.force_close"})
    with pytest.raises(PosError) as caught:
        ctx.kernel.perform(ctx, "register_session:close", counted(session, 5000))
    assert caught.value.code.code == "reason_required"
    closed = ctx.kernel.perform(ctx, "register_session:close", {**counted(session, 5000), "reason": "shift_end"}).data
    assert closed["closed_by"] == business.ids["cashier2"]
