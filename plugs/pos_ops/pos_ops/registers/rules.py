"""What must hold to open and to close a drawer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pos_core.context import Context
from pos_core.errors import Violation
from pos_core.rules import before
from pos_ops.registers import errors, reckoning, schemas

if TYPE_CHECKING:
    from pos_ops.registers.service import CloseDraft, OpenDraft


@before("register_session:open", priority=20)
def check_till(ctx: Context) -> Iterable[Violation]:
    """A drawer is opened at its till, by a person, and only while the register is in use."""
    if ctx.register_id is None or not ctx.actor.id:
        yield errors.TILL_REQUIRED.at("")
        return
    register = ctx.kernel.stores.register(ctx.register_id, ctx.revision)
    if not register.is_active:
        yield errors.REGISTER_INACTIVE.at("", register=register.code)


@before("register_session:open", priority=20)
def check_register_free(ctx: Context) -> Violation | None:
    """One open session per register; its chain's fence says which."""
    if ctx.writing.fence is None or ctx.register_id is None:
        return None
    register = ctx.kernel.stores.register(ctx.register_id, ctx.revision)
    return errors.SESSION_OPEN.at("", register=register.code, session_id=ctx.writing.fence)


@before("register_session:open", priority=20)
def check_cashier_free(draft: OpenDraft) -> Violation | None:
    """One open session per cashier: resume it or close it."""
    if draft.elsewhere is None:
        return None
    return errors.CASHIER_BUSY.at("", register=draft.elsewhere_register, session_id=draft.elsewhere)


@before("register_session:open")
def check_float(command: schemas.OpenSession, draft: OpenDraft) -> Iterable[Violation]:
    """The float lies in a cash tender, and its pieces add up to it."""
    if command.float_minor and draft.float_tender_id is None:
        yield errors.FLOAT_WITHOUT_CASH.at("float_minor")
    yield from _pieces("denominations", command.denominations, command.float_minor)


@before("register_session:close", priority=20)
def check_still_open(ctx: Context, draft: CloseDraft) -> Violation | None:
    """What was declared once is final."""
    if ctx.transition("register_session", draft.session["status"], "closed") is None:
        return None
    return errors.SESSION_CLOSED.at("id", closed_at=draft.session["closed_at"])


@before("register_session:close", priority=20)
def check_owner(ctx: Context, draft: CloseDraft) -> Violation | None:
    """A drawer is counted by its cashier; somebody else needs a permission of their own."""
    if draft.session["cashier_id"] == ctx.actor.id or ctx.actor.may("pos:register.force_close"):
        return None
    return errors.NOT_YOUR_SESSION.at("id")


@before("register_session:close")
def check_counts(ctx: Context, command: schemas.CloseSession) -> Iterable[Violation]:
    """Every count names a tender, once, and its pieces add up to it."""
    tenders = ctx.query("tender:directory")
    seen: set[str] = set()
    for position, count in enumerate(command.counts):
        path = f"counts.{position}"
        if count.tender not in tenders:
            yield errors.TENDER_UNKNOWN.at(f"{path}.tender", tender=count.tender)
        elif count.tender in seen:
            yield errors.TENDER_TWICE.at(f"{path}.tender", tender=count.tender)
        seen.add(count.tender)
        yield from _pieces(f"{path}.denominations", count.denominations, count.counted_minor)


@before("register_session:close")
def check_cash_counted(ctx: Context, draft: CloseDraft) -> Iterable[Violation]:
    """Cash is counted by a person; other tenders may be taken over as expected."""
    tenders = ctx.query("tender:directory").by_id
    for line in draft.lines:
        if tenders[line.tender_id].kind == "cash" and not line.declared:
            yield errors.CASH_UNCOUNTED.at("counts", tender=tenders[line.tender_id].name)


@before("setting:change")
def check_quick_floats(command: Any) -> Violation | None:
    """The offered floats are amounts."""
    if command.key != "registers.quick_floats" or not isinstance(command.value, str):
        return None
    return None if reckoning.are_quick_floats(command.value) else errors.QUICK_FLOATS_INVALID.at("value")


def _pieces(path: str, pieces: list[schemas.Denomination] | None, stated: int) -> Iterable[Violation]:
    if pieces is None:
        return
    for value, times in Counter(piece.value_minor for piece in pieces).items():
        if times > 1:
            yield errors.DENOMINATION_TWICE.at(path, value=value)
    total = reckoning.denominations_sum([(piece.value_minor, piece.count) for piece in pieces])
    if total != stated:
        yield errors.DENOMINATIONS_DISAGREE.at(path, sum=total, stated=stated)
