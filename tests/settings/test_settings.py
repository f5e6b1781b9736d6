"""The business settings: declared, checked, per store, permissioned, audited, and seen at once by everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from pos_core.audit.models import AuditEntry
from pos_core.config.models import SettingValue
from pos_core.config.plugin import SETTINGS
from pos_core.config.settings import check_value
from pos_core.errors import PosError
from pos_core.ids import uuid7
from pos_core.testing.harness import Business


def code_of(business: Business, command: dict[str, Any], *, role: str = "admin", action: str = "setting:change") -> str:
    with pytest.raises(PosError) as caught:
        business.perform(action, command, role=role)
    return caught.value.code.code


@pytest.mark.req("CFG-05")
def test_every_declared_default_is_a_value_that_its_own_declaration_accepts() -> None:
    for setting in SETTINGS:
        assert check_value(setting, setting.default) == setting.default
        assert setting.description.endswith(".")


@pytest.mark.req("CFG-05")
def test_a_change_holds_for_the_business_and_a_store_may_differ(business: Business) -> None:
    business.perform("setting:change", {"key": "tax.rounding", "value": "document"})
    assert business.context().settings["tax.rounding"] == "document"
    assert business.context("cashier").settings["tax.rounding"] == "document"
    business.perform("setting:change", {"key": "tax.rounding", "value": "line", "store_id": business.store_id})
    assert business.context().settings["tax.rounding"] == "document"
    assert business.context("cashier").settings["tax.rounding"] == "line"
    shown = business.query("setting:get", key="tax.rounding")
    assert (shown["value"], shown["effective"], shown["version"]) == ("document", "document", 1)
    assert shown["stores"] == [{"store_id": business.store_id, "value": "line", "version": 1}]
    at_store = business.query("setting:get", key="tax.rounding", role="manager")
    assert (at_store["value"], at_store["effective"]) == ("document", "line")
    business.perform("setting:reset", {"key": "tax.rounding", "store_id": business.store_id})
    assert business.context("cashier").settings["tax.rounding"] == "document"
    answer = business.perform("setting:reset", {"key": "tax.rounding"})
    assert (answer["id"], answer["value"], answer["version"]) == (None, "line", 0)
    assert business.context("cashier").settings["tax.rounding"] == "line"


@pytest.mark.req("CFG-05")
@pytest.mark.parametrize("value", ["", "{}", "null", '"quoted"', "a | b", "ñandú €"])
def test_a_text_comes_back_as_it_went_in(business: Business, value: str) -> None:
    """Texts that look like JSON must not be read as JSON."""
    business.perform("setting:change", {"key": "receipt.footer", "value": value})
    assert business.context("cashier").settings["receipt.footer"] == value
    assert business.query("setting:get", key="receipt.footer")["value"] == value


@pytest.mark.req("CFG-05")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"key": "no.such", "value": 1}, "setting_unknown"),
        ({"key": "tax.rounding", "value": "sometimes"}, "setting_invalid"),
        ({"key": "tax.rounding", "value": 1}, "setting_invalid"),
        ({"key": "cash.increment_minor", "value": -1}, "setting_invalid"),
        ({"key": "cash.increment_minor", "value": True}, "setting_invalid"),
        ({"key": "cash.round_all_tenders", "value": 1}, "setting_invalid"),
        ({"key": "sales.maximum_lines", "value": 0}, "setting_invalid"),
        ({"key": "sales.maximum_lines", "value": 2001}, "setting_invalid"),
        ({"key": "fiscal.start_month", "value": 13}, "setting_invalid"),
        ({"key": "receipt.header", "value": "two\nlines"}, "setting_invalid"),
        ({"key": "numbering.receipt", "value": "{number}"}, "numbering_invalid"),
        ({"key": "numbering.receipt", "value": "{register}{number}"}, "numbering_invalid"),
        ({"key": "tax.rounding", "value": "line", "store_id": uuid7()}, "not_found"),
        ({"key": "tax.rounding", "value": "line", "version": 4}, "version_mismatch"),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_changes(business: Business, command: dict[str, Any], code: str) -> None:
    before = business.kernel.revision()
    assert code_of(business, command) == code
    assert SettingValue.select().count() == 0
    assert business.kernel.revision() == before


@pytest.mark.req("CFG-05")
def test_a_setting_of_the_whole_business_cannot_differ_in_a_store(business: Business) -> None:
    command = {"key": "fiscal.start_month", "value": 4, "store_id": business.store_id}
    assert code_of(business, command) == "setting_not_per_store"
    assert business.perform("setting:change", {"key": "fiscal.start_month", "value": 4})["value"] == 4


@pytest.mark.req("CFG-05")
@pytest.mark.parametrize("role", ["manager", "cashier"])
def test_only_the_headquarters_change_settings(business: Business, role: str) -> None:
    assert code_of(business, {"key": "tax.rounding", "value": "document"}, role=role) == "permission_denied"
    denied = AuditEntry.select().where(AuditEntry.action == "setting:change", AuditEntry.outcome == "denied").count()
    assert denied == 1


@pytest.mark.req("CFG-05")
def test_the_audit_says_what_a_setting_was_and_what_it_became(business: Business) -> None:
    business.perform("setting:change", {"key": "cash.increment_minor", "value": 5})
    business.perform("setting:change", {"key": "cash.increment_minor", "value": 10})
    business.perform("setting:reset", {"key": "cash.increment_minor"})
    entries = AuditEntry.select().where(AuditEntry.entity_type == "setting").order_by(AuditEntry.seq)
    facts = [orjson.loads(entry.payload) for entry in entries]
    assert [(fact["before"]["value"], fact["after"]["value"]) for fact in facts] == [(0, 5), (5, 10), (10, 0)]
    assert [fact["before"]["version"] for fact in facts] == [0, 1, 2]
    assert {fact["actor"] for fact in facts} == {business.ids["admin"]}


@pytest.mark.req("CFG-05")
def test_two_first_changes_at_once_leave_one_value_and_lose_none_silently(business: Business) -> None:
    """Both succeed one after the other, or one is told that it was late; there is never a second row."""
    values, outcomes = list(range(1, 9)), []
    barrier = threading.Barrier(len(values))

    def change(value: int) -> None:
        with business.kernel.db.in_use():
            barrier.wait()
            try:
                outcomes.append(business.perform("setting:change", {"key": "cash.increment_minor", "value": value}))
            except PosError as error:
                outcomes.append(error.code.code)

    threads = [threading.Thread(target=change, args=(value,)) for value in values]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    done = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    assert len(outcomes) == len(values)
    assert done
    assert {o for o in outcomes if isinstance(o, str)} <= {"version_mismatch"}
    row = SettingValue.get()
    assert SettingValue.select().count() == 1
    assert row.version == len(done)
    assert row.value == max(done, key=lambda answer: answer["version"])["value"]


@pytest.mark.req("API-04")
def test_the_list_pages_through_every_setting_once(business: Business) -> None:
    found, cursor = [], None
    while True:
        page, cursor = business.query("setting:list", limit=4, cursor=cursor)
        found += [entry["key"] for entry in page]
        assert len(page) <= 4
        if cursor is None:
            break
    assert found == sorted(business.kernel.settings.declared)


@pytest.mark.req("CFG-05")
def test_a_store_sees_its_own_values_only(business: Business) -> None:
    other = business.perform("store:create", {"id": uuid7(), "code": "S2", "name": "Second", "time_zone": "UTC"})["id"]
    business.perform("setting:change", {"key": "receipt.footer", "value": "Two", "store_id": other})
    entry = business.query("setting:get", key="receipt.footer", role="manager")
    assert (entry["effective"], entry["stores"]) == ("", [])
    with pytest.raises(PosError, match="not_found"):
        business.query("setting:get", key="receipt.footer", store_id=other, role="manager")
    assert business.query("setting:get", key="receipt.footer", store_id=other)["effective"] == "Two"


@pytest.mark.req("PLT-12")
def test_the_first_run_leaves_the_currency_and_the_numbering_known(business: Business) -> None:
    shown = business.query("business:get")
    assert (shown["name"], shown["currency"], shown["currency_decimals"]) == ("Test shop", "EUR", 2)
    assert business.context().settings["numbering.receipt"] == "{store}-{register}-{number:06}"


@pytest.mark.req("CFG-05")
def test_over_http(client_as: Callable[..., Any], business: Business) -> None:
    admin = client_as("admin")
    read = admin.get("/settings/tax.rounding_mode")
    assert (read.status, read.headers["etag"]) == (200, '"0"')
    changed = admin.request("PUT", "/settings/tax.rounding_mode", {"value": "half_even"}, {"If-Match": '"0"'})
    assert (changed.status, changed.data["value"], changed.headers["etag"]) == (200, "half_even", '"1"')
    late = admin.request("PUT", "/settings/tax.rounding_mode", {"value": "up"}, {"If-Match": '"0"'})
    assert (late.status, late.code, late.headers["etag"]) == (412, "version_mismatch", '"1"')
    wrong = admin.request("PUT", "/settings/numbering.receipt", {"value": "{number}"})
    assert (wrong.status, wrong.code, wrong.paths()) == (422, "numbering_invalid", {"value"})
    assert admin.post("/settings/tax.rounding_mode/reset").data["value"] == "half_up"
    assert admin.get("/business").data["currency"] == "EUR"
    assert len(admin.get("/settings?limit=3").data) == 3
    cashier = client_as("cashier")
    assert cashier.get("/settings/tax.rounding").status == 200
    assert cashier.request("PUT", "/settings/tax.rounding", {"value": "document"}).status == 403
