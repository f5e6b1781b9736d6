"""The command ``pos tax check``, the case reader, and the shared cases themselves."""

from __future__ import annotations

import copy
import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pos_core.cli.tax import tax
from pos_core.tax import Line, Rounding, Tax, price
from pos_core.tax.cases import check_case, plain
from pos_core.tax.cases_read import read_cases
from pos_core.tax.exact import ExactTax

Case = dict[str, Any]

SHARED = Path(os.environ.get("POS_SHARED") or Path(__file__).resolve().parents[3] / "shared")
SHARED_CASES = SHARED / "cases" / "tax_cases.json"
needs_shared = pytest.mark.skipif(not SHARED_CASES.is_file(), reason="no tax_cases.json: set POS_SHARED")


def a_tax(key: str, amount: str, kind: str = "percent", *, inside: bool = False, adds: bool = False) -> Case:
    return {
        "key": key,
        "type": kind,
        "amount": amount,
        "price_includes": inside,
        "adds_to_base_of_later_taxes": adds,
        "base_takes_earlier_taxes": True,
    }


def a_line(qty: str, unit_price: str, *taxes: str, discount: str = "0") -> Case:
    return {"qty": qty, "price": unit_price, "discount_percent": discount, "taxes": list(taxes)}


def a_case(taxes: list[Case], lines: list[Case], expected: Case, **more: Any) -> Case:
    when, mode, unit = more.pop("rounding", ("line", "half_up", "0.01"))
    return {
        "id": "case",
        "kind": "document",
        "tier": "core",
        "recomputed": "yes",
        "rounding": {"when": when, "mode": mode, "unit": unit},
        "taxes": taxes,
        "lines": lines,
        "expected": expected,
        "compare_to": "0.01",
        **more,
    }


V10 = a_tax("v10", "10")
GOOD = a_case([V10], [a_line("1", "100", "v10")], {"total_included": "110"})


def run(tmp_path: Path, content: object, *options: str) -> Result:
    file = tmp_path / "cases.json"
    text = content if isinstance(content, str) else json.dumps({"schema": 1, "cases": content})
    file.write_text(text, encoding="utf-8")
    return CliRunner().invoke(tax, ["check", str(file), *options])


# The shared cases -------------------------------------------------------------------------------


def _shared() -> list[Case]:
    return read_cases(SHARED_CASES) if SHARED_CASES.is_file() else []


# Both are policies that docs/tax.md explains: the figures named do not add up to the total they stand beside,
# or need a line priced from its gross.
OTHER_POLICY = {"odoo-line-063", "tryton-023"}


@needs_shared
@pytest.mark.req("PRC-03")
@pytest.mark.parametrize("raw", _shared(), ids=lambda raw: raw["id"])
def test_the_shared_cases_come_out(raw: Case) -> None:
    result = check_case(raw)
    if raw["id"] in OTHER_POLICY:
        assert raw["tier"] == "policy"
        assert not result.passed
        assert not result.trouble
        return
    assert result.passed, [figure for figure in result.figures if not figure.ok] or result.trouble


@needs_shared
def test_the_shared_policy_case_still_keeps_its_total() -> None:
    [raw] = [raw for raw in _shared() if raw["id"] == "odoo-line-063"]
    kept = {figure.what: figure.ok for figure in check_case(raw).figures}
    assert kept["total_included"]


@needs_shared
@pytest.mark.req("PRC-04")
def test_the_sale_engine_gives_the_shared_figures_too() -> None:
    tried = 0
    for raw in _shared():
        sale = _as_sale(raw)
        if sale is None:
            continue
        lines, rounding, minor = sale
        document = price(lines, rounding=rounding)
        got = {"total_excluded": document.net_minor, "total_tax": document.tax_minor}
        got["total_included"] = document.total_minor
        for key, figure in got.items():
            if key in raw["expected"]:
                assert figure == Fraction(raw["expected"][key]) / minor, (raw["id"], key)
        tried += 1
    assert tried > 25


