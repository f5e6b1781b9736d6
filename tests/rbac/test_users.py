"""The user's record: what it holds, what is personal in it, and who holds which role where."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pos_core.audit.models import AuditEntry
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.rbac import grants
from pos_core.rbac.models import User
from pos_core.testing.harness import PASSWORD, Business, Client
from tests.rbac.people import new_role, person

RECORD = {"phone": "+34 600 111 222", "address": "Calle Mayor 1, Madrid", "national_id": "12345678Z",
          "email": "Ana@Example.org", "meta": {"shoe": 38}}  # fmt: skip


def create(business: Business, **given: Any) -> dict[str, Any]:
    body = {"id": uuid7(), "username": "ana", "full_name": "Ana García", "password": PASSWORD, **given}
    return business.perform("user:create", body)


@pytest.mark.req("AUT-20", "RGX-23")
def test_a_user_has_what_the_record_names(business: Business) -> None:
    made = create(business, store_id=business.store_id, **RECORD)
    shown = business.query("user:get", id=made["id"])
    assert {name: shown[name] for name in RECORD} == RECORD
    assert (shown["store_id"], shown["is_active"], shown["is_super_admin"]) == (business.store_id, True, False)
    assert shown["created_at"] == shown["updated_at"]
    assert "password_hash" not in shown
    assert User.get_by_id(made["id"]).password_hash.startswith("$argon2id$")
    changed = business.perform("user:edit", {
        "id": made["id"], "version": 1, "phone": "", "email": "", "meta": {"shoe": 39, "size": ["M"]}})  # fmt: skip
    assert (changed["phone"], changed["email"], changed["meta"]) == ("", None, {"shoe": 39, "size": ["M"]})
    assert changed["address"] == RECORD["address"]


@pytest.mark.req("RGX-23")
@pytest.mark.parametrize("name", ["ab", "x" * 31, "with blank", "-dash", ""])
def test_new_user_names_have_three_to_thirty_characters(business: Business, name: str) -> None:
    with pytest.raises(ValueError, match="username"):
        create(business, username=name)


@pytest.mark.req("RGX-23")
def test_a_mail_address_belongs_to_one_user_whatever_its_case(business: Business) -> None:
    made = create(business, email="ana@example.org")
    bob = create(business, username="bob", email=None)
    create(business, username="cleo", email=None)
    with pytest.raises(PosError) as refused:
        create(business, username="dan", email="ANA@example.org")
    assert (refused.value.code.code, refused.value.path) == ("already_exists", "email")
    with pytest.raises(PosError, match="already_exists"):
        business.perform("user:edit", {"id": bob["id"], "version": 1, "email": "Ana@Example.Org"})
    business.perform("user:edit", {"id": made["id"], "version": 1, "email": "ANA@EXAMPLE.ORG"})
    with pytest.raises(Exception, match=r"(?i)unique"), business.kernel.db.schema_access():
        business.kernel.db.execute_sql("UPDATE core_user SET email = 'ana@EXAMPLE.org' WHERE username = 'bob'")


@pytest.mark.req("AUD-16", "RGX-23")
def test_personal_data_stands_in_the_chain_as_digests_only(business: Business) -> None:
    made = create(business, **RECORD)
    business.perform("user:edit", {"id": made["id"], "version": 1, "phone": "+34 600 999 888"})
    entries = [e.payload for e in AuditEntry.select().where(AuditEntry.action.in_(("user:create", "user:edit")))]
    text = "".join(entry.decode() if isinstance(entry, bytes) else str(entry) for entry in entries)
    for secret in ("600 111 222", "600 999 888", "Calle Mayor", "12345678Z", "Example.org", "Ana García", "shoe"):
        assert secret not in text
    assert "hmac-sha256:" in json.dumps(json.loads(entries[-1])["after"]["phone"])


@pytest.mark.req("RGX-06", "RGX-23")
def test_everybody_reads_and_changes_the_own_account_but_not_its_roles(
    client_as: Callable[..., Client], client: Client, business: Business
) -> None:
    cashier = client_as("cashier")
    own = cashier.get("/me/account")
    assert (own.data["username"], own.data["role"], own.status) == ("cashier1", "cashier", 200)
    change = {"phone": "+34 600 111 222", "email": "c1@example.org", "full_name": "Cashier One"}
    assert cashier.patch("/me/account", change, own.data["version"]).code == "password_needed"
    done = cashier.patch("/me/account", {**change, "password": PASSWORD}, own.data["version"])
    assert done.status == 200, done.text
    assert {name: done.data[name] for name in change} == change
    for more in ({"is_active": False}, {"store_id": uuid7()}, {"role": "admin"}, {"username": "boss"}):
        assert cashier.patch("/me/account", more, 2).status == 422
    assert cashier.patch("/me/account", {"address": "1"}, 1).code == "version_mismatch"
    assert client.get("/me/account").code == client.patch("/me/account", {}, 1).code == "token_missing"


def test_the_indexes_that_refuse_a_second_one_have_their_words(business: Business) -> None:
    taken = business.kernel.action("user:create").constraints
    assert set(taken) <= set(business.kernel.index_names.values())


@pytest.mark.req("RGX-07")
def test_a_user_is_never_deleted(business: Business) -> None:
    made = create(business)
    with pytest.raises(Exception, match="never deleted"), business.kernel.db.schema_access():
        business.kernel.db.execute_sql(f"DELETE FROM core_user WHERE id = '{made['id']}'")


@pytest.mark.req("RGX-15")
def test_users_are_searched_and_filtered(business: Business) -> None:
    create(business, full_name="Ana 100% García_Lorca")

    def found(**given: Any) -> list[str]:
        rows, _ = business.kernel.query(business.context("admin"), "user:list", given)
        return [row["username"] for row in rows]

    assert found(search="garcía_l") == found(search="0% g") == found(search="NA 1") == ["ana"]
    assert found(search="100_") == []
    assert found(role="cashier") == ["cashier1", "cashier2"]
    assert set(found(store_id=business.store_id)) == {"manager", "cashier1", "cashier2"}


@pytest.mark.req("RBC-11")
def test_the_primary_role_is_for_display_and_follows_the_roles_held(business: Business) -> None:
    user = person(business, "pat", "auditor", "cashier")
    assert business.query("user:get", id=user)["role"] == "auditor"
    business.perform("user:unassign", {"user_id": user, "role": "auditor"})
    assert business.query("user:get", id=user)["role"] == "cashier"
    assert grants.read(user, "hq", None).permissions == frozenset()
    business.perform("user:unassign", {"user_id": user, "role": "cashier", "store_id": business.store_id})
    assert business.query("user:get", id=user)["role"] is None


@pytest.mark.req("RBC-19", "V2X-47", "RBC-12")
def test_roles_at_several_places_are_given_in_one_call(business: Business) -> None:
    stores = [business.store_id] + [
        business.perform("store:create", {"id": uuid7(), "code": code, "name": code, "time_zone": "UTC"})["id"]
        for code in ("S2", "S3", "S4")
    ]  # fmt: skip
    business.perform("store:edit", {"id": stores[3], "version": 1, "is_active": False})
    user = person(business, "pat")
    made = business.perform("user:assign", {"user_id": user, "assignments": [
        {"role": "accountant"}, {"role": "employee", "store_id": stores[1]},
        {"role": "store_manager", "all_stores": True},
    ]})  # fmt: skip
    places = {(one["role"], one["store_id"]) for one in made["assignments"]}
    assert places == {("accountant", None), ("employee", stores[1]), *(("store_manager", s) for s in stores[:3])}
    assert (made["role"], made["store_id"]) == ("accountant", None)
    again = {"user_id": user, "role": "store_manager", "all_stores": True}
    with pytest.raises(PosError, match="already_exists"):
        business.perform("user:assign", again)
    fifth = business.perform("store:create", {"id": uuid7(), "code": "S5", "name": "S5", "time_zone": "UTC"})["id"]
    assert grants.read(user, "store", fifth).roles == (), "a new store is not part of an earlier choice"
    assert [one["store_id"] for one in business.perform("user:assign", again)["assignments"]] == [fifth]


@pytest.mark.req("RBC-19")
def test_an_assignment_that_is_wrong_names_everything_and_writes_nothing(business: Business) -> None:
    user = person(business, "pat", "auditor")
    with pytest.raises(PosError) as refused:
        business.perform("user:assign", {"user_id": user, "assignments": [
            {"role": "accountant"}, {"role": "cashier"}, {"role": "admin", "all_stores": True}, {"role": "auditor"},
            {"role": "accountant"},
        ]})  # fmt: skip
    found = {(v.code.code, v.path) for v in refused.value.violations}
    assert found == {
        ("role_place_wrong", "assignments.1.store_id"), ("role_place_wrong", "assignments.2.store_id"),
        ("already_exists", "assignments.3.role"), ("already_exists", "assignments.4.role"),
    }  # fmt: skip
    assert grants.read(user, "hq", None).roles == ("auditor",)


@pytest.mark.req("RBC-19")
@pytest.mark.parametrize("body", [{}, {"role": "auditor", "assignments": [{"role": "admin"}]},
                                  {"role": "cashier", "store_id": uuid7(), "all_stores": True},
                                  {"assignments": [{"role": "admin"}], "all_stores": True}])  # fmt: skip
def test_an_assignment_has_one_form(business: Business, body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"give|name the places"):
        business.perform("user:assign", {"user_id": business.ids["manager"], **body})


@pytest.mark.req("OPX-20")
def test_duties_that_belong_apart_are_warned_of_or_refused(business: Business) -> None:
    user = person(business, "pat", "auditor")
    place = {"user_id": user, "role": "cashier", "store_id": business.store_id}
    made = business.perform("user:assign", place)
    assert [(w["code"], w["roles"]) for w in made["warnings"]] == [("duties_separated", ["auditor", "cashier"])]
    entry = AuditEntry.select().where(AuditEntry.action == "user:assign").order_by(AuditEntry.seq.desc()).first()
    assert json.loads(entry.payload)["notes"]["warnings"] == [["auditor", "cashier"]]
    business.perform("user:unassign", place)
    business.perform("setting:change", {"key": "roles.separation", "value": "refuse"})
    with pytest.raises(PosError, match="duties_separated"):
        business.perform("user:assign", place)
    new_role(business, "night_auditor", "hq", copy_of="auditor")
    other = person(business, "quinn", "store_manager")
    with pytest.raises(PosError, match="duties_separated"):
        business.perform("user:assign", {"user_id": other, "role": "night_auditor"})
    together = [{"role": "accountant"}, {"role": "cashier", "store_id": business.store_id}]
    with pytest.raises(PosError, match="duties_separated"):
        business.perform("user:assign", {"user_id": person(business, "rob"), "assignments": together})


@pytest.mark.req("OPX-20")
def test_the_pairs_are_a_setting(business: Business) -> None:
    assert person(business, "pat", "store_manager", "cashier"), "a manager may help out at the till"
    business.perform("setting:change", {"key": "roles.separated_pairs", "value": "store_manager+cashier"})
    user = person(business, "quinn", "store_manager")
    made = business.perform("user:assign", {"user_id": user, "role": "cashier", "store_id": business.store_id})
    assert [w["roles"] for w in made["warnings"]] == [["store_manager", "cashier"]]
    with pytest.raises(PosError, match="role_pairs_invalid"):
        business.perform("setting:change", {"key": "roles.separated_pairs", "value": "auditor and cashier"})
    business.perform("setting:change", {"key": "roles.separated_pairs", "value": ""})
    other = person(business, "rob", "auditor")
    assert business.perform("user:assign", {"user_id": other, "role": "accountant"})["warnings"] == []


@pytest.mark.req("RBC-18", "RBC-14")
def test_a_permission_is_checked_for_anybody(business: Business) -> None:
    till, shop = business.ids["cashier1"], business.store_id
    assert grants.holds(till, "pos:sell", shop)
    assert not grants.holds(till, "pos:sell", uuid7())
    assert not grants.holds(till, "store:inventory.adjust", shop)
    assert not grants.holds(uuid7(), "pos:sell", shop)
    assert grants.holds(business.ids["admin"], "pos:sell", shop), "a super admin holds everything everywhere"
    business.perform("user:edit", {"id": till, "version": 1, "is_active": False, "reason": "left_company"})
    assert not grants.holds(till, "pos:sell", shop)
