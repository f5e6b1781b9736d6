"""The registry of reports: what is listed, the filters, the totals, the contract of columns, and CSV."""

from __future__ import annotations

import csv
import importlib.util
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_core.clock import to_text
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.plugins import StartError
from pos_core.reporting import registry
from pos_core.reporting.registry import Column, Report
from pos_core.reporting.tables import defused, to_csv
from pos_core.reporting.totals import exact_text, total
from pos_core.testing.harness import Business, Server


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


SAMPLE = load("sample_pack")


@pytest.fixture
def shop(make_business: Callable[..., Business]) -> Business:
    return make_business(extra=[("sample.figures", SAMPLE)])


def run(shop: Business, role: str = "admin", report: str = "figures", **filters: Any) -> dict[str, Any]:
    return shop.query("report:run", role=role, report=report, filters={"size": "1", **filters})


def refusal(shop: Business, role: str = "admin", **given: Any) -> PosError:
    with pytest.raises(PosError) as caught:
        run(shop, role, **given)
    return caught.value


@pytest.mark.req("RPT-01")
def test_a_module_brings_reports_and_the_list_shows_those_one_may_see(shop: Business) -> None:
    admin = {entry["id"]: entry for entry in shop.query("report:list")[0]}
    assert {"figures", "figures.secret"} <= admin.keys()
    assert "figures.absent" not in admin
    manager = {entry["id"] for entry in shop.query("report:list", role="manager")[0]}
    assert "figures" in manager
    assert "figures.secret" not in manager
    filters = {entry["name"]: entry for entry in admin["figures"]["filters"]}
    assert set(filters) == {"from", "to", "store_id", "user_id", "category_id", "size"}
    assert filters["size"]["required"] is True


@pytest.mark.req("OPX-24")
def test_an_answer_has_rows_of_the_columns_alone_totals_and_what_they_stand_for(shop: Business) -> None:
    made = run(shop, **{"from": "2026-03-01", "to": "2026-03-02"})
    names = [column["name"] for column in made["columns"]]
    assert names == ["label", "asked", "day", "count", "weight", "paid_minor", "exact"]
    assert all(list(row) == names for row in made["rows"])
    assert made["totals"] == {"count": 5, "weight": "-0.375", "paid_minor": 1043, "exact": "6305/6"}
    assert made["meta"] == {
        "dimensions": {"day": None, "size": 1},
        "filters": {"first": "2026-03-01", "last": "2026-03-02", "size": 1},
        "currency": "EUR", "made_at": to_text(shop.clock.now()), "count": 3, "complete": True, "masked": [],
    }  # fmt: skip


@pytest.mark.req("OPX-24")
def test_rows_that_overlap_have_no_total(shop: Business) -> None:
    made = run(shop, size="2")
    assert made["totals"]["count"] is None
    assert made["totals"]["paid_minor"] == 2086


@pytest.mark.req("RPT-01")
def test_a_limit_cuts_the_rows_but_not_the_totals(shop: Business) -> None:
    made = shop.query("report:run", report="figures", filters={"size": 1}, limit=1)
    assert (len(made["rows"]), made["meta"]["count"], made["meta"]["complete"]) == (1, 3, False)
    assert made["totals"]["paid_minor"] == 1043


@pytest.mark.req("RPT-02")
def test_the_standard_filters_reach_the_query(shop: Business) -> None:
    user, category = uuid7(), uuid7()
    made = run(
        shop, store_id=shop.store_id, user_id=user, category_id=category.upper(), **{"from": "2026-01-31"}
    )
    asked = made["rows"][0]["asked"]
    assert f"('user_id', '{user}')" in asked
    assert f"('category_id', '{category}')" in asked
    assert f"('store_id', '{shop.store_id}')" in asked
    assert "('first', datetime.date(2026, 1, 31))" in asked
    assert "last" not in asked