def _as_sale(raw: Case) -> tuple[list[Line], Rounding, Fraction] | None:
    """The case in minor units, where its lines are whole minor units and no choice of policy is in it."""
    moment, mode, minor = raw["rounding"]["when"], raw["rounding"]["mode"], Fraction(raw["rounding"]["unit"])
    if raw["kind"] not in ("line", "document") or moment == "none" or raw["tier"] == "policy":
        return None
    if "order_discount" in raw or minor == Fraction("0.05"):
        return None
    kinds = {
        "percent": "percent",
        "fixed_per_unit": "fixed_per_unit",
        "percent_of_gross": "percent_of_gross",
        "reverse_charge_percent": "reverse_charge",
        "reverse_charge_percent_of_gross": "reverse_charge_of_gross",
    }
    known = {}
    for entry in raw["taxes"]:
        one = 10_000 / minor if entry["type"] == "fixed_per_unit" else Fraction(10_000)
        known[entry["key"]] = Tax(
            entry["key"],
            kinds[entry["type"]],
            int(Fraction(entry["amount"]) * one),
            entry["price_includes"],
            entry["adds_to_base_of_later_taxes"],
            entry["base_takes_earlier_taxes"],
        )
    lines = []
    for entry in raw["lines"]:
        after = Fraction(entry["price"]) * (1 - Fraction(entry["discount_percent"]) / 100) / minor
        quantity = Fraction(entry["qty"]) * 1000
        if (after * quantity / 1000).denominator != 1 and moment == "document":
            return None
        # the price for as many units as make it a whole number of minor units
        per = after.denominator
        lines.append(Line(after.numerator, per, int(quantity), tuple(known[key] for key in entry["taxes"])))
    return lines, Rounding(moment, mode), minor


@needs_shared
def test_the_command_on_the_shared_file() -> None:
    result = CliRunner().invoke(tax, ["check", str(SHARED_CASES)])
    assert result.exit_code == 1
    assert result.output.rstrip().splitlines()[-1] == "68 passed, 2 failed"
    assert "exactly: net 250/3 (83.333333), total 100" in result.output
    core = CliRunner().invoke(tax, ["check", str(SHARED_CASES), "--tier", "core"])
    assert (core.exit_code, core.output) == (0, "55 passed, 0 failed\n")


# The command ------------------------------------------------------------------------------------


def test_the_command_passes_and_closes_with_the_count(tmp_path: Path) -> None:
    result = run(tmp_path, [GOOD])
    assert (result.exit_code, result.output) == (0, "1 passed, 0 failed\n")


def test_the_command_prints_both_figures_and_the_exact_result(tmp_path: Path) -> None:
    wrong = copy.deepcopy(GOOD)
    wrong |= {"id": "wrong", "tier": "extended"}
    wrong["expected"] = {"total_included": "111.00", "total_tax": "10"}
    result = run(tmp_path, [GOOD, wrong])
    assert result.exit_code == 1
    assert "FAILED wrong (tier extended, recomputed yes)" in result.output
    assert "total_included  expected 111.00  computed 110" in result.output
    assert "exactly: net 100, total 110, of it v10 10" in result.output
    assert "total_tax" not in result.output
    assert result.output.splitlines()[-1] == "1 passed, 1 failed"
    assert run(tmp_path, [GOOD, wrong], "--tier", "core").exit_code == 0


