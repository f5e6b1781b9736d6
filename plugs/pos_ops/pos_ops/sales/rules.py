"""What must hold before a sale is completed. Offline sales are not refused: what is found here flags them."""

from __future__ import annotations

from collections.abc import Iterator

from pos_core import Context, Violation, before
from pos_core.errors import PERMISSION_DENIED
from pos_ops.sales import errors
from pos_ops.sales.pricing import SaleDraft
from pos_ops.sales.schemas import CompleteSale


@before("sale:complete", priority=10)
def check_session(ctx: Context, draft: SaleDraft) -> Violation | None:
    """A sale needs its register's open session (REG-01)."""
    return None if draft.session_id is not None else errors.REGISTER_CLOSED.at("register_id")


@before("sale:complete", priority=20)
def check_size(ctx: Context, command: CompleteSale) -> Violation | None:
    """A sale has at most as many lines as the store allows."""
    limit = ctx.settings["sales.maximum_lines"]
    count = len(command.lines)
    return None if count <= limit else errors.TOO_MANY_LINES.at("lines", limit=limit, count=count)


@before("sale:complete", priority=30)
def check_figures(draft: SaleDraft) -> tuple[Violation, ...]:
    """Prices, products, people and tenders are as the server knows them (PRC-07, SAL-01)."""
    return draft.findings


@before("sale:complete", priority=40)
def check_discount_permission(ctx: Context, command: CompleteSale) -> Violation | None:
    """Giving a discount needs a permission of its own (RBC-07)."""
    if not command.discounts and not any(line.discounts for line in command.lines):
        return None
    if ctx.actor.may("pos:discount"):
        return None
    return PERMISSION_DENIED.at("discounts", permission="pos:discount")


@before("sale:complete", priority=40)
def check_override_permission(ctx: Context, command: CompleteSale) -> Iterator[Violation]:
    """Selling at another price than the list's needs a permission of its own (RBC-07)."""
    for position, line in enumerate(command.lines):
        if line.price_override and not ctx.actor.may("pos:price_override"):
            yield PERMISSION_DENIED.at(f"lines.{position}.price_override", permission="pos:price_override")


@before("sale:complete", priority=50)
def check_printed(command: CompleteSale, draft: SaleDraft) -> Iterator[Violation]:
    """What an offline till printed is compared with what the server makes of it; the printed figures stand."""
    if command.offline is None:
        return
    for position, (line, priced) in enumerate(zip(command.lines, draft.priced.lines, strict=True)):
        if line.total_minor is not None and line.total_minor != priced.total_minor:
            yield errors.PRINTED_DIFFERS.at(
                f"lines.{position}.total_minor", printed=line.total_minor, computed=priced.total_minor
            )
    if command.offline.total_minor != draft.priced.total_minor:
        yield errors.PRINTED_DIFFERS.at(
            "offline.total_minor", printed=command.offline.total_minor, computed=draft.priced.total_minor
        )
