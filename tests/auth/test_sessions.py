"""Sessions: how many, for how long, what they know of themselves, and every way of ending them at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pos_core.auth import revocation
from pos_core.auth.models import HeadquartersLink, Revocation, Session
from pos_core.auth.schemas import SignIn
from pos_core.context import Context
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.testing.harness import PASSWORD, Business, Client, Server
from tests.auth.signing import anybody, as_user, credentials, open_session, sign_in

NEW = "winter-lamp-71-otter"


def of(server: Server, opened: Any) -> Client:
    return server.client(opened.data["access_token"])


def setting(business: Business, key: str, value: Any, version: int = 0) -> None:
    business.perform("setting:change", {"key": key, "value": value, "version": version})


def code_of(business: Business, opened: dict[str, Any]) -> str:
    """What an access token's next request is refused with; "" where it is let in."""
    try:
        as_user(business, opened)
    except PosError as error:
        return error.code.code
    return ""


@pytest.mark.req("SES-02")
def test_a_sign_in_ends_the_earlier_one_in_the_same_application_only(
    client: Client, server: Server, business: Business
) -> None:
    business.perform("user:assign", {"user_id": business.ids["manager"], "role": "auditor"})
    store = sign_in(client, business, "manager")
    hq = sign_in(client, business, "manager", app_context="hq", store_id=None)
    again = sign_in(client, business, "manager", app_context="hq", store_id=None)
    assert of(server, hq).get("/me").code == "session_ended"
    assert [of(server, one).get("/me").status for one in (store, again)] == [200, 200]
    assert Session.get_by_id(hq.data["id"]).revoked_reason == "signed in again elsewhere"


@pytest.mark.req("SES-02")
def test_the_policy_may_refuse_the_new_one_or_let_both_go_on(
    client: Client, server: Server, business: Business
) -> None:
    setting(business, "auth.concurrency", "refuse")
    first = sign_in(client, business)
    answer = client.post("/auth/login", credentials(business))
    assert (answer.status, answer.code) == (409, "session_open_elsewhere")
    of(server, first).post("/auth/logout")
    second = sign_in(client, business)
    business.clock.advance(timedelta(days=31))
    sign_in(client, business)  # the second has expired and takes no room
    assert of(server, second).get("/me").status == 401
    setting(business, "auth.concurrency", "unlimited", 1)
    third, fourth = sign_in(client, business), sign_in(client, business)
    assert [of(server, one).get("/me").status for one in (third, fourth)] == [200, 200]


@pytest.mark.req("SES-04", "AUT-16", "AUT-10")
def test_signing_out_bites_at_once_and_takes_the_refresh_token_along(
    client: Client, server: Server, business: Business
) -> None:
    opened = sign_in(client, business)
    me = of(server, opened)
    answer = me.post("/auth/logout")
    assert (answer.status, answer.data["id"]) == (200, opened.data["id"])
    assert me.get("/me").code == "session_ended"
    assert client.post("/auth/refresh", {"refresh_token": opened.data["refresh_token"]}).code == "session_ended"
    row = Revocation.get(Revocation.session_id == opened.data["id"])
    assert (row.reason, row.user_id) == ("signed out", business.ids["admin"])


@pytest.mark.req("SES-04")
def test_a_refresh_token_signs_out_where_the_access_token_has_run_out(client: Client, business: Business) -> None:
    opened = sign_in(client, business)
    business.clock.advance(timedelta(minutes=20))
    late = Client(client.host, client.port, opened.data["access_token"])
    assert late.post("/auth/logout").code == "token_missing"
    done = late.post("/auth/logout", {"refresh_token": opened.data["refresh_token"]})
    assert (done.status, done.data["id"]) == (200, opened.data["id"])
    assert not Session.select().where(Session.id == opened.data["id"], Session.revoked_at.is_null()).exists()


@pytest.mark.req("AUT-16", "SES-04")
def test_signing_out_everywhere_ends_every_application_s_session(
    client: Client, server: Server, business: Business
) -> None:
    business.perform("user:assign", {"user_id": business.ids["manager"], "role": "auditor"})
    store = sign_in(client, business, "manager")
    hq = sign_in(client, business, "manager", app_context="hq", store_id=None)
    other = sign_in(client, business, "cashier")
    answer = of(server, hq).post("/auth/logout-everywhere")
    assert (answer.status, answer.data["ended"]) == (200, 2)
    assert [of(server, one).get("/me").code for one in (store, hq)] == ["session_ended"] * 2
    assert of(server, other).get("/me").status == 200
    assert of(server, sign_in(client, business, "manager")).get("/me").status == 200, "even in the same instant"