def test_the_command_writes_json(tmp_path: Path) -> None:
    result = run(tmp_path, [GOOD], "--json")
    report = json.loads(result.stdout)
    assert (report["passed"], report["failed"], result.exit_code) == (1, 0, 0)
    assert report["cases"][0]["figures"] == [{"what": "total_included", "expected": "110", "got": "110", "ok": True}]
    assert result.stderr == "1 passed, 0 failed\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        ("[]", "expected an object with a list named 'cases'"),
        ('{"schema": 2, "cases": []}', "schema is 2"),
        ('{"schema": 1, "cases": []}', "no case in it"),
        ('{"schema": 1, "schema": 1, "cases": []}', "'schema' stands twice"),
        ([{"kind": "line"}], "cases[0]: not an object with an id"),
        ([GOOD, GOOD], "cases[1]: the id case stands twice"),
        ([{**GOOD, "tier": "gold"}], "tier 'gold'"),
        ([{**GOOD, "compare_to": "0"}], "compare_to: must be above zero"),
        ([{key: value for key, value in GOOD.items() if key != "lines"}], "case: lines missing"),
        ([{**GOOD, "lines": []}], "lines: empty"),
        ([{**GOOD, "expected": {}}], "expected: not an object"),
        (
            [{**GOOD, "expected": {"total_included": 110.0}}],
            "expected.total_included: 110.0 is not a decimal",
        ),
        ([{**GOOD, "lines": [a_line("1", "1e3", "v10")]}], "lines[0].price: '1e3' is not a decimal string"),
        ([{**GOOD, "lines": [a_line("1", "1", "v11")]}], "lines[0].taxes: no tax has the key 'v11'"),
        ([{**GOOD, "taxes": [V10, V10]}], "taxes[1]: the key 'v10' stands twice"),
        (
            [{**GOOD, "rounding": {"when": "line", "mode": "half_up", "unit": "0"}}],
            "unit: must be above zero",
        ),
    ],
)
def test_an_odd_file_is_named_and_exits_2(tmp_path: Path, content: object, message: str) -> None:
    result = run(tmp_path, content)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert "passed" not in result.output


def test_a_missing_or_binary_file_exits_2(tmp_path: Path) -> None:
    missing = CliRunner().invoke(tax, ["check", str(tmp_path / "none.json")])
    assert (missing.exit_code, "No such file" in missing.stderr) == (2, True)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    binary = CliRunner().invoke(tax, ["check", str(tmp_path / "binary.json")])
    assert (binary.exit_code, "not UTF-8" in binary.stderr) == (2, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "quarter"}, "unknown kind 'quarter'"),
        ({"colour": "red"}, "unknown key colour"),
        ({"expected": {"total_included": "110", "total_weight": "1"}}, "expected.total_weight: unknown key"),
        ({"expected": {"by_tax": [{"tax": "v10", "rate": "10"}]}}, "unknown key rate"),
        ({"expected": {"by_tax": [{"tax": "v9", "amount": "10"}]}}, "no tax has the key 'v9'"),
        ({"expected": {"by_tax": []}}, "nothing to compare"),
        ({"expected": {"by_tax": [{"tax": "v10"}]}}, "nothing to compare"),
        ({"expected": {"by_line": [{"tax": "1"}, {"tax": "1"}]}}, "2 entries for 1 lines"),
        ({"taxes": [{**V10, "type": "levy"}]}, "unknown type 'levy'"),
        ({"taxes": [{**V10, "since": "2020"}]}, "unknown key since"),
        ({"rounding": {"when": "week", "mode": "half_up", "unit": "1"}}, "rounding.when: unknown 'week'"),
        ({"rounding": {"when": "line", "mode": "odd", "unit": "1"}}, "rounding.mode: unknown 'odd'"),
        ({"order_discount": {"amount": "1", "taken_from": "tips"}}, "taken_from: unknown 'tips'"),
        ({"swap_to": ["v10"]}, "swap_to has no meaning"),
        ({"kind": "net_from_gross"}, "compares only net_unit_price"),
        ({"expected": {"orders": [{"lines": [0]}]}}, "orders belong to a session"),
        ({"lines": [a_line("1", "0", "v10")], "order_discount": {"amount": "1", "taken_from": "net_total"}},
         "nothing to take a discount"),
    ],
)  # fmt: skip
def test_what_is_unknown_fails_its_case_and_no_other(tmp_path: Path, change: Case, message: str) -> None:
    odd = {**copy.deepcopy(GOOD), "id": "odd", **change}
    result = run(tmp_path, [odd, GOOD])
    assert result.exit_code == 1
    assert f"not comparable: {message}" in result.output or message in result.output
    assert result.output.splitlines()[-1] == "1 passed, 1 failed"


