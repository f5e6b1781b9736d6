"""Which columns mean what, and which rows are sales."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pos_core.replay import profiles
from pos_core.replay.errors import ReplayError
from pos_core.replay.profiles import PROFILES, Condition

DOCS = Path(__file__).parents[2] / "docs" / "replay.md"


@pytest.mark.parametrize(("text", "value", "holds"), [
    ("quantity > 0", "3", True), ("quantity > 0", "0", False), ("quantity > 0", "-2", False),
    ("quantity > 0", "many", False), ("quantity > 0", "", False), ("quantity > 0", "NaN", False),
    ("quantity >= 0.5", "0.50", True), ("quantity < 1", "0.999", True), ("quantity <= 1", "1.001", False),
    ("quantity = 1", "1.00", True), ("quantity != 1", "1.00", False), ("quantity = sale", "sale", True),
    ("quantity != sale", "credit", True), ("quantity ~ ^[0-9]+$", "536365", True),
    ("quantity ~ ^[0-9]+$", "C536365", False),
])  # fmt: skip
def test_a_condition_tells_sales_from_other_rows(text: str, value: str, holds: bool) -> None:
    assert Condition.parse(text).holds({"quantity": value}) is holds


@pytest.mark.parametrize("text", ["quantity", "quantity > many", "quantity ~ [", "> 0"])
def test_what_is_no_condition_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ReplayError, match=re.escape(repr(text))):
        Condition.parse(text)


def test_a_mapping_replaces_adds_and_takes_away() -> None:
    adapted = PROFILES["plain"].adapted(
        ["receipt=day+bon", "customer=kunde", "sku=", "quantity=menge"], zone="Europe/Vienna"
    )
    assert adapted.sources["receipt"] == ("day", "bon")
    assert adapted.sources["customer"] == ("kunde",)
    assert "sku" not in adapted.sources
    assert [str(condition) for condition in adapted.where] == ["menge > 0"], "a condition follows its column"
    assert adapted.zone == "Europe/Vienna"


def test_conditions_of_ones_own_replace_those_of_the_profile() -> None:
    adapted = PROFILES["online-retail"].adapted(where=["country = France", "quantity > 10"])
    assert [str(condition) for condition in adapted.where] == ["country = France", "quantity > 10"]


@pytest.mark.parametrize(("mapping", "options", "named"), [
    (["quantity="], {}, "quantity"), (["name=", "sku="], {}, "sku or name"),
    (["unit_price="], {}, "unit_price or line_amount"), (["time="], {}, "time"), (["colour=c"], {}, "colour"),
    (["receipt"], {}, "receipt"), ([], {"zone": "Mars/Olympus"}, "Mars/Olympus"), ([], {"currency": "XXQ"}, "XXQ"),
])  # fmt: skip
def test_a_profile_that_gives_no_receipts_is_refused(mapping: list[str], options: dict[str, str], named: str) -> None:
    with pytest.raises(ReplayError, match=named):
        PROFILES["plain"].adapted(mapping, **options)


@pytest.mark.parametrize("name", list(PROFILES))
def test_each_named_profile_is_sound_and_documented(name: str) -> None:
    PROFILES[name].check()
    assert f"`{name}`" in DOCS.read_text(), f"docs/replay.md does not tell of {name}"


def test_every_field_is_documented() -> None:
    text = DOCS.read_text()
    assert [field for field in profiles.FIELDS if f"| `{field}` |" not in text] == []


def test_a_header_finds_its_profile() -> None:
    header = ["order_id", "line_no", "quantity", "item_name", "choices", "line_price", "choice_description_raw"]
    assert profiles.guess(header).name == "burrito"
    with pytest.raises(ReplayError, match="no profile fits the columns a, b"):
        profiles.guess(["a", "b"])


def test_made_up_times_follow_the_order_of_the_file() -> None:
    opening = PROFILES["burrito"].opening
    assert opening is not None
    times = [opening.at(place) for place in range(200)]
    assert times == sorted(set(times))
    assert times[0].isoformat() == "2012-07-02T11:00:00"
    assert {time.date().isoformat() for time in times[:90]} == {"2012-07-02"}
    assert times[90].isoformat() == "2012-07-03T11:00:00"
