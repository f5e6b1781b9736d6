"""Field masks: hidden fields are null and named, refused in writes, and nothing can be asked by them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from pos_core import Manifest, Permission, SensitiveField
from pos_core.actions import query
from pos_core.context import Actor, Context
from pos_core.errors import catalogue
from pos_core.hookspecs import hookimpl
from pos_core.http import routes
from pos_core.http.masking import DoorMask
from pos_core.reporting.filters import ReportFilters
from pos_core.reporting.registry import Column, Report
from pos_core.schemas import Answer
from pos_core.testing.harness import Business, Client, Server
from tests.rbac.conftest import CANARIES, COST, Marked, Staff, customer_body, product_body

Version = Callable[[str, str], int]


def manifest(*fields: SensitiveField) -> Manifest:
    permissions = (Permission("hq:things.view.secret", "See secrets"), Permission("hq:things.edit.secret", "Set them"))
    return Manifest(name="a.things", version="1", permissions=permissions, fields=fields)


@pytest.mark.req("RBC-16")
def test_a_field_permission_ends_in_the_fields_name_and_is_declared() -> None:
    sound = SensitiveField(
        "thing", "secret", ("secret",), "A secret", ("hq:things.view.secret",), ("hq:things.edit.secret",)
    )
    assert manifest(sound).problems() == []
    for view, edit, wrong in (
        (("hq:things.view",), (), "must end in .view.secret"),
        (("store:things.view.secret",), (), "is not among the permissions"),
        (("hq:things.view.secret",), ("hq:things.view.secret",), "must end in .edit.secret"),
        ((), (), "who may view it"),
    ):
        problems = manifest(SensitiveField("thing", "secret", ("secret",), "A secret", view, edit)).problems()
        assert any(wrong in problem for problem in problems), problems


@pytest.mark.req("RBC-06")
def test_a_masked_field_is_null_and_named(staff: Staff, marked: Marked) -> None:
    seen = staff.sign_in("store", ["store:catalog.view", "store:customers.view"])
    product = seen.get(f"/products/{marked.ids['product']}")
    assert product.data["cost_price_minor"] is None
    assert product.json["meta"]["masked"] == ["cost_price_minor"]
    customer = seen.get(f"/customers/{marked.ids['customer']}")
    assert {customer.data[name] for name in ("phone", "email", "address", "tax_id")} == {None}
    assert customer.data["name"] == "Robin Marker"
    assert customer.json["meta"]["masked"] == ["address", "email", "phone", "tax_id"]


@pytest.mark.req("RBC-06", "RBC-08")
def test_who_holds_the_permission_sees_the_field_and_nothing_is_named(staff: Staff, marked: Marked) -> None:
    seen = staff.sign_in("store", ["store:catalog.view", "store:products.view.cost_price"])
    product = seen.get(f"/products/{marked.ids['product']}")
    assert product.data["cost_price_minor"] == COST
    assert "masked" not in product.json["meta"]
    elsewhere = staff.sign_in("pos", ["pos:catalog.view"]).get(f"/products/{marked.ids['product']}")
    assert elsewhere.data["cost_price_minor"] is None


@pytest.mark.req("RBC-06")
def test_the_first_roles_see_what_their_work_needs(client_as: Any, marked: Marked) -> None:
    cashier, manager, admin = client_as("cashier"), client_as("manager"), client_as("admin")
    product, customer = f"/products/{marked.ids['product']}", f"/customers/{marked.ids['customer']}"
    assert [c.get(product).data["cost_price_minor"] for c in (cashier, manager, admin)] == [None, COST, COST]
    assert {c.get(customer).data["email"] for c in (cashier, manager, admin)} == {"canary@example.org"}


@pytest.mark.req("RBC-06")
def test_a_withdrawal_bites_at_the_next_request_and_its_etag_is_another(
    business: Business, client_as: Any, marked: Marked
) -> None:
    manager, path = client_as("manager"), f"/products/{marked.ids['product']}"
    whole = manager.get(path).headers["etag"]
    assert manager.get(path, **{"If-None-Match": whole}).status == 304
    business.perform("role:create", {"code": "looker", "name": "Looker", "scope": "store",
                                     "permissions": ["store:catalog.view"]})  # fmt: skip
    place = {"user_id": business.ids["manager"], "store_id": business.store_id}
    business.perform("user:assign", {**place, "role": "looker"})
    business.perform("user:unassign", {**place, "role": "store_manager"})
    masked = manager.get(path, **{"If-None-Match": whole})
    assert (masked.status, masked.data["cost_price_minor"]) == (200, None)
    assert masked.headers["etag"] == f"W/{whole}"
    assert manager.get(path, **{"If-None-Match": masked.headers["etag"]}).status == 200
    business.perform("user:assign", {**place, "role": "store_manager"})
    again = manager.get(path, **{"If-None-Match": masked.headers["etag"]})
    assert (again.status, again.data["cost_price_minor"]) == (200, COST)


def test_the_weak_tag_of_a_masked_answer_is_good_for_an_edit(staff: Staff, marked: Marked) -> None:
    blind = staff.blind("hq")
    path = f"/products/{marked.ids['product']}"
    tag = blind.get(path).headers["etag"]
    done = blind.request("PATCH", path, {"name": "Another tea"}, {"If-Match": tag})
    assert (done.status, done.data["name"], done.data["cost_price_minor"]) == (200, "Another tea", None)
    assert done.json["meta"]["masked"] == ["cost_price_minor"]


# -- writes --------------------------------------------------------------------------------------------------------


@pytest.mark.req("RBC-06")
def test_writes_of_denied_fields_are_refused_all_at_once(
    staff: Staff, marked: Marked, version_of: Version, business: Business
) -> None:
    blind = staff.blind("hq")
    customer, product = marked.ids["customer"], marked.ids["product"]
    version = version_of("customer", customer)
    answer = blind.patch(f"/customers/{customer}", {"last_name": "New", "email": "a@example.org", "phone": ""}, version)
    assert (answer.status, answer.code, answer.paths()) == (403, "field_denied", {"email", "phone"})
    assert business.query("customer:get", id=customer)["last_name"] == "Marker"
    answer = blind.patch(f"/products/{product}", {"cost_price_minor": None}, version_of("product", product))
    assert (answer.status, answer.paths()) == (403, {"cost_price_minor"})
    assert business.query("product:get", id=product)["cost_price_minor"] == COST
    answer = blind.post("/products", product_body(sku="NEW"))
    assert (answer.status, answer.code, answer.paths()) == (403, "field_denied", {"cost_price_minor"})
    answer = blind.post("/products", product_body(sku="NEW", cost_price_minor=None))
    assert (answer.status, answer.data["cost_price_minor"]) == (201, None)


@pytest.mark.req("RBC-06")
def test_lists_in_a_command_are_looked_through(staff: Staff, marked: Marked, version_of: Version) -> None:
    blind, product = staff.blind("hq"), marked.ids["product"]
    lines = [{"vendor_id": marked.ids["vendor"], "cost_price_minor": 5}]
    answer = blind.request("PUT", f"/products/{product}/vendors", {"vendors": lines},
                           {"If-Match": f'"{version_of("product", product)}"'})  # fmt: skip
    assert (answer.status, answer.code, answer.paths()) == (403, "field_denied", {"vendors.0.cost_price_minor"})
    hidden = {"attributes": {"colour": "red", "more": [{"cost_price": 3}]}}
    answer = blind.patch(f"/products/{product}", hidden, version_of("product", product))
    assert (answer.status, answer.paths()) == (403, {"attributes.more.0.cost_price"})


@pytest.mark.req("RBC-06", "V2X-12")
def test_an_import_sets_no_cost_without_the_permission(staff: Staff, business: Business) -> None:
    blind, clerk = staff.blind("hq"), staff.blind("hq", "hq:products.view.cost_price", "hq:products.edit.cost_price")
    rows = [{"sku": "A", "name": "Tea", "selling_price": "3.49"},
            {"sku": "B", "name": "Cake", "selling_price": "2.00", "cost_price": "1.00"}]  # fmt: skip
    answer = blind.post("/products/import", {"rows": rows})
    assert (answer.status, answer.code, answer.paths()) == (403, "field_denied", {"rows.1.cost_price"})
    assert business.query("product:list")[0] == []
    rows[1]["cost_price"] = ""
    assert blind.post("/products/import", {"rows": rows}).data["created"] == 2
    rows[1]["cost_price"] = "1.00"
    assert clerk.post("/products/import", {"rows": rows}).data["updated"] == 1


@pytest.mark.req("RBC-06")
def test_who_may_set_a_cost_but_not_see_it_learns_nothing_by_trying(staff: Staff, marked: Marked) -> None:
    """An import's count of unchanged rows would tell whether a guess was right."""
    guesser = staff.blind("hq", "hq:products.edit.cost_price")
    row = {"sku": "A", "name": "Tea", "selling_price": "3.49", "cost_price": "9182.73"}
    assert guesser.post("/products/import", {"rows": [row]}).code == "field_denied"


