"""Completing a sale: the draft becomes rows, numbered by its register; nothing is decided here that a rule could."""

from __future__ import annotations

from typing import Any

from pos_core import Context, Violation, action, scope, uuid7
from pos_core.clock import to_text
from pos_core.config.numbering import format_number
from pos_core.db import records
from pos_core.errors import NOT_FOUND
from pos_ops.sales import concessions, errors, views
from pos_ops.sales.models import Payment, Sale, SaleFlag, SaleLine, SaleTax
from pos_ops.sales.pricing import DraftLine, SaleDraft, prepare_sale
from pos_ops.sales.queries import reviewed_view
from pos_ops.sales.schemas import CompleteSale, ReviewFlag

Row = dict[str, Any]
#: Of what was given by hand, what subscribers are told.
_TOLD = ("price_overrides", "discount_minor", "gross_minor")


def is_offline(command: CompleteSale) -> bool:
    """A sale that happened is recorded whatever the rules say."""
    return command.offline is not None


def check_place(ctx: Context, command: CompleteSale) -> None:
    """The sale belongs to the register that the device was enrolled for; offline or not."""
    if ctx.register_id is None or ctx.store_id is None:
        raise errors.REGISTER_NEEDED("register_id")
    if command.register_id is not None and command.register_id != ctx.register_id:
        scope.require_register(ctx, command.register_id)
        raise errors.REGISTER_WRONG("register_id")


@action("sale:complete", command=CompleteSale, permission="pos:sell", entity="sale", status=201, key_field="id",
        beforehand=check_place, prepare=prepare_sale, tolerates=is_offline, audited_answer=True,
        approval=concessions.approvals_of, reason=concessions.needs_reason)
def complete_sale(
    ctx: Context, command: CompleteSale, draft: SaleDraft, violations: list[Violation]
) -> dict[str, Any]:
    """Sell: price, tax, check, pay, number and record a whole sale in one transaction."""
    uow = ctx.writing
    lines = _line_rows(command, draft)
    taxes = _tax_rows(command.id, draft)
    payments = _payment_rows(command.id, draft)
    flags = _flag_rows(ctx, command.id, violations)
    sale = _sale_row(ctx, command, draft, lines, len(flags))
    uow.insert(Sale, sale)
    for model, rows in ((SaleLine, lines), (SaleTax, taxes), (Payment, payments), (SaleFlag, flags)):
        for row in rows:
            uow.insert(model, row)
    given = concessions.noted(draft)
    if given is not None:
        uow.note(overrides=given)
    ctx.emit("sale:completed", "sale", command.id, **{name: given[name] for name in _TOLD} if given else {})
    return views.sale_view(sale, lines, taxes, payments, flags)


def _sale_row(ctx: Context, command: CompleteSale, draft: SaleDraft, lines: list[Row], flag_count: int) -> Row:
    uow, revision = ctx.writing, ctx.revision
    assert ctx.store_id is not None
    assert ctx.register_id is not None
    number = uow.number("receipt")
    store = ctx.kernel.stores.get(ctx.store_id, revision).code
    register = ctx.kernel.stores.register(ctx.register_id, revision).code
    template = ctx.settings["numbering.receipt"]
    priced, offline = draft.priced, command.offline
    net, tax = priced.net_minor, priced.tax_minor
    if offline is not None:
        net, tax = sum(row["net_minor"] for row in lines), sum(row["tax_minor"] for row in lines)
    now = to_text(ctx.at)
    return {
        "id": command.id, "version": 1, "created_at": now, "updated_at": now, "number": number,
        "receipt_number": uow.later(
            lambda: format_number(template, store=store, register=register, number=number.value)
        ),
        "status": "completed", "store_id": ctx.store_id, "register_id": ctx.register_id,
        "session_id": draft.session_id, "cashier_id": ctx.actor.id, "device_id": ctx.device_id,
        "customer_id": draft.customer_id, "representative_id": draft.representative_id, "channel": ctx.channel,
        "business_date": draft.business_date.isoformat(),
        "sold_at": now if offline is None else to_text(draft.sold_at), "currency": ctx.kernel.currency,
        "line_count": len(lines), "gross_minor": priced.gross_minor, "discount_minor": priced.discount_minor,
        "net_minor": net, "tax_minor": tax, "total_minor": draft.total_minor,
        "rounding_minor": draft.rounding_minor, "payable_minor": draft.payable_minor,
        "paid_minor": draft.paid_minor, "change_minor": draft.change_minor,
        "discounts": [views.discount_view(d.kind, d.value, d.code) for d in draft.cart_discounts] or None,
        "note": command.note, "is_offline": offline is not None,
        "printed_number": offline.receipt_number if offline is not None else None,
        "printed_total_minor": offline.total_minor if offline is not None else None,
        "flag_count": flag_count, "voided_at": None,
    }  # fmt: skip


