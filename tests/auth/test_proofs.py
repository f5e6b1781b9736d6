"""What somebody has to prove again, what a new proof ends, and what a first password is good for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from itsdangerous import URLSafeSerializer

from pos_core.auth import passwords, policy
from pos_core.auth.mfa import recovery
from pos_core.auth.models import Session
from pos_core.db.database import close_all
from pos_core.installer import setup
from pos_core.rbac.models import User
from pos_core.testing.harness import PASSWORD, Answer, Business, Client, make_config
from tests.auth.people import WRONG, device, setting, sign_in, signed_in
from tests.auth.test_mfa import code_of, enrol, with_code

ClientAs = Callable[..., Client]
NEW = "seven-green-kettles"
PIN = "4829"


@pytest.fixture
def shop(business: Business) -> Business:
    """A business with second factors switched on, where one person may be signed in several times."""
    setting(business, "mfa.enabled", True)
    setting(business, "auth.concurrency", "unlimited")
    return business


def at_store(client: Client, business: Business, password: str = PASSWORD, **more: Any) -> Answer:
    return sign_in(client, "manager", password, app_context="store", store_id=business.store_id, **more)


def by_pin(client: Client, business: Business, pin: str = PIN, **more: Any) -> Answer:
    return client.post("/auth/pin", {
        "username": "cashier1", "pin": pin, "device": device(business), "delivery": "body", **more})  # fmt: skip


# -- first passwords -----------------------------------------------------------------------------------------------


@pytest.mark.req("AUT-07")
def test_a_generated_password_is_good_for_a_first_sign_in_that_changes_it(
    client_as: ClientAs, client: Client, business: Business
) -> None:
    admin = client_as("admin")
    made = admin.post("/users", {"username": "maria", "full_name": "Maria"}).data
    admin.post("/user-roles", {"user_id": made["id"], "role": "auditor"})
    answer = sign_in(client, "maria", made["password"])
    assert (answer.data["restriction"], answer.data["permissions"]) == ("password", [])
    maria = signed_in(client, answer)
    assert maria.get("/stores").code == "password_change_needed"
    assert maria.post("/auth/password", {"old_password": made["password"], "new_password": NEW}).status == 200
    assert maria.get("/stores").status == 200
    assert sign_in(client, "maria", NEW).data["restriction"] == ""


@pytest.mark.req("AUT-07")
@pytest.mark.parametrize(("asked", "restriction"), [(True, "password"), (False, "")])
def test_whether_a_given_password_is_to_be_changed_is_said(
    client_as: ClientAs, client: Client, asked: bool, restriction: str
) -> None:
    admin = client_as("admin")
    body = {"username": "maria", "full_name": "Maria", "password": NEW, "must_change_password": asked}
    admin.post("/user-roles", {"user_id": admin.post("/users", body).data["id"], "role": "auditor"})
    assert sign_in(client, "maria", NEW).data["restriction"] == restriction


@pytest.mark.req("AUT-07", "INS-01")
@pytest.mark.parametrize(
    ("choices", "must_change"),
    [({}, True), ({"admin_password": NEW}, False), ({"admin_must_change": False}, False)],
)
def test_a_new_shop_has_one_account_whose_generated_password_is_changed_first(
    tmp_path: Path, choices: dict[str, Any], must_change: bool
) -> None:
    made = setup.first_run(make_config(tmp_path), {"admin_username": "olga", **choices})
    with made.kernel.db.in_use():
        accounts = [(user.username, user.must_change_password) for user in User.select()]
    close_all(made.kernel.db)
    assert accounts == [("olga", must_change)]


@pytest.mark.req("AUT-03")
def test_generated_passwords_keep_the_rules_and_are_all_different(business: Business) -> None:
    made = [passwords.generate() for _ in range(200)]
    assert len(set(made)) == 200
    assert not [one for one in made if policy.password_violations(business.context(), one, username="maria")]


@pytest.mark.req("AUT-02")
def test_a_password_is_compared_exactly_as_it_was_sent(client_as: ClientAs, client: Client, business: Business) -> None:
    """No case, blank or end of a long one is lost, and no composed sign taken for another."""
    exact = " Sieben Kessel\u00e9 " + "x1y2z3" * 39 + "end"
    assert 240 < len(exact) <= policy.MAX_LENGTH
    manager = client_as("manager")
    assert manager.post("/auth/password", {"old_password": PASSWORD, "new_password": exact}).status == 200
    others = (exact.strip(), exact.lower(), exact[:-1], exact + "d", exact.replace("\u00e9", "e\u0301"))
    for other in others[:4]:
        assert at_store(client, business, other).code == "credentials_wrong"
    assert at_store(client, business, exact).status == 201
    assert at_store(client, business, others[4]).code == "credentials_wrong"


@pytest.mark.req("AUT-03")
@pytest.mark.parametrize(
    "password", ["our-3PlugPOS-till", "the.plug-pos.rocks", "a-test_shop-of-ours", "x-maria-2-x-4"]
)
def test_names_that_stand_on_the_door_are_in_no_password(business: Business, password: str) -> None:
    found = policy.password_violations(business.context(), password, username="maria")
    assert [v.code.code for v in found] == ["password_too_personal"]


# -- second factors and what else proves somebody ------------------------------------------------------------------


@pytest.mark.req("AUT-07", "AUT-17")
def test_a_changed_password_does_not_free_who_still_needs_a_second_factor(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    setting(shop, "mfa.roles", "store_manager")
    version = shop.query("user:get", id=shop.ids["manager"])["version"]
    reset = {"id": shop.ids["manager"], "version": version, "reason": "forgotten"}
    given = shop.perform("user:reset_password", reset)["password"]
    manager = signed_in(client, at_store(client, shop, given))
    assert manager.get("/stores").code == "password_change_needed"
    assert manager.post("/auth/password", {"old_password": given, "new_password": NEW}).status == 200
    assert manager.get("/stores").code == "mfa_enrolment_needed"
    begun = manager.post("/auth/mfa/totp", {"password": NEW})
    confirm = {"code": code_of(begun.data["shown"]["secret"], shop)}
    assert manager.post("/auth/mfa/totp/confirm", confirm).status == 200
    assert manager.get("/stores").status == 200


@pytest.mark.req("AUT-07")
def test_a_password_that_others_know_sets_up_nothing_that_lasts(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    """Who gave it could otherwise leave a PIN, a factor or a mail address behind."""
    version = shop.query("user:get", id=shop.ids["manager"])["version"]
    reset = {"id": shop.ids["manager"], "version": version, "reason": "forgotten"}
    given = shop.perform("user:reset_password", reset)["password"]
    manager = signed_in(client, at_store(client, shop, given))
    tried = [
        manager.request("PUT", "/me/pin", {"password": given, "pin": PIN}),
        manager.post("/auth/mfa/totp", {"password": given}),
        manager.patch("/me/account", {"email": "thief@example.org", "password": given}, version + 1),
    ]
    assert [(answer.status, answer.code) for answer in tried] == [(403, "password_change_needed")] * 3
    assert manager.post("/auth/password", {"old_password": given, "new_password": NEW}).status == 200
    assert manager.request("PUT", "/me/pin", {"password": NEW, "pin": PIN}).status == 200


@pytest.mark.req("AUT-07", "AUT-18")
def test_a_reset_password_leaves_the_second_factor_as_it_is(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    secret, _ = enrol(client_as("manager"), shop)
    version = shop.query("user:get", id=shop.ids["manager"])["version"]
    reset = {"id": shop.ids["manager"], "version": version, "reason": "forgotten"}
    given = shop.perform("user:reset_password", reset)["password"]
    assert at_store(client, shop, given).code == "mfa_required"
    proof = {"method": "totp", "code": code_of(secret, shop)}
    assert at_store(client, shop, given, mfa=proof).data["restriction"] == "password"


@pytest.mark.req("SES-04", "AUT-17")
def test_what_proves_oneself_is_changed_and_the_other_sessions_end(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    admin = signed_in(client, sign_in(client))

    def ends_others(answer: Callable[[], Answer], code: Callable[[], str] | None = None) -> Answer:
        other = with_code(client, code(), "recovery_code") if code is not None else sign_in(client)
        elsewhere = signed_in(client, other)
        assert elsewhere.get("/me").status == 200
        done = answer()
        assert (done.status, done.data["sessions_ended"]) == (200, 1), done.text
        assert elsewhere.get("/me").code == "session_ended"
        assert admin.get("/me").status == 200
        return done

    ends_others(lambda: admin.request("PUT", "/me/pin", {"password": PASSWORD, "pin": PIN}))
    secret = admin.post("/auth/mfa/totp", {"password": PASSWORD}).data["shown"]["secret"]
    confirmed = ends_others(lambda: admin.post("/auth/mfa/totp/confirm", {"code": code_of(secret, shop)}))
    codes = confirmed.data["recovery_codes"]
    renewed = ends_others(lambda: admin.post("/auth/mfa/recovery-codes", {"password": PASSWORD}), lambda: codes[0])
    codes = renewed.data["recovery_codes"]
    ends_others(lambda: admin.post("/auth/mfa/totp/remove", {"password": PASSWORD}), lambda: codes[0])


@pytest.mark.req("AUT-19")
def test_a_pin_that_is_taken_away_ends_what_it_opened(client_as: ClientAs, client: Client, business: Business) -> None:
    setting(business, "auth.concurrency", "unlimited")
    admin, cashier = client_as("admin"), client_as("cashier")
    path = f"/users/{business.ids['cashier1']}/pin"
    assert cashier.request("PUT", "/me/pin", {"password": PASSWORD, "pin": PIN}).status == 200
    till = signed_in(client, by_pin(client, business))
    given = admin.request("PUT", path, {})
    assert (given.status, given.data["sessions_ended"]) == (200, 1), given.text
    assert till.get("/me").code == "session_ended"
    till = signed_in(client, by_pin(client, business, given.data["pin"], new_pin="6052"))
    assert admin.post(f"{path}/remove").data["sessions_ended"] == 1
    assert till.get("/me").code == "session_ended"
    assert cashier.get("/me").status == 200, "the password opened this one"


@pytest.mark.req("AUT-17", "AUT-19")
def test_a_sign_in_without_the_second_factor_changes_no_second_factor(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    cashier = client_as("cashier")
    cashier.request("PUT", "/me/pin", {"password": PASSWORD, "pin": PIN})
    secret, _ = enrol(cashier, shop)
    answer = by_pin(client, shop)
    assert Session.get_by_id(answer.data["id"]).mfa_verified is False
    till = signed_in(client, answer)
    for path in ("/auth/mfa/totp/remove", "/auth/mfa/totp", "/auth/mfa/recovery-codes"):
        denied = till.post(path, {"password": PASSWORD})
        assert (denied.status, denied.code) == (403, "mfa_session_needed")
    proof = {"method": "totp", "code": code_of(secret, shop)}
    proven = signed_in(client, by_pin(client, shop, mfa=proof))
    assert proven.post("/auth/mfa/totp/remove", {"password": PASSWORD}).status == 200


@pytest.mark.req("AUT-18")
def test_recovery_codes_are_too_many_to_be_tried_out() -> None:
    code = recovery._one()
    assert len(base64.b32decode(code.replace("-", "").upper())) * 8 >= 112
    assert len({recovery._one() for _ in range(200)}) == 200


# -- proving it once more ------------------------------------------------------------------------------------------


@pytest.mark.req("AUT-16", "OPX-17")
def test_ending_other_sessions_takes_a_sign_in_of_a_moment_ago_or_the_password(
    client: Client, shop: Business
) -> None:
    first, mine = sign_in(client), sign_in(client)
    me, other, own = signed_in(client, mine), first.data["id"], mine.data["id"]
    ways = (f"/auth/sessions/{other}/end", {}), ("/auth/revoke", {"session_id": other}), ("/auth/logout-everywhere", {})
    shop.clock.advance(timedelta(minutes=10, seconds=1))
    for path, body in ways:
        asked = me.post(path, body)
        assert (asked.status, asked.code, asked.paths()) == (422, "password_needed", {"password"})
        wrong = me.post(path, {**body, "password": WRONG})
        assert (wrong.status, wrong.code) == (403, "password_wrong")
    assert signed_in(client, first).get("/me").status == 200
    assert me.post(ways[0][0], {"password": PASSWORD}).data["ended"] == 1
    assert signed_in(client, first).get("/me").code == "session_ended"
    assert me.post(f"/auth/sessions/{own}/end").data["ended"] == 1, "leaving oneself takes no proof"
    me, other = signed_in(client, sign_in(client)), sign_in(client).data["id"]
    shop.clock.advance(timedelta(minutes=10))
    assert me.post(f"/auth/sessions/{other}/end").data["ended"] == 1


@pytest.mark.req("AUT-07", "AUT-18", "AUT-19")
def test_nobody_resets_their_own_proofs_without_the_password(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    """Or a session that was left open would become the account."""
    admin = client_as("admin")
    secret, _ = enrol(admin, shop)
    own = f"/users/{shop.ids['admin']}"
    version = {"If-Match": f'"{admin.get(own).data["version"]}"'}
    tried = [
        admin.request("POST", f"{own}/password", {"reason": "forgotten"}, version),
        admin.request("PUT", f"{own}/pin", {"pin": PIN}), admin.post(f"{own}/mfa/reset"),
    ]  # fmt: skip
    assert [(answer.status, answer.code) for answer in tried] == [(403, "own_credentials")] * 3
    assert "password" not in tried[0].json.get("data", {})
    assert with_code(client, code_of(secret, shop)).status == 201, "password and factor are what they were"


@pytest.mark.req("AUT-03")
def test_a_password_stays_good_until_it_is_changed(client: Client, business: Business) -> None:
    business.clock.advance(timedelta(days=1000))
    assert sign_in(client).data["restriction"] == ""


@pytest.mark.req("AUT-02")
def test_a_mail_address_is_no_name_to_sign_in_with(client: Client, business: Business) -> None:
    version = business.query("user:get", id=business.ids["manager"])["version"]
    business.perform("user:edit", {"id": business.ids["manager"], "version": version, "email": "mia@example.org"})
    place = {"app_context": "store", "store_id": business.store_id}
    assert sign_in(client, "mia@example.org", **place).code == "credentials_wrong"
    assert sign_in(client, "manager", **place).status == 201


@pytest.mark.req("RGX-06")
def test_how_one_is_reached_changes_with_the_password_only(client_as: ClientAs, business: Business) -> None:
    manager = client_as("manager")
    for change in ({"email": "thief@example.org"}, {"phone": "+34 600 000 000"}):
        asked = manager.patch("/me/account", change, 1)
        assert (asked.status, asked.code, asked.paths()) == (422, "password_needed", {"password"})
        assert manager.patch("/me/account", {**change, "password": WRONG}, 1).code == "password_wrong"
    assert manager.get("/me/account").data["version"] == 1
    named = manager.patch("/me/account", {"full_name": "Mia Lund", "phone": "", "email": ""}, 1)
    assert (named.status, named.data["full_name"]) == (200, "Mia Lund"), "what stays as it is needs none"
    mine = {"email": "mia@example.org", "phone": "+34 600 111 222", "password": PASSWORD}
    done = manager.patch("/me/account", mine, 2)
    assert (done.status, done.data["email"], done.data["phone"]) == (200, mine["email"], mine["phone"]), done.text
    admin = client_as("admin")
    around = admin.patch(f"/users/{business.ids['admin']}", {"email": "thief@example.org"}, 1)
    assert (around.status, around.code) == (409, "own_contact"), "not by way of the administration either"


@pytest.mark.req("AUT-12")
def test_no_kind_of_token_is_good_for_another(client_as: ClientAs, client: Client, business: Business) -> None:
    opened = sign_in(client)
    cursor = signed_in(client, opened).get("/users?limit=1").json["meta"]["next_cursor"]
    access, refresh, key = opened.data["access_token"], opened.data["refresh_token"], device(business)["key"]
    for bearer in (refresh, cursor, key):
        assert Client(client.host, client.port, bearer).get("/me").code == "token_invalid"
    for given in (access[:128], cursor, key):
        assert client.post("/auth/refresh", {"refresh_token": given}).code == "refresh_token_invalid"
    for given in (access, refresh, key):
        assert signed_in(client, opened).get(f"/users?limit=1&cursor={given}").code == "cursor_invalid"
    proof = {"id": device(business)["id"], "key": refresh}
    answer = sign_in(client, "cashier1", app_context="pos", device=proof)
    assert answer.code == "credentials_wrong"


@pytest.mark.req("AUT-12")
def test_cursors_are_signed_like_tokens(client_as: ClientAs, business: Business) -> None:
    """With SHA-256 and a derived key: what the same key signs in another way is refused."""
    admin = client_as("admin")
    good = admin.get("/users?limit=1")
    cursor = good.json["meta"]["next_cursor"]
    assert admin.get(f"/users?limit=1&cursor={cursor}").status == 200
    key = business.kernel.secrets.token_keys[-1]
    found = URLSafeSerializer(key, salt="pos.cursor.user:list").loads_unsafe(cursor)
    assert found[0] is False
    forged = URLSafeSerializer(key, salt="pos.cursor.user:list").dumps(found[1])
    assert admin.get(f"/users?limit=1&cursor={forged}").code == "cursor_invalid"
