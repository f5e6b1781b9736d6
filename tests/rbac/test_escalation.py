"""Nobody hands out what they do not hold, and nobody changes who stands above: single cases, and random sequences."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.rbac.models import Role, User, UserRole
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import PASSWORD, Business, Templates
from tests.rbac.people import act, holdings, new_role, person, refused, role_of

GRANTING = ("hq:roles.view", "hq:roles.create", "hq:roles.edit", "hq:roles.assign", "hq:users.manage")


@pytest.fixture
def deputy(business: Business) -> str:
    """Somebody who may hand out roles, but holds little else and delegates nothing."""
    new_role(business, "deputy", "hq", *GRANTING, "hq:taxes.view")
    return person(business, "dora", "deputy")


def make_role(scope: str, *permissions: str) -> dict[str, Any]:
    return {"id": uuid7(), "code": f"r{uuid7()[-8:]}", "name": "Made", "scope": scope, "permissions": permissions}


@pytest.mark.req("RBC-04", "SEC-02")
def test_nobody_makes_or_assigns_a_role_of_what_they_do_not_hold(business: Business, deputy: str) -> None:
    wanted = make_role("hq", "hq:taxes.view", "hq:audit.view", "hq:sales.view")
    found = refused(business, deputy, "role:create", **wanted)
    assert found.code.code == "grant_not_held"
    assert [v.params["permission"] for v in found.violations] == ["hq:audit.view", "hq:sales.view"]
    act(business, deputy, "role:create", **make_role("hq", "hq:taxes.view"))
    somebody = person(business, "sam")
    assert refused(business, deputy, "user:assign", user_id=somebody, role="admin").code.code == "grant_not_held"
    place = {"user_id": somebody, "role": "cashier", "store_id": business.store_id}
    assert refused(business, deputy, "user:assign", **place).code.code == "grant_not_held"
    assert holdings(somebody) == {}


@pytest.mark.req("RBC-04")
def test_roles_of_stores_are_handed_out_by_who_holds_them_there_or_delegates(business: Business, deputy: str) -> None:
    second = business.perform("store:create", {"id": uuid7(), "code": "S2", "name": "Two", "time_zone": "UTC"})["id"]
    business.perform("user:assign", {"user_id": deputy, "role": "cashier", "store_id": business.store_id})
    sam, pat = person(business, "sam"), person(business, "pat")
    act(business, deputy, "user:assign", user_id=sam, role="cashier", store_id=business.store_id)
    elsewhere = {"user_id": sam, "role": "cashier", "store_id": second}
    assert refused(business, deputy, "user:assign", **elsewhere).code.code == "grant_not_held"
    new_role(business, "delegate", "hq", "hq:roles.delegate")
    business.perform("user:assign", {"user_id": deputy, "role": "delegate"})
    act(business, deputy, "user:assign", **elsewhere)
    act(business, deputy, "user:assign", user_id=pat, role="store_manager", all_stores=True)
    assert refused(business, deputy, "user:assign", user_id=pat, role="auditor").code.code == "grant_not_held"


@pytest.mark.req("RBC-04", "SEC-02")
def test_a_role_is_not_raised_beyond_the_own_where_it_is_held(business: Business, deputy: str) -> None:
    role = new_role(business, "helper", "hq", "hq:taxes.view")
    edit = {"id": role["id"], "version": 1, "permissions": ["hq:taxes.view", "hq:settings.manage"]}
    assert refused(business, deputy, "role:edit", **edit).code.code == "grant_not_held"
    act(business, deputy, "role:edit", id=role["id"], version=1, permissions=[])
    admin = role_of(business, "admin")
    for action, more in (("role:edit", {"permissions": ["hq:taxes.view"]}), ("role:deactivate", {})):
        found = refused(business, deputy, action, id=admin["id"], version=admin["version"], **more)
        assert found.code.code == "role_above_own"
    till = new_role(business, "helper_till", "pos", "pos:sell")
    assert refused(business, deputy, "role:edit", id=till["id"], version=1, name="Mine").code.code == "role_above_own"


@pytest.mark.req("RBC-04", "SEC-02")
def test_nobody_changes_a_user_above(business: Business, deputy: str) -> None:
    above = {"auditor": person(business, "audrey", "auditor"), "till": business.ids["cashier1"],
             "super admin": business.ids["admin"]}  # fmt: skip
    for who, user_id in above.items():
        version = User.get_by_id(user_id).version
        for action, command in (
            ("user:edit", {"id": user_id, "version": version, "is_active": False, "reason": "left_company"}),
            ("user:reset_password", {"id": user_id, "version": version, "reason": "forgotten"}),
            ("user:assign", {"user_id": user_id, "role": "deputy"}),
        ):
            assert refused(business, deputy, action, **command).code.code == "user_above_own", f"{action} {who}"
        assert User.get_by_id(user_id).is_active
    found = refused(business, deputy, "user:unassign", user_id=above["auditor"], role="auditor")
    assert found.code.code == "user_above_own"
    below = person(business, "sam")
    act(business, deputy, "user:edit", id=below, version=1, full_name="Sam Below")
    act(business, deputy, "user:reset_password", id=below, version=2, reason="forgotten")


@pytest.mark.req("RBC-04", "RGX-06", "RGX-07")
def test_nobody_changes_the_own_roles_or_switches_off_the_own_account(business: Business, deputy: str) -> None:
    new_role(business, "extra", "hq", "hq:taxes.view")
    for action in ("user:assign", "user:unassign"):
        assert refused(business, deputy, action, user_id=deputy, role="extra").code.code == "own_roles"
        assert refused(business, business.ids["admin"], action, user_id=business.ids["admin"], role="extra"
                       ).code.code == "own_roles"  # fmt: skip
    own = role_of(business, "deputy")
    found = refused(business, deputy, "role:edit", id=own["id"], version=own["version"], permissions=["hq:taxes.view"])
    assert found.code.code == "own_roles"
    for user_id in (deputy, business.ids["admin"]):
        off = {"id": user_id, "version": User.get_by_id(user_id).version, "is_active": False, "reason": "left_company"}
        assert refused(business, user_id, "user:edit", **off).code.code == "own_account"
    act(business, deputy, "user:edit", id=deputy, version=1, full_name="Dora Deputy")


@pytest.mark.req("SEC-02")
def test_an_attempt_to_escalate_is_a_security_event(business: Business, deputy: str) -> None:
    refused(business, deputy, "user:assign", user_id=business.ids["cashier2"], role="deputy")
    refused(business, deputy, "user:assign", user_id=deputy, role="admin")
    refused(business, deputy, "role:create", **make_role("hq", "hq:audit.view"))
    refused(business, deputy, "user:demote_super_admin", id=business.ids["admin"], version=1)
    events = list(SecurityEvent.select().where(SecurityEvent.kind == "escalation_attempt"))
    assert len(events) == 4
    assert {event.actor_id for event in events} == {deputy}
    changes = SecurityEvent.select().where(SecurityEvent.kind == "privilege_change", SecurityEvent.result == "done")
    assert changes.count() > 0


@pytest.mark.req("RBC-14", "RBC-15")
def test_the_mark_of_a_super_admin_is_made_on_the_machine_and_taken_by_one_of_them(
    business: Business, deputy: str
) -> None:
    admin = business.ids["admin"]
    assert refused(business, deputy, "user:make_super_admin", id=deputy, version=1).code.code == "super_admin_only"
    assert refused(business, admin, "user:make_super_admin", id=deputy, version=1).code.code == "super_admin_only"
    machine = business.kernel.system_context("tests")
    made = machine.perform("user:make_super_admin", {"id": deputy, "version": User.get_by_id(deputy).version}).data
    assert made["is_super_admin"] is True
    found = refused(business, deputy, "user:demote_super_admin", id=deputy, version=made["version"])
    assert found.code.code == "own_account"
    act(business, deputy, "user:demote_super_admin", id=admin, version=User.get_by_id(admin).version)
    assert User.get_by_id(admin).is_super_admin is False
    with pytest.raises(PosError, match="last_super_admin"):
        machine.perform("user:demote_super_admin", {"id": deputy, "version": made["version"]})
    with pytest.raises(PosError, match="last_super_admin"):
        machine.perform("user:edit", {"id": deputy, "version": made["version"], "is_active": False,
                                      "reason": "left_company"})


HQ = ("hq:taxes.view", "hq:stores.view", "hq:audit.view", "hq:settings.view")
POS = ("pos:sell", "pos:discount")


class Town:
    """Six people and some roles; everybody tries everything."""

    def __init__(self, business: Business) -> None:
        self.business = business
        new_role(business, "boss", "hq", *GRANTING, *HQ[:2])
        new_role(business, "half", "hq", *GRANTING, HQ[0])
        new_role(business, "eyes", "hq", HQ[2])
        new_role(business, "till", "pos", *POS)
        wanted = (("boss1", "boss"), ("boss2", "boss", "till"), ("half1", "half"), ("eyes1", "eyes"), ("none1",),
                  ("till1", "till"))  # fmt: skip
        self.people = [person(business, name, *held) for name, *held in wanted]

    def roles(self) -> list[Role]:
        return list(Role.select().where(Role.is_template == False).order_by(Role.code))  # noqa: E712

    def reached(self) -> set[str]:
        """Everything that anybody holds anywhere."""
        return {code for user_id in self.people for held in holdings(user_id).values() for code in held}


MOVE = st.tuples(
    st.sampled_from(("assign", "unassign", "create", "edit", "off", "reset")), st.integers(0, 5), st.integers(0, 5),
    st.integers(0, 9), st.lists(st.sampled_from((*HQ, *POS)), max_size=3, unique=True),
)  # fmt: skip


def step(town: Town, move: Any) -> None:
    """One attempt; a refusal is fine, anything else that goes wrong is not."""
    verb, who, whom, which, codes = move
    actor, target, roles = town.people[who], town.people[whom], town.roles()
    role = roles[which % len(roles)]
    place = {} if role.scope == "hq" else {"store_id": town.business.store_id}
    hq = [code for code in codes if code.startswith("hq:")]
    if verb in ("assign", "unassign"):
        act(town.business, actor, f"user:{verb}", user_id=target, role=role.code, **place)
    elif verb == "create":
        act(town.business, actor, "role:create", **make_role("hq", *hq))
    elif verb == "edit":
        mine = [code for code in codes if code.startswith(role.scope + ":")]
        act(town.business, actor, "role:edit", id=role.id, version=role.version, permissions=mine)
    else:
        row = User.get_by_id(target)
        act(town.business, actor, "user:edit" if verb == "off" else "user:reset_password", id=target,
            version=row.version, reason="maintenance",
            **({"is_active": not row.is_active} if verb == "off" else {"password": PASSWORD}))


def above(actor: str, target: str) -> bool:
    """Whether the target holds anything, anywhere, that the actor does not hold there."""
    own = holdings(actor)
    return any(held - own.get(place, frozenset()) for place, held in holdings(target).items())


@pytest.mark.req("RBC-04")
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck),
          phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(moves=st.lists(MOVE, min_size=8, max_size=20))
def test_no_sequence_of_moves_gives_anybody_more_than_the_giver_held(
    pos_templates: Templates, dialect: str, tmp_path_factory: pytest.TempPathFactory, moves: list[Any]
) -> None:
    with pos_templates.business(dialect, tmp_path_factory.mktemp("town")) as business:
        town = Town(business)
        for move in moves:
            actor, target = town.people[move[1]], town.people[move[2]]
            before = {user_id: holdings(user_id) for user_id in town.people}
            was_above = above(actor, target)
            state = (User.get_by_id(target).version, UserRole.select().where(UserRole.user == target).count())
            try:
                step(town, move)
            except PosError:
                pass_on = {user_id: holdings(user_id) for user_id in town.people}
                assert pass_on == before, "a refusal leaves everything as it was"
                continue
            for user_id in town.people:
                for place, held in holdings(user_id).items():
                    won = held - before[user_id].get(place, frozenset())
                    assert won <= before[actor].get(place, frozenset()), "won more than the giver held"
                    assert not won or user_id != actor, "gave oneself something"
            if was_above and move[0] in ("assign", "unassign", "off", "reset"):
                now = (User.get_by_id(target).version, UserRole.select().where(UserRole.user == target).count())
                assert now == state, "somebody above was changed"