@pytest.mark.req("AUT-16", "OPX-17")
def test_one_s_own_sessions_are_listed_and_ended_one_by_one(
    client: Client, server: Server, business: Business
) -> None:
    setting(business, "auth.concurrency", "unlimited")
    ids = []
    for number in range(3):
        business.clock.advance(timedelta(minutes=1))
        ids.append(sign_in(client, business, workstation=f"desk {number}").data["id"])
    mine = of(server, sign_in(client, business))
    foreign = sign_in(client, business, "cashier").data["id"]
    listed = mine.get("/auth/sessions").data
    assert [row["id"] for row in listed][1:] == ids[::-1]
    assert [row["is_current"] for row in listed] == [True, False, False, False]
    assert listed[1]["workstation"] == "desk 2"
    assert (mine.post(f"/auth/sessions/{ids[0]}/end").status, mine.post("/auth/revoke", {"session_id": ids[1]}).status
            ) == (200, 200)  # fmt: skip
    assert mine.post(f"/auth/sessions/{foreign}/end").status == 404
    assert mine.post("/auth/revoke", {"session_id": foreign}).status == 404
    assert [row["id"] for row in mine.get("/auth/sessions").data][1:] == [ids[2]]
    history = mine.get("/auth/history?limit=2")
    assert (len(history.data), history.json["meta"]["next_cursor"] is not None) == (2, True)
    rest = mine.get(f"/auth/history?cursor={history.json['meta']['next_cursor']}").data
    assert {row["ended_reason"] for row in rest} >= {"ended by its owner"}
    assert client.get("/auth/sessions").code == client.get("/auth/history").code == "token_missing"


@pytest.mark.req("AUT-16")
def test_whoever_has_a_refresh_token_may_revoke_it(client: Client, server: Server, business: Business) -> None:
    opened = sign_in(client, business)
    assert client.post("/auth/revoke", {"refresh_token": "no such token"}).code == "refresh_token_invalid"
    answer = client.post("/auth/revoke", {"refresh_token": opened.data["refresh_token"]})
    assert (answer.status, answer.data["ended"]) == (200, 1)
    assert of(server, opened).get("/me").code == "session_ended"
    again = client.post("/auth/revoke", {"refresh_token": opened.data["refresh_token"]})
    assert again.data["ended"] == 0


@pytest.mark.req("SES-01", "RGX-55")
def test_a_session_knows_where_it_is(client: Client, business: Business, server: Server) -> None:
    client.headers["User-Agent"] = "till/7 " + "x" * 300
    opened = sign_in(client, business, "cashier", workstation="Counter 1")
    row = of(server, opened).get("/auth/sessions").data[0]
    assert {name: row[name] for name in ("ip", "workstation", "method", "mfa_verified", "biometric_verified")} == {
        "ip": "127.0.0.1", "workstation": "Counter 1", "method": "password", "mfa_verified": False,
        "biometric_verified": False,
    }  # fmt: skip
    assert (row["device_id"], row["register_id"]) == (business.ids["device1"], business.ids["register1"])
    assert (row["store_id"], row["app_context"]) == (business.store_id, "pos")
    assert len(row["user_agent"]) == 200
    long = client.post("/auth/login", credentials(business, workstation="x" * 201))
    assert long.paths() == {"workstation"}


@pytest.mark.req("SES-03")
@pytest.mark.parametrize(
    ("role", "context", "hours"), [("admin", "hq", 1), ("manager", "store", 2), ("cashier", "pos", 9)]
)
def test_each_application_has_its_own_absolute_end(
    client: Client, server: Server, business: Business, role: str, context: str, hours: int
) -> None:
    setting(business, f"auth.session_hours_{context}", hours)
    opened = sign_in(client, business, role)
    for _ in range(hours * 5):
        answer = client.post("/auth/refresh", {"refresh_token": opened.data["refresh_token"]})
        assert answer.status == 200, answer.text
        opened = answer
        business.clock.advance(timedelta(minutes=12))
    assert of(server, opened).get("/me").status == 401
    assert client.post("/auth/refresh", {"refresh_token": opened.data["refresh_token"]}).code == "token_expired"


# -- revocation ----------------------------------------------------------------------------------------------------


@pytest.mark.req("AUT-14")
def test_a_revocation_holds_for_what_began_before_it_by_a_microsecond_and_not_after(business: Business) -> None:
    before = open_session(business, "cashier")
    business.clock.advance(timedelta(microseconds=1))
    business.perform("session:end_user", {"user_id": business.ids["cashier1"], "reason": "lost badge"})
    assert code_of(business, before) == "session_ended"
    same = open_session(business, "cashier")
    assert code_of(business, same) == "", "begun in the very instant, but after it"
    business.clock.advance(timedelta(microseconds=1))
    assert code_of(business, open_session(business, "cashier")) == ""