@pytest.mark.req("RBC-06")
def test_a_till_may_enter_contacts_that_it_then_does_not_see(staff: Staff) -> None:
    till = staff.blind("pos", "pos:customers.edit.contact")
    made = till.post("/customers", customer_body())
    assert (made.status, made.data["email"]) == (201, None)
    assert "canary@example.org" not in made.text


@pytest.mark.req("RBC-06", "AUD-13", "AUD-14")
def test_what_is_refused_is_recorded_as_denied_in_both_logs(staff: Staff, client_as: Any) -> None:
    blind, admin = staff.blind("hq"), client_as("admin")
    asked = [blind.post("/products", product_body()), blind.get("/customers?search=a@example.org")]
    entries = admin.get("/audit/entries?outcome=denied").data[-2:]
    assert [(e["action"], e["fact"]["error"]["code"]) for e in entries] == [
        ("product:create", "field_denied"), ("customer:list", "field_masked"),
    ]  # fmt: skip
    for answer in asked:
        events = admin.get(f"/security/events?request_id={answer.headers['x-request-id']}").data
        assert [(event["kind"], event["result"]) for event in events] == [("permission_denied", "denied")]


# -- repeats -------------------------------------------------------------------------------------------------------


def take_away(business: Business, permission: str) -> None:
    """Take a permission from the first person's role, as one that was made anew without it."""
    role = next(one for one in business.query("role:list", limit=200)[0] if one["code"] == "role_person1")
    left = [code for code in role["permissions"] if code != permission]
    business.perform("role:create", {"code": "less", "name": "Less", "scope": role["scope"], "permissions": left})
    user = business.query("user:find", username="person1")["id"]
    place = {"user_id": user, "store_id": None if role["scope"] == "hq" else business.store_id}
    business.perform("user:assign", {**place, "role": "less"})
    business.perform("user:unassign", {**place, "role": "role_person1"})


