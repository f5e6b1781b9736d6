"""Customers: entered anywhere, known everywhere, deactivated and never deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import orjson
import peewee as pw
import pytest

from pos_core import PosError, uuid7
from pos_core.audit.models import AuditEntry
from pos_core.outbox import Outbox
from pos_ops.customers import demo
from pos_ops.customers.models import Customer

ANA = {
    "first_name": "Ana María",
    "last_name": "Núñez",
    "phone": "+34 600 10-20-30",
    "email": "Ana@example.com",
    "tax_id": "ES-B123",
    "address": "Calle 1\n28001 Madrid",
    "notes": "Rings twice",
}


def found(client, search: str) -> list[str]:
    from urllib.parse import quote

    answer = client.get(f"/customers?search={quote(search)}")
    assert answer.status == 200, answer.text
    return [customer["code"] for customer in answer.data]


@pytest.mark.req("V2X-17")
def test_a_till_enters_a_customer_and_the_code_is_made(client_as, business):
    till = client_as("cashier")
    made = till.post("/customers", ANA)
    assert made.status == 201, made.text
    assert made.data["code"] == "CUST-00001"
    assert made.data["store_id"] == business.store_id
    assert {name: made.data[name] for name in ANA} == ANA
    assert (made.data["name"], made.data["is_active"], made.data["version"]) == ("Ana María Núñez", True, 1)
    assert till.get(f"/customers/{made.data['id']}").data == made.data


@pytest.mark.req("V2X-17")
def test_the_headquarters_enters_one_without_a_store_and_every_store_knows_it(client_as):
    made = client_as("admin").post("/customers", {"company": "Bakery", "email": "a@bakery.example"})
    assert (made.data["code"], made.data["store_id"], made.data["name"]) == ("CUST-00001", None, "Bakery")
    assert client_as("manager").get(f"/customers/{made.data['id']}").data == made.data


@pytest.mark.req("V2X-17")
def test_the_code_cannot_be_chosen_or_changed(client_as):
    admin = client_as("admin")
    assert admin.post("/customers", {**ANA, "code": "VIP"}).paths() == {"code"}
    made = admin.post("/customers", ANA).data
    assert admin.patch(f"/customers/{made['id']}", {"code": "VIP"}, version=1).paths() == {"code"}
    assert admin.patch(f"/customers/{made['id']}", {"store_id": uuid7()}, version=1).paths() == {"store_id"}


@pytest.mark.req("V2X-17")
def test_the_same_request_twice_makes_one_customer(client_as):
    admin, body = client_as("admin"), {**ANA, "id": uuid7()}
    first, second = admin.post("/customers", body), admin.post("/customers", body)
    assert first.data == second.data
    assert admin.post("/customers", {**ANA, "id": uuid7()}).data["code"] == "CUST-00002"


@pytest.mark.req("V2X-17")
def test_found_by_name_mail_phone_and_code(client_as):
    admin = client_as("admin")
    assert admin.post("/customers", ANA).status == 201
    assert admin.post("/customers", {"company": "100% Bio_Markt", "phone": "0611 777"}).status == 201
    for search in (
        "ana",
        "NUNEZ",
        "maria núñez",
        "ana@EXAMPLE.com",
        "600102030",
        "+34 600",
        "(600) 10 20",
        "cust-00001",
        "00001",
    ):
        assert found(admin, search) == ["CUST-00001"], search
    assert (
        found(admin, "bio")
        == found(admin, "0611-777")
        == found(admin, "100%")
        == found(admin, "bio_m")
        == ["CUST-00002"]
    )
    assert found(admin, "ana bio") == found(admin, "b%o") == found(admin, "an_") == []
    assert found(admin, "") == found(admin, "cust") == ["CUST-00001", "CUST-00002"]


@pytest.mark.req("V2X-17")
def test_an_edit_is_found_by_its_new_words_and_keeps_the_rest(client_as):
    admin = client_as("admin")
    made = admin.post("/customers", ANA).data
    changed = admin.patch(f"/customers/{made['id']}", {"last_name": "Gil", "phone": ""}, version=1)
    assert changed.status == 200, changed.text
    assert (changed.data["name"], changed.data["phone"], changed.data["version"]) == ("Ana María Gil", "", 2)
    assert {k: changed.data[k] for k in ("code", "email", "address", "store_id")} == {
        k: made[k] for k in ("code", "email", "address", "store_id")
    }
    assert found(admin, "gil") == ["CUST-00001"]
    assert found(admin, "nunez") == found(admin, "600102030") == []
    assert admin.patch(f"/customers/{made['id']}", {"notes": "late"}, version=1).code == "version_mismatch"
    assert admin.patch(f"/customers/{made['id']}", {"notes": "no version"}).code == "version_required"


@pytest.mark.req("V2X-17")
def test_somebody_needs_a_name_and_a_contact(client_as):
    admin = client_as("admin")
    nobody = admin.post("/customers", {"notes": "?"})
    assert nobody.status == 422
    assert {e["code"] for e in nobody.json["errors"]} == {"customer_unnamed", "customer_unreachable"}
    made = admin.post("/customers", {"first_name": "Ana", "phone": "123"}).data
    bare = admin.patch(f"/customers/{made['id']}", {"first_name": "", "phone": ""}, version=1)
    assert {e["code"] for e in bare.json["errors"]} == {"customer_unnamed", "customer_unreachable"}
    moved = admin.patch(f"/customers/{made['id']}", {"first_name": "", "company": "Ana Ltd"}, version=1)
    assert moved.data["name"] == "Ana Ltd"


def test_the_database_itself_refuses_a_nameless_customer(kernel):
    now = kernel.clock.now()
    with kernel.db.schema_access(), pytest.raises(pw.IntegrityError):
        Customer.create(id=uuid7(), code="X", search_key="", name_key="", created_at=now, updated_at=now)


@pytest.mark.req("V2X-17")
def test_a_deactivated_customer_is_kept_but_offered_to_no_sale(client_as, business):
    manager = client_as("manager")
    made = manager.post("/customers", ANA).data
    assert client_as("cashier").post(f"/customers/{made['id']}/deactivate", {"version": 1}).status == 403
    off = manager.request("POST", f"/customers/{made['id']}/deactivate", {}, {"If-Match": '"1"'})
    assert off.status == 200, off.text
    assert (off.data["is_active"], off.data["version"]) == (False, 2)
    assert business.query("customer:for_sale", id=made["id"]) is None
    assert manager.get("/customers?is_active=true").data == []
    assert [c["id"] for c in manager.get("/customers?is_active=false").data] == [made["id"]]
    on = manager.request("POST", f"/customers/{made['id']}/activate", {}, {"If-Match": '"2"'})
    assert (on.data["is_active"], on.data["version"]) == (True, 3)


@pytest.mark.req("V2X-17")
def test_a_sale_reads_its_customer_in_one_round_trip(business):
    made = business.perform("customer:create", ANA)
    ctx = business.context("cashier")
    before = business.kernel.db.pos.round_trips
    taken = ctx.query("customer:for_sale", id=made["id"])
    assert business.kernel.db.pos.round_trips == before + 1
    assert taken == {
        "id": made["id"],
        "code": "CUST-00001",
        "name": "Ana María Núñez",
        "company": "",
        "tax_id": "ES-B123",
        "address": "Calle 1\n28001 Madrid",
        "email": "Ana@example.com",
    }
    assert ctx.query("customer:for_sale", id=uuid7()) is None


def test_chain_and_outbox_hold_digests_of_people_never_the_clear_text(business):
    made = business.perform("customer:create", ANA, role="cashier")
    business.perform("customer:edit", {"id": made["id"], "last_name": "Gil", "version": 1}, role="manager")
    business.perform("customer:deactivate", {"id": made["id"], "version": 2}, role="manager")
    entries = list(AuditEntry.select().where(AuditEntry.entity_id == made["id"]))
    assert sorted(entry.action for entry in entries) == ["customer:create", "customer:deactivate", "customer:edit"]
    texts = [entry.payload for entry in entries] + [str(row.data) for row in Outbox.select()]
    for secret in ("Ana", "Núñez", "Gil", "600 10", "example.com", "ES-B123", "Calle", "Rings"):
        assert not any(secret in text for text in texts), secret
    edit = orjson.loads(next(entry.payload for entry in entries if entry.action == "customer:edit"))
    assert edit["after"]["code"] == "CUST-00001"
    assert edit["after"]["first_name"] == edit["before"]["first_name"]
    assert edit["after"]["last_name"] != edit["before"]["last_name"]


@pytest.mark.req("V2X-17")
def test_tills_that_enter_customers_at_once_never_share_a_code(business):
    kernel = business.kernel

    def enter(number: int) -> str:
        with kernel.db.in_use():
            role, till = ("admin", 1) if number % 3 == 0 else ("cashier", number % 3)
            made = business.perform(
                "customer:create", {"first_name": f"N{number}", "phone": "1234"}, role=role, till=till
            )
            return str(made["code"])

    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(enter, range(24)))
    assert sorted(codes) == [f"CUST-{n:05}" for n in range(1, 25)]


@pytest.mark.req("V2X-17")
def test_a_refused_customer_uses_up_no_code(business):
    with pytest.raises(PosError):
        business.perform("customer:create", {"first_name": "Ana"})
    assert business.perform("customer:create", ANA)["code"] == "CUST-00001"


@pytest.mark.parametrize(
    "field",
    [
        {"email": "no-at.example.com"},
        {"email": "a@b"},
        {"phone": "call me"},
        {"tax_id": "<script>"},
        {"first_name": "x" * 101},
        {"last_name": "two\nlines"},
        {"address": "\x00"},
    ],
)
def test_what_is_no_mail_phone_or_name_is_refused_with_its_field(client_as, field):
    answer = client_as("admin").post("/customers", {**ANA, **field})
    assert (answer.status, answer.paths()) == (422, set(field))


def test_the_demonstration_shop_has_customers(business):
    demo.load(business.context("admin"))
    customers, _ = business.query("customer:list")
    assert len(customers) == len(demo.PEOPLE)
    for customer in customers:
        assert customer["email"].endswith(("example.com", "example.org", "example.net")) or not customer["email"]