# Cases of our own, figures worked out by hand ---------------------------------------------------

V21_IN, V6_IN = a_tax("v21", "21", inside=True), a_tax("v6", "6", inside=True)
BOTTLE = a_tax("bottle", "0.25", "fixed_per_unit")
OWN = {
    "grand-total discount leaves fixed taxes alone": a_case(
        # 100 + 10 + 1.00 deposit = 111; 11 off: the 110 that can shrink becomes 99 = 90 + 9
        [V10, BOTTLE],
        [a_line("4", "25", "v10", "bottle")],
        {"total_included": "100", "total_excluded": "90", "total_tax": "10", "discount_including_tax": "11"},
        order_discount={"amount": "11", "taken_from": "grand_total"},
    ),
    "net discount over included and excluded taxes": a_case(
        # nets 100 and 100, 10 % off: 90 + 18.90 and 90 + 9
        [V21_IN, V10],
        [a_line("1", "121", "v21"), a_line("1", "100", "v10")],
        {"total_excluded": "180", "total_included": "207.90", "discount_excluding_tax": "20",
         "discount_including_tax": "23.10", "by_tax": [{"tax": "v21", "base": "90", "amount": "18.90"}]},
        order_discount={"percent": "10", "taken_from": "net_total"},
    ),
    "grand-total discount over two lines holds to the cent": a_case(
        # 9.99 + 9.99 + 9.99 less 3.34, 3.33 and 3.33
        [V21_IN],
        [a_line("1", "9.99", "v21")] * 3,
        {"total_included": "19.97", "by_line": [{"total": "6.65"}, {"total": "6.66"}, {"total": "6.66"}]},
        order_discount={"amount": "10", "taken_from": "grand_total"},
    ),
    "document rounding with two groups, inclusive and exclusive": a_case(
        # v21 of 1.00 twice: 0.3471 -> 0.35; v10 on 0.33 three times: 0.099 -> 0.10
        [V21_IN, V10],
        [a_line("1", "1", "v21")] * 2 + [a_line("1", "0.33", "v10")] * 3,
        {"total_excluded": "2.64", "total_tax": "0.45", "total_included": "3.09",
         "by_tax_group": [{"taxes": ["v21"], "base": "1.65", "amount": "0.35"},
                          {"taxes": ["v10"], "base": "0.99", "amount": "0.10"}]},
        rounding=("document", "half_up", "0.01"),
    ),
    "a compound exclusive tax on a price with another inside": a_case(
        # N + 0.21 x N = 121; then 10 % of (100 + 21)
        [a_tax("v21", "21", inside=True, adds=True), V10],
        [a_line("1", "121", "v21", "v10")],
        {"total_excluded": "100", "total_included": "133.10", "by_tax": [{"tax": "v10", "base": "121"}]},
    ),
    "yen, rounded down": a_case(
        [a_tax("v8", "8")],
        [a_line("3", "33", "v8")],
        {"total_tax": "7", "total_included": "106"},
        rounding=("line", "down", "1"),
        compare_to="1",
    ),
    "a five-cent unit, rounded up": a_case(
        [V10], [a_line("1", "1.21", "v10")], {"total_excluded": "1.25", "total_tax": "0.15"},
        rounding=("line", "up", "0.05"),
    ),
    "half even on both sides of zero": a_case(
        [V10], [a_line("1", "0.25", "v10"), a_line("-1", "0.35", "v10")],
        {"by_line": [{"tax": "0.02"}, {"tax": "-0.04"}], "total_tax": "-0.02"},
        rounding=("line", "half_even", "0.01"),
    ),
    "one row of a reverse charge nets to nothing": a_case(
        [a_tax("rc", "21", "reverse_charge_percent")], [a_line("1", "100", "rc")],
        {"by_tax": [{"tax": "rc", "base": "100", "amount": "0"}], "total_included": "100",
         "by_tax_group": [{"taxes": ["rc"], "base": "100", "amount": "0"}]},
    ),
    "kinds of tax are rounded as one sum": a_case(
        # 0.004 and 0.003 vanish alone and make 0.01 together
        [a_tax("a", "4"), a_tax("b", "3")],
        [a_line("1", "0.10", "a"), a_line("1", "0.10", "b")],
        {"by_tax_kind": [{"taxes": ["a", "b"], "amount": "0.01"}], "total_tax": "0.01", "total_excluded": "0.20",
         "rounded_total": "0", "rounding_adjustment": "-0.21"},
        rounding=("document", "half_up", "0.01"),
    ),
    "net unit price of a negative price": a_case(
        [a_tax("v20", "20"), a_tax("f", "10", "fixed_per_unit")], [a_line("3", "-130", "v20", "f")],
        {"net_unit_price": "-100"}, kind="net_from_gross",
    ),
    "swapped to an exclusive set, the net is the price": a_case(
        [V21_IN, V10], [a_line("1", "121", "v21")], {"new_unit_price": "100"},
        kind="price_when_taxes_are_swapped", swap_to=["v10"],
    ),
    "a session adds its tickets up": a_case(
        [V10],
        [a_line("1", "0.14", "v10"), a_line("1", "0.14", "v10"), a_line("1", "1", )],
        {"orders": [{"lines": [0, 2], "total_included": "1.15"}, {"lines": [1], "total_included": "0.15"}],
         "by_tax": [{"tax": "v10", "amount": "0.02", "base": "0.28"}], "total_included": "1.30",
         "sales_by_tax_set": [{"taxes": ["v10"], "base": "0.28"}, {"taxes": [], "base": "1"}],
         "cash_taken": "1.15", "card_taken": "0.15"},
        kind="session", rounding=("document", "half_up", "0.01"),
    ),
}  # fmt: skip