@pytest.mark.req("RBC-06")
def test_a_repeat_after_a_withdrawal_is_masked(business: Business, staff: Staff) -> None:
    clerk = staff.blind("hq", "hq:customers.edit.contact", "hq:customers.view.contact")
    body = customer_body()
    assert clerk.post("/customers", body).data["email"] == "canary@example.org"
    take_away(business, "hq:customers.view.contact")
    again = clerk.post("/customers", body)
    assert (again.status, again.json["meta"]["replayed"]) == (201, True)
    assert again.data["email"] is None
    assert not [text for text in CANARIES["customer.contact"] if text in again.text]


@pytest.mark.req("RBC-06")
def test_a_repeat_does_not_tell_a_guess_from_the_truth(staff: Staff, client_as: Any) -> None:
    admin, body = client_as("admin"), customer_body()
    assert admin.post("/customers", body).status == 201
    guesser = staff.blind("hq", "hq:customers.edit.contact")
    right, wrong = guesser.post("/customers", body), guesser.post("/customers", {**body, "phone": "+1 202 555 0100"})
    assert (right.status, right.code, right.json["detail"]) == (wrong.status, wrong.code, wrong.json["detail"])
    assert right.code == "idempotency_key_reused"


# -- nothing can be asked by it ------------------------------------------------------------------------------------


@pytest.mark.req("RBC-06")
@pytest.mark.parametrize("search", ["canary@example.org", "@example", "+1 202 555 0199", "2025550199", "202-555-0199"])
def test_a_search_for_a_hidden_contact_is_refused(staff: Staff, marked: Marked, search: str) -> None:
    from urllib.parse import quote

    blind, seeing = staff.blind("store"), staff.blind("store", "store:customers.view.contact")
    answer = blind.get(f"/customers?search={quote(search)}")
    assert (answer.status, answer.code, answer.paths()) == (403, "field_masked", {"search"})
    assert [row["id"] for row in seeing.get(f"/customers?search={quote(search)}").data] == [marked.ids["customer"]]


@pytest.mark.req("RBC-06")
@pytest.mark.parametrize("search", ["canary", "example.org", "0199", "555", "Robin canary"])
def test_a_search_does_not_look_into_hidden_contacts(staff: Staff, marked: Marked, search: str) -> None:
    from urllib.parse import quote

    blind = staff.blind("store")
    assert blind.get(f"/customers?search={quote(search)}").data == []
    assert [row["id"] for row in blind.get("/customers?search=robin%20mark").data] == [marked.ids["customer"]]