@pytest.mark.req("AUT-14")
def test_a_sign_in_that_was_under_way_is_dead_although_nobody_saw_its_row(business: Business) -> None:
    kernel = business.kernel
    under_way = anybody(kernel)  # its request began now; its row is written after the revocation
    business.clock.advance(timedelta(milliseconds=50))
    business.perform("session:end_user", {"user_id": business.ids["admin"], "reason": "stolen"})
    opened = kernel.perform(under_way, "session:open", SignIn.model_validate(credentials(business))).data
    assert Session.get_by_id(opened["id"]).revoked_at is None
    assert code_of(business, opened) == "session_ended"
    assert code_of(business, open_session(business)) == ""


@pytest.mark.req("AUT-14")
def test_everything_that_began_within_a_span_of_time_ends(business: Business) -> None:
    setting(business, "auth.concurrency", "unlimited")
    opened = []
    for _ in range(5):
        business.clock.advance(timedelta(seconds=1))
        opened.append((business.clock.now(), open_session(business)))
    since, until = opened[1][0], opened[3][0]
    command = {"since": since.isoformat(), "until": until.isoformat(), "reason": "a stranger at the counter"}
    assert business.perform("session:end_all", command)["ended"] == 3
    assert [code_of(business, one) for _, one in opened] == ["", *["session_ended"] * 3, ""]
    later = {"until": (business.clock.now() + timedelta(seconds=1)).isoformat(), "reason": "too early"}
    with pytest.raises(PosError) as caught:
        business.perform("session:end_all", later)
    assert caught.value.code.code == "revocation_in_the_future"
    assert business.perform("session:end_all", {"reason": "all of it"})["ended"] == 2


@pytest.mark.req("AUT-14")
def test_the_list_is_read_once_for_each_revision(business: Business) -> None:
    opened = open_session(business)
    as_user(business, opened)
    trips = business.kernel.db.pos.round_trips
    as_user(business, opened)
    assert business.kernel.db.pos.round_trips - trips == 1, "a request reads its session and nothing else"


@pytest.mark.req("AUT-14")
def test_old_revocations_are_forgotten_and_rows_of_the_list_never_change(business: Business) -> None:
    business.perform("session:end_user", {"user_id": business.ids["admin"], "reason": "old"})
    began = business.clock.now() - timedelta(days=1)
    user, revision = business.ids["admin"], business.kernel.revision()
    assert revocation.listed(uuid7(), user, None, began, revision, business.clock.now())
    business.clock.advance(revocation.LONGEST + timedelta(days=1))
    business.perform("session:end_user", {"user_id": business.ids["manager"], "reason": "raises the revision"})
    assert not revocation.listed(uuid7(), user, None, began, business.kernel.revision(), business.clock.now())
    with business.kernel.db.schema_access(), pytest.raises(Exception, match="append-only"):
        Revocation.update(reason="never").execute()


@pytest.mark.req("AUT-13", "RBC-04")
def test_an_account_that_was_off_for_a_moment_signs_in_anew(business: Business) -> None:
    opened, user = open_session(business, "manager"), business.ids["manager"]
    for active in (False, True):
        version = business.query("user:get", id=user)["version"]
        business.perform("user:edit", {"id": user, "is_active": active, "version": version, "reason": "other",
                                       "reason_note": "a moment"})
        assert code_of(business, opened) == "session_ended"


# -- passwords that have to be changed -----------------------------------------------------------------------------


@pytest.fixture
def reset(business: Business) -> str:
    """The manager's password was reset by the administration; gives the generated one."""
    version = business.query("user:get", id=business.ids["manager"])["version"]
    done = business.perform("user:reset_password", {
        "id": business.ids["manager"], "version": version, "reason": "forgotten"})
    return str(done["password"])


@pytest.mark.req("AUT-07")
def test_after_a_reset_one_may_change_the_password_and_nothing_else(
    client: Client, server: Server, business: Business, reset: str
) -> None:
    opened = sign_in(client, business, "manager", password=reset)
    assert (opened.data["restriction"], opened.data["permissions"]) == ("password", [])
    me = of(server, opened)
    assert (me.get("/me").data["restriction"], me.get("/me").data["permissions"]) == ("password", [])
    for answer in (me.get("/stores"), me.get("/products"), me.post("/products", {"id": uuid7()})):
        assert (answer.status, answer.code) == (403, "password_change_needed")
    renewed = client.post("/auth/refresh", {"refresh_token": opened.data["refresh_token"]})
    assert of(server, renewed).get("/stores").code == "password_change_needed", "a refresh frees nobody"
    changed = me.post("/auth/password", {"old_password": reset, "new_password": NEW})
    assert changed.status == 200, changed.text
    assert me.get("/stores").status == 200
    assert client.post("/auth/login", credentials(business, "manager", password=reset)).status == 401
    again = sign_in(client, business, "manager", password=NEW)
    assert again.data["restriction"] == ""


