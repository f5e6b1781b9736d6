"""Second factors: off by default, an authenticator app, recovery codes, roles that need one, a lost phone, a thumb."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core import PosError
from pos_core.audit.models import AuditEntry
from pos_core.auth.credentials_models import Factor, RecoveryCode
from pos_core.auth.mfa.provider import Person
from pos_core.auth.mfa.totp import Totp
from pos_core.auth.models import Session
from pos_core.rbac.models import User
from pos_core.testing.harness import NOW, PASSWORD, Answer, Business, Client, Server
from pos_core.testing.processes import run_pos, settle
from tests.auth import thumb_pack
from tests.auth.people import WRONG, device, in_threads, setting, sign_in, signed_in

ClientAs = Callable[..., Client]


@pytest.fixture
def shop(business: Business) -> Business:
    """A business with second factors switched on."""
    setting(business, "mfa.enabled", True)
    return business


def code_of(secret: str, business: Business, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(int(business.clock.now().timestamp()) // 30 + steps)


def enrol(client: Client, business: Business) -> tuple[str, list[str]]:
    """Set up an authenticator app; (secret, recovery codes)."""
    begun = client.post("/auth/mfa/totp", {"password": PASSWORD})
    assert begun.status == 201, begun.text
    secret = begun.data["shown"]["secret"]
    confirmed = client.post("/auth/mfa/totp/confirm", {"code": code_of(secret, business)})
    assert confirmed.status == 200, confirmed.text
    business.clock.advance(timedelta(seconds=30))
    return secret, confirmed.data["recovery_codes"]


def with_code(client: Client, code: str, method: str = "totp", **more: Any) -> Answer:
    return sign_in(client, mfa={"method": method, "code": code}, **more)


@pytest.mark.req("AUT-17")
def test_second_factors_are_off_by_default(client_as: ClientAs, client: Client) -> None:
    admin = client_as("admin")
    assert admin.post("/auth/mfa/totp", {"password": PASSWORD}).code == "mfa_off"
    assert admin.get("/auth/mfa").data == {
        "enabled": False, "needed": False, "factors": [], "available": ["totp"], "recovery_codes_left": 0,
    }  # fmt: skip
    assert with_code(client, "123456").status == 201


@pytest.mark.req("AUT-17")
def test_whoever_has_a_factor_needs_it_to_sign_in(client_as: ClientAs, client: Client, shop: Business) -> None:
    admin = client_as("admin")
    secret, codes = enrol(admin, shop)
    assert len(set(codes)) == 10
    asked = sign_in(client)
    assert (asked.status, asked.code) == (401, "mfa_required")
    assert asked.json["errors"][0]["methods"] == ["totp", "recovery_code"]
    answer = with_code(client, code_of(secret, shop))
    assert answer.status == 201
    assert Session.get_by_id(answer.data["id"]).mfa_verified is True
    own = signed_in(client, answer).get("/auth/mfa").data
    assert ([f["method"] for f in own["factors"]], own["recovery_codes_left"]) == (["totp"], 10)
    assert sign_in(client, password=WRONG, mfa={"method": "totp", "code": "000000"}).code == "credentials_wrong"


@pytest.mark.req("AUT-17")
def test_a_code_is_good_once_and_one_step_early_or_late(client_as: ClientAs, client: Client, shop: Business) -> None:
    secret, _ = enrol(client_as("admin"), shop)
    shop.clock.advance(timedelta(minutes=5))
    early = code_of(secret, shop, -1)
    assert with_code(client, early).status == 201
    assert with_code(client, early).code == "mfa_code_wrong"
    assert with_code(client, code_of(secret, shop, 1)).status == 201
    assert with_code(client, code_of(secret, shop)).code == "mfa_code_wrong"  # an older one than the last that was used
    assert with_code(client, code_of(secret, shop, 2)).code == "mfa_code_wrong"
    shop.clock.advance(timedelta(minutes=5))
    assert with_code(client, code_of(secret, shop, -2)).code == "mfa_code_wrong"


@given(used=st.integers(-5, 5), shown=st.integers(-5, 5))
def test_only_later_steps_within_the_window_are_good(used: int, shown: int) -> None:
    """The provider alone, for every distance between the last code used and the one that is shown."""
    person, provider = Person("u", "maria", "Shop"), Totp()
    begun = provider.begin(person, {}, NOW)
    now = int(NOW.timestamp()) // 30
    state = {**begun.state, "last_step": now + used}
    code = pyotp.TOTP(begun.shown["secret"]).generate_otp(now + shown)
    found = provider.verify(person, state, code, NOW)
    assert (found is not None) == (-1 <= shown <= 1 and shown > used)
    assert found is None or provider.verify(person, found, code, NOW) is None


@pytest.mark.req("AUT-17")
def test_a_code_that_comes_ten_times_at_once_opens_one_session(client_as: ClientAs, shop: Business) -> None:
    secret, codes = enrol(client_as("admin"), shop)
    for method, code in (("totp", code_of(secret, shop)), ("recovery_code", codes[0])):
        proof = {"user_id": shop.ids["admin"], "method": method, "code": code}
        schema = shop.kernel.action("mfa:use").command

        def use(_: int, given: Any = schema.model_validate(proof)) -> Any:
            return shop.kernel.perform(shop.kernel.system_context(""), "mfa:use", given)

        answers = in_threads(shop, 10, use)
        assert [a.code.code for a in answers if isinstance(a, PosError)] == ["mfa_code_wrong"] * 9


@pytest.mark.req("AUT-18", "OPX-19")
def test_recovery_codes_are_good_once_each(client_as: ClientAs, client: Client, shop: Business) -> None:
    _, codes = enrol(client_as("admin"), shop)
    first = with_code(client, codes[0].upper().replace("-", " "), "recovery_code")
    assert first.status == 201
    assert with_code(client, codes[0], "recovery_code").code == "mfa_code_wrong"
    admin = signed_in(client, with_code(client, codes[1], "recovery_code"))
    assert admin.get("/auth/mfa").data["recovery_codes_left"] == 8
    renewed = admin.post("/auth/mfa/recovery-codes", {"password": PASSWORD}).data["recovery_codes"]
    assert len(set(renewed) | set(codes)) == 20
    assert with_code(client, codes[2], "recovery_code").code == "mfa_code_wrong"
    assert with_code(client, renewed[0], "recovery_code").status == 201
    assert admin.post("/auth/mfa/recovery-codes", {"password": WRONG}).status in (401, 403)


@pytest.mark.req("AUT-05")
def test_guesses_at_codes_lock_the_account(client_as: ClientAs, client: Client, shop: Business) -> None:
    """Although the password fits each time: what a success forgives is the password's count, not the codes'."""
    secret, _ = enrol(client_as("admin"), shop)
    assert {with_code(client, f"00000{n}").code for n in range(5)} == {"mfa_code_wrong"}
    assert with_code(client, code_of(secret, shop)).code == "account_locked"
    shop.clock.advance(timedelta(minutes=30))
    assert with_code(client, code_of(secret, shop)).status == 201


@pytest.mark.req("AUT-17")
def test_a_role_that_needs_a_factor_opens_nothing_until_one_is_set_up(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    setting(shop, "mfa.roles", "store_manager, super_admin")
    place = {"name": "manager", "app_context": "store", "store_id": shop.store_id}
    answer = sign_in(client, **place)
    assert (answer.data["restriction"], answer.data["permissions"]) == ("mfa", [])
    manager = signed_in(client, answer)
    denied = manager.get("/stores")
    assert (denied.status, denied.code) == (403, "mfa_enrolment_needed")
    assert manager.get("/auth/mfa").data["needed"] is True
    secret, _ = enrol(manager, shop)
    assert manager.get("/stores").status == 200
    assert sign_in(client, **place).code == "mfa_required"
    assert with_code(client, code_of(secret, shop), **place).data["restriction"] == ""
    assert sign_in(client).data["restriction"] == "mfa"
    cashier = sign_in(client, "cashier1", app_context="pos", device=device(shop))
    assert cashier.data["restriction"] == ""


@pytest.mark.req("AUT-17", "AUT-19")
def test_at_a_tills_pin_a_factor_is_asked_for_where_the_role_needs_it(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    cashier = client_as("cashier")
    cashier.request("PUT", "/me/pin", {"password": PASSWORD, "pin": "4829"})
    secret, _ = enrol(cashier, shop)
    body = {"username": "cashier1", "pin": "4829", "device": device(shop), "delivery": "body"}
    assert client.post("/auth/pin", body).status == 201
    setting(shop, "mfa.roles", "cashier")
    asked = client.post("/auth/pin", body)
    assert (asked.status, asked.code) == (401, "mfa_required")
    proof = {"method": "totp", "code": code_of(secret, shop)}
    answer = client.post("/auth/pin", {**body, "mfa": proof})
    assert answer.status == 201
    assert Session.get_by_id(answer.data["id"]).mfa_verified is True


@pytest.mark.req("AUT-17")
def test_the_setting_names_roles_that_exist(shop: Business) -> None:
    with pytest.raises(PosError) as refused:
        setting(shop, "mfa.roles", "store_manager,stroe_manager")
    assert refused.value.code.code == "mfa_role_unknown"
    assert refused.value.params["unknown"] == "stroe_manager"


@pytest.mark.req("AUT-18")
def test_an_administrator_removes_a_lost_factor_and_ends_the_sessions(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    manager = client_as("manager")
    enrol(manager, shop)
    place = {"name": "manager", "app_context": "store", "store_id": shop.store_id}
    admin = signed_in(client, sign_in(client))
    state = admin.get(f"/users/{shop.ids['manager']}/credentials").data
    assert (state["mfa_methods"], state["recovery_codes_left"]) == (["totp"], 10)
    done = admin.post(f"/users/{shop.ids['manager']}/mfa/reset")
    assert (done.status, done.data["removed"], done.data["sessions_ended"]) == (200, ["totp"], 1)
    assert manager.get("/me").code == "session_ended"
    assert sign_in(client, **place).status == 201
    assert (Factor.select().count(), RecoveryCode.select().count()) == (0, 0)
    assert AuditEntry.select().where(AuditEntry.action == "mfa:reset", AuditEntry.outcome == "done").count() == 1


@pytest.mark.req("AUT-18")
def test_the_machines_own_command_removes_the_last_administrators_factor(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    enrol(client_as("admin"), shop)
    assert sign_in(client).code == "mfa_required"
    url = client
    done = run_pos(settle(shop), "user", "reset-mfa", "admin")
    assert (done.returncode, "Removed: totp. 1 session(s) ended." in done.stdout) == (0, True), done.stderr
    assert sign_in(url).status == 201


@pytest.mark.req("AUT-17")
def test_one_removes_ones_own_factor_with_ones_password(client_as: ClientAs, client: Client, shop: Business) -> None:
    admin = client_as("admin")
    enrol(admin, shop)
    again = admin.post("/auth/mfa/totp", {"password": PASSWORD})
    assert (again.status, again.code) == (409, "mfa_already_enrolled")
    wrong = admin.post("/auth/mfa/totp/remove", {"password": WRONG})
    assert (wrong.status, wrong.code) == (403, "password_wrong")
    assert admin.post("/auth/mfa/totp/remove", {"password": PASSWORD}).status == 200
    assert (Factor.select().count(), RecoveryCode.select().count()) == (0, 0)
    assert admin.post("/auth/mfa/totp/remove", {"password": PASSWORD}).status == 404
    assert sign_in(client).status == 201


@pytest.mark.req("AUT-17")
def test_what_was_begun_counts_only_once_it_is_confirmed(client_as: ClientAs, client: Client, shop: Business) -> None:
    admin = client_as("admin")
    assert admin.post("/auth/mfa/totp/confirm", {"code": "123456"}).code == "mfa_not_enrolled"
    first = admin.post("/auth/mfa/totp", {"password": PASSWORD}).data["shown"]
    assert first["otpauth_uri"].startswith("otpauth://totp/Test%20shop:admin?")
    second = admin.post("/auth/mfa/totp", {"password": PASSWORD}).data["shown"]
    assert first["secret"] != second["secret"]
    wrong = admin.post("/auth/mfa/totp/confirm", {"code": code_of(first["secret"], shop)})
    assert (wrong.status, wrong.code) == (422, "mfa_confirmation_wrong")
    assert sign_in(client).status == 201
    assert client.post("/auth/mfa/totp/confirm", {"code": "123456"}).code == "token_missing"
    assert client.post("/auth/mfa/totp", {"password": PASSWORD}).code == "token_missing"
    unknown = signed_in(client, sign_in(client)).post("/auth/mfa/thumb", {"password": PASSWORD})
    assert (unknown.status, unknown.code) == (404, "mfa_method_unknown")


@pytest.mark.req("AUT-17")
def test_neither_secret_nor_codes_stand_in_the_database_or_the_audit(
    client_as: ClientAs, client: Client, shop: Business
) -> None:
    secret, codes = enrol(client_as("admin"), shop)
    with_code(client, codes[0], "recovery_code")
    texts = [entry.payload for entry in AuditEntry.select()]
    for hidden in (secret, *codes, codes[0].replace("-", "")):
        assert not any(hidden in text for text in texts)
    assert secret.encode() not in Factor.get().sealed


@pytest.mark.req("AUT-17")
def test_a_sealed_state_opens_for_its_own_person_only(client_as: ClientAs, client: Client, shop: Business) -> None:
    """Whoever can write to the database cannot give somebody else's factor to himself."""
    secret, _ = enrol(client_as("admin"), shop)
    other = signed_in(client, sign_in(client, "manager", app_context="store", store_id=shop.store_id))
    enrol(other, shop)
    rows = {row.user_id: row.sealed for row in Factor.select()}
    with shop.kernel.db.schema_access():
        Factor.update(sealed=rows[shop.ids["admin"]]).where(Factor.user == shop.ids["manager"]).execute()
    answer = with_code(client, code_of(secret, shop), name="manager", app_context="store", store_id=shop.store_id)
    assert answer.status == 500
    assert "secret" not in answer.text


