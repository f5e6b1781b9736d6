"""PINs: at an enrolled till only, peppered, counted and locked on their own, given, changed and taken away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from passlib.hash import argon2

from pos_core import PosError
from pos_core.auth import limits, pins, policy
from pos_core.auth.credentials_models import Pin
from pos_core.auth.models import Session
from pos_core.config import secrets
from pos_core.testing.harness import PASSWORD, Answer, Business, Client
from tests.auth.people import WRONG, device, in_threads, setting, sign_in, signed_in

ClientAs = Callable[..., Client]
PIN = "4829"


def by_pin(client: Client, business: Business, pin: str, name: str = "cashier1", **more: Any) -> Answer:
    body = {"username": name, "pin": pin, "device": device(business), "delivery": "body", **more}
    return client.post("/auth/pin", body)


def with_pin(client_as: ClientAs, role: str = "cashier", pin: str = PIN) -> Client:
    client = client_as(role)
    answer = client.request("PUT", "/me/pin", {"password": PASSWORD, "pin": pin})
    assert (answer.status, answer.data["must_change"]) == (200, False), answer.text
    return client


@pytest.mark.req("AUT-19", "V2X-26")
def test_a_cashier_sets_a_pin_and_signs_in_with_it(client_as: ClientAs, client: Client, business: Business) -> None:
    with_pin(client_as)
    answer = by_pin(client, business, PIN)
    till = signed_in(client, answer)
    assert (answer.data["app_context"], answer.data["register_id"]) == ("pos", business.ids["register1"])
    assert till.get("/me").data["username"] == "cashier1"
    assert Session.get_by_id(answer.data["id"]).method == "pin"


@pytest.mark.req("AUT-19")
@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"app_context": "store"}, 422, "invalid_request"),
        ({"app_context": "hq"}, 422, "invalid_request"),
        ({"device": None}, 422, "invalid_request"),
        ({"pin": "4828"}, 401, "pin_sign_in_wrong"),
        ({"pin": "x'; --"}, 401, "pin_sign_in_wrong"),
        ({"username": "nobody"}, 401, "pin_sign_in_wrong"),
        ({"username": "manager"}, 401, "pin_sign_in_wrong"),
    ],
)
def test_a_pin_opens_nothing_but_an_enrolled_till(
    client_as: ClientAs, client: Client, business: Business, changed: dict[str, Any], status: int, code: str
) -> None:
    with_pin(client_as)
    body = {"username": "cashier1", "pin": PIN, "device": device(business), **changed}
    answer = client.post("/auth/pin", body)
    assert (answer.status, answer.code) == (status, code), answer.text


@pytest.mark.req("AUT-19", "OPX-16")
def test_a_wrong_key_or_a_blocked_device_opens_nothing(
    client_as: ClientAs, client: Client, business: Business
) -> None:
    with_pin(client_as)
    wrong = {"id": business.ids["device1"], "key": business.keys["device2"]}
    answer = by_pin(client, business, PIN, device=wrong)
    assert (answer.status, answer.code) == (401, "device_unknown")
    assert client.post("/auth/pin-users", {"device": wrong}).code == "device_unknown"
    business.perform("device:block", {"id": business.ids["device1"], "version": 1, "reason": "lost_or_stolen"})
    assert by_pin(client, business, PIN).code == "device_unknown"


@pytest.mark.req("AUT-19")
def test_a_pin_is_no_password_and_a_password_no_pin(client_as: ClientAs, client: Client, business: Business) -> None:
    with_pin(client_as)
    assert sign_in(client, "cashier1", PIN, app_context="pos", device=device(business)).code == "credentials_wrong"
    assert by_pin(client, business, PASSWORD[:16]).code == "pin_sign_in_wrong"


@pytest.mark.req("AUT-19", "AUT-05")
def test_pins_are_locked_on_their_own_and_the_password_still_opens(
    client_as: ClientAs, client: Client, business: Business
) -> None:
    with_pin(client_as)
    assert [by_pin(client, business, f"48{n}1").status for n in range(5)] == [401] * 5
    locked = by_pin(client, business, PIN)
    assert (locked.status, locked.code, locked.headers["retry-after"]) == (429, "account_locked", "1800")
    assert sign_in(client, "cashier1", app_context="pos", device=device(business)).status == 201
    business.clock.advance(timedelta(minutes=30))
    assert by_pin(client, business, PIN).status == 201


@pytest.mark.req("AUT-19", "AUT-05")
def test_an_approvals_pin_is_counted_with_the_sign_ins(client_as: ClientAs, business: Business) -> None:
    with_pin(client_as, "manager", "739104")
    ctx = business.context("cashier")
    assert pins.prove_pin(ctx, "manager", "739104").id == business.ids["manager"]
    for n in range(5):
        with pytest.raises(PosError) as wrong:
            pins.prove_pin(ctx, "manager", f"73910{5 + n % 4}")
        assert wrong.value.code is pins.PIN_WRONG
    with pytest.raises(PosError) as locked:
        pins.prove_pin(ctx, "MANAGER", "739104")
    assert locked.value.code is limits.ACCOUNT_LOCKED
    with pytest.raises(PosError) as unknown:
        pins.prove_pin(ctx, "nobody", "739104")
    assert unknown.value.code is pins.PIN_WRONG


def test_guesses_at_a_pin_at_once_do_not_get_past_the_limit(client_as: ClientAs, business: Business) -> None:
    with_pin(client_as, "manager", "739104")

    def guess(number: int) -> Any:
        return pins.prove_pin(business.context("cashier"), "manager", f"7391{number:02d}")

    wrong = [a.code.code for _ in range(2) for a in in_threads(business, 12, lambda n: guess(n + 10))]
    assert wrong.count("pin_wrong") == 5


@pytest.mark.req("AUT-19")
@pytest.mark.parametrize("role", ["admin", "manager"])
def test_a_given_pin_is_good_for_one_sign_in_that_brings_a_new_one(
    client_as: ClientAs, client: Client, business: Business, role: str
) -> None:
    path = f"/users/{business.ids['cashier1']}/pin"
    given = client_as(role).request("PUT", path, {}).data
    assert (given["must_change"], len(given["pin"])) == (True, 6)
    assert by_pin(client, business, given["pin"]).code == "pin_change_needed"
    same = by_pin(client, business, given["pin"], new_pin=given["pin"])
    assert (same.status, same.code) == (422, "pin_too_simple")
    short = by_pin(client, business, given["pin"], new_pin="12")
    assert (short.status, {e["code"] for e in short.json["errors"]}) == (422, {"pin_length_wrong", "pin_too_simple"})
    assert by_pin(client, business, given["pin"], new_pin=PIN).status == 201
    assert by_pin(client, business, PIN).status == 201
    assert by_pin(client, business, given["pin"]).code == "pin_sign_in_wrong"
    assert client_as("admin").post(f"{path}/remove").status == 200
    assert by_pin(client, business, PIN).code == "pin_sign_in_wrong"
    assert client_as("admin").post(f"{path}/remove").status == 404


@pytest.mark.req("RBC-18")
def test_nobody_gives_a_pin_to_somebody_above_or_elsewhere(client_as: ClientAs, business: Business) -> None:
    manager, cashier = client_as("manager"), client_as("cashier")
    for name in ("admin",):
        answer = manager.request("PUT", f"/users/{business.ids[name]}/pin", {"pin": PIN})
        assert (answer.status, answer.code) == (404, "not_found")
    assert cashier.request("PUT", f"/users/{business.ids['cashier2']}/pin", {"pin": PIN}).status == 403
    other = business.perform("store:create", {"code": "S2", "name": "Second", "time_zone": "UTC"})
    business.perform("user:assign", {"user_id": business.ids["cashier2"], "role": "cashier", "store_id": other["id"]})
    assert manager.request("PUT", f"/users/{business.ids['cashier2']}/pin", {"pin": PIN}).status == 404
    clerk = business.perform("user:create", {"username": "clerk", "full_name": "Clerk", "password": PASSWORD})
    business.perform("user:assign", {"user_id": clerk["id"], "role": "admin"})
    admin = signed_in(cashier, sign_in(cashier, "clerk"))
    answer = admin.request("PUT", f"/users/{business.ids['admin']}/pin", {"pin": PIN})
    assert (answer.status, answer.code) == (403, "user_above_own")


@pytest.mark.req("AUT-19")
def test_setting_a_pin_needs_the_password_which_is_counted(client_as: ClientAs, business: Business) -> None:
    client = client_as("cashier")
    wrong = client.request("PUT", "/me/pin", {"password": WRONG, "pin": PIN})
    assert (wrong.status, wrong.code) == (403, "password_wrong")
    for _ in range(4):
        client.request("PUT", "/me/pin", {"password": WRONG, "pin": PIN})
    assert client.request("PUT", "/me/pin", {"password": PASSWORD, "pin": PIN}).code == "account_locked"
    assert client.get("/me").status == 200
    assert Pin.select().count() == 0


def test_nobody_sets_a_pin_without_signing_in(client: Client) -> None:
    assert client.request("PUT", "/me/pin", {"password": PASSWORD, "pin": PIN}).code == "token_missing"


@pytest.mark.req("AUT-19")
def test_a_device_sees_the_names_of_its_stores_people_with_pins(
    client_as: ClientAs, client: Client, business: Business
) -> None:
    assert client.post("/auth/pin-users", {"device": device(business)}).data["users"] == []
    with_pin(client_as)
    with_pin(client_as, "manager", "739104")  # holds no till role here
    answer = client.post("/auth/pin-users", {"device": device(business)})
    assert answer.data["users"] == [{"username": "cashier1", "full_name": "Cashier1"}]
    person = business.query("user:get", id=business.ids["cashier1"])
    business.perform("user:edit", {"id": person["id"], "is_active": False, "version": person["version"],
                                   "reason": "left_company"})
    assert client.post("/auth/pin-users", {"device": device(business)}).data["users"] == []
    assert by_pin(client, business, PIN).code == "pin_sign_in_wrong"


@pytest.mark.req("AUT-19", "AUT-02")
def test_the_database_alone_tells_no_pin(client_as: ClientAs, business: Business) -> None:
    """argon2id over an HMAC: whoever has the rows and tries all 10,000 PINs needs the key in the secrets file too."""
    with_pin(client_as)
    row = Pin.get()
    assert row.pin_hash.startswith("$argon2id$")
    assert not any(argon2.verify(form, row.pin_hash) for form in (PIN, f"{row.user_id}{PIN}", f"{row.user_id}:{PIN}"))
    assert pins.vault(business.context()).digest(row.user_id, PIN).hex() != ""
    assert argon2.verify(pins.vault(business.context()).digest(row.user_id, PIN).hex(), row.pin_hash)


def test_pins_outlive_a_new_data_key(client_as: ClientAs, client: Client, business: Business) -> None:
    with_pin(client_as)
    path = business.kernel.config.secrets_file
    secrets.change(path, lambda content: content["data_keys"].append("a-second-data-key-" + "x" * 30))
    old = Pin.get()
    assert old.key_mark != pins.vault(business.context()).mark
    assert by_pin(client, business, PIN).status == 201
    renewed = Pin.get()
    assert renewed.key_mark == pins.vault(business.context()).mark
    assert renewed.pin_hash != old.pin_hash
    assert by_pin(client, business, PIN, new_pin="5937").status == 201
    assert by_pin(client, business, "5937").status == 201


@pytest.mark.req("AUT-19", "AUT-03")
@pytest.mark.parametrize("pin", ["1111", "1234", "4321", "8901", "0123", "1212", "123123", "77777777", "2580", "98765"])
def test_simple_pins_are_refused(pin: str, business: Business) -> None:
    assert policy.PIN_TRIVIAL in [v.code for v in policy.pin_violations(business.context(), pin)]


@pytest.mark.parametrize("pin", ["4829", "0417", "1986", "73910452", "112233"])
def test_other_pins_are_taken(pin: str, business: Business) -> None:
    assert policy.pin_violations(business.context(), pin) == []


def test_the_length_of_pins_is_a_setting(business: Business) -> None:
    setting(business, "pin.minimum_digits", 6)
    found = policy.pin_violations(business.context(), PIN)
    assert [(v.code, v.params["minimum"]) for v in found] == [(policy.PIN_LENGTH, 6)]
    assert policy.pin_violations(business.context(), "४८२९४८") != []  # digits of another script are none at a till


def test_the_test_of_stolen_rows_can_fail() -> None:
    """argon2 of the bare PIN is found at once; the test above would notice a missing pepper."""
    assert argon2.using(memory_cost=64, rounds=1).verify(PIN, argon2.using(memory_cost=64, rounds=1).hash(PIN))
