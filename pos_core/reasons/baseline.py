"""The reasons a new business begins with: what shops count, in words that a till can show on buttons."""

from __future__ import annotations

from pos_core.context import Context
from pos_core.ids import uuid7

_STOCK = ("stock:*",)
_PRICES = ("sale:complete",)
_PEOPLE = ("user:*", "user_role:*", "session:*", "role:*", "credential:*", "mfa:*", "pin:*", "device:*", "key:*")
_MODULES = ("module:*",)
_RULES = ("business_rule:*",)
_DECISIONS = ("approval:reject", "approval:escalate")

#: Code, words in English and in Spanish, the actions, and whether it needs a note.
BASELINE = (
    ("physical_count", "Physical count", "Recuento físico", _STOCK, False),
    ("damage", "Damaged", "Dañado", (*_STOCK, *_PRICES), False),
    ("shrinkage", "Lost or stolen", "Pérdida o robo", _STOCK, False),
    ("opening", "Opening stock", "Existencias iniciales", _STOCK, False),
    ("price_match", "Price of a competitor", "Precio de la competencia", _PRICES, False),
    ("wrong_price", "Price is wrong on the shelf or in the system", "Precio erróneo en estante o sistema", _PRICES,
     False),
    ("goodwill", "Goodwill towards a customer", "Atención a un cliente", _PRICES, False),
    ("near_expiry", "Close to its best-before date", "Próximo a caducar", _PRICES, False),
    ("staff_discount", "Staff discount", "Descuento de personal", _PRICES, False),
    ("shift_end", "The cashier has left", "El cajero se ha ido", ("register_session:close",), False),
    ("drawer_check", "Check of the drawer", "Control del cajón", ("register_session:close",), False),
    ("left_company", "Left the company", "Dejó la empresa", _PEOPLE, False),
    ("forgotten", "Forgotten by the person", "Olvido de la persona", _PEOPLE, False),
    ("lost_or_stolen", "Lost or stolen machine, card or phone", "Equipo, tarjeta o teléfono perdido o robado",
     _PEOPLE, False),
    ("security_concern", "Suspicion of misuse", "Sospecha de uso indebido", (*_PEOPLE, *_MODULES), True),
    ("maintenance", "Maintenance or replacement", "Mantenimiento o sustitución",
     (*_PEOPLE, *_MODULES), False),
    ("not_in_use", "The business does not use it", "El negocio no lo usa", _MODULES, False),
    ("not_justified", "Not justified", "No justificado", _DECISIONS, False),
    ("above_my_limit", "Above what I decide", "Por encima de lo que decido", ("approval:escalate",), False),
    ("figures_wrong", "The figures are wrong", "Las cifras son erróneas", _DECISIONS, False),
    ("policy_changed", "The house rules have changed", "Han cambiado las normas de la casa", _RULES, False),
    ("rule_mistaken", "The rule stopped what is right, or let pass what is not",
     "La regla detuvo lo correcto o dejó pasar lo incorrecto", _RULES, False),
    ("other", "Another reason", "Otro motivo", ("*",), True),
)  # fmt: skip


def create_baseline(ctx: Context) -> None:
    """Make the reasons; who runs the business changes them as they please."""
    for code, english, spanish, applies, needs_note in BASELINE:
        ctx.perform("reason:create", {
            "id": uuid7(), "code": code, "text_en": english, "text_es": spanish, "applies": applies,
            "needs_note": needs_note,
        })  # fmt: skip