@pytest.mark.req("AUT-07")
def test_a_super_admin_whose_password_was_reset_may_no_more(business: Business) -> None:
    version = business.query("user:get", id=business.ids["admin"])["version"]
    reset = business.kernel.action("user:reset_password").command
    command = reset.model_validate({"id": business.ids["admin"], "version": version, "reason": "forgotten"})
    done = business.kernel.perform(business.kernel.system_context("tests"), "user:reset_password", command).data
    ctx = as_user(business, open_session(business, password=done["password"]))
    assert (ctx.restriction, ctx.actor.is_super_admin, ctx.actor.permissions) == ("password", False, frozenset())


@pytest.mark.req("V2X-08", "SES-04")
def test_changing_one_s_password_ends_one_s_other_sessions(
    client: Client, server: Server, business: Business
) -> None:
    setting(business, "auth.concurrency", "unlimited")
    other, opened = sign_in(client, business), sign_in(client, business)
    me = of(server, opened)
    wrong = me.post("/auth/password", {"old_password": "not-it-at-all", "new_password": NEW})
    assert (wrong.status, wrong.code) == (401, "credentials_wrong")
    weak = me.post("/auth/password", {"old_password": PASSWORD, "new_password": "short"})
    assert (weak.status, weak.paths()) == (422, {"new_password"})
    same = me.post("/auth/password", {"old_password": PASSWORD, "new_password": PASSWORD})
    assert same.status == 422
    assert of(server, other).get("/me").status == 200, "what was refused ended nothing"
    changed = me.post("/auth/password", {"old_password": PASSWORD, "new_password": NEW})
    assert (changed.status, changed.data["ended"]) == (200, 1)
    assert of(server, other).get("/me").code == "session_ended"
    assert me.get("/me").status == 200
    assert client.post("/auth/password", {"old_password": NEW, "new_password": PASSWORD}).code == "token_missing"


# -- a silent headquarters -----------------------------------------------------------------------------------------


@pytest.mark.req("OFF-02")
def test_a_linked_store_signs_people_in_while_the_headquarters_is_silent_for_a_while(business: Business) -> None:
    setting(business, "auth.offline_hours", 24)
    business.clock.advance(timedelta(days=10))
    open_session(business, "manager")  # not linked: nothing to be heard
    system = business.kernel.system_context("sync")
    business.kernel.perform(system, "hq_link:heard", {})
    business.clock.advance(timedelta(hours=24))
    kept = open_session(business, "manager")
    business.clock.advance(timedelta(microseconds=1))
    with pytest.raises(PosError) as caught:
        open_session(business, "manager")
    assert caught.value.code.code == "hq_silent_too_long"
    assert code_of(business, open_session(business)) == "", "a super admin comes in to mend it"
    assert code_of(business, kept) in ("", "token_expired"), "who is in stays in"
    business.kernel.perform(business.kernel.system_context("sync"), "hq_link:heard", {})
    assert code_of(business, open_session(business, "manager")) == ""
    assert HeadquartersLink.select().count() == 1
    setting(business, "auth.offline_hours", 0, 1)
    business.clock.advance(timedelta(days=300))
    open_session(business, "manager")


def test_nobody_signs_in_with_a_second_session_s_id(client: Client, business: Business) -> None:
    known = sign_in(client, business).data["id"]
    again = client.post("/auth/login", credentials(business, id=known))
    assert again.status == 409, again.text


def test_a_token_of_a_session_that_was_never_there(business: Business) -> None:
    from pos_core.auth.tokens import Claims

    token = business.kernel.tokens.access(Claims(uuid7(), business.ids["admin"], "admin", True, "hq", None))
    assert code_of(business, {"access_token": token}) == "token_invalid"


def test_the_context_of_a_request_is_its_session_s(business: Business) -> None:
    ctx: Context = as_user(business, open_session(business, "cashier", till=2))
    assert (ctx.app_context, ctx.store_id) == ("pos", business.store_id)
    assert (ctx.register_id, ctx.device_id) == (business.ids["register2"], business.ids["device2"])
    assert ctx.actor.roles == ("cashier",)