@pytest.mark.req("PRC-03")
@pytest.mark.req("PRC-06")
@pytest.mark.parametrize("name", OWN)
def test_cases_of_our_own(name: str) -> None:
    result = check_case(OWN[name])
    assert result.passed, [figure for figure in result.figures if not figure.ok] or result.trouble


@pytest.mark.parametrize(("key", "value"), [("cash_taken", "1.16"), ("card_taken", "1.30"), ("total_included", "1.29")])
def test_a_session_that_does_not_tally_fails(key: str, value: str) -> None:
    wrong = copy.deepcopy(OWN["a session adds its tickets up"])
    wrong["expected"][key] = value
    assert not check_case(wrong).passed


def test_either_of_several_figures_will_do_but_no_other() -> None:
    either = {**GOOD, "expected": {"total_excluded_either_of": ["99", "100"]}}
    neither = {**GOOD, "expected": {"total_excluded_either_of": ["99", "101"]}}
    assert check_case(either).passed
    assert not check_case(neither).passed


def test_figures_are_written_plainly() -> None:
    wanted = {"5": "5", "1/2": "0.50", "-1/3": "-0.333333", "1/1000": "0.001", "0": "0"}
    assert {text: plain(Fraction(text)) for text in wanted} == wanted


def test_exact_taxes_say_what_is_inside_a_price() -> None:
    inside = ExactTax("a", "percent", Fraction(1, 5), included=True)
    reverse = ExactTax("b", "reverse_charge", Fraction(1, 5), included=True)
    assert (inside.is_inside, reverse.is_inside) == (True, False)