@pytest.mark.parametrize(("given", "path"), [
    ({"cost_price_minor": 5}, "cost_price_minor"), ({"min_cost_price": 5}, "min_cost_price"),
    ({"margin_to": 5}, "margin_to"), ({"sort": "-cost_price_minor"}, "sort"),
    ({"order_by": "name,margin:desc"}, "order_by"),
    ({"filters": {"profit_above": 1}}, "profit_above"), ({"customer_phone": "1"}, "customer_phone"),
])  # fmt: skip
@pytest.mark.req("RBC-06")
def test_no_parameter_filters_or_sorts_by_a_hidden_field(
    kernel: Any, given: dict[str, Any], path: str
) -> None:
    from pos_core.errors import PosError

    with pytest.raises(PosError) as refused:
        kernel.masks.require_askable(Actor("x", "x"), "sale", given)
    assert [violation.path for violation in refused.value.violations] == [path]
    kernel.masks.require_askable(Actor("x", "x", is_super_admin=True), "sale", given)
    kernel.masks.require_askable(Actor("x", "x"), "sale", {"sort": "name", "min_total_minor": 1, "search": "cost"})


def test_no_error_sentence_carries_a_sensitive_figure(kernel: Any) -> None:
    names = {f"{{{name}" for name in kernel.masks.names(None)}
    found = [code.code for code in catalogue() for name in names if name in code.en or name in code.es]
    assert found == []


@pytest.mark.req("AUD-13")
def test_reading_another_users_personal_data_is_recorded(
    business: Business, staff: Staff, client_as: Any
) -> None:
    looking = staff.sign_in("hq", ["hq:users.view", "hq:users.view.personal"])
    blind, admin, manager = staff.blind("hq"), client_as("admin"), business.ids["manager"]
    own = business.query("user:find", username="person1")["id"]
    for path in (f"/users/{manager}", f"/users/{own}", "/users?role=cashier"):
        assert looking.get(path).status == 200
    assert blind.get(f"/users/{manager}").data["email"] is None
    reads = [e for e in admin.get("/audit/entries?entity_type=user&limit=200").data if e["action"] in
             ("user:get", "user:list")]  # fmt: skip
    assert [(e["action"], e["entity_id"], e["actor_id"], e["outcome"]) for e in reads] == [
        ("user:get", manager, own, "done"), ("user:list", None, own, "done"),
    ]  # fmt: skip
    assert reads[1]["fact"]["after"]["arguments"] == {"role": "cashier", "limit": 50}


def test_reads_are_declared_sensitive_by_fields_that_there_are(kernel: Any) -> None:
    declared = {one.code for one in kernel.masks.declared}
    asked = {one.sensitive for one in kernel.queries() if one.sensitive}
    assert asked
    assert asked <= declared


# -- reports and exports -------------------------------------------------------------------------------------------

MANIFEST = Manifest(name="sample.margins", version="1", title="Margins", depends=("core.reporting", "ops.catalog"))


class MarginFilters(ReportFilters):
    """How the rows are wanted."""

    sort: str | None = None
    least_won: int | None = None


@query("margins:rows")
def margin_rows(ctx: Context, **filters: Any) -> list[dict[str, Any]]:
    """Products by what they bring, best first."""
    rows = [("C", 700, 950_001, 31), ("A", 500, 940_001, 32), ("B", 600, 930_001, 33)]
    return [{"label": label, "total_minor": total, "margin_minor": margin, "won_minor": won}
            for label, total, margin, won in rows]  # fmt: skip


@hookimpl
def register_reports() -> tuple[Report, ...]:
    return (Report("margins", "Margins", "Márgenes", (
        Column("label", "text", "Product", "Producto"),
        Column("total_minor", "money", "Total", "Total", summed=True),
        Column("margin_minor", "money", "Margin", "Margen", summed=True),
        Column("won_minor", "money", "Won", "Ganado", summed=True, sensitive="product.cost_price"),
    ), "margins:rows", MarginFilters, ("hq:reports.view",)),)  # fmt: skip


@pytest.fixture
def margins(make_business: Any) -> Any:
    import sys

    plugin: ModuleType = sys.modules[__name__]
    business = make_business(extra=[("sample.margins", plugin)])
    server = Server(business.kernel)
    yield Staff(business, server)
    server.close()


@pytest.mark.req("RBC-06", "REP-04")
def test_a_reports_masked_columns_are_null_named_and_decide_no_order(margins: Staff) -> None:
    blind = margins.sign_in("hq", ["hq:reports.view"])
    seeing = margins.sign_in("hq", ["hq:reports.view", "hq:products.view.cost_price"])
    report = blind.get("/reports/margins").data
    assert [row["label"] for row in report["rows"]] == ["A", "B", "C"]
    assert {row[name] for row in report["rows"] for name in ("margin_minor", "won_minor")} == {None}
    assert report["totals"] == {"total_minor": 1800, "margin_minor": None, "won_minor": None}
    assert report["meta"]["masked"] == ["margin_minor", "won_minor"]
    assert [c["name"] for c in report["columns"]] == ["label", "total_minor", "margin_minor", "won_minor"]
    whole = seeing.get("/reports/margins").data
    assert [row["label"] for row in whole["rows"]] == ["C", "A", "B"]
    assert (whole["totals"]["won_minor"], whole["meta"]["masked"]) == (96, [])


