"""Access tokens: what is in them, and that nothing but this installation's own is ever accepted."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from pos_core.auth.tokens import _ACCESS
from pos_core.config import secrets
from pos_core.errors import PosError
from pos_core.testing.harness import Business, Client
from tests.auth.signing import open_session, sign_in

HMAC = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
SAME = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def accepted(business: Business, token: str) -> bool:
    try:
        business.kernel.tokens.read(token)
    except PosError as error:
        assert error.code.code in ("token_invalid", "token_expired")  # noqa: PT017 - what kind of refusal it is
        return False
    return True


@pytest.fixture
def token(business: Business) -> str:
    return str(open_session(business, "manager")["access_token"])


def content_of(token: str) -> dict[str, Any]:
    body = token.lstrip(".").split(".")[0]
    raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    return dict(json.loads(zlib.decompress(raw) if token.startswith(".") else raw))


@pytest.mark.req("AUT-11", "AUT-12", "AUT-13")
def test_a_token_says_who_and_where_and_never_what_one_may(business: Business, token: str) -> None:
    content = content_of(token)
    assert set(content) == {"sid", "userId", "username", "isSuperAdmin", "appContext", "storeId"}
    assert (content["username"], content["appContext"], content["storeId"]) == ("manager", "store", business.store_id)
    hq = content_of(open_session(business)["access_token"])
    assert set(hq) == {"sid", "userId", "username", "isSuperAdmin", "appContext"}
    assert accepted(business, token)


@pytest.mark.req("AUT-11")
def test_no_flipped_bit_no_cut_and_no_seam_is_accepted(business: Business, token: str) -> None:
    raw = token.encode()
    tried = 0
    for place in range(len(raw)):
        for bit in range(8):
            forged = raw[:place] + bytes([raw[place] ^ (1 << bit)]) + raw[place + 1 :]
            tried += 1
            assert not accepted(business, forged.decode("latin-1")), (place, bit)
        assert not accepted(business, token[:place]), place
        assert not accepted(business, token[place:]) or place == 0
    assert tried > 1_500
    other = str(open_session(business, "cashier")["access_token"])
    for cut in range(3):
        parts, more = token.rsplit(".", 2), other.rsplit(".", 2)
        parts[cut] = more[cut]
        mixed = ".".join(parts)
        assert mixed in (token, other) or not accepted(business, mixed)


@pytest.mark.req("AUT-11")
@SAME
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_other_text_is_accepted(business: Business, text: str) -> None:
    assert not accepted(business, text)


@pytest.mark.req("AUT-11")
@SAME
@given(salt=st.text(max_size=20).filter(lambda text: text != _ACCESS), key=st.text(min_size=1, max_size=64))
def test_no_other_salt_and_no_other_key_signs_for_us(business: Business, salt: str, key: str) -> None:
    own = business.kernel.secrets.token_keys[-1]
    content = {"sid": "01a1f91a-e58c-776d-a3ad-ea15f4564b8e", "userId": business.ids["admin"]}
    for forged in (
        URLSafeTimedSerializer(own, salt=salt, signer_kwargs=HMAC).dumps(content),
        URLSafeTimedSerializer(key, salt=_ACCESS, signer_kwargs=HMAC).dumps(content),
        URLSafeTimedSerializer(own, salt=_ACCESS).dumps(content),
        URLSafeSerializer(own, salt=_ACCESS, signer_kwargs=HMAC).dumps(content),
    ):
        assert not accepted(business, str(forged))


@pytest.mark.parametrize("content", [None, [], "sid", 7, {}, {"sid": 7}, {"sid": None}, {"userId": "x"}])
def test_a_token_of_ours_without_a_session_opens_nothing(business: Business, content: Any) -> None:
    signed = business.kernel.tokens._access.dumps(content)
    assert not accepted(business, str(signed))


@pytest.mark.req("AUT-08")
def test_a_token_that_was_good_once_ends_with_its_life_not_later(business: Business, token: str) -> None:
    for _ in range(15):
        assert accepted(business, token)
        business.clock.advance(timedelta(minutes=1))
    business.clock.advance(timedelta(seconds=1))
    assert not accepted(business, token)


def rotate(business: Business, keep: timedelta | None = timedelta(minutes=16)) -> None:
    secrets.rotate(business.kernel.config.secrets_file, business.clock.now(), keep)


@pytest.mark.req("AUT-11")
def test_an_old_key_is_good_for_the_life_of_its_tokens_and_then_for_nothing(business: Business, token: str) -> None:
    old = business.kernel.secrets.token_keys[0]
    rotate(business)
    assert accepted(business, token), "who is signed in stays so"
    assert accepted(business, str(open_session(business)["access_token"]))
    business.clock.advance(timedelta(minutes=16))
    secrets.prune(business.kernel.config.secrets_file, business.clock.now(), timedelta(minutes=16))
    assert old not in business.kernel.secrets.token_keys
    forged = URLSafeTimedSerializer(old, salt=_ACCESS, signer_kwargs=HMAC).dumps(content_of(token))
    assert not accepted(business, str(forged))


@pytest.mark.req("AUT-11")
def test_a_key_that_is_dropped_at_once_takes_its_tokens_along(business: Business, token: str) -> None:
    assert accepted(business, token), "remembered as good"
    rotate(business, keep=None)
    assert not accepted(business, token)
    assert accepted(business, str(open_session(business)["access_token"]))


def test_headers_that_are_no_bearer_s(client: Client, business: Business) -> None:
    token = sign_in(client, business).data["access_token"]
    for header in (f"Bearer {token}x", f"Basic {token}", "Bearer", token, f"Bearer {token} {token}", "Bearer a.b.c"):
        answer = client.get("/me", Authorization=header)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="pos"'), header
    assert client.get("/me", Authorization=f"bearer {token}").status == 200
