"""Refresh tokens: one use each, the lost answer's twin, and what a copy in foreign hands sets off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pos_core.auth import schemas
from pos_core.auth.models import RefreshToken, Session
from pos_core.config import secrets
from pos_core.errors import PosError
from pos_core.security.models import SecurityEvent
from pos_core.testing.harness import Business, Client, Server
from tests.auth.signing import anybody, device, open_session, refresh, sign_in, use


def signed_in(server: Server, opened: Any) -> Client:
    return server.client(opened.data["access_token"])


@pytest.mark.req("AUT-10", "AUT-15")
def test_each_use_gives_a_new_token_and_the_session_goes_on(
    client: Client, server: Server, business: Business
) -> None:
    opened = sign_in(client, business)
    seen = {opened.data["refresh_token"]}
    token = opened.data["refresh_token"]
    for _ in range(5):
        business.clock.advance(timedelta(minutes=14))
        answer = refresh(client, token)
        assert answer.status == 200, answer.text
        token = answer.data["refresh_token"]
        assert token not in seen
        seen.add(token)
        assert answer.data["id"] == opened.data["id"]
        assert signed_in(server, answer).get("/me").status == 200
    assert len(token) == 43, "256 bits"


@pytest.mark.req("AUT-08")
def test_an_access_token_lives_15_minutes_whatever_its_session_does(
    client: Client, server: Server, business: Business
) -> None:
    opened = sign_in(client, business)
    assert opened.data["expires_at"] == "2026-03-02T10:15:00.000000Z"
    business.clock.advance(timedelta(minutes=14, seconds=59))
    assert signed_in(server, opened).get("/me").status == 200
    business.clock.advance(timedelta(seconds=2))
    assert signed_in(server, opened).get("/me").code == "token_expired"
    assert refresh(client, opened.data["refresh_token"]).status == 200


@pytest.mark.req("AUT-10")
def test_the_answer_that_was_lost_is_told_again_for_30_seconds(client: Client, business: Business) -> None:
    token = sign_in(client, business).data["refresh_token"]
    first = refresh(client, token)
    business.clock.advance(timedelta(seconds=30))
    again = refresh(client, token)
    assert again.status == 200
    assert again.data["refresh_token"] == first.data["refresh_token"]
    assert RefreshToken.select().count() == 2, "the repeat made none"
    business.clock.advance(timedelta(microseconds=1))
    assert refresh(client, token).code == "refresh_token_reused"


def _ended(client: Client, server: Server, opened: Any, latest: str) -> None:
    """Everything of a family is over, and the security log knows."""
    assert signed_in(server, opened).get("/me").code == "session_ended"
    assert refresh(client, latest).code == "session_ended"
    row = Session.get_by_id(opened.data["id"])
    assert row.revoked_reason == "refresh token reused"
    event = SecurityEvent.get(SecurityEvent.kind == "token_reuse")
    assert (event.user_id, event.severity) == (row.user_id, "critical")


@pytest.mark.req("AUT-10")
def test_a_used_token_that_comes_late_ends_the_family(client: Client, server: Server, business: Business) -> None:
    opened = sign_in(client, business)
    token = opened.data["refresh_token"]
    latest = refresh(client, token).data["refresh_token"]
    business.clock.advance(timedelta(seconds=31))
    answer = refresh(client, token)
    assert (answer.status, answer.code) == (401, "refresh_token_reused")
    _ended(client, server, opened, latest)


@pytest.mark.req("AUT-10")
def test_a_used_token_from_another_machine_ends_the_family_at_once(
    client: Client, server: Server, business: Business
) -> None:
    opened = sign_in(client, business)
    token = opened.data["refresh_token"]
    latest = refresh(client, token).data["refresh_token"]
    thief = server.client()
    thief.headers["User-Agent"] = "somebody else's"
    assert refresh(thief, token).code == "refresh_token_reused"
    _ended(client, server, opened, latest)


@pytest.mark.req("AUT-10")
def test_a_token_whose_successor_was_used_is_no_lost_answer(client: Client, server: Server, business: Business) -> None:
    opened = sign_in(client, business)
    second = refresh(client, opened.data["refresh_token"]).data["refresh_token"]
    third = refresh(client, second).data["refresh_token"]
    assert refresh(client, opened.data["refresh_token"]).code == "refresh_token_reused"
    _ended(client, server, opened, third)


@pytest.mark.req("AUT-10", "OPX-16")
def test_the_enrolled_device_is_the_same_one_wherever_it_asks_from(
    client: Client, server: Server, business: Business
) -> None:
    token = sign_in(client, business, "cashier").data["refresh_token"]
    first = refresh(client, token, device=device(business))
    moved = server.client()
    moved.headers["User-Agent"] = "the till's program after its update"
    assert refresh(moved, token, device=device(business)).data["refresh_token"] == first.data["refresh_token"]
    assert refresh(moved, token).code == "refresh_token_reused", "who used it proved a device, who repeats it does not"


@pytest.mark.req("AUT-10", "OPX-16")
def test_a_device_that_is_given_has_to_be_the_session_s(client: Client, business: Business) -> None:
    token = sign_in(client, business, "cashier").data["refresh_token"]
    foreign = refresh(client, token, device=device(business, 2))
    assert (foreign.status, foreign.code) == (401, "credentials_wrong")
    wrong = refresh(client, token, device={**device(business), "key": "guessed"})
    assert (wrong.status, wrong.code) == (401, "credentials_wrong")
    assert refresh(client, token, device=device(business)).status == 200, "a wrong device uses nothing up"


@pytest.mark.req("AUT-09")
def test_a_refresh_token_lives_seven_days_unless_the_setting_says_otherwise(
    client: Client, business: Business
) -> None:
    opened = sign_in(client, business)
    assert opened.data["refresh_expires_at"] == "2026-03-09T10:00:00.000000Z"
    business.clock.advance(timedelta(days=7))
    late = refresh(client, opened.data["refresh_token"])
    assert (late.status, late.code) == (401, "refresh_token_invalid")
    business.perform("setting:change", {"key": "auth.refresh_days", "value": 30, "version": 0})
    opened = sign_in(client, business)
    assert opened.data["refresh_expires_at"] == "2026-04-08T10:00:00.000000Z"
    too_long = {"key": "auth.refresh_days", "value": 31, "version": 1}
    with pytest.raises(Exception, match="from 1 to 30"):
        business.perform("setting:change", too_long)


@pytest.mark.req("AUT-09", "SES-03")
def test_no_refresh_token_outlives_its_session(client: Client, server: Server, business: Business) -> None:
    business.perform("setting:change", {"key": "auth.session_hours_hq", "value": 24, "version": 0})
    opened = sign_in(client, business)
    assert opened.data["refresh_expires_at"] == opened.data["session_ends_at"] == "2026-03-03T10:00:00.000000Z"
    business.clock.advance(timedelta(hours=23, minutes=55))
    answer = refresh(client, opened.data["refresh_token"])
    assert answer.data["expires_at"] == opened.data["session_ends_at"], "nor does an access token"
    business.clock.advance(timedelta(minutes=5))
    assert signed_in(server, answer).get("/me").code == "token_expired"
    assert refresh(client, answer.data["refresh_token"]).status == 401


@pytest.mark.req("SES-03", "OPX-18")
def test_a_session_that_rests_too_long_ends(client: Client, server: Server, business: Business) -> None:
    business.perform("setting:change", {"key": "auth.idle_minutes_hq", "value": 20, "version": 0})
    opened = sign_in(client, business)
    for _ in range(3):
        business.clock.advance(timedelta(minutes=34))
        opened = refresh(client, opened.data["refresh_token"])
        assert opened.status == 200, opened.text
    business.clock.advance(timedelta(minutes=35))
    assert refresh(client, opened.data["refresh_token"]).code == "session_idle"


@pytest.mark.req("AUT-10")
def test_tokens_are_kept_as_digests_only(client: Client, business: Business) -> None:
    token = sign_in(client, business).data["refresh_token"]
    latest = refresh(client, token).data["refresh_token"]
    tables = [m for m in business.kernel.models if m._meta.table_name.startswith("core_")]
    assert len(tables) > 10
    for model in tables:
        content = str(list(model.select().dicts()))
        assert token not in content, model
        assert latest not in content, model


@pytest.mark.req("AUT-10", "AUT-11")
def test_the_lost_answer_is_told_again_although_the_keys_were_rotated_meanwhile(
    client: Client, business: Business
) -> None:
    token = sign_in(client, business).data["refresh_token"]
    first = refresh(client, token).data["refresh_token"]
    secrets.rotate(business.kernel.config.secrets_file, business.clock.now(), timedelta(minutes=15))
    assert refresh(client, token).data["refresh_token"] == first


@pytest.mark.req("AUT-13", "OPX-16")
@pytest.mark.parametrize("what", ["account", "device"])
def test_who_was_shut_out_refreshes_nothing(client: Client, business: Business, what: str) -> None:
    token = sign_in(client, business, "cashier").data["refresh_token"]
    if what == "account":
        version = business.query("user:get", id=business.ids["cashier1"])["version"]
        business.perform("user:edit", {"id": business.ids["cashier1"], "is_active": False, "version": version,
                                       "reason": "left_company"})
        version += 1
        business.perform("user:edit", {"id": business.ids["cashier1"], "is_active": True, "version": version})
    else:
        business.perform("device:block", {"id": business.ids["device1"], "version": 1, "reason": "maintenance"})
        business.perform("device:unblock", {"id": business.ids["device1"], "version": 2})
    assert refresh(client, token).code == "session_ended", "and does not come back with an old session"


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 129, "ñ" * 43])
def test_what_is_no_token_is_refused(client: Client, token: str) -> None:
    answer = client.post("/auth/refresh", {"refresh_token": token})
    assert answer.status in (401, 422), answer.text
    assert client.post("/auth/refresh", {}).code == "refresh_token_missing"
    assert client.post("/auth/refresh", {"refresh_token": None, "extra": 1}).status == 422


def test_a_key_that_others_use_too_gives_nobody_another_s_answer(client: Client, business: Business) -> None:
    admin, cashier = sign_in(client, business), sign_in(client, business, "cashier")
    answers = [
        client.post("/auth/refresh", {"refresh_token": opened.data["refresh_token"]}, **{"Idempotency-Key": "one"})
        for opened in (admin, cashier, admin)
    ]
    assert [answer.data["id"] for answer in answers] == [admin.data["id"], cashier.data["id"], admin.data["id"]]
    assert answers[2].data["refresh_token"] == answers[0].data["refresh_token"], "its own repeat, not a stored answer"


def test_a_refusal_with_consequences_is_no_answer_to_be_told_again(business: Business) -> None:
    opened = open_session(business)
    use(business, opened["refresh_token"], ip="10.0.0.1")
    thief = schemas.Refresh(refresh_token=opened["refresh_token"])
    codes = []
    for _ in range(2):
        with pytest.raises(PosError) as caught:
            business.kernel.perform(anybody(business.kernel, ip="10.6.6.6"), "session:refresh", thief, key="same-key")
        codes.append(caught.value.code.code)
    assert codes == ["refresh_token_reused", "session_ended"]


def test_tokens_of_sessions_that_are_over_are_cleared_away(client: Client, business: Business) -> None:
    for _ in range(3):
        refresh(client, sign_in(client, business).data["refresh_token"])
    assert RefreshToken.select().count() == 2, "the earlier sessions were replaced, and their tokens open nothing"
