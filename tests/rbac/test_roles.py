"""Roles: made, copied, changed, taken out of use; who holds them is affected at once."""

from __future__ import annotations

import pytest

from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.rbac import grants
from pos_core.rbac.models import PermissionRow, RolePermission
from pos_core.testing.harness import Business
from tests.rbac.people import acting, new_role, person, role_of


def edit(business: Business, role: dict[str, object], **changes: object) -> dict[str, object]:
    return business.perform("role:edit", {"id": role["id"], "version": role["version"], **changes})


@pytest.mark.req("RBC-04")
def test_a_changed_role_is_a_change_for_who_holds_it_at_once(business: Business) -> None:
    role = new_role(business, "clerk", "hq", "hq:taxes.view")
    clerk = person(business, "clara", "clerk")
    assert acting(business, clerk).actor.permissions == {"hq:taxes.view"}
    changed = edit(business, role, permissions=["hq:stores.view", "hq:reports.view"], name="Head clerk")
    assert changed["permissions"] == ["hq:reports.view", "hq:stores.view"]
    assert (changed["name"], changed["is_changed"], changed["version"]) == ("Head clerk", True, 2)
    assert acting(business, clerk).actor.permissions == {"hq:stores.view", "hq:reports.view"}
    renamed = edit(business, changed, description="Looks after the books")
    assert renamed["permissions"] == changed["permissions"]
    with pytest.raises(PosError, match="version_mismatch"):
        edit(business, changed, name="Too late")


@pytest.mark.req("RBC-05")
def test_permissions_are_given_by_plug_module_submodule_and_action(business: Business) -> None:
    declared = {
        code: m.name for m in business.kernel.running() for code in (p.code for p in m.manifest.permissions)
        if code.startswith("hq:")
    }  # fmt: skip
    catalogue = new_role(business, "catalogue", "hq", levels=[{"module": "ops.catalog"}])
    assert set(catalogue["permissions"]) == {code for code, module in declared.items() if module == "ops.catalog"}
    plug = new_role(business, "operations", "hq", levels=[{"plug": "ops"}])
    assert set(plug["permissions"]) == {code for code, module in declared.items() if module.startswith("ops.")}
    products = new_role(business, "products", "hq", "hq:taxes.view", levels=[{"submodule": "products"}])
    assert "hq:taxes.view" in products["permissions"]
    assert {code.split(".")[0] for code in products["permissions"]} == {"hq:products", "hq:taxes"}
    with pytest.raises(PosError) as refused:
        new_role(business, "none", "pos", "hq:taxes.view", "pos:nothing", levels=[{"plug": "zzz"}, {"plug": "ops"}])
    found = {(v.code.code, v.path) for v in refused.value.violations}
    assert found == {("permission_unknown", "permissions.0"), ("permission_unknown", "permissions.1"),
                     ("permission_level_empty", "levels.0")}  # fmt: skip


@pytest.mark.req("RBC-03", "RBC-04")
def test_a_template_is_copied_and_counts_as_what_it_was(business: Business) -> None:
    auditor = role_of(business, "auditor")
    copy = new_role(business, "night_auditor", "hq", "hq:stores.manage", copy_of="auditor")
    assert set(copy["permissions"]) == {*auditor["permissions"], "hq:stores.manage"}
    assert (copy["copied_from"], copy["is_template"]) == ("auditor", False)
    assert new_role(business, "third", "hq", copy_of="night_auditor")["copied_from"] == "auditor"
    with pytest.raises(PosError, match="permission_unknown"):
        new_role(business, "wrong", "pos", copy_of="auditor")


@pytest.mark.req("RBC-04")
def test_a_role_in_use_stays_and_one_out_of_use_gives_nothing(business: Business) -> None:
    role = new_role(business, "clerk", "hq", "hq:taxes.view")
    clerk = person(business, "clara", "clerk")
    with pytest.raises(PosError, match="role_in_use"):
        business.perform("role:deactivate", {"id": role["id"], "version": 1})
    business.perform("user:unassign", {"user_id": clerk, "role": "clerk"})
    off = business.perform("role:deactivate", {"id": role["id"], "version": 1})
    assert off["is_active"] is False
    with pytest.raises(PosError, match="role_inactive"):
        business.perform("user:assign", {"user_id": clerk, "role": "clerk"})
    business.perform("role:activate", {"id": role["id"], "version": 2})
    business.perform("user:assign", {"user_id": clerk, "role": "clerk"})
    assert acting(business, clerk).actor.roles == ("clerk",)
    with business.kernel.db.schema_access():
        business.kernel.db.execute_sql("UPDATE core_role SET is_active = false WHERE code = 'clerk'")
    assert grants.read(clerk, "hq", None).roles == ()


@pytest.mark.req("RBC-15")
def test_the_super_admins_role_only_documents_the_mark(business: Business) -> None:
    role = role_of(business, "super_admin")
    somebody = person(business, "sam")
    for action, command in (
        ("role:edit", {"id": role["id"], "version": 1, "permissions": ["hq:taxes.view"]}),
        ("role:deactivate", {"id": role["id"], "version": 1}),
        ("user:assign", {"user_id": somebody, "role": "super_admin"}),
    ):
        with pytest.raises(PosError, match="role_is_mark"):
            business.perform(action, command)


@pytest.mark.req("RBC-04")
def test_what_a_role_holds_of_a_module_that_is_gone_may_stay(business: Business) -> None:
    role = new_role(business, "clerk", "hq", "hq:taxes.view")
    with business.kernel.db.schema_access():
        row = {"code": "hq:gone.view", "scope": "hq", "plug": "x", "module": "x.gone", "submodule": "gone",
               "action": "view", "field": "", "description": "Gone"}  # fmt: skip
        PermissionRow.insert(**row).execute()
        RolePermission.insert(role=role["id"], permission="hq:gone.view").execute()
    kept = edit(business, role, permissions=["hq:gone.view", "hq:stores.view"])
    assert kept["permissions"] == ["hq:gone.view", "hq:stores.view"]
    with pytest.raises(PosError, match="permission_unknown"):
        new_role(business, "other", "hq", "hq:gone.view")


@pytest.mark.req("RBC-08", "RBC-12")
def test_the_three_scopes_never_mix(business: Business) -> None:
    user = person(business, "maria", "admin", "cashier")
    other = business.perform("store:create", {"id": uuid7(), "code": "S2", "name": "Second", "time_zone": "UTC"})["id"]
    business.perform("user:assign", {"user_id": user, "role": "store_manager", "store_id": other})
    assert {p.partition(":")[0] for p in grants.read(user, "hq", None).permissions} == {"hq"}
    assert {p.partition(":")[0] for p in grants.read(user, "pos", business.store_id).permissions} == {"pos"}
    assert grants.read(user, "pos", other).permissions == frozenset()
    assert grants.read(user, "store", business.store_id).permissions == frozenset()
    assert {p.partition(":")[0] for p in grants.read(user, "store", other).permissions} == {"store"}
