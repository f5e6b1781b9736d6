"""Every door that could let a sensitive field out, found by walking the schemas: asked by people who may do everything
but see it. What was entered carries marks that occur nowhere else; none of them may stand in the answer's bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from pos_core.http import routes
from pos_core.http.masking import DoorMask
from pos_core.http.routes import Door
from pos_core.ids import uuid7
from pos_core.kernel import Kernel
from pos_core.rbac.shapes import Shape, _kinds
from pos_core.testing.harness import Business, Client
from tests.rbac.conftest import CANARIES, Marked, Staff, customer_body, product_body

SCOPES = ("hq", "store", "pos")
#: What stands for `{id}` below a root, where a thing of that kind was entered with marks (or exists at all).
OF_ROOT = {
    "products": "product", "customers": "customer", "sales": "sale", "vendors": "vendor", "users": "user",
    "stores": "store",
}  # fmt: skip
NEEDED = {
    "stock:moves": "product_id={product}", "security:timeline": "user={user}", "audit:entries": "limit=200",
    "sale:receipt": "lang=en",
}  # fmt: skip


def named_leaves(shape: Shape | None, path: str = "") -> Iterator[str]:
    """The paths in an answer where a schema says that something sensitive stands."""
    if shape is not None:
        yield from (path + name for name in shape.leaves)
        for name, part in shape.parts.items():
            yield from named_leaves(part, f"{path}{name}.")


def shapes(kernel: Kernel) -> dict[str, tuple[Door, Shape]]:
    """The doors whose answers can hold something sensitive, by what they do."""
    made = {door.does.name: (door, DoorMask(kernel.masks, door).shape) for door in routes.collect(kernel)}
    return {name: (door, shape) for name, (door, shape) in made.items() if shape is not None}


@pytest.fixture
def person(business: Business) -> str:
    """The id of a user with marked personal data."""
    made = business.perform("user:create", {
        "id": uuid7(), "username": "marked", "full_name": "Marked Person", "password": "correct-horse-7",
        "email": "personal-canary@example.org", "phone": "+1 202 555 0188", "address": "9 Canary Lane",
        "national_id": "CANARY-ID-55",
    })  # fmt: skip
    return str(made["id"])


MARKS = {**CANARIES, "user.personal": ("personal-canary@example.org", "555 0188", "Canary Lane", "CANARY-ID-55")}


def marks_in(raw: bytes, code: str | None = None) -> list[str]:
    texts = [text for one, found in MARKS.items() if code in (None, one) for text in found]
    return [text for text in texts if text.encode() in raw]


def urls(kernel: Kernel, ids: dict[str, str]) -> dict[str, str]:
    """A path to ask for every read, as far as there is a thing to ask for."""
    found = {}
    for door in routes.collect(kernel):
        path = door.route.path
        if door.route.method != "GET":
            continue
        if door.route.variables:
            entity = OF_ROOT.get(path.split("/")[1])
            if entity is None or door.route.variables != ("id",):
                continue
            path = path.replace("{id}", ids[entity])
        found[door.does.name] = path + ("?" + NEEDED[door.does.name].format(**ids) if door.does.name in NEEDED else "")
    return found


def test_every_sensitive_field_has_a_mark(kernel: Kernel) -> None:
    assert {one.code for one in kernel.masks.declared} == MARKS.keys()


@pytest.mark.req("RBC-06")
def test_no_read_lets_a_mark_out(
    business: Business, staff: Staff, marked: Marked, person: str, client_as: Callable[..., Client]
) -> None:
    ids = {**marked.ids, "user": person, "store": business.store_id}
    everywhere, kernel = urls(business.kernel, ids), business.kernel
    seeing = client_as("admin")
    blind = {scope: staff.blind(scope) for scope in SCOPES}
    answered: dict[str, set[str]] = {}
    for name, path in everywhere.items():
        for scope, client in blind.items():
            answer = client.get(path)
            assert answer.status in (200, 400, 403, 404, 422), f"{path}: {answer.text}"
            assert marks_in(answer.raw) == [], f"{path} as {scope}"
            if answer.status == 200:
                answered.setdefault(name, set()).add(scope)
    for name, (door, shape) in shapes(kernel).items():
        leaves = set(named_leaves(shape))
        if door.is_action or not leaves:
            continue
        assert answered.get(name), f"nobody could ask {door.route.path}: say in OF_ROOT or NEEDED how"
        for scope in answered[name]:
            answer = blind[scope].get(everywhere[name])
            assert set(answer.json["meta"]["masked"]) >= leaves, f"{door.route.path} as {scope}"
        assert marks_in(seeing.get(everywhere[name]).raw), f"{door.route.path} shows no mark to those who may see it"


def _put(client: Client, path: str, body: dict[str, Any], version: int, method: str = "POST") -> Any:
    return client.request(method, path, body, {"If-Match": f'"{version}"'})


#: How each action whose answer holds something sensitive is done without setting it: (client, ids, version of).
DOING: dict[str, Callable[[Client, dict[str, str], Callable[[str], int]], Any]] = {
    "product:create": lambda c, ids, v: c.post("/products", product_body(cost_price_minor=None)),
    "product:edit": lambda c, ids, v: c.patch(f"/products/{ids['product']}", {"name": "N"}, v("product")),
    "product:deactivate": lambda c, ids, v: _put(c, f"/products/{ids['product']}/deactivate", {}, v("product")),
    "product:activate": lambda c, ids, v: _put(c, f"/products/{ids['product']}/activate", {}, v("product")),
    "product:set_barcodes": lambda c, ids, v: _put(
        c, f"/products/{ids['product']}/barcodes", {"barcodes": []}, v("product"), "PUT"),
    "product:set_vendors": lambda c, ids, v: _put(
        c, f"/products/{ids['product']}/vendors", {"vendors": [{"vendor_id": ids["vendor"]}]}, v("product"), "PUT"),
    "customer:create": lambda c, ids, v: c.post("/customers", customer_body()),
    "customer:edit": lambda c, ids, v: c.patch(f"/customers/{ids['customer']}", {"notes": "N"}, v("customer")),
    "customer:deactivate": lambda c, ids, v: _put(c, f"/customers/{ids['customer']}/deactivate", {}, v("customer")),
    "customer:activate": lambda c, ids, v: _put(c, f"/customers/{ids['customer']}/activate", {}, v("customer")),
    "user:create": lambda c, ids, v: c.post("/users", {"username": "fresh", "full_name": "Fresh"}),
    "user:edit": lambda c, ids, v: c.patch(f"/users/{ids['user']}", {"full_name": "N"}, v("user")),
    "user:reset_password": lambda c, ids, v: _put(
        c, f"/users/{ids['user']}/password", {"reason": "forgotten"}, v("user")),
}  # fmt: skip


#: Only a super admin does these, from whom nothing is hidden.
SUPER = {"user:promote_super_admin", "user:demote_super_admin"}


@pytest.mark.req("RBC-06")
def test_no_answer_of_an_action_lets_a_mark_out(
    business: Business, staff: Staff, marked: Marked, person: str
) -> None:
    wanted = {n: s for n, (door, s) in shapes(business.kernel).items() if door.is_action and any(named_leaves(s))}
    assert wanted.keys() - SUPER == DOING.keys(), "say in DOING how the action is done"
    ids = {**marked.ids, "user": person}
    blind = staff.blind("hq", "hq:customers.edit.contact")
    for name, do in DOING.items():
        answer = do(blind, ids, lambda entity: int(business.query(f"{entity}:get", id=ids[entity])["version"]))
        assert answer.status in (200, 201), f"{name}: {answer.text}"
        assert marks_in(answer.raw) == [], name
        assert set(answer.json["meta"]["masked"]) >= set(named_leaves(wanted[name])), name


@pytest.mark.req("RBC-06", "AUD-13")
def test_audit_views_are_masked_before_after_and_in_refused_commands(
    business: Business, staff: Staff, marked: Marked, client_as: Callable[..., Client]
) -> None:
    product, admin = marked.ids["product"], client_as("admin")
    version = business.query("product:get", id=product)["version"]
    assert admin.patch(f"/products/{product}", {"cost_price_minor": 918_274}, version).status == 200
    assert admin.patch(f"/products/{product}", {"cost_price_minor": 918_275}, version).status == 412
    rows = [{"sku": "I", "name": "Imported", "selling_price": "10000", "cost_price": "9182.73"}]
    assert admin.post("/products/import", {"rows": rows}).status == 200
    path = "/audit/entries?limit=200&module=ops.catalog"
    whole, answer = admin.get(path), staff.blind("hq").get(path)
    assert len(answer.data) == len(whole.data) > 5
    assert [text for text in ("918273", "918274", "918275", "9182.73") if text in answer.text] == []
    assert [text for text in ("918273", "918274", "918275") if text not in whole.text] == []
    assert {"fact.after.cost_price_minor", "fact.before.cost_price_minor", "fact.command.cost_price_minor",
            "fact.after.rows.cost_price_minor"} <= set(answer.json["meta"]["masked"])  # fmt: skip
    assert [(e["seq"], e["hash"]) for e in answer.data] == [(e["seq"], e["hash"]) for e in whole.data]


@pytest.mark.req("RBC-06")
def test_a_customers_entries_show_not_even_the_digests_of_a_hidden_contact(staff: Staff, marked: Marked) -> None:
    path = f"/audit/entries?entity_id={marked.ids['customer']}"
    fact = staff.blind("hq").get(path).data[0]["fact"]["after"]
    assert {fact[name] for name in ("email", "phone", "address", "tax_id")} == {None}
    seen = staff.blind("hq", "hq:customers.view.contact").get(path).data[0]["fact"]["after"]
    assert seen["email"].startswith("hmac-sha256:")


#: Fields that are called like a sensitive one and are none: what a schema of that name is about is no secret.
HARMLESS = {
    "StoreAnswer": {"address", "phone"}, "VendorAnswer": {"address", "email", "phone"},
    "RepresentativeAnswer": {"email", "phone"}, "TaxAnswer": {"tax_id"},
    "OwnAccount": {"address", "email", "national_id", "phone"},
}  # fmt: skip


def _unmasked(kernel: Kernel, schema: type[BaseModel], shape: Shape | None) -> Iterator[tuple[str, str]]:
    for member, field in schema.model_fields.items():
        name = field.alias or member
        if name in kernel.masks.names(None) and (shape is None or name not in shape.leaves):
            yield schema.__name__, name
        part = None if shape is None else shape.parts.get(name)
        for kind in _kinds(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel) and (shape is None or name not in shape.opaque):
                yield from _unmasked(kernel, kind, part)


@pytest.mark.req("RBC-06")
def test_whatever_is_called_like_a_sensitive_field_is_masked_or_known_to_be_harmless(kernel: Kernel) -> None:
    """A new schema with a `phone` has to say whose it is."""
    found = [
        f"{door.route.method} {door.route.path}: {schema}.{name}"
        for door in routes.collect(kernel) if door.route.answer is not None
        for schema, name in _unmasked(kernel, door.route.answer, DoorMask(kernel.masks, door).shape)
        if name not in HARMLESS.get(schema, ())
    ]  # fmt: skip
    assert found == []


def test_what_is_masked_may_be_null_by_its_schema(kernel: Kernel) -> None:
    """Otherwise a masked answer would break the API's own description."""

    def strict(schema: type[BaseModel], shape: Shape) -> Iterator[str]:
        for member, field in schema.model_fields.items():
            name = field.alias or member
            if name in shape.leaves and type(None) not in list(_kinds(field.annotation)):
                yield f"{schema.__name__}.{name}"
            for kind in _kinds(field.annotation):
                if name in shape.parts and isinstance(kind, type) and issubclass(kind, BaseModel):
                    yield from strict(kind, shape.parts[name])

    wrong = {one for door, shape in shapes(kernel).values() for one in strict(door.route.answer, shape)}
    assert wrong == set()


