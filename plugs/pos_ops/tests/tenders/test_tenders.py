"""The tender master: who may change it, what stays for ever, and the look-up that sales use."""

from __future__ import annotations

import orjson
import peewee as pw
import pytest

from pos_core import PosError, uuid7
from pos_core.audit.models import AuditEntry
from pos_ops.tenders.directory import directory
from pos_ops.tenders.models import Tender

VOUCHER = {"code": "voucher", "name": "Voucher", "kind": "other", "sort_order": 5, "needs_reference": True}


@pytest.mark.req("V2X-15")
def test_a_new_business_takes_cash_card_and_other(business):
    tenders, following = business.query("tender:list", role="cashier")
    assert following is None
    assert [(t["code"], t["kind"], t["opens_drawer"], t["cash_rounding"], t["needs_reference"]) for t in tenders] == [
        ("cash", "cash", True, True, False),
        ("card", "card", False, False, False),
        ("other", "other", False, False, True),
    ]


@pytest.mark.req("V2X-15")
def test_cash_opens_the_drawer_and_is_rounded_unless_said_otherwise(business):
    plain = business.perform("tender:create", {"code": "usd", "name": "Dollars", "kind": "cash"})
    odd = business.perform(
        "tender:create",
        {"code": "safe", "name": "Safe", "kind": "cash", "opens_drawer": False, "cash_rounding": False},
    )
    assert (plain["opens_drawer"], plain["cash_rounding"]) == (True, True)
    assert (odd["opens_drawer"], odd["cash_rounding"]) == (False, False)


@pytest.mark.req("V2X-15")
def test_code_and_kind_stay_for_ever_and_the_rest_is_edited_over_http(client_as):
    admin = client_as("admin")
    made = admin.post("/tenders", VOUCHER)
    assert made.status == 201, made.text
    path = f"/tenders/{made.data['id']}"
    assert admin.patch(path, {"code": "other-code"}, version=1).paths() == {"code"}
    assert admin.patch(path, {"kind": "cash"}, version=1).paths() == {"kind"}
    changed = admin.patch(
        path, {"name": "Gift voucher", "sort_order": 40, "opens_drawer": True, "is_active": False}, version=1
    )
    assert changed.status == 200, changed.text
    assert changed.data == {
        **made.data,
        "name": "Gift voucher",
        "sort_order": 40,
        "opens_drawer": True,
        "is_active": False,
        "version": 2,
    }
    assert admin.get(path).data == changed.data
    assert admin.patch(path, {"name": "Late"}, version=1).code == "version_mismatch"


@pytest.mark.req("V2X-15")
def test_a_taken_code_is_refused_with_its_field(client_as):
    answer = client_as("admin").post("/tenders", {**VOUCHER, "code": "cash"})
    assert (answer.status, answer.code, answer.paths()) == (409, "already_exists", {"code"})


@pytest.mark.req("V2X-15")
@pytest.mark.parametrize("role", ["manager", "cashier"])
def test_only_the_headquarters_changes_tenders(client_as, role):
    client = client_as(role)
    assert [t["code"] for t in client.get("/tenders?is_active=true").data] == ["cash", "card", "other"]
    assert client.post("/tenders", VOUCHER).status == 403


@pytest.mark.req("V2X-15")
def test_lists_follow_the_order_on_the_screen_page_by_page(client_as):
    admin = client_as("admin")
    assert admin.post("/tenders", VOUCHER).status == 201
    seen, path = [], "/tenders?limit=2"
    while True:
        page = admin.get(path)
        seen += [tender["code"] for tender in page.data]
        if page.json["meta"]["next_cursor"] is None:
            break
        path = f"/tenders?limit=2&cursor={page.json['meta']['next_cursor']}"
    assert seen == ["voucher", "cash", "card", "other"]


@pytest.mark.req("V2X-15")
def test_the_audit_entry_says_what_it_was_and_became(business):
    card = business.query("tender:directory")["card"]
    business.perform("tender:edit", {"id": card.id, "name": "Plastic", "version": 1})
    entry = AuditEntry.get(AuditEntry.entity_id == card.id, AuditEntry.action == "tender:edit")
    fact = orjson.loads(entry.payload)
    assert (fact["before"]["name"], fact["after"]["name"], fact["after"]["version"]) == ("Card", "Plastic", 2)


@pytest.mark.req("V2X-15")
def test_the_database_itself_refuses_an_unknown_kind(kernel):
    with kernel.db.schema_access(), pytest.raises(pw.IntegrityError):
        Tender.create(
            id=uuid7(),
            code="x",
            name="X",
            kind="barter",
            created_at=kernel.clock.now(),
            updated_at=kernel.clock.now(),
        )


def test_the_directory_costs_no_query_while_nothing_changed(business):
    db = business.kernel.db
    first = business.query("tender:directory")
    ctx = business.context("cashier")
    before = db.pos.round_trips
    assert ctx.query("tender:directory") is first
    assert db.pos.round_trips == before
    business.perform("tender:edit", {"id": first["card"].id, "is_active": False, "version": 1})
    second = business.query("tender:directory")
    assert list(second) == ["cash", "card", "other"]
    assert not second["card"].is_active
    assert second.by_id[first["card"].id] is second["card"]
    assert first["card"].is_active


def test_the_drawers_tender_is_the_first_cash_tender_in_use(business):
    business.perform("tender:create", {"code": "aa", "name": "Coins", "kind": "cash", "sort_order": 1})
    tenders = business.query("tender:directory")
    assert tenders.drawer().code == "aa"
    for code in ("aa", "cash"):
        business.perform("tender:edit", {"id": tenders[code].id, "is_active": False, "version": 1})
    assert business.query("tender:directory").drawer() is None


def test_a_transactions_unsaved_edit_is_not_cached_for_others(business):
    kernel, ctx = business.kernel, business.context("admin")
    card = directory(ctx)["card"]
    seen = []

    def look_and_fail(**_):
        seen.append(directory(ctx)["card"].name)
        raise RuntimeError("undone")

    class Boom:
        call = staticmethod(lambda arguments: look_and_fail(**arguments))

    plan = kernel.plan("tender:edit", None)
    kernel._plans[("tender:edit", kernel.registry.enabled_set(None))] = type(plan)(
        plan.before, (*plan.after, Boom), plan.audit
    )
    ctx.revision += 1  # nothing cached for it yet, as in a process that has just started
    with pytest.raises(RuntimeError, match="undone"):
        kernel.perform(ctx, "tender:edit", {"id": card.id, "name": "Unsaved", "version": 1})
    assert seen == ["Unsaved"]
    assert directory(ctx)["card"].name == "Card"


def test_each_business_in_a_process_has_its_own_directory(make_business):
    one = make_business()
    one.perform("tender:create", VOUCHER)
    assert "voucher" in one.query("tender:directory")
    two = make_business()
    two.perform("tender:create", {**VOUCHER, "code": "points"})
    assert "voucher" not in two.query("tender:directory")
    assert "points" in two.query("tender:directory")


def test_an_unknown_tender_is_not_found(business):
    with pytest.raises(PosError) as refused:
        business.query("tender:get", id=uuid7())
    assert refused.value.code.code == "not_found"
