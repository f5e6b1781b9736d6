"""Tax rates and groups: exact figures in and out, compound taxes, and what a sale is then taxed with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core import money
from pos_core.audit.models import AuditEntry
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.tax import Line, Rounding, price
from pos_core.testing.harness import Business


def make_rate(business: Business, code: str, **given: Any) -> dict[str, Any]:
    return business.perform("tax_rate:create", {"id": uuid7(), "code": code, "name": code, **given})


def make_group(business: Business, code: str, *rates: dict[str, Any]) -> dict[str, Any]:
    ids = [rate["id"] for rate in rates]
    return business.perform("tax_group:create", {"id": uuid7(), "code": code, "name": code, "rate_ids": ids})


def refused(business: Business, action: str, command: dict[str, Any], role: str = "admin") -> PosError:
    with pytest.raises(PosError) as caught:
        business.perform(action, command, role=role)
    return caught.value


def priced(business: Business, group_id: str, unit_price_minor: int) -> Any:
    """A line of that price, taxed the way a sale at the till is: the directory's taxes, the store's rounding."""
    ctx = business.context("cashier")
    taxes = ctx.kernel.taxes.group(group_id, ctx.revision)
    rounding = Rounding(ctx.settings["tax.rounding"], ctx.settings["tax.rounding_mode"])
    return price([Line(unit_price_minor, 1, 1000, taxes)], rounding=rounding)


@pytest.mark.req("PLT-12")
@pytest.mark.parametrize(("code", "rate"), [("standard", "2000"), ("reduced", "500"), ("zero", "0")])
def test_a_new_business_has_its_tax_groups(business: Business, code: str, rate: str) -> None:
    group = business.query("tax_group:by_code", code=code, role="cashier")
    assert (group["code"], group["rate"], len(group["rates"])) == (code, rate, 1)
    assert group["rates"][0]["included"] is True
    entry = AuditEntry.select().where(AuditEntry.entity_id == group["id"]).get()
    assert (entry.action, entry.outcome) == ("tax_group:create", "done")


@pytest.mark.req("PRC-02")
@pytest.mark.parametrize(("rate", "shown"), [("825", "825"), ("887.5", "887.5"), ("0.01", "0.01"), ("10000", "10000")])
def test_rates_are_basis_points(business: Business, rate: str, shown: str) -> None:
    made = make_rate(business, "city", rate=rate)
    assert (made["rate"], made["amount"]) == (shown, None)
    assert business.query("tax_rate:get", id=made["id"])["rate"] == shown


@pytest.mark.req("PRC-02")
@pytest.mark.req("PRC-03")
@pytest.mark.parametrize("mode", ["half_even", "half_up"])
def test_999_at_825_basis_points_is_82(business: Business, mode: str) -> None:
    business.perform("setting:change", {"key": "tax.rounding_mode", "value": mode})
    group = make_group(business, "g", make_rate(business, "r", rate="825"))
    assert priced(business, group["id"], 999).tax_minor == 82


@pytest.mark.req("PRC-03")
@pytest.mark.parametrize(("mode", "tax"), [("half_even", 2), ("half_up", 3), ("up", 3), ("down", 2)])
def test_a_tie_goes_where_the_setting_says(business: Business, mode: str, tax: int) -> None:
    business.perform("setting:change", {"key": "tax.rounding_mode", "value": mode})
    group = make_group(business, "g", make_rate(business, "r", rate="500"))
    assert priced(business, group["id"], 50).tax_minor == tax  # 5 % of 0.50 is 2.5 cents


@pytest.mark.req("PRC-03")
@pytest.mark.req("V2X-14")
def test_a_compound_tax_names_the_tax_it_stands_on(business: Business) -> None:
    first = make_rate(business, "GST", rate="500", adds_to_base=True)
    second = make_rate(business, "QST", rate="997.5")
    group = make_group(business, "QC", first, second)
    assert [(tax["code"], tax["stands_on"]) for tax in group["rates"]] == [("GST", []), ("QST", ["GST"])]
    # 100.00: GST 5.00, QST 9.975 % of 105.00 = 10.47375
    found = priced(business, group["id"], 10_000)
    assert [tax.amount_minor for tax in found.taxes] == [500, 1047]
    swapped = business.perform(
        "tax_group:edit", {"id": group["id"], "version": group["version"], "rate_ids": [second["id"], first["id"]]}
    )
    assert [tax["stands_on"] for tax in swapped["rates"]] == [[], []]
    assert [tax.amount_minor for tax in priced(business, group["id"], 10_000).taxes] == [998, 500]


@pytest.mark.req("PRC-03")
def test_a_tax_that_does_not_take_the_earlier_ones_stands_on_nothing(business: Business) -> None:
    first = make_rate(business, "A", rate="1000", adds_to_base=True)
    second = make_rate(business, "B", rate="1000", base_takes_earlier=False)
    group = make_group(business, "AB", first, second)
    assert group["rates"][1]["stands_on"] == []
    assert priced(business, group["id"], 10_000).tax_minor == 2_000


@pytest.mark.req("PRC-03")
def test_a_fixed_tax_is_an_amount_per_unit(business: Business) -> None:
    made = make_rate(business, "deposit", kind="fixed_per_unit", amount="0.125")
    assert (made["rate"], made["amount"]) == (None, "0.125")
    group = make_group(business, "bottles", made)
    ctx = business.context("cashier")
    taxes = ctx.kernel.taxes.group(group["id"], ctx.revision)
    found = price([Line(100, 1, 4000, taxes)], rounding=Rounding())
    assert found.tax_minor == 50
    assert group["rate"] == "0"


@pytest.mark.req("PRC-02")
@given(rate=st.integers(0, 1_000_000), amount=st.integers(0, 10**10))
def test_figures_survive_the_way_through_their_texts(rate: int, amount: int) -> None:
    assert money.parse_basis_points(money.format_basis_points(rate)) == rate
    for decimals in (4, 6, 7):
        assert money.parse_scaled(money.format_scaled(amount, decimals), decimals) == amount


@pytest.mark.req("PRC-03")
@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"kind": "percent"}, "rate"),
        ({"kind": "percent", "amount": "1"}, "amount"),
        ({"kind": "percent", "rate": "100", "amount": "1"}, "amount"),
        ({"kind": "fixed_per_unit", "rate": "100"}, "rate"),
        ({"kind": "fixed_per_unit"}, "amount"),
        ({"kind": "fixed_per_unit", "amount": "0.0000001"}, "amount"),
    ],
)
def test_a_figure_that_does_not_fit_the_kind_is_refused(business: Business, given: dict[str, Any], path: str) -> None:
    error = refused(business, "tax_rate:create", {"id": uuid7(), "code": "x", "name": "x", **given})
    assert (error.code.code, error.path) == ("tax_figure", path)


@pytest.mark.req("PRC-03")
def test_taxes_that_cannot_be_charged_together_are_refused(business: Business) -> None:
    one = make_rate(business, "one", kind="percent_of_gross", rate="6000")
    two = make_rate(business, "two", kind="percent_of_gross", rate="3000")
    group = make_group(business, "both", one, two)
    error = refused(business, "tax_rate:edit", {"id": two["id"], "version": 1, "rate": "4000"})
    assert (error.code.code, error.path) == ("tax_group_impossible", "rate")
    full = {"id": uuid7(), "code": "full", "name": "Full", "kind": "percent_of_gross", "rate": "10000"}
    assert refused(business, "tax_rate:create", full).code.code == "tax_group_impossible"
    business.perform("tax_rate:edit", {"id": one["id"], "version": 1, "is_active": False})
    business.perform("tax_rate:edit", {"id": two["id"], "version": 1, "rate": "4000"})
    assert refused(business, "tax_rate:edit", {"id": one["id"], "version": 2, "is_active": True}).code.code == (
        "tax_group_impossible"
    )
    assert priced(business, group["id"], 600).total_minor == 1_000


@pytest.mark.req("V2X-14")
def test_a_changed_rate_holds_from_the_next_sale_on_and_an_inactive_one_is_not_charged(business: Business) -> None:
    rate = make_rate(business, "vat", rate="1000")
    group = make_group(business, "g", rate)
    assert priced(business, group["id"], 1000).tax_minor == 100
    business.perform("tax_rate:edit", {"id": rate["id"], "version": 1, "rate": "2000"})
    assert priced(business, group["id"], 1000).tax_minor == 200
    business.perform("tax_rate:edit", {"id": rate["id"], "version": 2, "is_active": False})
    assert priced(business, group["id"], 1000).tax_minor == 0
    assert business.query("tax_group:get", id=group["id"])["rate"] == "0"


@pytest.mark.req("V2X-14")
def test_an_edit_says_what_it_was_and_needs_the_version(business: Business) -> None:
    rate = make_rate(business, "vat", rate="1000")
    assert refused(business, "tax_rate:edit", {"id": rate["id"], "rate": "1"}).code.code == "version_required"
    business.perform("tax_rate:edit", {"id": rate["id"], "version": 1, "name": "VAT 10"})
    late = refused(business, "tax_rate:edit", {"id": rate["id"], "version": 1, "name": "late"})
    assert (late.code.code, late.params["current"]) == ("version_mismatch", 2)
    done = AuditEntry.select().where(AuditEntry.action == "tax_rate:edit", AuditEntry.outcome == "done").get()
    fact = orjson.loads(done.payload)
    assert (fact["before"]["name"], fact["after"]["name"]) == ("vat", "VAT 10")
    assert fact["after"]["rate"] == "1000"


@pytest.mark.req("V2X-14")
def test_codes_are_taken_once_and_groups_name_each_existing_tax_once(business: Business) -> None:
    rate = make_rate(business, "vat", rate="1000")
    again = {"id": uuid7(), "code": "vat", "name": "again", "rate": "1"}
    assert refused(business, "tax_rate:create", again).code.code == "already_exists"
    group = {"id": uuid7(), "code": "standard", "name": "again"}
    assert refused(business, "tax_group:create", group).code.code == "already_exists"
    missing = refused(business, "tax_group:create", {**group, "code": "g", "rate_ids": [rate["id"], uuid7()]})
    assert (missing.code.code, missing.path) == ("not_found", "rate_ids.1")
    with pytest.raises(ValueError, match="names a tax twice"):
        business.perform("tax_group:create", {**group, "code": "g", "rate_ids": [rate["id"], rate["id"]]})


@pytest.mark.req("PRC-03")
@pytest.mark.parametrize("role", ["manager", "cashier"])
def test_only_the_headquarters_change_taxes(business: Business, role: str) -> None:
    command = {"id": uuid7(), "code": "x", "name": "x", "rate": "1"}
    assert refused(business, "tax_rate:create", command, role).code.code == "permission_denied"
    assert len(business.query("tax_rate:list", role=role)[0]) == 3


@pytest.mark.req("API-04")
def test_groups_page_by_code_with_a_fixed_number_of_reads(business: Business) -> None:
    for number in range(7):
        make_group(business, f"g{number}", make_rate(business, f"r{number}", rate="100"))
    business.query("tax_group:list", limit=1)  # the first request of a revision also reads which modules are on
    found, cursor = [], None
    while True:
        before = business.kernel.db.pos.round_trips
        page, cursor = business.query("tax_group:list", limit=4, cursor=cursor)
        assert business.kernel.db.pos.round_trips - before <= 4
        found += page
        if cursor is None:
            break
    assert [group["code"] for group in found] == [*(f"g{n}" for n in range(7)), "reduced", "standard", "zero"]
    assert all(len(group["rates"]) == 1 for group in found)


@pytest.mark.req("PRC-03")
def test_over_http(client_as: Callable[..., Any]) -> None:
    admin = client_as("admin")
    rate = admin.post("/tax-rates", {"id": uuid7(), "code": "CA", "name": "California", "rate": "725"})
    assert (rate.status, rate.headers["etag"]) == (201, '"1"')
    command = {"id": uuid7(), "code": "CA", "name": "California", "rate_ids": [rate.data["id"]]}
    group = admin.post("/tax-groups", command)
    assert (group.status, group.data["rate"]) == (201, "725")
    changed = admin.patch(f"/tax-rates/{rate.data['id']}", {"rate": "750"}, version=1)
    assert (changed.status, changed.data["rate"]) == (200, "750")
    assert admin.get(f"/tax-groups/{group.data['id']}").data["rate"] == "750"
    codes = [entry["code"] for entry in admin.get("/tax-groups?is_active=true&limit=2").data]
    assert codes == ["CA", "reduced"]
    for wrong in ("8.25%", "-1", "10001", "1.234", 825):
        answer = admin.post("/tax-rates", {"id": uuid7(), "code": "w", "name": "w", "rate": wrong})
        assert (answer.status, answer.paths()) == (422, {"rate"})
    cashier = client_as("cashier")
    assert cashier.get("/tax-groups").status == 200
    assert cashier.post("/tax-rates", {"code": "w", "name": "w", "rate": "1"}).status == 403
