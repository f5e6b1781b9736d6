"""Which passwords are taken, wherever one is set, and how they are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core import PosError
from pos_core.auth import passwords, policy
from pos_core.auth.passwords import Passwords
from pos_core.config.loader import AuthConfig
from pos_core.db.database import close_all
from pos_core.installer import setup
from pos_core.kernel import Kernel
from pos_core.rbac.models import User
from pos_core.testing.harness import PASSWORD, Answer, Business, Client, make_config
from tests.auth.people import WRONG, setting, sign_in, signed_in

ClientAs = Callable[..., Client]
NEW = "seven-green-kettles"
CHEAP = AuthConfig(argon2_memory_kib=64, argon2_rounds=1)


def codes(answer: Answer) -> set[str]:
    return {item["code"] for item in answer.json["errors"]}


def broken(business: Business, password: str, username: str = "maria") -> set[str]:
    return {v.code.code for v in policy.password_violations(business.context(), password, username=username)}


@pytest.mark.req("AUT-03")
def test_the_bundled_list_holds_the_commonest_passwords(business: Business) -> None:
    known = policy.common_passwords()
    assert len(known) >= 10_000
    assert {"123456", "qwertyuiop", "password1", "iloveyou"} <= known
    long_enough = sorted(word for word in known if len(word) >= 10)
    assert len(long_enough) > 1000
    assert not any(policy.PASSWORD_COMMON.code not in broken(business, word) for word in long_enough)


@pytest.mark.req("AUT-03")
@pytest.mark.parametrize(
    ("password", "rules"),
    [
        ("seven-green-kettles", set()),
        ("мой длинный пароль", set()),
        ("short", {"password_too_short"}),
        ("password", {"password_too_short", "password_too_common"}),
        ("Password2024!", {"password_too_common"}),
        ("QWERTYUIOP", {"password_too_common"}),
        ("aaaaaaaaaaaa", {"password_too_common"}),
        ("xx-maria-xx-77", {"password_too_personal"}),
        ("my-Test.Shop-2000", {"password_too_personal"}),
        ("maria1", {"password_too_short", "password_too_common", "password_too_personal"}),
        ("x" * 150 + "y" * 107, {"password_too_long", "password_too_common"}),
    ],
)
def test_every_broken_rule_is_told(business: Business, password: str, rules: set[str]) -> None:
    assert broken(business, password) == rules


@pytest.mark.req("AUT-03")
def test_complexity_is_off_and_can_be_asked_for(business: Business) -> None:
    assert broken(business, NEW) == set()
    setting(business, "password.complexity", "upper, digit,sign")
    assert broken(business, NEW) == {"password_needs_upper", "password_needs_digit"}
    assert broken(business, "Seven-Green-Kettles-7") == set()
    setting(business, "password.minimum_length", 30)
    assert broken(business, "Seven-Green-Kettles-7") == {"password_too_short"}
    with pytest.raises(PosError) as refused:
        setting(business, "password.complexity", "upper,emoji")
    assert (refused.value.code.code, refused.value.params["unknown"]) == ("password_complexity_unknown", "emoji")


@given(st.text(min_size=10, max_size=256))
def test_complexity_never_chokes_on_a_text(text: str) -> None:
    for holds, _ in policy.COMPLEXITY.values():
        assert any(map(holds, text)) in (True, False)
    assert policy._is_common(text) in (True, False)


@pytest.mark.req("AUT-03", "VAL-05")
def test_an_administrator_sets_none_that_is_not_taken(client_as: ClientAs, business: Business) -> None:
    admin = client_as("admin")
    body = {"username": "maria", "full_name": "Maria", "password": "maria1"}
    refused = admin.post("/users", body)
    assert (refused.status, refused.paths()) == (422, {"password"})
    assert codes(refused) == {"password_too_short", "password_too_common", "password_too_personal"}
    spanish = admin.request("POST", "/users", body, {"Accept-Language": "es"})
    assert "La contraseña debe tener al menos 10 caracteres." in spanish.text
    assert User.get_or_none(User.username == "maria") is None
    made = admin.post("/users", {**body, "password": NEW}).data
    wanted = {"password": "maria-password", "reason": "forgotten"}
    reset = admin.request("POST", f"/users/{made['id']}/password", wanted, {"If-Match": '"1"'})
    assert codes(reset) == {"password_too_personal"}
    assert "maria-password" not in reset.text


@pytest.mark.req("AUT-03")
def test_nobody_changes_to_one_that_is_not_taken(client_as: ClientAs, client: Client) -> None:
    manager = client_as("manager")
    body = {"old_password": PASSWORD, "new_password": "manager123"}
    refused = manager.post("/auth/password", body)
    assert (refused.status, codes(refused)) == (422, {"password_too_personal"})
    assert refused.paths() == {"new_password"}
    assert manager.post("/auth/password", {**body, "new_password": NEW}).status == 200


@pytest.mark.req("AUT-07")
def test_a_reset_ends_sessions_forgives_failures_and_forces_a_change(
    client_as: ClientAs, client: Client, business: Business
) -> None:
    admin, manager = client_as("admin"), client_as("manager")
    place = {"app_context": "store", "store_id": business.store_id}
    for _ in range(5):
        sign_in(client, "manager", WRONG, **place)
    assert sign_in(client, "manager", **place).code == "account_locked"
    user = admin.get(f"/users/{business.ids['manager']}").data
    reset = admin.request("POST", f"/users/{user['id']}/password", {"password": NEW, "reason": "forgotten"},
                          {"If-Match": f'"{user["version"]}"'})
    assert reset.status == 200, reset.text
    assert manager.get("/me").code == "session_ended"
    answer = sign_in(client, "manager", NEW, **place)
    assert answer.data["restriction"] == "password"
    restricted = signed_in(client, answer)
    denied = restricted.get("/stores")
    assert (denied.status, denied.code) == (403, "password_change_needed")
    changed = restricted.post("/auth/password", {"old_password": NEW, "new_password": "eight-brown-teapots"})
    assert changed.status == 200, changed.text
    assert restricted.get("/stores").status == 200
    assert sign_in(client, "manager", "eight-brown-teapots", **place).data["restriction"] == ""


@pytest.mark.req("AUT-03", "INS-01")
def test_the_first_administrator_keeps_the_rules_too(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    with pytest.raises(PosError) as refused:
        setup.first_run(config, {"admin_password": "admin"})
    assert {v.code.code for v in refused.value.violations} >= {"password_too_short", "password_too_common"}
    kernel = Kernel(config)
    with kernel.db.in_use():
        assert User.select().count() == 0
    close_all(kernel.db)
    made = setup.first_run(config, {"admin_password": NEW})
    assert made.admin_password == NEW
    close_all(made.kernel.db)


@pytest.mark.req("AUT-02")
def test_a_hash_with_older_parameters_is_renewed_at_the_next_sign_in(client: Client, business: Business) -> None:
    before = User.get_by_id(business.ids["admin"]).password_hash
    assert before.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    business.kernel.passwords = Passwords(AuthConfig(argon2_memory_kib=128, argon2_rounds=2))
    assert sign_in(client, "admin", WRONG).status == 401
    assert User.get_by_id(business.ids["admin"]).password_hash == before
    assert sign_in(client).status == 201
    renewed = User.get_by_id(business.ids["admin"]).password_hash
    assert renewed.startswith("$argon2id$v=19$m=128,t=2,p=1$")
    assert sign_in(client).status == 201
    assert User.get_by_id(business.ids["admin"]).password_hash == renewed


@pytest.mark.req("AUT-02")
def test_two_hashes_at_a_time_a_short_queue_and_then_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes, lock, running, most, refused = Passwords(CHEAP), threading.Lock(), [0], [0], []
    extra, places, release = 6, passwords.AT_ONCE + passwords.WAITING, threading.Event()
    stored = hashes.hash(PASSWORD)
    hashes.warm()
    verify = hashes._context.verify

    def slow(password: str, against: str) -> bool:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        release.wait(9)  # until everybody else has come
        fits = bool(verify(password, against))
        with lock:
            running[0] -= 1
        return fits

    def come(_: int) -> bool:
        try:
            return hashes.verify(PASSWORD, stored)
        except PosError as error:
            refused.append(error.code.code)
            if len(refused) == extra:
                release.set()
            return False

    monkeypatch.setattr(hashes._context, "verify", slow)
    with ThreadPoolExecutor(places + extra) as pool:
        answers = list(pool.map(come, range(places + extra)))
    assert most[0] == passwords.AT_ONCE
    assert refused == ["sign_in_busy"] * extra
    assert answers.count(True) == places


@pytest.mark.req("AUT-06")
def test_an_unknown_user_costs_a_hash_too(client: Client, business: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []
    verify = business.kernel.passwords._context.verify

    def counting(password: str, against: str) -> bool:
        compared.append(against.split("$")[3])
        return bool(verify(password, against))

    monkeypatch.setattr(business.kernel.passwords._context, "verify", counting)
    known = sign_in(client, "admin", WRONG)
    unknown = sign_in(client, "nobody-here", WRONG)
    assert [a.code for a in (known, unknown)] == ["credentials_wrong"] * 2
    assert compared == ["m=64,t=1,p=1"] * 2
    assert passwords.generate() != passwords.generate()
