"""The refresh token's cookie: what a browser is given, and that no other site can use it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pos_core.auth.models import Session
from pos_core.testing.harness import Answer, Business, Client, Server
from tests.auth.signing import OWN_PAGE, credentials, sign_in


def browser_sign_in(client: Client, business: Business, role: str = "admin", **headers: str) -> Answer:
    body = credentials(business, role)
    del body["delivery"]
    answer = client.post("/auth/login", body, **headers)
    assert answer.status == 201, answer.text
    return answer


def cookie(answer: Answer) -> dict[str, Any]:
    """The cookie that an answer sets: name, value, and its attributes in lower case."""
    parts = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    name, _, value = parts[0].partition("=")
    attributes = {key.lower(): text for key, _, text in (part.partition("=") for part in parts[1:])}
    return {"name": name, "value": value, **attributes}


def sent(made: dict[str, Any]) -> dict[str, str]:
    return {"Cookie": f"{made['name']}={made['value']}"}


@pytest.mark.req("AUT-15", "RGX-08")
def test_a_browser_is_given_the_refresh_token_in_a_cookie_that_no_script_reads(
    client: Client, business: Business
) -> None:
    answer = browser_sign_in(client, business)
    made = cookie(answer)
    assert made["name"] == "pos_refresh_hq"
    assert (made["path"], made["samesite"], made["httponly"]) == ("/api/v1/auth", "Strict", "")
    assert not {"max-age", "expires", "domain"} & made.keys(), "closing the browser ends it"
    assert answer.data["refresh_token"] is None
    assert made["value"] not in answer.text
    assert answer.data["access_token"]


@pytest.mark.req("AUT-15")
def test_a_declared_desktop_client_is_given_it_in_the_body_and_no_cookie(client: Client, business: Business) -> None:
    answer = sign_in(client, business, "cashier")
    assert len(answer.data["refresh_token"]) == 43
    assert "set-cookie" not in answer.headers


@pytest.mark.req("AUT-15")
def test_a_refresh_by_cookie_gives_the_next_cookie(client: Client, server: Server, business: Business) -> None:
    first = cookie(browser_sign_in(client, business))
    answer = client.post("/auth/refresh", **sent(first), **OWN_PAGE)
    second = cookie(answer)
    assert answer.status == 200
    assert second["name"] == first["name"]
    assert second["value"] != first["value"]
    assert answer.data["refresh_token"] is None
    assert server.client(answer.data["access_token"]).get("/me").status == 200


ORIGIN = "http://127.0.0.1:{port}"
FOREIGN = [
    {},
    {"X-Requested-With": "pos", "Sec-Fetch-Site": "cross-site"},
    {"X-Requested-With": "pos", "Sec-Fetch-Site": "same-site"},
    {"X-Requested-With": "pos", "Sec-Fetch-Site": "none"},
    {"X-Requested-With": "pos", "Origin": "http://evil.example"},
    {"X-Requested-With": "pos", "Origin": "null"},
    {"X-Requested-With": "pos", "Origin": "http://127.0.0.1:1"},
    {"X-Requested-With": "pos", "Origin": "http://[bad"},
    {"Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.req("AUT-15")
@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
def test_another_site_can_do_nothing_with_the_cookie(
    client: Client, business: Business, headers: dict[str, str], path: str
) -> None:
    made = cookie(browser_sign_in(client, business))
    answer = client.post(path, **sent(made), **headers)
    assert (answer.status, answer.code) == (403, "cross_site_refused")
    assert Session.select().where(Session.revoked_at.is_null()).count() == 1
    fitting = {"Origin": ORIGIN.format(port=client.port), "X-Requested-With": "pos"}
    assert client.post(path, **sent(made), **fitting).status == 200, "its own page can"


@pytest.mark.req("AUT-15")
def test_a_form_s_body_is_refused_too(client: Client, business: Business) -> None:
    made = cookie(browser_sign_in(client, business))
    form = {"Content-Type": "application/x-www-form-urlencoded", **sent(made), **OWN_PAGE}
    assert client.request("POST", "/auth/refresh", b"a=b", form).status == 415


@pytest.mark.req("AUT-15")
def test_the_cookie_opens_no_other_door(client: Client, business: Business) -> None:
    made = cookie(browser_sign_in(client, business))
    for path in ("/me", "/stores", "/auth/sessions"):
        assert client.get(path, **sent(made), **OWN_PAGE).code == "token_missing"


@pytest.mark.req("SES-02", "AUT-15")
def test_one_browser_holds_a_session_in_each_application(client: Client, server: Server, business: Business) -> None:
    business.perform("user:assign", {"user_id": business.ids["manager"], "role": "auditor"})
    store = cookie(browser_sign_in(client, business, "manager"))
    body = {**credentials(business, "manager"), "app_context": "hq", "store_id": None, "delivery": "cookie"}
    hq = cookie(client.post("/auth/login", body))
    assert {store["name"], hq["name"]} == {"pos_refresh_store", "pos_refresh_hq"}
    both = {"Cookie": f"{store['name']}={store['value']}; {hq['name']}={hq['value']}"}
    unsaid = client.post("/auth/refresh", **both, **OWN_PAGE)
    assert (unsaid.status, unsaid.code) == (422, "session_ambiguous")
    for context, name in (("hq", hq["name"]), ("store", store["name"])):
        answer = client.post("/auth/refresh", {"app_context": context}, **both, **OWN_PAGE)
        assert (answer.data["app_context"], cookie(answer)["name"]) == (context, name)
    assert client.post("/auth/refresh", {"app_context": "pos"}, **both, **OWN_PAGE).code == "refresh_token_missing"


@pytest.mark.req("AUT-15", "SES-04")
def test_signing_out_takes_the_cookie_away(client: Client, server: Server, business: Business) -> None:
    opened = browser_sign_in(client, business)
    made = cookie(opened)
    answer = server.client(opened.data["access_token"]).post("/auth/logout", **sent(made))
    gone = cookie(answer)
    assert (gone["name"], gone["value"], gone["path"]) == (made["name"], '""', made["path"])
    assert "1970" in gone["expires"]
    assert client.post("/auth/refresh", **sent(made), **OWN_PAGE).code == "session_ended"


@pytest.mark.req("AUT-15", "SES-04")
def test_a_browser_whose_access_token_ran_out_signs_out_by_its_cookie(
    client: Client, server: Server, business: Business
) -> None:
    opened = browser_sign_in(client, business)
    business.clock.advance(timedelta(minutes=16))
    late = server.client(opened.data["access_token"])
    assert late.post("/auth/logout", **sent(cookie(opened))).code == "token_missing", "not from another site"
    assert late.post("/auth/logout", **sent(cookie(opened)), **OWN_PAGE).status == 200


@pytest.mark.req("RGX-08")
@pytest.mark.parametrize("how", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": ORIGIN}])
@pytest.mark.parametrize("content", [None, b"", b"closing", b"{not json"])
def test_a_window_that_closes_ends_its_session_with_a_beacon(
    client: Client, server: Server, business: Business, how: dict[str, str], content: bytes | None
) -> None:
    opened = browser_sign_in(client, business)
    headers = {"Content-Type": "text/plain;charset=UTF-8", **sent(cookie(opened)),
               **{name: value.format(port=client.port) for name, value in how.items()}}  # fmt: skip
    answer = client.request("POST", "/auth/leave/hq", content, headers)
    assert answer.status == 200, answer.text
    assert server.client(opened.data["access_token"]).get("/me").code == "session_ended"
    assert Session.get_by_id(opened.data["id"]).revoked_reason == "window closed"


@pytest.mark.req("RGX-08")
def test_a_beacon_from_elsewhere_ends_nothing(client: Client, business: Business) -> None:
    made = cookie(browser_sign_in(client, business))
    for headers in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.request("POST", "/auth/leave/hq", None, {**sent(made), **headers}).code == "cross_site_refused"
    own = {"Sec-Fetch-Site": "same-origin"}
    assert client.request("POST", "/auth/leave/store", None, {**sent(made), **own}).code == "token_missing"
    assert client.request("POST", "/auth/leave/moon", None, {**sent(made), **own}).status == 422
    assert Session.select().where(Session.revoked_at.is_null()).count() == 1


@pytest.mark.req("AUT-15")
def test_behind_https_the_cookie_is_secure_and_named_so(make_business: Any) -> None:
    business = make_business(http={"secure_cookies": True})
    server = Server(business.kernel)
    try:
        client = server.client()
        made = cookie(browser_sign_in(client, business))
        assert (made["name"], made["secure"]) == ("__Secure-pos_refresh_hq", "")
        plain = {"Cookie": f"pos_refresh_hq={made['value']}"}
        assert client.post("/auth/refresh", **plain, **OWN_PAGE).code == "refresh_token_missing", "another's cookie"
        assert client.post("/auth/refresh", **sent(made), **OWN_PAGE).status == 200
    finally:
        server.close()