def pages(client: Client, path: str) -> tuple[list[str], list[int]]:
    """All ids of a list in their order, and the size of each page."""
    ids: list[str] = []
    sizes: list[int] = []
    cursor = ""
    while True:
        answer = client.get(path + (f"&cursor={quote(cursor)}" if cursor else ""))
        assert answer.status == 200, answer.text
        ids += [row["id"] for row in answer.data]
        sizes.append(len(answer.data))
        cursor = answer.json["meta"]["next_cursor"]
        if not cursor:
            return ids, sizes


@pytest.mark.req("RBC-06")
def test_lists_have_the_same_order_and_pages_for_everybody(business: Business, staff: Staff) -> None:
    blind, seeing = staff.blind("hq"), staff.sign_in("hq", staff.permissions("hq"))
    words = st.sampled_from(["tea", "cake", "bread", "green", "dark"])
    costs = st.lists(st.tuples(words, st.one_of(st.none(), st.integers(1, 10**6))), min_size=1, max_size=4)

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(made=costs, limit=st.integers(1, 5), search=st.one_of(st.just(""), words))
    def same(made: list[tuple[str, int | None]], limit: int, search: str) -> None:
        for word, cost in made:
            business.perform("product:create", product_body(name=word, cost_price_minor=cost))
            person = customer_body(last_name=word, phone="", email=f"{word}{cost}@example.org")
            business.perform("customer:create", person)
        for root in ("products", "customers"):
            path = f"/{root}?limit={limit}" + (f"&search={search}" if root == "products" and search else "")
            assert pages(blind, path) == pages(seeing, path)

    same()