@pytest.mark.req("RBC-06", "SEC-03")
def test_an_export_keeps_the_masked_column_empty_and_names_it(margins: Staff) -> None:
    answer = margins.sign_in("hq", ["hq:reports.view"]).get("/reports/margins?format=csv")
    assert answer.headers["masked-fields"] == "margin_minor, won_minor"
    assert answer.text.splitlines() == [
        "label,total,margin,won,currency", "A,5.00,,,EUR", "B,6.00,,,EUR", "C,7.00,,,EUR",
    ]  # fmt: skip


@pytest.mark.req("RBC-06")
@pytest.mark.parametrize("asked", ["sort=margin_minor", "sort=-won_minor", "min_margin=3"])
def test_a_report_cannot_be_asked_by_a_masked_column(margins: Staff, asked: str) -> None:
    answer = margins.sign_in("hq", ["hq:reports.view"]).get(f"/reports/margins?{asked}")
    assert (answer.status, answer.code) == (403, "field_masked")


# -- what a schema does not say -------------------------------------------------------------------------------------


class Buyer(Answer):
    name: str
    phone: str | None


class Shop(Answer):
    __entity__ = "store"

    phone: str


class Order(Answer):
    id: str
    buyer: Buyer
    shop: Shop
    history: list[dict[str, Any]]
    more: Order | None = None


@pytest.mark.req("RBC-06")
def test_a_schema_that_does_not_say_what_it_is_about_is_masked_as_if_it_were(kernel: Any) -> None:
    door = next(door for door in routes.collect(kernel) if door.does.name == "store:get")
    mask = DoorMask(kernel.masks, replace(door, route=replace(door.route, answer=Order)))
    order = {
        "id": "1", "buyer": {"name": "B", "phone": "123"}, "shop": {"phone": "456"},
        "history": [{"customer": {"phone": "789", "seen": 1}, "phone": "0", "cost_price": 9},
                    {"entity": "customer", "notes": {"email": "x"}}],
        "more": {"customers": [{"email": "y"}], "customer_phone": "z"},
    }  # fmt: skip
    seen, masked = mask.cover(Actor("x", "x", permissions=frozenset({"hq:stores.view"})), order)
    assert seen == {
        "id": "1", "buyer": {"name": "B", "phone": None}, "shop": {"phone": "456"},
        "history": [{"customer": {"phone": None, "seen": 1}, "phone": "0", "cost_price": None},
                    {"entity": "customer", "notes": {"email": None}}],
        "more": {"customers": [{"email": None}], "customer_phone": None},
    }  # fmt: skip
    assert masked == [
        "buyer.phone", "history.cost_price", "history.customer.phone", "history.notes.email",
        "more.customer_phone", "more.customers.email",
    ]  # fmt: skip
    assert order["buyer"] == {"name": "B", "phone": "123"}
    assert mask.cover(Actor("x", "x", is_super_admin=True), order) == (order, [])


def test_modules_read_each_other_unmasked(business: Business, marked: Marked) -> None:
    assert business.query("product:get", role="cashier", id=marked.ids["product"])["cost_price_minor"] == COST


# -- the cost of it ------------------------------------------------------------------------------------------------


def test_a_sale_passes_no_mask(kernel: Any) -> None:
    """The till's own doors have nothing to hide, so nothing is looked through there."""
    doors = {door.does.name: DoorMask(kernel.masks, door) for door in routes.collect(kernel)}
    assert [name for name in ("sale:complete", "sale:get", "sale:list") if doors[name].shape is not None] == []
    assert doors["product:get"].shape is not None


def test_masks_are_worked_out_once_for_a_set_of_permissions(kernel: Any) -> None:
    first, second = (Actor(name, name, permissions=frozenset({"hq:products.view"})) for name in ("a", "b"))
    assert kernel.masks.hidden(first) is kernel.masks.hidden(second)


def test_a_client_that_is_not_signed_in_sees_nothing_sensitive(kernel: Any, client: Client) -> None:
    assert kernel.masks.hidden(Actor("", "")) == frozenset(kernel.masks.declared)
    assert client.get("/products").status == 401
