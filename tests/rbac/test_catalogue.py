"""The catalogue of permissions, the role templates, and their matrix."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from pos_core import Permission
from pos_core.config.loader import Config
from pos_core.db.database import SqliteDatabase
from pos_core.documentation.permissions import permissions as page
from pos_core.kernel import Kernel
from pos_core.rbac.catalogue import TEMPLATES, level_of
from pos_core.rbac.models import PermissionRow, Role
from pos_core.rbac.service import SyncCatalogue
from pos_core.testing.harness import Business
from tests.core.conftest import module_of, package  # noqa: F401 - fixtures
from tests.rbac.people import new_role, role_of


@pytest.fixture(scope="module")
def bare() -> Kernel:
    return Kernel(Config(), db=SqliteDatabase(":memory:"))


@pytest.mark.req("RBC-16", "RBC-05")
@pytest.mark.parametrize(
    ("code", "module", "level"),
    [
        ("hq:products.view.cost_price", "ops.catalog", ("ops", "ops.catalog", "products", "view", "cost_price")),
        ("hq:products.view", "ops.catalog", ("ops", "ops.catalog", "products", "view", "")),
        ("pos:sell", "ops.sales", ("ops", "ops.sales", "", "sell", "")),
        ("pos:refund.no_receipt", "ops.returns", ("ops", "ops.returns", "refund", "no_receipt", "")),
    ],
)
def test_a_code_says_its_level(code: str, module: str, level: tuple[str, ...]) -> None:
    assert level_of(code, module) == level


@pytest.mark.req("RBC-10", "RBC-13", "RBC-16")
def test_the_catalogue_has_every_declared_permission_with_its_level(business: Business) -> None:
    declared = {p.code: (p, m.name) for m in business.kernel.running() for p in m.manifest.permissions}
    rows = {row.code: row for row in PermissionRow.select()}
    assert rows.keys() == declared.keys()
    assert len(rows) >= 65
    for code, (permission, module) in declared.items():
        row = rows[code]
        level = (row.plug, row.module, row.submodule, row.action, row.field)
        assert level == level_of(code, module)
        assert (row.scope, row.description) == (permission.scope, permission.description)


@pytest.mark.req("RBC-09", "V2X-45")
def test_the_codes_that_are_named_exist_where_their_feature_does(bare: Kernel) -> None:
    named = {
        "hq:products.create", "hq:reports.view", "hq:users.manage", "hq:stores.provision", "hq:taxes.manage",
        "store:inventory.adjust", "store:reports.view", "store:employees.manage", "pos:sell", "pos:discount",
        "pos:price_override", "pos:register.open", "pos:register.close", "pos:register.force_close",
        "store:inventory.view", "hq:departments.manage", "hq:suppliers.manage", "hq:stores.manage",
    }  # fmt: skip
    assert named <= bare.permissions().keys()


@pytest.mark.req("RBC-03", "V2X-46", "RBC-15")
def test_every_business_begins_with_the_templates(business: Business) -> None:
    rows = {row.code: row for row in Role.select().where(Role.is_template)}
    assert rows.keys() == {one.code for one in TEMPLATES}
    assert {"super_admin", "admin", "store_manager", "cashier", "accountant", "auditor", "employee"} <= rows.keys()
    assert all(rows[one.code].description == one.description for one in TEMPLATES)
    assert role_of(business, "super_admin")["permissions"] == []
    for code, role in ((code, role_of(business, code)) for code in rows):
        assert all(p.startswith(role["scope"] + ":") for p in role["permissions"]), code


@pytest.mark.req("OPX-20")
def test_the_auditor_reads_everything_and_changes_nothing(bare: Kernel) -> None:
    held = {code for code, permission in bare.permissions().items() if "auditor" in permission.roles}
    changes = [one.name for one in bare.actions() if not one.public and not held.isdisjoint(one.permissions)]
    assert changes == []
    unread = {
        one.name for one in bare.queries()
        if any(code.startswith("hq:") for code in one.permissions) and held.isdisjoint(one.permissions)
    }  # fmt: skip
    assert unread <= {"approval_deputy:list", "product:import_template"}, "what is one's own, and a form to fill in"


#: Table 4.2a as far as its things exist: thing -> role -> letters of what the role may (read, create, update, delete).
MATRIX: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "product": (
        {"admin": "rcud", "employee": "rcu", "cashier": "r"},
        {"r": "product:list", "c": "product:create", "u": "product:edit", "d": "product:deactivate"}),
    "customer": (
        {"admin": "rcud", "employee": "ru", "cashier": "rc"},
        {"r": "customer:list", "c": "customer:create", "u": "customer:edit", "d": "customer:deactivate"}),
    "vendor": (
        {"admin": "rcu", "employee": "r", "cashier": ""},
        {"r": "vendor:list", "c": "vendor:create", "u": "vendor:edit"}),
    "salesman": (
        {"admin": "rcu", "employee": "r"},
        {"r": "representative:list", "c": "representative:create", "u": "representative:edit"}),
    "stock": ({"admin": "r", "employee": "r"}, {"r": "stock:list", "c": "stock:adjust"}),
    "invoice": ({"admin": "r", "employee": "r", "cashier": "rc"}, {"r": "sale:list", "c": "sale:complete"}),
    "user": (
        {"admin": "rcud", "employee": "", "cashier": ""},
        {"r": "user:list", "c": "user:create", "u": "user:edit", "d": "user:unassign"}),
    "drawer": (
        {"admin": "", "employee": "", "cashier": "cu"},
        {"c": "register_session:open", "u": "register_session:close"}),
    "setting": ({"admin": "ru", "employee": ""}, {"r": "setting:list", "u": "setting:change"}),
}  # fmt: skip


@pytest.mark.req("RGX-06", "RBC-03")
@pytest.mark.parametrize("thing", MATRIX)
def test_the_three_everyday_roles_may_what_the_table_says(bare: Kernel, thing: str) -> None:
    wanted, operations = MATRIX[thing]
    everything: dict[str, Any] = {one.name: one for one in (*bare.actions(), *bare.queries())}
    for role, letters in wanted.items():
        held = {code for code, permission in bare.permissions().items() if role in permission.roles}
        may = {letter for letter, name in operations.items() if not held.isdisjoint(everything[name].permissions)}
        assert may == set(letters), f"{role} and {thing}"


@pytest.mark.req("RBC-03", "RBC-10")
def test_the_page_shows_roles_matrix_and_every_permission(bare: Kernel) -> None:
    text = page(bare)
    for one in TEMPLATES:
        assert f"| `{one.code}` | {one.name} |" in text
    for code, permission in bare.permissions().items():
        assert f"| `{code}` | {permission.description} |" in text
    assert "| sell |  |  |  |  |  | yes | yes |" in text


Make = Callable[..., tuple[str, ModuleType]]


@pytest.mark.req("RBC-16", "MOD-01")
def test_a_new_modules_permissions_enter_the_templates_that_nobody_changed(
    make_business: Callable[..., Business], module_of: Make  # noqa: F811
) -> None:
    brought = (
        Permission("hq:gadgets.view", "See all the gadgets", ("admin", "accountant")),
        Permission("pos:gadgets.view", "See gadgets at a till", ("cashier", "admin")),
    )
    business = make_business(extra=[module_of("lab.gadgets", manifest={"permissions": brought})])
    accountant = role_of(business, "accountant")
    fewer = [code for code in accountant["permissions"] if code != "hq:sales.view"]
    changed = business.perform(
        "role:edit", {"id": accountant["id"], "version": accountant["version"], "permissions": fewer})
    assert changed["is_changed"] is True
    ctx = business.kernel.system_context("tests")
    assert ctx.perform("permission:sync", SyncCatalogue()).data["added"] == ["hq:gadgets.view", "pos:gadgets.view"]
    assert "hq:gadgets.view" in role_of(business, "admin")["permissions"]
    assert "pos:gadgets.view" in role_of(business, "cashier")["permissions"]
    assert "pos:gadgets.view" not in role_of(business, "admin")["permissions"], "the scopes never mix"
    assert role_of(business, "accountant")["permissions"] == fewer
    assert ctx.perform("permission:sync", SyncCatalogue()).data["added"] == []
    made = new_role(business, "gadgeteer", "hq", levels=[{"module": "lab.gadgets"}])
    assert made["permissions"] == ["hq:gadgets.view"]


@pytest.mark.req("RBC-16")
def test_a_catalogue_row_follows_its_module(business: Business) -> None:
    with business.kernel.db.schema_access():
        business.kernel.db.execute_sql("UPDATE core_permission SET description = 'old', submodule = 'old' "
                                       "WHERE code = 'pos:sell'")  # fmt: skip
    business.kernel.system_context("tests").perform("permission:sync", SyncCatalogue())
    row = PermissionRow.get_by_id("pos:sell")
    assert (row.description, row.submodule) == ("Sell at a till", "")