@pytest.mark.req("RBC-06")
def test_two_customers_who_differ_in_their_contact_alone_cannot_be_told_apart(
    business: Business, staff: Staff
) -> None:
    blind = staff.blind("store")
    contacts = (
        {"email": "one@a.example", "phone": "+1 202 555 0101", "tax_id": "T-1"},
        {"email": "two@b.example", "phone": "+1 303 555 0202", "tax_id": "T-2"},
    )
    twins = [business.perform("customer:create", customer_body(**contact)) for contact in contacts]
    wanted = {twin["id"] for twin in twins}
    texts = st.one_of(
        st.sampled_from(["one", "two", "0101", "202", "303", "example", "robin", "T-1", "7 canary", "marker two"]),
        st.text(alphabet="012345+-@.robnmaketw ", min_size=1, max_size=8),
    )

    @settings(max_examples=40, deadline=None)
    @given(search=texts)
    def alike(search: str) -> None:
        answer = blind.get(f"/customers?search={quote(search)}")
        if answer.status == 403:
            assert answer.code == "field_masked"
            return
        if answer.status == 400:  # blanks at its ends
            return
        parts = {*search.lower().split(), "".join(c for c in search if c.isdigit())} - {""}
        told_by_code = any(len({part in twin["code"].lower() for twin in twins}) == 2 for part in parts)
        assert told_by_code or {row["id"] for row in answer.data} in (set(), wanted), search

    alike()