def _line_rows(command: CompleteSale, draft: SaleDraft) -> list[Row]:
    rows = []
    for position, (line, priced) in enumerate(zip(draft.lines, draft.priced.lines, strict=True), 1):
        net, tax, total = priced.net_minor, priced.tax_minor, priced.total_minor
        printed = line.asked.total_minor
        if printed is not None and printed != total:
            # as printed: the tax in the same proportion, because the printed line says nothing of it
            tax = tax * printed // total if total else 0
            net, total = printed - tax, printed
        rows.append(_line_row(command.id, position, line, priced, net, tax, total))
    return rows


def _line_row(sale_id: str, position: int, line: DraftLine, priced: Any, net: int, tax: int, total: int) -> Row:
    return {
        "sale_id": sale_id, "position": position, "product_id": line.product_id, "sku": line.sku, "name": line.name,
        "department_id": line.department_id, "quantity": line.quantity, "unit_price_minor": line.unit_price_minor,
        "price_per": line.price_per, "price_source": line.price_source, "gross_minor": priced.gross_minor,
        "discount_minor": priced.discount_minor, "cart_discount_minor": priced.cart_discount_minor,
        "net_minor": net, "tax_minor": tax, "total_minor": total, "cost_price_minor": line.cost_price_minor,
        "tax_group_id": line.tax_group_id,
        "taxes": [views.line_tax_view(t) for t in priced.taxes],
        "discounts": [views.discount_view(d.kind, d.value, d.code) for d in line.discounts] or None,
        "note": line.asked.note,
    }  # fmt: skip


def _tax_rows(sale_id: str, draft: SaleDraft) -> list[Row]:
    return [
        {
            "sale_id": sale_id, "position": position, "rate_id": total.tax.id, "code": total.tax.code,
            "rate_value": total.tax.rate, "base_minor": total.base_minor, "amount_minor": total.amount_minor,
            "is_deducted": total.deducted,
        }
        for position, total in enumerate(draft.priced.taxes, 1)
    ]  # fmt: skip


def _payment_rows(sale_id: str, draft: SaleDraft) -> list[Row]:
    return [
        {
            "sale_id": sale_id, "position": position, "tender_id": payment.tender_id,
            "tender_code": payment.code, "amount_minor": payment.tendered_minor - payment.change_minor,
            "tendered_minor": payment.tendered_minor, "change_minor": payment.change_minor,
            "reference": payment.reference,
        }
        for position, payment in enumerate(draft.payments, 1)
    ]  # fmt: skip


def _flag_rows(ctx: Context, sale_id: str, violations: list[Violation]) -> list[Row]:
    now = to_text(ctx.at)
    return [
        {
            "id": uuid7(), "version": 1, "created_at": now, "updated_at": now, "sale_id": sale_id,
            "code": violation.code.code, "path": violation.path, "message": violation.message(ctx.language),
            "rule": violation.rule, "reviewed_at": None, "reviewed_by": None, "review_note": None,
        }
        for violation in violations
    ]  # fmt: skip


@action("sale_flag:review", command=ReviewFlag, permission=("store:sales.review", "hq:sales.review"))
def review_flag(ctx: Context, command: ReviewFlag) -> dict[str, Any]:
    """Note that somebody has looked at a flag of an offline sale."""
    row = SaleFlag.get_or_none(SaleFlag.id == command.id)
    if row is None or not Sale.select().where(Sale.id == row.sale_id, *records.reach(ctx, Sale.store_id)).exists():
        raise NOT_FOUND("id", entity="flag", id=command.id)
    ctx.writing.was(reviewed_view(row))
    changes = {"reviewed_at": ctx.at, "reviewed_by": ctx.actor.id or None, "review_note": command.note}
    records.edit(ctx, row, changes, "flag", command.version)
    ctx.emit("sale_flag:reviewed", "sale_flag", row.id)
    return reviewed_view(row)