@pytest.mark.req("RPT-02")
@pytest.mark.parametrize(
    ("filters", "path"),
    [
        ({"from": "2026-02-30"}, "from"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, ""),
        ({"store_id": "S1"}, "store_id"),
        ({"size": "0"}, "size"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_filter_that_is_not_as_it_must_be_is_named(shop: Business, filters: dict[str, Any], path: str) -> None:
    error = refusal(shop, **filters)
    assert error.code.code == "parameter_invalid"
    assert [violation.path for violation in error.violations] == [path]


@pytest.mark.req("RPT-02")
def test_a_store_reads_itself_only(shop: Business) -> None:
    other = shop.perform("store:create", {"id": uuid7(), "code": "S2", "name": "Second", "time_zone": "UTC"})["id"]
    assert f"('store_id', '{shop.store_id}')" in run(shop, "manager")["rows"][0]["asked"]
    assert refusal(shop, "manager", store_id=other).code.code == "not_found"
    assert run(shop, store_id=other)["meta"]["filters"]["store_id"] == other
    assert refusal(shop, store_id=uuid7()).code.code == "not_found"


@pytest.mark.req("RPT-01")
def test_a_report_asks_for_its_own_permission(shop: Business) -> None:
    assert refusal(shop, "manager", report="figures.secret").code.code == "permission_denied"
    assert refusal(shop, "cashier").code.code == "permission_denied"
    assert run(shop, report="figures.secret")["id"] == "figures.secret"


@pytest.mark.req("RPT-01")
@pytest.mark.parametrize("report", ["no.such", "figures.absent", "x" * 500])
def test_a_report_that_is_not_there_is_not_found(shop: Business, report: str) -> None:
    assert refusal(shop, report=report).code.code == "report_unknown"


@pytest.mark.req("RPT-01")
def test_a_report_goes_with_its_module(make_business: Callable[..., Business]) -> None:
    off = make_business(extra=[("sample.figures", SAMPLE)], modules={"disabled": ["sample.figures"]})
    assert "figures" not in {entry["id"] for entry in off.query("report:list")[0]}
    assert refusal(off).code.code == "report_unknown"


BAD = {
    "unknown kind": replace(SAMPLE.FIGURES, columns=(Column("a", "float", "A", "A"),)),
    "cannot be summed": replace(SAMPLE.FIGURES, columns=(Column("a", "text", "A", "A", summed=True),)),
    "end in _minor": replace(SAMPLE.FIGURES, columns=(Column("paid", "money", "A", "A"),)),
    "each name once": replace(SAMPLE.FIGURES, columns=(Column("a", "text", "A", "A"),) * 2),
    "permissions": replace(SAMPLE.FIGURES, permissions=("hq:never.declared",)),
    "neither a filter nor a column": replace(SAMPLE.FIGURES, dimensions=("colour",)),
    "lower case": replace(SAMPLE.FIGURES, id="Figures"),
    "of that id already": SAMPLE.FIGURES,
}


@pytest.mark.req("RPT-01")
@pytest.mark.parametrize("reason", sorted(BAD))
def test_a_report_that_is_not_as_it_must_be_stops_the_start(
    make_business: Callable[..., Business], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad: Report = BAD[reason]
    twice = (SAMPLE.FIGURES, bad) if reason == "of that id already" else (bad,)
    monkeypatch.setattr(SAMPLE, "register_reports", SAMPLE.hookimpl(_named("register_reports", twice)))
    business = make_business(extra=[("sample.figures", SAMPLE)])
    with pytest.raises(StartError, match=reason):
        registry.collect(business.kernel)


def _named(name: str, reports: tuple[Report, ...]) -> Callable[[], tuple[Report, ...]]:
    def register_reports() -> tuple[Report, ...]:
        return reports

    assert register_reports.__name__ == name
    return register_reports


@pytest.mark.req("RPT-04")
def test_csv_gives_amounts_as_decimals_and_defuses_formulas(shop: Business) -> None:
    text = shop.query("report:run", report="figures", filters={"size": 1}, format="csv")
    heading, first, second, third = list(csv.reader(io.StringIO(text)))
    assert heading == ["label", "asked", "day", "count", "weight", "paid", "exact", "currency"]
    assert (first[0], first[5], first[7]) == ("'=1+1", "10.50", "EUR")
    assert (second[0], second[4], second[5]) == ('Bread, "dark"', "-0.5", "-0.07")
    assert third == ["", "[]", "", "", "", "", "", "EUR"]


@pytest.mark.req("RPT-04")
@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =cmd|' /C calc'!A0", "＝1", "＠x"])
def test_what_a_spreadsheet_would_run_is_defused(text: str) -> None:
    assert defused(text) == "'" + text


@pytest.mark.req("RPT-04")
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), max_size=5))
def test_csv_comes_back_as_it_went_in_but_for_the_apostrophe(labels: list[str]) -> None:
    column = {"name": "label", "kind": "text"}
    text = to_csv([column], [{"label": label} for label in labels], "EUR")
    back = [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert back == [defused(label) for label in labels]


@given(st.lists(st.fractions(max_denominator=10**6)))
def test_exact_figures_are_added_exactly(figures: list[Fraction]) -> None:
    column = Column("exact", "exact", "", "", summed=True)
    assert Fraction(total(column, [exact_text(figure) for figure in figures])) == sum(figures, Fraction(0))


@given(st.lists(st.integers(-(10**12), 10**12)))
def test_quantities_are_added_exactly(thousandths: list[int]) -> None:
    from pos_core.money import format_quantity, parse_scaled

    column = Column("quantity", "quantity", "", "", summed=True)
    assert parse_scaled(total(column, [format_quantity(t) for t in thousandths]), 3) == sum(thousandths)


@pytest.mark.req("RPT-04")
def test_over_http(shop: Business) -> None:
    server = Server(shop.kernel)
    try:
        client = server.client()
        login = {"username": "admin", "password": "correct-horse-7", "app_context": "hq"}
        client.token = client.post("/auth/login", login).data["access_token"]
        listed = client.get("/reports?limit=1")
        assert (listed.status, len(listed.data)) == (200, 1)
        following = client.get(f"/reports?cursor={listed.json['meta']['next_cursor']}")
        assert listed.data[0]["id"] not in {entry["id"] for entry in following.data}
        made = client.get("/reports/figures?size=1&from=2026-03-01&limit=2")
        assert (made.status, len(made.data["rows"]), made.data["totals"]["paid_minor"]) == (200, 2, 1043)
        table = client.get("/reports/figures?size=1&format=csv")
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert len(table.text.splitlines()) == 4
        wrong = client.get("/reports/figures?size=1&colour=red&limit=0")
        assert (wrong.status, wrong.paths()) == (400, {"limit"})
        unknown = client.get("/reports/figures?size=1&colour=red")
        assert (unknown.status, unknown.paths()) == (400, {"colour"})
        assert client.get("/reports/none").status == 404
    finally:
        server.close()
