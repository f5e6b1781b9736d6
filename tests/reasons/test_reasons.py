"""Reason codes: a list that the business keeps, and actions that are refused without one."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import orjson
import pytest

from pos_core import Manifest, PosError, action, uuid7
from pos_core.audit.models import AuditEntry
from pos_core.schemas import Command, Reasoned


class Shred(Reasoned):
    pages: int = 1


def module() -> tuple[str, ModuleType]:
    """Actions that always take a reason, take one where there are many pages, and may take one."""
    python = ModuleType("made_lab_shredding")
    python.MANIFEST = Manifest(name="lab.shredding", version="1.0")  # type: ignore[attr-defined]

    def many(ctx: Any, command: Shred, draft: Any) -> bool:
        return command.pages > 10

    for name, wanted in (("always", True), ("many", many), ("maybe", "optional")):

        def shred(ctx: Any, command: Shred) -> dict[str, Any]:
            """Shred it."""
            return {"id": uuid7(), "pages": command.pages}

        shred.__name__, shred.__module__ = name, python.__name__
        action(f"paper:{name}", command=Shred, permission="hq:settings.manage", reason=wanted)(shred)
        setattr(python, name, shred)
    return "lab.shredding", python


@pytest.fixture
def shop(make_business: Any) -> Any:
    """A business that shreds, with a reason of its own."""
    business = make_business(extra=[module()])
    business.perform("reason:create", {
        "code": "full", "text_en": "The shelf is full", "text_es": "El estante está lleno", "applies": ["paper:*"]})
    return business


def refused(business: Any, name: str, command: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(PosError) as caught:
        business.perform(name, command)
    return {v.path: v.code.code for v in caught.value.violations} or {"": caught.value.code.code}


def notes(name: str) -> Any:
    rows = AuditEntry.select().where(AuditEntry.action == name, AuditEntry.outcome == "done").order_by(AuditEntry.seq)
    return [orjson.loads(row.payload).get("notes") for row in rows]


@pytest.mark.req("AUD-06")
def test_without_a_reason_it_is_refused_and_with_one_its_entry_has_it(shop: Any) -> None:
    with pytest.raises(PosError) as caught:
        shop.perform("paper:always", {})
    assert caught.value.message() == "paper:always needs a reason; in use are: full, other."
    assert "necesita un motivo" in caught.value.message("es")
    assert refused(shop, "paper:always", {"reason": "damage"}) == {"reason": "reason_unknown"}
    for note in (None, "", "  \n "):
        assert refused(shop, "paper:always", {"reason": "other", "reason_note": note}) == {
            "reason_note": "reason_note_required"}
    shop.perform("paper:always", {"reason": "full"})
    shop.perform("paper:always", {"reason": "other", "reason_note": "mould"})
    assert notes("paper:always") == [{"reason": {"code": "full"}}, {"reason": {"code": "other", "note": "mould"}}]


@pytest.mark.req("AUD-06")
def test_a_reason_may_depend_on_the_figures_or_be_optional(shop: Any) -> None:
    shop.perform("paper:many", {"pages": 10})
    assert refused(shop, "paper:many", {"pages": 11}) == {"reason": "reason_required"}
    shop.perform("paper:many", {"pages": 11, "reason": "full"})
    shop.perform("paper:maybe", {})
    assert refused(shop, "paper:maybe", {"reason": "opening"}) == {"reason": "reason_unknown"}
    assert notes("paper:many") == [None, {"reason": {"code": "full"}}]


@pytest.mark.req("AUD-06")
def test_a_reason_out_of_use_is_none_at_once_and_may_come_back(shop: Any) -> None:
    made = next(row for row in shop.query("reason:list", action="paper:always")[0] if row["code"] == "full")
    edit = {"id": made["id"], "version": 1, "is_active": False}
    shop.perform("reason:edit", edit)
    assert refused(shop, "paper:always", {"reason": "full"}) == {"reason": "reason_unknown"}
    assert refused(shop, "reason:edit", edit) == {"": "version_mismatch"}
    shop.perform("reason:edit", {"id": made["id"], "version": 2, "is_active": True, "applies": ["paper:maybe"]})
    assert refused(shop, "paper:always", {"reason": "full"}) == {"reason": "reason_unknown"}
    shop.perform("paper:maybe", {"reason": "full"})


def test_an_action_that_takes_a_reason_has_a_command_that_carries_one() -> None:
    class Bare(Command):
        pass

    with pytest.raises(TypeError, match="must be Reasoned"):
        action("paper:bare", command=Bare, reason=True)(lambda ctx, command: {})


@pytest.mark.req("AUD-06", "CFG-09")
def test_a_new_business_has_reasons_for_what_asks_for_them(business: Any) -> None:
    kernel = business.kernel
    for one in kernel.actions():
        if one.reason:
            known = kernel.reasons.of(one.name, kernel.revision())
            assert len(known) > 1, f"{one.name} has no reason but other"


@pytest.mark.req("AUD-06", "API-03")
def test_the_list_over_http(business: Any, client_as: Any) -> None:
    cashier, admin = client_as("cashier"), client_as("admin")
    body = {"id": uuid7(), "code": "flood", "text_en": "Water damage", "text_es": "Daño por agua",
            "applies": ["stock:*"]}
    assert cashier.post("/reasons", body).status == 403
    assert admin.post("/reasons", body).status == 201
    assert admin.post("/reasons", {**body, "id": uuid7()}).status == 409
    listed = cashier.get("/reasons?action=stock:adjust").data
    assert {"flood", "damage", "other"} <= {row["code"] for row in listed}
    assert "goodwill" not in {row["code"] for row in listed}
    changed = admin.patch(f"/reasons/{body['id']}", {"is_active": False}, 1)
    assert (changed.status, changed.data["is_active"]) == (200, False)
    assert "flood" not in {row["code"] for row in cashier.get("/reasons?action=stock:adjust").data}
    assert cashier.get(f"/reasons/{body['id']}").data["text_es"] == "Daño por agua"
    bad = admin.post("/reasons", {**body, "id": uuid7(), "code": "Not A Code", "applies": ["nonsense"]})
    assert (bad.status, bad.paths()) == (422, {"code", "applies.0"})