@pytest.mark.req("AUT-17", "RGX-55")
def test_a_thumb_reader_is_a_provider_like_any_other(make_business: Callable[..., Business]) -> None:
    shop = make_business(extra=[("thumbs.reader", thumb_pack)])
    setting(shop, "mfa.enabled", True)
    server = Server(shop.kernel)
    try:
        client = server.client()
        body = {"app_context": "pos", "device": device(shop), "name": "cashier1"}
        cashier = signed_in(client, sign_in(client, **body))
        assert cashier.get("/auth/mfa").data["available"] == ["thumb", "totp"]
        begun = cashier.post("/auth/mfa/thumb", {"password": PASSWORD, "data": {"template": "ridges", "reader": "R7"}})
        assert begun.data["shown"] == {"device": "R7"}
        assert cashier.post("/auth/mfa/thumb/confirm", {"code": "1:" + thumb_pack.signed("ridges", "1")}).status == 200
        replayed = with_code(client, "1:" + thumb_pack.signed("ridges", "1"), "thumb", **body)
        assert replayed.code == "mfa_code_wrong"
        answer = with_code(client, "2:" + thumb_pack.signed("ridges", "2"), "thumb", **body)
        session = Session.get_by_id(answer.data["id"])
        assert (session.mfa_verified, session.biometric_verified) == (True, True)
        user = User.get_by_id(shop.ids["cashier1"])
        assert (user.is_biometric_enabled, user.biometric_device_id) == (True, "R7")
        assert cashier.get("/me").code == "session_ended"  # one session per person and application
        cashier = signed_in(client, answer)
        assert cashier.post("/auth/mfa/thumb/remove", {"password": PASSWORD}).status == 200
        user = User.get_by_id(shop.ids["cashier1"])
        assert (user.is_biometric_enabled, user.biometric_device_id) == (False, None)
    finally:
        server.close()
