"""Two super administrators who switch each other off at the same moment: one of them stays."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pos_core.errors import PosError
from pos_core.rbac.models import User
from pos_core.testing.harness import Business
from tests.rbac.people import acting, person

ROUNDS = 6


@pytest.mark.req("RBC-15")
@pytest.mark.parametrize("way", ["user:edit", "user:demote_super_admin"])
def test_two_who_switch_each_other_off_at_once_leave_one(business: Business, way: str) -> None:
    kernel, first = business.kernel, business.ids["admin"]
    machine = kernel.system_context("tests")
    second = person(business, "second")
    for _ in range(ROUNDS):
        for user_id in (first, second):
            row = User.get_by_id(user_id)
            if not row.is_active:
                machine.perform("user:edit", {"id": user_id, "version": row.version, "is_active": True})
                row = User.get_by_id(user_id)
            if not row.is_super_admin:
                machine.perform("user:make_super_admin", {"id": user_id, "version": row.version})
        start, outcomes = threading.Barrier(2), []
        versions = {user_id: User.get_by_id(user_id).version for user_id in (first, second)}

        def strike(
            actor: str, target: str, start: Any = start, outcomes: Any = outcomes, versions: Any = versions
        ) -> None:
            more = {"is_active": False, "reason": "left_company"} if way == "user:edit" else {}
            with kernel.db.in_use():
                ctx = acting(business, actor)
                start.wait()
                try:
                    kernel.perform(ctx, way, {"id": target, "version": versions[target], **more})
                    outcomes.append("done")
                except PosError as error:
                    outcomes.append(error.code.code)

        threads = [threading.Thread(target=strike, args=pair) for pair in ((first, second), (second, first))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert len(outcomes) == 2
        left = User.select().where(User.is_super_admin, User.is_active).count()
        assert left == 1, outcomes
        assert sorted(outcomes) == ["done", "last_super_admin"]
